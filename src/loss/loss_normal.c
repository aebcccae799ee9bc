/* Normal likelihood of a dense modality, with a learned or given scale. */
#include "masked.h"

#include <math.h>
#include <string.h>

typedef struct normal_options {
  char *scale;
  char *reduction;
} normal_options;

static const rg_field fields[] = {
    {"scale", RG_CHOICE, offsetof(normal_options, scale), "feature", 0, 0,
     "feature|given", NULL,
     "log of the standard deviation: a parameter per feature, or an input"},
    RG_REDUCTION(normal_options, "mean"),
    {0}};

#define FARTHEST 15.0
#define HALF_LOG_TWO_PI 0.91893853320467274

typedef struct normal_state {
  float *by_mean, *by_scale; /* [cell][feature] */
} normal_state;

static bool is_given(const rg_op *op)
{
  const normal_options *o = op->options;
  return strcmp(o->scale, "given") == 0;
}

/* in[0]: mean; in[1]: target; (scale=given) in[2]: log sd; a mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(rg_need_rows(op, is_given(op) ? 3 : 2, 1));
  if (!is_given(op))
    rg_op_param(graph, op, "log_scale", NULL, 1, op->in[0]->width, RG_INIT_ZERO, 1, 1);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  normal_state *state = op->state;
  int64_t n = rg_graph_cells(graph) * op->in[0]->width;
  state->by_mean = rg_graph_scratch(graph, n);
  state->by_scale = rg_graph_scratch(graph, n);
}

static double cell_loss(rg_run *run, rg_op *op, int64_t cell, bool counts)
{
  const normal_state *state = op->state;
  int64_t width = op->in[0]->width, row = cell * width;
  const float *a = is_given(op) ? op->in[2]->x + row
                                : rg_param_value(run->graph, op->param[0]);
  double sum = 0;
  for (int64_t j = 0; j < width; j++) {
    double log_sd = fmin(fmax((double)a[j], -FARTHEST), FARTHEST);
    double e = ((double)op->in[0]->x[row + j] - (double)op->in[1]->x[row + j]) *
               exp(-log_sd);
    bool inside = fabs((double)a[j]) < FARTHEST;
    sum += 0.5 * e * e + log_sd + HALF_LOG_TWO_PI;
    state->by_mean[row + j] = counts ? (float)(e * exp(-log_sd)) : 0;
    state->by_scale[row + j] = counts && inside ? (float)(1 - e * e) : 0;
  }
  return counts ? sum : 0;
}

static void forward(rg_run *run, rg_op *op)
{
  const normal_options *o = op->options;
  const rg_node *mask = mask_at(op, is_given(op) ? 3 : 2);
  int64_t n = run->share->lane_cells;
  op->denominator =
      rg_masked_denominator(run, op, mask, o->reduction, op->in[0]->width);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      sum += cell_loss(run, op, i, cell_counts(mask, i));
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const normal_state *state = op->state;
  double scale = op->scale / op->denominator;
  int64_t n = node_floats(run, op->in[0]);
  for (int64_t k = 0; k < n; k++) {
    if (op->in[0]->d)
      op->in[0]->d[k] += (float)scale * state->by_mean[k];
    if (op->in[1]->d)
      op->in[1]->d[k] -= (float)scale * state->by_mean[k];
    if (is_given(op) && op->in[2]->d)
      op->in[2]->d[k] += (float)scale * state->by_scale[k];
  }
  if (!is_given(op))
    rg_column_gradient(run, op, 0, state->by_scale, scale);
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=mean", "scale=given"};
  if (variant > 2)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 4), *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *a = variant == 2 ? rg_input_free(graph, "a", NULL, 4) : NULL;
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  rg_loss(graph, "normal", "loss", options[variant], y, x, a ? a : mask,
          a ? mask : NULL, NULL);
  return true;
}

const rg_op_type rg_loss_normal = {
    .name = "normal",
    .cite = "Normal decoder of GLUE: Cao, Gao 2022 (gao-lab/GLUE)",
    .help = "negative log likelihood of the normal distribution",
    .options = fields,
    .options_size = sizeof(normal_options),
    .state_size = sizeof(normal_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of exp(-2 log sd)"};
