/** The cells that evaluate scores, dealt out evenly again. */
#ifndef RG_CLI_SCORED_H
#define RG_CLI_SCORED_H

#include "regatta/eval.h"

enum { RG_SCORED_REPS = 12, RG_SCORED_SCORES = 64 };

/** A representation of the cells and its scores. */
typedef struct rg_scored_rep {
  const char *name;
  int second;  /* the representation that cross-modality scores compare it with, or -1 */
  bool hidden; /* there only as a second */
  rg_mat mat;
  int n;
  rg_score score[RG_SCORED_SCORES];
} rg_scored_rep;

/** Rows are this rank's part of the scored cells. Owned. */
typedef struct rg_scored_cells {
  int64_t rows, total;
  int32_t *label, *batch, *cluster; /* -1: none */
  double *depth;                    /* log(1 + counts), NaN: unknown */
  int n_labels, n_batches, n_clusters, n_reps;
  rg_scored_rep reps[RG_SCORED_REPS];
} rg_scored_cells;

/** What the file says of its cells; columns without a name are absent. Borrowed. */
typedef struct rg_scored_source {
  rg_range rows;
  const rg_column *labels, *batch, *clusters, *depth;
  const char *drop; /* labels to leave out, separated by commas */
  uint64_t seed;
} rg_scored_source;

/** Deal the cells that have a label (where there are labels) and a finite row in from[0]
 *  out evenly, with the n_reps representations from[0..n_reps) carried along. They are put
 *  in a keyed order, so that where neighbours tie (zeros!) the order of the file says
 *  nothing. Collective. */
void rg_scored_deal(rg_comm *comm, const rg_scored_source *source,
                    const rg_mat *const *from, rg_scored_cells *out);
/** Not collective. */
void rg_scored_free(rg_scored_cells *cells);

#endif
