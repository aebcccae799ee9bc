/** A trained run opened on a file, for the commands that read the model out. */
#ifndef RG_CLI_OPENED_H
#define RG_CLI_OPENED_H

#include "work.h"

/** What is open; all owned. annot holds the names and columns of FILE, to be written. */
typedef struct rg_opened {
  rg_plan plan;
  rg_file *file;
  rg_dataset dataset;
  rg_session *session;
  rg_annot annot;
} rg_opened;

/** Open RUN and FILE (the first two arguments of the call) for results that go to
 *  `output`. Zeroed by the caller, freed with rg_opened_fini on every way out.
 *  Collective. */
rg_status rg_opened_make(const rg_call *call, const char *output, rg_opened *opened);
/** Add obsm/X_<recipe> and X_<recipe>_<name>, the embeddings of the model; cells that were
 *  dropped or lack the modality are NaN. Collective. */
rg_status rg_opened_embeddings(rg_opened *opened);
/** Add the columns <recipe>_<name> (the most probable group of a cell) and
 *  <recipe>_<name>_probability, the groupings of the model; empty where a cell was dropped
 *  or has nothing that the model reads. Collective. */
rg_status rg_opened_groupings(rg_opened *opened);
/** Add the provenance, write annot and say where it is. Collective. */
rg_status rg_opened_write(const rg_call *call, const char *output, rg_opened *opened);
void rg_opened_fini(rg_opened *opened);
/** Number of a batch of the trained data by name; NULL: `otherwise`. Not collective.
 *  RG_EUSAGE. */
rg_status rg_opened_batch(const rg_opened *opened, const char *name, int otherwise,
                          int *code);
/** Predict as `read_out` says and write it as X. Collective. */
rg_status rg_opened_predict(const rg_call *call, const rg_read_out *read_out,
                            const char *output, rg_opened *opened);

#endif
