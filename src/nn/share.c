/* Alone: all lanes and all blocks are here, so every sum is a local tree. */
#include "regatta/nn.h"

#include <string.h>

static void sum_lanes(const rg_share *share, const double *x, int64_t width, double *out)
{
  rg_tree_sum_f64(x, share->lanes, width, width, out);
}

static void sum_blocks(const rg_share *share, const rg_blocks *blocks, const float *x,
                       int64_t width, float *out)
{
  (void)share;
  rg_tree_sum_f32(x, blocks->n, width, width, out);
}

static void sum_blocks_f64(const rg_share *share, const rg_blocks *blocks,
                           const double *x, int64_t width, double *out)
{
  (void)share;
  rg_tree_sum_f64(x, blocks->n, width, width, out);
}

static void gather_lanes(const rg_share *share, const float *x, int64_t d, float *out)
{
  memcpy(out, x, sizeof *x * (size_t)(share->lanes * share->lane_cells * d));
}

static void sum_slots(const rg_share *share, float *g, int64_t stride, int64_t n)
{
  (void)share, (void)g, (void)stride, (void)n; /* one slot holds the whole tree */
}

rg_share rg_share_alone(int lanes, int lane_cells)
{
  return (rg_share){.lanes = lanes,
                    .lane_cells = lane_cells,
                    .my_lanes = {0, lanes},
                    .sum_lanes = sum_lanes,
                    .sum_blocks = sum_blocks,
                    .sum_blocks_f64 = sum_blocks_f64,
                    .gather_lanes = gather_lanes,
                    .sum_slots = sum_slots};
}
