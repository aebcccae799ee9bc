/* What several operations do alike. */
#include "op_internal.h"

#include <string.h>

typedef struct bias_leaf {
  const rg_run *run;
  const rg_node *y;
} bias_leaf;

/* columns of one piece of work */
#define PIECE 128

void rg_sum_of_rows(const float *x, int64_t n, int64_t width, double scale, float *out)
{
#pragma omp parallel for schedule(static) if (n * width > 65536)
  for (int64_t low = 0; low < width; low += PIECE) {
    int64_t here = width - low < PIECE ? width - low : PIECE;
    double sum[PIECE] = {0};
    for (int64_t i = 0; i < n; i++)
      for (int64_t j = 0; j < here; j++)
        sum[j] += (double)x[i * width + low + j];
    for (int64_t j = 0; j < here; j++)
      out[low + j] = (float)(scale * sum[j]);
  }
}

static void bias_of_lane(void *self, int64_t lane, float *db)
{
  const bias_leaf *leaf = self;
  const rg_node *y = leaf->y;
  for (int part = 0; part < y->parts; part++)
    rg_sum_of_rows(lane_d(leaf->run, y, part, lane), leaf->run->share->lane_cells, y->width,
                   1, db + part * y->width);
}

void rg_bias_gradient(rg_run *run, const rg_op *op, int k)
{
  bias_leaf leaf = {run, op->out};
  rg_gradient_over_lanes(run, op, k, bias_of_lane, &leaf);
}

rg_init rg_init_named(const char *name)
{
  return strcmp(name, "xavier") == 0    ? RG_INIT_XAVIER
         : strcmp(name, "kaiming") == 0 ? RG_INIT_KAIMING
         : strcmp(name, "zero") == 0    ? RG_INIT_ZERO
                                        : RG_INIT_TORCH;
}
