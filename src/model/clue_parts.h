/** The network of CLUE: encoders of every modality into every subspace, decoders out of
 *  their own subspace, library sizes, the critic. For src/model only. */
#ifndef REGATTA_MODEL_CLUE_PARTS_H
#define REGATTA_MODEL_CLUE_PARTS_H

#include "mlp.h"

#define RG_CLUE_MOST 3 /* modalities */

/** What shapes the network; weights and rates are the recipe's. */
typedef struct rg_clue_shape {
  bool exact;             /* as the released program */
  bool projected;         /* encoders read a projection, else log1p of all features */
  bool unit;              /* latents have unit length */
  bool merged;            /* one subspace for all modalities, for comparison */
  int64_t axes, latent;   /* of a projection; of a subspace */
  int encoder_depth, decoder_depth, critic_depth;
  int64_t encoder_width, decoder_width, critic_width;
  double dropout;
  double fade;   /* epochs until the critic's input has no more noise */
  bool reversal; /* what trains the critic reaches the encoders with its sign changed */
} rg_clue_shape;

typedef enum rg_clue_kind { RG_CLUE_COUNTS, RG_CLUE_PEAKS, RG_CLUE_REAL } rg_clue_kind;

/** One modality on the tape. */
typedef struct rg_clue_modality {
  const char *name;
  rg_clue_kind kind;
  int64_t features;
  rg_node *counts;             /* sparse */
  rg_node *target;             /* of the likelihood */
  rg_node *has;                /* mask of the cells measured */
  rg_node *read;               /* what the encoders read */
  rg_node *mean, *deviation;   /* of the posterior, all subspaces side by side */
  rg_node *u, *direction;      /* drawn, at unit length if asked; the mean's direction */
  rg_node *library;            /* predicted size of every modality's counts */
  rg_node *spread;             /* log inverse dispersion or log deviation, per cell */
} rg_clue_modality;

typedef struct rg_clue {
  rg_graph *graph;
  const rg_facts *facts;
  rg_model *model;
  rg_clue_shape shape;
  int n;
  rg_clue_modality m[RG_CLUE_MOST];
  rg_node *batch;   /* one-hot, NULL without batches */
  rg_node *u;       /* mean of the drawn latents of the modalities measured */
  rg_node *mean;    /* the same of the posterior means' directions */
  rg_node *library; /* mean of the predictions of the modalities measured */
} rg_clue;

/** Everything up to the latents. RG_EUSAGE. */
rg_status rg_clue_encode(rg_clue *clue);
/** Likelihood of modality k read out of its subspace of the latent u; `library` has one
 *  column a modality; over the cells of `mask`. Decoders of a modality share parameters.
 */
rg_op *rg_clue_decode(rg_clue *clue, const char *name, int k, rg_node *u,
                      rg_node *library, rg_node *mask);
/** Cross entropy of telling modality k from the posterior mean. */
rg_op *rg_clue_criticise(rg_clue *clue, int k);
/** Covariates "expected:M": for a cell with M, how large the counts of every modality are
 *  to be expected, by its own and the mean sizes; 1 for what is no counts. Collective. */
rg_status rg_clue_covariates(rg_comm *comm, const rg_dataset *dataset, bool fit,
                             rg_constants *constants, rg_covariates *covariates);

#endif
