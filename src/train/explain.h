/** What the two halves of rg_explain share. For src/train only. */
#ifndef REGATTA_TRAIN_EXPLAIN_H
#define REGATTA_TRAIN_EXPLAIN_H

#include "internal.h"

/** One input that is taken apart. */
typedef struct rg_explain_part {
  const struct rg_explained_input *input;
  const rg_param *weight;
  bool by_feature;  /* weights have a row per feature (sparse), else one per unit */
  int64_t features;
  int units;
  float *x, *first; /* of the whole sample */
  float *has;
  float *phi;       /* [cell here][feature] */
  float *slope;     /* [cell here][feature]: gradient, of dense inputs */
} rg_explain_part;

/** What is explained, and the sample that it is explained on. */
typedef struct rg_explain_work {
  rg_session *session;
  rg_explanation *out;
  rg_run run;
  rg_batch batch;
  rg_node *target;
  int64_t n, here, low; /* cells of the sample, of this rank, before those */
  int n_parts;
  rg_explain_part part[RG_MODALITIES];
  int64_t *column;      /* of each target */
  float *value;         /* of the target: [cell of the sample][column] */
  float *base;          /* at the background: [draw][cell here][target] */
  float *seed;          /* d of the target */
} rg_explain_work;

/** Find the target and the inputs, look at the sample, choose the columns: everything but
 *  base and seed. Collective. RG_EUSAGE. */
rg_status rg_explain_prepare(rg_explain_work *work, const rg_explain_options *options);

#endif
