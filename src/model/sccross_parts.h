/** Settings and covariates of scCross. For src/model only. */
#ifndef REGATTA_MODEL_SCCROSS_PARTS_H
#define REGATTA_MODEL_SCCROSS_PARTS_H

#include "regatta/model.h"

enum { RG_SCCROSS_MODALITIES = 3 };

typedef struct sccross_settings {
  char *compat, *counts, *atac, *prior;
  int64_t latent, hidden, axes, smooth, pretrain, epochs, patience;
  double rate, kl, z_kl, first_match, match, adversary, burn_in;
} sccross_settings;

/** What belongs to one modality. */
typedef struct rg_sccross_side {
  const char *name;
  const struct rg_fact_modality *facts;
  bool wide;              /* Bernoulli of peaks */
  bool extra_zeros;
  rg_node *has, *is;
  rg_node *library, *level, *relative, *mean_library;
  rg_node *sparse, *target;
  rg_node *mean, *sigma, *u;  /* posterior in its own space */
  rg_node *zmean, *zsigma, *z; /* in the common space */
  rg_node *prior, *anchored;
  rg_op *nll_u, *nll_z, *kl, *z_kl, *seen, *fooled;
} rg_sccross_side;

/** The model while it is composed. */
typedef struct rg_sccross {
  rg_graph *graph;
  const rg_facts *facts;
  const sccross_settings *s;
  rg_model *model;
  rg_node *batch; /* NULL: one batch */
  int n;
  rg_sccross_side side[RG_SCCROSS_MODALITIES];
  uint64_t main, discriminator; /* groups of parameters, as bits */
} rg_sccross;

/** True when the modality has counts. */
bool rg_sccross_counts(const rg_sccross_side *side);
/** Likelihood of a modality decoded from u, a latent of its own space. Decoders of one
 *  modality share their parameters; `use` names the use. */
rg_op *rg_sccross_decode(rg_sccross *c, const rg_sccross_side *side, const char *use,
                         rg_node *u, rg_node *library, rg_node *level);
/** A row of numbers, one a feature, for the batch of a cell; shared as above. */
rg_node *rg_sccross_table(rg_sccross *c, const rg_sccross_side *side, const char *what,
                          const char *use);

/** For every modality M, one column each:
 *    library:M   counts of the cell; where M was not measured, what relative:* of the
 *                others make of the mean
 *    relative:M  its counts over the mean of the training cells, 1 where not measured
 *    mean:M      that mean
 *    level:M     log relative:M, of its library as above
 *  Values that are no counts have 1, 1, 1 and 0. Collective. */
rg_status rg_sccross_covariates(rg_comm *comm, const rg_dataset *dataset,
                                const void *settings, bool fit, rg_constants *constants,
                                rg_covariates *covariates);

#endif
