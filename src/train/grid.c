/* Ranks as a grid of lane groups x feature groups, and the sums over either. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct rg_grid {
  rg_comm *comm, *lane_comm, *feature_comm;
  int lane_groups, feature_groups, lane_group, feature_group;
  rg_share share;
  bool rehearsed;     /* this process plays one rank of many */
  rg_messages traffic; /* of what the others would have taken part in */
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

/* ---- the sums of a rank that is played ---- */

/* Others would send as much as this rank: their parts are taken to be what is here. */

static void count(rg_grid *grid, rg_traffic cost)
{
  grid->traffic.rounds += (double)cost.rounds;
  grid->traffic.messages += (double)cost.messages;
  grid->traffic.bytes += (double)cost.sent;
}

static void count_lanes(const rg_share *share, int64_t width, int64_t size)
{
  rg_grid *grid = share->self;
  rg_sum_shape shape = {grid->lane_groups, grid->lane_group, share->lanes, share->my_lanes,
                        true};
  count(grid, rg_sum_cost(&shape, width, size));
}

static void count_blocks(const rg_share *share, const rg_blocks *blocks, int64_t width,
                         int64_t size)
{
  rg_grid *grid = share->self;
  rg_sum_shape shape = {grid->feature_groups, grid->feature_group, blocks->n, blocks->mine,
                        false};
  count(grid, rg_sum_cost(&shape, width, size));
}

static void play_sum_lanes(const rg_share *share, const double *x, int64_t width,
                           double *out)
{
  int64_t mine = rg_range_n(share->my_lanes);
  rg_tree_sum_f64(x, mine, width, width, out);
  for (int64_t j = 0; j < width; j++)
    out[j] *= (double)share->lanes / (double)mine;
  count_lanes(share, width, sizeof *x);
}

static void play_sum_blocks(const rg_share *share, const rg_blocks *blocks, const float *x,
                            int64_t width, float *out)
{
  rg_tree_sum_f32(x, rg_range_n(blocks->mine), width, width, out);
  count_blocks(share, blocks, width, sizeof *x);
}

static void play_sum_blocks_f64(const rg_share *share, const rg_blocks *blocks,
                                const double *x, int64_t width, double *out)
{
  rg_tree_sum_f64(x, rg_range_n(blocks->mine), width, width, out);
  count_blocks(share, blocks, width, sizeof *x);
}

static void play_gather_lanes(const rg_share *share, const float *x, int64_t d, float *out)
{
  rg_grid *grid = share->self;
  int64_t lane = share->lane_cells * d, mine = rg_range_n(share->my_lanes);
  for (int64_t k = 0; k < share->lanes; k++)
    memcpy(out + k * lane, x + k % mine * lane, sizeof *x * (size_t)lane);
  if (grid->lane_groups > 1)
    count(grid, rg_gather_cost(grid->lane_groups, mine * lane * (int64_t)sizeof *x));
}

static void play_sum_slots(const rg_share *share, float *g, int64_t stride, int64_t n)
{
  rg_grid *grid = share->self;
  rg_range slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(share->lanes, share->my_lanes, slots);
  float *partial = buffer_of(grid, sizeof *partial * (size_t)(n_slots * n + 1));
  for (int s = 0; s < n_slots; s++)
    memcpy(partial + s * n, g + s * stride, sizeof *g * (size_t)n);
  for (int s = 1; s < n_slots; s++)
    for (int64_t i = 0; i < n; i++)
      g[i] += partial[s * n + i];
  count_lanes(share, n, sizeof *g);
}

/* ---- shape ---- */

/* Lane groups of `size` ranks that may choose. Feature groups keep the weights of features
 * where they are, but all do the dense layers of their cells again; lane groups share the
 * cells, but sum all weights of their features. Measured, the two cost the same at
 * sqrt(size x batch / 512) lane groups (docs/performance/scaling.md). Groups are as even
 * as lanes, so a power of two, and there are no more feature groups than gain. */
static int lane_groups_of(int size, int lanes, int64_t batch)
{
  enum { BALANCED = 512 };
  int best = 1;
  for (int64_t a = 2; a <= lanes && size % a == 0; a *= 2)
    if (size / best > RG_FEATURE_GROUPS || a * a * BALANCED < 2 * size * batch)
      best = (int)a;
  return best;
}

static rg_status parse_shape(const char *shape, int size, int lanes, int64_t batch,
                             bool wide, int *lane_groups, int *feature_groups)
{
  bool chooses = strcmp(shape, "auto") == 0;
  int a = size, f = 1;
  if (chooses && wide)
    a = lane_groups_of(size, lanes, batch), f = size / a;
  else if (strcmp(shape, "features") == 0)
    a = 1, f = size;
  else if (!chooses && strcmp(shape, "lanes") != 0 &&
           sscanf(shape, "%dx%d", &a, &f) != 2)
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

/* The grid of `size` ranks as `rank` sees it. */
static rg_status lay_out(const char *shape, int size, int rank, int lanes, int lane_cells,
                         bool wide, rg_grid **out)
{
  int a = 1, f = 1;
  if (lanes < 1 || (lanes & (lanes - 1)))
    return rg_fail(RG_EUSAGE, "train.lanes is %d; it has to be a power of two", lanes);
  int64_t batch = (int64_t)lanes * lane_cells;
  rg_status status = parse_shape(shape, size, lanes, batch, wide, &a, &f);
  if (status != RG_OK)
    return status;
  rg_grid *grid = RG_NEW(rg_grid, 1);
  grid->lane_groups = a;
  grid->feature_groups = f;
  grid->lane_group = rank / f;
  grid->feature_group = rank % f;
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
  return RG_OK;
}

rg_status rg_grid_new(rg_comm *comm, const char *shape, int lanes, int lane_cells,
                      bool wide, rg_grid **grid)
{
  rg_status status = lay_out(shape, rg_size(comm), rg_rank(comm), lanes, lane_cells, wide,
                             grid);
  if (status != RG_OK)
    return status;
  (*grid)->comm = comm;
  (*grid)->lane_comm = rg_comm_split(comm, (*grid)->feature_group);
  (*grid)->feature_comm = rg_comm_split(comm, (*grid)->lane_group);
  return RG_OK;
}

rg_status rg_grid_play(rg_comm *alone, const char *shape, int ranks, int lanes,
                       int lane_cells, bool wide, rg_grid **grid)
{
  RG_ASSERT(rg_size(alone) == 1);
  rg_status status = lay_out(shape, ranks, 0, lanes, lane_cells, wide, grid);
  if (status != RG_OK)
    return status;
  (*grid)->comm = alone;
  (*grid)->lane_comm = rg_comm_split(alone, 0);
  (*grid)->feature_comm = rg_comm_split(alone, 0);
  (*grid)->rehearsed = true;
  (*grid)->share.sum_lanes = play_sum_lanes;
  (*grid)->share.sum_blocks = play_sum_blocks;
  (*grid)->share.sum_blocks_f64 = play_sum_blocks_f64;
  (*grid)->share.gather_lanes = play_gather_lanes;
  (*grid)->share.sum_slots = play_sum_slots;
  return RG_OK;
}

void rg_grid_play_group(rg_grid *grid, int feature_group)
{
  RG_ASSERT(grid->rehearsed && feature_group < grid->feature_groups);
  grid->feature_group = feature_group;
}

bool rg_grid_is_played(const rg_grid *grid)
{
  return grid->rehearsed;
}

rg_messages rg_grid_messages(const rg_grid *grid)
{
  return grid->traffic;
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
