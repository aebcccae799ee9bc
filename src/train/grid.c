/* Ranks as a grid of lane groups x feature groups, and the sums over either. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct rg_grid {
  rg_comm *comm, *lane_comm, *feature_comm;
  int lane_groups, feature_groups, lane_group, feature_group;
  rg_share share;
  char *buffer; /* grows */
  size_t buffer_size;
};

static void *buffer_of(rg_grid *grid, size_t bytes)
{
  if (bytes > grid->buffer_size) {
    rg_free(grid->buffer);
    grid->buffer = rg_alloc(1, bytes);
    grid->buffer_size = bytes;
  }
  return grid->buffer;
}

/* ---- sums ---- */

static void sum_lanes(const rg_share *share, const double *x, int64_t width, double *out)
{
  rg_grid *grid = share->self;
  rg_range slots[RG_TREE_SLOTS];
  int n = rg_tree_cover(share->lanes, share->my_lanes, slots);
  double *partial = buffer_of(grid, sizeof *partial * (size_t)(n * width + 1));
  for (int s = 0; s < n; s++)
    rg_tree_sum_f64(x + (slots[s].low - share->my_lanes.low) * width, rg_range_n(slots[s]),
                    width, width, partial + s * width);
  rg_part_reduce_f64(grid->lane_comm, share->lanes, partial, width, out);
}

static void sum_blocks(const rg_share *share, const rg_blocks *blocks, const float *x,
                       int64_t width, float *out)
{
  rg_grid *grid = share->self;
  rg_range slots[RG_TREE_SLOTS];
  int n = rg_tree_cover(blocks->n, blocks->mine, slots);
  float *partial = buffer_of(grid, sizeof *partial * (size_t)(n * width + 1));
  for (int s = 0; s < n; s++)
    rg_tree_sum_f32(x + (slots[s].low - blocks->mine.low) * width, rg_range_n(slots[s]),
                    width, width, partial + s * width);
  rg_tree_reduce_f32(grid->feature_comm, blocks->n, blocks->mine, partial, width, out);
}

static void sum_blocks_f64(const rg_share *share, const rg_blocks *blocks, const double *x,
                           int64_t width, double *out)
{
  rg_grid *grid = share->self;
  rg_range slots[RG_TREE_SLOTS];
  int n = rg_tree_cover(blocks->n, blocks->mine, slots);
  double *partial = buffer_of(grid, sizeof *partial * (size_t)(n * width + 1));
  for (int s = 0; s < n; s++)
    rg_tree_sum_f64(x + (slots[s].low - blocks->mine.low) * width, rg_range_n(slots[s]),
                    width, width, partial + s * width);
  rg_tree_reduce_f64(grid->feature_comm, blocks->n, blocks->mine, partial, width, out);
}

static void gather_lanes(const rg_share *share, const float *x, int64_t d, float *out)
{
  rg_grid *grid = share->self;
  int64_t bytes = rg_range_n(share->my_lanes) * share->lane_cells * d * (int64_t)sizeof *x;
  if (rg_size(grid->lane_comm) == 1) {
    memcpy(out, x, (size_t)bytes);
    return;
  }
  int64_t total;
  float *all = rg_gather_all(grid->lane_comm, x, bytes, NULL, &total);
  memcpy(out, all, (size_t)total);
  rg_free(all);
}

static void sum_slots(const rg_share *share, float *g, int64_t stride, int64_t n)
{
  rg_grid *grid = share->self;
  rg_range slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(share->lanes, share->my_lanes, slots);
  if (rg_size(grid->lane_comm) == 1 && n_slots == 1)
    return;
  float *partial = buffer_of(grid, sizeof *partial * (size_t)(n_slots * n + 1));
  for (int s = 0; s < n_slots; s++)
    memcpy(partial + s * n, g + s * stride, sizeof *g * (size_t)n);
  rg_part_reduce_f32(grid->lane_comm, share->lanes, partial, n, g);
}

/* ---- shape ---- */

static rg_status parse_shape(const char *shape, int size, int lanes, bool wide,
                             int *lane_groups, int *feature_groups)
{
  if (strcmp(shape, "auto") == 0)
    shape = wide ? "features" : "lanes";
  int a = size, f = 1;
  if (strcmp(shape, "features") == 0)
    a = 1, f = size;
  else if (strcmp(shape, "lanes") != 0 && sscanf(shape, "%dx%d", &a, &f) != 2)
    return rg_fail(RG_EUSAGE, "train.grid is %s; say auto, lanes, features or AxF", shape);
  if (a < 1 || f < 1 || a * f != size)
    return rg_fail(RG_EUSAGE, "train.grid %s does not make %d ranks", shape, size);
  if (a > lanes)
    return rg_fail(RG_EUSAGE, "%d lane groups but %d lanes; raise train.lanes or choose "
                              "train.grid=features", a, lanes);
  *lane_groups = a;
  *feature_groups = f;
  return RG_OK;
}

rg_status rg_grid_new(rg_comm *comm, const char *shape, int lanes, int lane_cells,
                      bool wide, rg_grid **out)
{
  rg_status status = RG_OK;
  int a = 1, f = 1;
  if (lanes < 1 || (lanes & (lanes - 1)))
    return rg_fail(RG_EUSAGE, "train.lanes is %d; it has to be a power of two", lanes);
  RG_TRY(parse_shape(shape, rg_size(comm), lanes, wide, &a, &f));
  rg_grid *grid = RG_NEW(rg_grid, 1);
  grid->comm = comm;
  grid->lane_groups = a;
  grid->feature_groups = f;
  grid->lane_group = rg_rank(comm) / f;
  grid->feature_group = rg_rank(comm) % f;
  grid->lane_comm = rg_comm_split(comm, grid->feature_group);
  grid->feature_comm = rg_comm_split(comm, grid->lane_group);
  grid->share = (rg_share){.lanes = lanes,
                           .lane_cells = lane_cells,
                           .my_lanes = rg_part(lanes, grid->lane_group, a),
                           .self = grid,
                           .sum_lanes = sum_lanes,
                           .sum_blocks = sum_blocks,
                           .sum_blocks_f64 = sum_blocks_f64,
                           .gather_lanes = gather_lanes,
                           .sum_slots = sum_slots};
  *out = grid;
out:
  return status;
}

void rg_grid_free(rg_grid *grid)
{
  if (!grid)
    return;
  rg_comm_free(grid->lane_comm);
  rg_comm_free(grid->feature_comm);
  rg_free(grid->buffer);
  rg_free(grid);
}

const rg_share *rg_grid_share(const rg_grid *grid)
{
  return &grid->share;
}

rg_comm *rg_grid_comm(const rg_grid *grid)
{
  return grid->comm;
}

rg_comm *rg_grid_lane_comm(const rg_grid *grid)
{
  return grid->lane_comm;
}

int rg_grid_lane_groups(const rg_grid *grid)
{
  return grid->lane_groups;
}

int rg_grid_feature_groups(const rg_grid *grid)
{
  return grid->feature_groups;
}

int rg_grid_lane_group(const rg_grid *grid)
{
  return grid->lane_group;
}

int rg_grid_feature_group(const rg_grid *grid)
{
  return grid->feature_group;
}

void rg_grid_sum_features(rg_grid *grid, double *x, int64_t n)
{
  rg_sum_f64(grid->feature_comm, x, n);
}

/* Cut after the block whose end is nearest to an equal share of the features. */
static int64_t cut_at(const int64_t *offset, int n, int group, int groups)
{
  int64_t target = offset[n] / groups * group, best = 0;
  for (int64_t b = 1; b <= n; b++)
    if (llabs(offset[b] - target) < llabs(offset[best] - target))
      best = b;
  return group == 0 ? 0 : group == groups ? n : best;
}

rg_range rg_grid_blocks(const int64_t *offset, int n, int group, int groups)
{
  return (rg_range){cut_at(offset, n, group, groups), cut_at(offset, n, group + 1, groups)};
}
