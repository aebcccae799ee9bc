/* Targets of likelihoods: dense rows, or the counts of a sparse modality. */
#include "masked.h"

rg_status rg_need_target(const rg_op *op, int k, int width)
{
  const rg_node *in = op->in[k];
  const rg_blocks *blocks = in->blocks;
  if (in->sparse && rg_range_n(blocks->mine) != blocks->n)
    return rg_fail(RG_EUSAGE,
                   "%s %s needs all features of %s on every rank; choose train.grid=lanes",
                   op->type->name, op->name, blocks->name);
  int64_t features = in->sparse ? blocks->offset[blocks->n] - blocks->offset[0]
                                : in->width;
  if (features != width || (!in->sparse && blocks))
    return rg_fail(RG_EUSAGE, "%s %s: the target has %lld columns and not %d",
                   op->type->name, op->name, (long long)features, width);
  return RG_OK;
}

rg_status rg_need_likelihood(const rg_op *op, int columns)
{
  if (op->n_in < 2 || op->n_in > 2 + columns)
    return rg_fail(RG_EUSAGE, "%s %s needs 2 to %d inputs, got %d", op->type->name,
                   op->name, 2 + columns, op->n_in);
  for (int k = 0; k < op->n_in; k++)
    if (k != 1 && (op->in[k]->sparse || op->in[k]->blocks ||
                   op->in[k]->width != (k ? 1 : op->in[0]->width)))
      return rg_fail(RG_EUSAGE, "%s %s: input %d has a wrong shape", op->type->name,
                     op->name, k);
  return rg_need_target(op, 1, op->in[0]->width);
}

const float *rg_target_row(const rg_run *run, const rg_node *target, int64_t cell,
                           float *room)
{
  if (!target->sparse)
    return target->x + cell * target->width;
  const rg_csr *rows = &run->sparse[target->slot].rows;
  for (int64_t e = rows->indptr[cell]; e < rows->indptr[cell + 1]; e++)
    room[rows->indices[e]] = rows->values ? rows->values[e] : 1;
  return room;
}

const float *rg_target_ones(const rg_run *run, const rg_node *target, int64_t cell,
                            float *room)
{
  if (!target->sparse)
    return target->x + cell * target->width;
  const rg_csr *rows = &run->sparse[target->slot].rows;
  for (int64_t e = rows->indptr[cell]; e < rows->indptr[cell + 1]; e++)
    room[rows->indices[e]] = 1;
  return room;
}

void rg_target_clear(const rg_run *run, const rg_node *target, int64_t cell, float *room)
{
  if (!target->sparse)
    return;
  const rg_csr *rows = &run->sparse[target->slot].rows;
  for (int64_t e = rows->indptr[cell]; e < rows->indptr[cell + 1]; e++)
    room[rows->indices[e]] = 0;
}
