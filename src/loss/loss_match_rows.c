/* Squared distance between rows and target rows. */
#include "src/nn/op_internal.h"

#include <string.h>

typedef struct match_options {
  char *reduction;
} match_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(match_options, reduction), "cell", 0, 0,
     "sum|cell|mean", NULL,
     "sum; sum over columns and (weighted) mean over cells; or mean over both"},
    {0}};

typedef struct match_state {
  double *weight; /* per lane */
} match_state;

/* in[0]: rows; in[1]: targets; in[2]: weight per cell, optional. Whole. */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  if ((op->n_in != 2 && op->n_in != 3) || op->in[0]->width != op->in[1]->width)
    return rg_fail(RG_EUSAGE, "match_rows %s: two inputs of one width, and a weight",
                   op->name);
  return RG_OK;
}

static void plan(rg_graph *graph, rg_op *op)
{
  match_state *state = op->state;
  state->weight =
      rg_graph_scratch_f64(graph, rg_range_n(rg_graph_share(graph)->my_lanes));
}

static float weight_of(const rg_op *op, int64_t cell)
{
  return op->n_in > 2 ? op->in[2]->x[cell] : 1;
}

/* Sum of the weights over the global batch; 1 when no cell counts. */
static double weight_of_batch(rg_run *run, rg_op *op)
{
  const match_state *state = op->state;
  int64_t n = run->share->lane_cells;
  if (op->n_in < 3)
    return batch_cells(run);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    state->weight[lane] = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      state->weight[lane] += (double)weight_of(op, i);
  }
  double sum = 0;
  run->share->sum_lanes(run->share, state->weight, 1, &sum);
  return sum > 0 ? sum : 1;
}

static void forward(rg_run *run, rg_op *op)
{
  const match_options *o = op->options;
  int width = op->in[0]->width;
  int64_t n = run->share->lane_cells;
  op->denominator = strcmp(o->reduction, "sum") == 0    ? 1
                    : strcmp(o->reduction, "cell") == 0 ? weight_of_batch(run, op)
                                                        : weight_of_batch(run, op) * width;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++) {
      double row = 0;
      for (int j = 0; j < width; j++) {
        double e = (double)(op->in[0]->x[i * width + j] - op->in[1]->x[i * width + j]);
        row += e * e;
      }
      sum += (double)weight_of(op, i) * row;
    }
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  int width = op->in[0]->width;
  float scale = (float)(2 * op->scale / op->denominator);
  for (int64_t i = 0; i < cells_of(run); i++)
    for (int j = 0; j < width; j++) {
      int64_t k = i * width + j;
      float d = scale * weight_of(op, i) * (op->in[0]->x[k] - op->in[1]->x[k]);
      if (op->in[0]->d)
        op->in[0]->d[k] += d;
      if (op->in[1]->d)
        op->in[1]->d[k] -= d;
    }
}

static void predict(rg_run *run, rg_op *op, float *mean)
{
  memcpy(mean, op->in[0]->x, sizeof *mean * (size_t)node_floats(run, op->in[0]));
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean"};
  if (variant > 3)
    return false;
  rg_node *w = rg_input(graph, "w", 1);
  rg_node *a = rg_input_free(graph, "a", NULL, 4), *b = rg_input_free(graph, "b", NULL, 4);
  if (variant < 3)
    rg_loss(graph, "match_rows", "match", options[variant], a, b, NULL);
  else
    rg_loss(graph, "match_rows", "match", NULL, a, b, w, NULL);
  return true;
}

const rg_op_type rg_loss_match_rows = {
    .name = "match_rows",
    .cite = "mean squared error",
    .help = "squared distance between two rows of a cell",
    .options = fields,
    .options_size = sizeof(match_options),
    .state_size = sizeof(match_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .probe = probe,
    .tolerance = 1e-3,
    .tolerance_why = "float32"};
