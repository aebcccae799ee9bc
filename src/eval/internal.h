/** What metrics share, for src/eval only. */
#ifndef REGATTA_EVAL_INTERNAL_H
#define REGATTA_EVAL_INTERNAL_H

#include "regatta/eval.h"

/** Append a score. */
void rg_score_add(rg_score *scores, int *n, const char *name, double value);
/** A keyed sample of at most `most` cells, the same on any number of ranks, gathered on
 *  every rank: embedding rows, labels and batches (-1 where there are none). Owned.
 *  Collective. */
typedef struct rg_sample {
  int64_t n;
  int64_t cols;
  float *x;
  int32_t *label, *batch;
  double *depth;
} rg_sample;
rg_sample rg_sample_cells(rg_comm *comm, const rg_scored *scored, int64_t most);
void rg_sample_fini(rg_sample *sample);

#endif
