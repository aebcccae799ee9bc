/* Entropy of the marginal of soft assignments: sum of p log p, which is least when all
 * groups are used alike. */
#include "masked.h"

#include <math.h>

#define SMALLEST 1e-8

typedef struct entropy_state {
  double *per_lane, *mean; /* [lane][group]; [group] */
  double cells;
} entropy_state;

/* in[0]: assignments, rows that sum to 1; in[1]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 1, 1);
}

static void plan(rg_graph *graph, rg_op *op)
{
  entropy_state *state = op->state;
  int64_t lanes = rg_range_n(rg_graph_share(graph)->my_lanes);
  state->per_lane = rg_graph_scratch_f64(graph, lanes * op->in[0]->width);
  state->mean = rg_graph_scratch_f64(graph, op->in[0]->width);
}

static void forward(rg_run *run, rg_op *op)
{
  entropy_state *state = op->state;
  const rg_node *mask = mask_at(op, 1);
  int width = op->in[0]->width;
  int64_t n = run->share->lane_cells;
  state->cells = rg_cells_that_count(run, op, mask);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
    for (int j = 0; j < width; j++) {
      double sum = 0;
      for (int64_t i = lane * n; i < (lane + 1) * n; i++)
        sum += cell_counts(mask, i) ? (double)op->in[0]->x[i * width + j] : 0;
      state->per_lane[lane * width + j] = sum;
    }
  run->share->sum_lanes(run->share, state->per_lane, width, state->mean);
  double value = 0;
  for (int j = 0; j < width; j++) {
    state->mean[j] /= state->cells;
    double p = fmax(state->mean[j], SMALLEST);
    value += p * log(p);
  }
  op->denominator = 1;
  rg_whole_value(run, op, value);
}

static void backward(rg_run *run, rg_op *op)
{
  const entropy_state *state = op->state;
  const rg_node *mask = mask_at(op, 1);
  int width = op->in[0]->width;
  double scale = op->scale / state->cells;
  for (int64_t k = 0; op->in[0]->d && k < node_floats(run, op->in[0]); k++) {
    double p = state->mean[k % width];
    if (p > SMALLEST && cell_counts(mask, k / width))
      op->in[0]->d[k] += (float)(scale * (log(p) + 1));
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  x = rg_apply(graph, "softmax", "groups", NULL, x, NULL);
  rg_loss(graph, "entropy", "loss", NULL, x, mask, NULL);
  return true;
}

const rg_op_type rg_loss_entropy = {
    .name = "entropy",
    .cite = "UnitedNet: Tang et al. 2023",
    .help = "sum of p log p of the mean assignment of the batch",
    .state_size = sizeof(entropy_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
