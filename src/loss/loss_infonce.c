/* Contrast: the two rows of a cell find one another among those of the batch. */
#include "masked.h"

#include <math.h>
#include <string.h>

typedef struct infonce_options {
  double temperature;
  bool learned;
} infonce_options;

static const rg_field fields[] = {
    {"temperature", RG_DOUBLE, offsetof(infonce_options, temperature), "0.1", 0.01, 100,
     NULL, NULL, "divides the products; where it starts when it is learned"},
    {"learned", RG_BOOL, offsetof(infonce_options, learned), "false", 0, 0, NULL, NULL,
     "learn log(1 / temperature), at most log 100"},
    {0}};

static const double steepest = 4.6051701859880914; /* log 100 */

typedef struct infonce_state {
  float *all[2];      /* rows of the batch */
  float *mask, *all_mask;
  float *product[2];  /* [cell][batch]: rows of this rank with all of the other side */
  float *level[2], *all_level[2]; /* log sum exp of each row */
  float *gradient[2];
  float *by_slope;    /* [cell]: derivative by log(1 / temperature) */
} infonce_state;

/* in: two unit rows a cell; a mask of the cells that have both, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const infonce_options *o = op->options;
  RG_TRY(rg_need_rows(op, 2, 1));
  if (o->learned)
    rg_op_param(graph, op, "log_slope", NULL, 1, 1, RG_INIT_CONSTANT, 1, 1)->init_value =
        -log(o->temperature);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  infonce_state *state = op->state;
  const rg_share *share = rg_graph_share(graph);
  int64_t cells = rg_graph_cells(graph), batch = (int64_t)share->lanes * share->lane_cells;
  for (int k = 0; k < 2; k++) {
    state->all[k] = rg_graph_scratch(graph, batch * op->in[k]->width);
    state->product[k] = rg_graph_scratch(graph, cells * batch);
    state->level[k] = rg_graph_scratch(graph, cells);
    state->all_level[k] = rg_graph_scratch(graph, batch);
    state->gradient[k] = rg_graph_scratch(graph, cells * op->in[k]->width);
  }
  state->mask = rg_graph_scratch(graph, cells);
  state->all_mask = rg_graph_scratch(graph, batch);
  state->by_slope = rg_graph_scratch(graph, cells);
}

static double log_slope(const rg_run *run, const rg_op *op)
{
  const infonce_options *o = op->options;
  return o->learned ? (double)rg_param_value(run->graph, op->param[0])[0]
                    : -log(o->temperature);
}

static void gather(rg_run *run, rg_op *op)
{
  const infonce_state *state = op->state;
  for (int64_t i = 0; i < cells_of(run); i++)
    state->mask[i] = cell_counts(mask_at(op, 2), i);
  run->share->gather_lanes(run->share, state->mask, 1, state->all_mask);
  for (int k = 0; k < 2; k++)
    run->share->gather_lanes(run->share, op->in[k]->x, op->in[k]->width, state->all[k]);
}

/* Products of a lane's rows of side a with the batch of the other, over the temperature,
 * and the log of the sum of their exponentials. */
static void levels_of_lane(rg_run *run, rg_op *op, int a, int64_t lane, float slope)
{
  const infonce_state *state = op->state;
  int64_t n = run->share->lane_cells, batch = (int64_t)batch_cells(run);
  int d = op->in[0]->width;
  float *s = state->product[a] + lane * n * batch;
  rg_gemm(false, true, n, batch, d, slope, lane_x(run, op->in[a], 0, lane), d,
          state->all[1 - a], d, 0, s, batch);
  for (int64_t i = 0; i < n; i++, s += batch) {
    double top = -INFINITY, sum = 0;
    for (int64_t j = 0; j < batch; j++)
      top = state->all_mask[j] > 0 ? fmax(top, (double)s[j]) : top;
    for (int64_t j = 0; j < batch; j++)
      sum += state->all_mask[j] > 0 ? exp((double)s[j] - top) : 0;
    state->level[a][lane * n + i] = sum > 0 ? (float)(top + log(sum)) : 0;
  }
}

/* Sum over a lane's rows of level - own product; their gradients, in which the rows of
 * other ranks come back through their levels: with P_ij = exp(S_ij - level_i),
 * d a_i = sum_j ((P_ij + P'_ji) / 2 - 1(i = j)) b_j / temperature. */
static double pairs_of_lane(rg_run *run, rg_op *op, int a, int64_t lane, float slope)
{
  const infonce_state *state = op->state;
  int64_t n = run->share->lane_cells, batch = (int64_t)batch_cells(run);
  int64_t first = (run->share->my_lanes.low + lane) * n;
  int d = op->in[0]->width;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    float *s = state->product[a] + (lane * n + i) * batch, own = s[first + i];
    double level = (double)state->level[a][lane * n + i], by_slope = 0;
    bool counts = state->mask[lane * n + i] > 0;
    sum += counts ? level - (double)own : 0;
    for (int64_t j = 0; j < batch; j++) {
      bool pair = counts && state->all_mask[j] > 0;
      double mine = pair ? exp((double)s[j] - level) : 0;
      double theirs = pair ? exp((double)s[j] - (double)state->all_level[1 - a][j]) : 0;
      by_slope += mine * (double)s[j];
      s[j] = (float)(0.5 * (mine + theirs) - (pair && j == first + i ? 1 : 0));
    }
    if (counts)
      state->by_slope[lane * n + i] += (float)(0.5 * (by_slope - (double)own));
  }
  rg_gemm(false, false, n, d, batch, slope, state->product[a] + lane * n * batch, batch,
          state->all[1 - a], d, 0, state->gradient[a] + lane * n * d, d);
  return 0.5 * sum;
}

static void forward(rg_run *run, rg_op *op)
{
  const infonce_state *state = op->state;
  int64_t lanes = rg_run_lanes(run);
  float slope = (float)exp(fmin(log_slope(run, op), steepest));
  op->denominator = rg_cells_that_count(run, op, mask_at(op, 2));
  gather(run, op);
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < lanes; lane++)
    for (int a = 0; a < 2; a++)
      levels_of_lane(run, op, a, lane, slope);
  for (int a = 0; a < 2; a++)
    run->share->gather_lanes(run->share, state->level[a], 1, state->all_level[a]);
  memset(state->by_slope, 0, sizeof(float) * (size_t)cells_of(run));
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < lanes; lane++)
    op->partial[lane] = pairs_of_lane(run, op, 0, lane, slope) +
                        pairs_of_lane(run, op, 1, lane, slope);
}

static void backward(rg_run *run, rg_op *op)
{
  const infonce_state *state = op->state;
  double scale = op->scale / op->denominator;
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; op->in[k]->d && i < node_floats(run, op->in[k]); i++)
      op->in[k]->d[i] += (float)scale * state->gradient[k][i];
  if (op->n_param)
    rg_column_gradient(run, op, 0, state->by_slope,
                       log_slope(run, op) < steepest ? scale : 0);
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"temperature=0.5", "temperature=0.7 learned=true"};
  if (variant > 1)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 4), *b = rg_input_free(graph, "b", NULL, 4);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  a = rg_apply(graph, "unit", "unit_a", NULL, a, NULL);
  b = rg_apply(graph, "unit", "unit_b", NULL, b, NULL);
  rg_loss(graph, "infonce", "loss", options[variant], a, b, mask, NULL);
  return true;
}

const rg_op_type rg_loss_infonce = {
    .name = "infonce",
    .cite = "van den Oord, Li, Vinyals 2018; symmetric as in CLIP: Radford et al. 2021",
    .help = "cross entropy of finding a cell's other row in the batch, in both directions",
    .options = fields,
    .options_size = sizeof(infonce_options),
    .state_size = sizeof(infonce_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32 products"};
