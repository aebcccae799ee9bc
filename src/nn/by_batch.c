/* Tables with a row for every batch. */
#include "by_batch.h"

/* columns of one piece of work */
#define PIECE 128

void rg_batch_shares(const rg_run *run, const rg_node *batch, float *share)
{
  int64_t n = batches_of(batch);
  for (int64_t i = 0; i < cells_of(run); i++) {
    bool known = false;
    for (int64_t b = 0; batch && b < n; b++)
      known = known || batch->x[i * n + b] != 0;
    for (int64_t b = 0; b < n; b++)
      share[i * n + b] = known ? batch->x[i * n + b] : 1 / (float)n;
  }
}

typedef struct table_leaf {
  const rg_run *run;
  const rg_op *op;
  int64_t batches;
  const float *share, *times, *factor;
} table_leaf;

/* Columns [low, low + n) of row b. */
static void piece_of_row(const table_leaf *leaf, int64_t lane, int64_t b, int64_t low,
                         int64_t n, float *dw)
{
  int64_t width = leaf->op->out->width, cells = leaf->run->share->lane_cells;
  double sum[PIECE] = {0};
  for (int64_t i = lane * cells; i < (lane + 1) * cells; i++) {
    float share = leaf->share[i * leaf->batches + b];
    const float *dy = leaf->op->out->d + i * width + low;
    const float *x = leaf->times ? leaf->times + i * width + low : NULL;
    for (int64_t j = 0; share != 0 && j < n; j++)
      sum[j] += (double)share * (double)dy[j] * (x ? (double)x[j] : 1);
  }
  const float *factor = leaf->factor ? leaf->factor + b * width + low : NULL;
  for (int64_t j = 0; j < n; j++)
    dw[b * width + low + j] = (float)(sum[j] * (factor ? (double)factor[j] : 1));
}

static void table_of_lane(void *self, int64_t lane, float *dw)
{
  const table_leaf *leaf = self;
  int64_t width = leaf->op->out->width;
#pragma omp parallel for schedule(static) if (width > PIECE)
  for (int64_t low = 0; low < width; low += PIECE)
    for (int64_t b = 0; b < leaf->batches; b++)
      piece_of_row(leaf, lane, b, low, width - low < PIECE ? width - low : PIECE, dw);
}

void rg_table_gradient(rg_run *run, const rg_op *op, int k, const float *share,
                       const float *times, const float *factor)
{
  table_leaf leaf = {run, op, op->param[k]->rows, share, times, factor};
  rg_gradient_over_lanes(run, op, k, table_of_lane, &leaf);
}
