/** Parameters of which every batch has a row, and the shares of the rows in a cell. */
#ifndef REGATTA_NN_BY_BATCH_H
#define REGATTA_NN_BY_BATCH_H

#include "op_internal.h"

/** Rows of the tables: the columns of the one-hot batch, or 1 without it. */
static inline int64_t batches_of(const rg_node *batch)
{
  return batch ? batch->width : 1;
}

/** share[cell][batch]: the row of the one-hot batch; where all of it is 0 (a batch that
 *  is not known) all alike; 1 without it. */
void rg_batch_shares(const rg_run *run, const rg_node *batch, float *share);
/** Gradient of op->param[k], a table of batches x width: the sum over cells of share *
 *  gradient of the output (* times, rows as wide), and then * factor[batch][width].
 *  times and factor may be NULL. */
void rg_table_gradient(rg_run *run, const rg_op *op, int k, const float *share,
                       const float *times, const float *factor);

#endif
