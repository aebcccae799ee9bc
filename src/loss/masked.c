/* Denominators and gradients over the cells that count. */
#include "masked.h"

#include <string.h>

double rg_cells_that_count(rg_run *run, rg_op *op, const rg_node *mask)
{
  if (!mask)
    return batch_cells(run);
  int64_t n = run->share->lane_cells;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    op->partial[lane] = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      op->partial[lane] += cell_counts(mask, i);
  }
  double sum = 0;
  run->share->sum_lanes(run->share, op->partial, 1, &sum);
  return sum > 0 ? sum : 1;
}

double rg_masked_denominator(rg_run *run, rg_op *op, const rg_node *mask,
                             const char *reduction, int width)
{
  if (strcmp(reduction, "sum") == 0)
    return 1;
  double cells = rg_cells_that_count(run, op, mask);
  return strcmp(reduction, "mean") == 0 ? cells * width : cells;
}

rg_status rg_need_rows(const rg_op *op, int values, int masks)
{
  if (op->n_in < values || op->n_in > values + masks)
    return rg_fail(RG_EUSAGE, "%s %s needs %d inputs and up to %d masks, got %d",
                   op->type->name, op->name, values, masks, op->n_in);
  for (int k = 0; k < op->n_in; k++)
    if (op->in[k]->sparse || op->in[k]->blocks ||
        op->in[k]->width != (k < values ? op->in[0]->width : 1))
      return rg_fail(RG_EUSAGE, "%s %s: input %d has a wrong shape", op->type->name,
                     op->name, k);
  return RG_OK;
}

void rg_whole_value(const rg_run *run, rg_op *op, double value)
{
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
    op->partial[lane] = run->share->my_lanes.low + lane == 0 ? value : 0;
}

typedef struct column_leaf {
  const float *slope;
  double scale;
  int64_t lane_cells, width;
} column_leaf;

static void columns_of_lane(void *self, int64_t lane, float *dw)
{
  const column_leaf *leaf = self;
  rg_sum_of_rows(leaf->slope + lane * leaf->lane_cells * leaf->width, leaf->lane_cells,
                 leaf->width, leaf->scale, dw);
}

void rg_column_gradient(rg_run *run, const rg_op *op, int k, const float *slope,
                        double scale)
{
  column_leaf leaf = {slope, scale, run->share->lane_cells, op->param[k]->cols};
  rg_gradient_over_lanes(run, op, k, columns_of_lane, &leaf);
}

void rg_add_slopes(float *d, double scale, const float *slope, int64_t n)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < (d ? n : 0); i++)
    d[i] += (float)scale * slope[i];
}
