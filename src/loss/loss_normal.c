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

#define FARTHEST 15.0F
#define HALF_LOG_TWO_PI 0.91893853320467274

typedef struct normal_state {
  float *inverse;            /* [lane][feature] */
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
  state->inverse = rg_graph_scratch(
      graph, rg_range_n(rg_graph_share(graph)->my_lanes) * op->in[0]->width);
  state->by_mean = rg_graph_scratch(graph, n);
  state->by_scale = rg_graph_scratch(graph, n);
}

/* Scales of a row: log of the standard deviation inside its bounds, and 1 over it;
 * returns the sum of the logs. */
static double scales_of(const float *a, int64_t width, float *inverse)
{
  double sum = 0;
  for (int64_t j = 0; j < width; j++)
    inverse[j] = -fminf(fmaxf(a[j], -FARTHEST), FARTHEST);
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < width; j++)
    sum -= (double)inverse[j];
  rg_v_exp(width, inverse, inverse);
  return sum;
}

static double cell_loss(rg_op *op, int64_t cell, const float *a, const float *inverse)
{
  const normal_state *state = op->state;
  int64_t width = op->in[0]->width;
  const float *y = op->in[0]->x + cell * width, *x = op->in[1]->x + cell * width;
  float *by_mean = state->by_mean + cell * width;
  float *by_scale = state->by_scale + cell * width;
  double squares = 0;
#pragma omp simd reduction(+ : squares)
  for (int64_t j = 0; j < width; j++) {
    float e = (y[j] - x[j]) * inverse[j];
    squares += (double)e * (double)e;
    by_mean[j] = e * inverse[j];
    by_scale[j] = fabsf(a[j]) < FARTHEST ? 1 - e * e : 0;
  }
  return 0.5 * squares;
}

static void clear_cell(const rg_op *op, int64_t cell)
{
  const normal_state *state = op->state;
  int64_t width = op->in[0]->width;
  memset(state->by_mean + cell * width, 0, sizeof(float) * (size_t)width);
  memset(state->by_scale + cell * width, 0, sizeof(float) * (size_t)width);
}

static void forward(rg_run *run, rg_op *op)
{
  const normal_options *o = op->options;
  const normal_state *state = op->state;
  const rg_node *mask = mask_at(op, is_given(op) ? 3 : 2);
  int64_t n = run->share->lane_cells, width = op->in[0]->width;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, (int)width);
#pragma omp parallel for schedule(dynamic)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    const float *a = is_given(op) ? NULL : rg_param_value(run->graph, op->param[0]);
    float *inverse = state->inverse + lane * width;
    double sum = 0, logs = a ? scales_of(a, width, inverse) : 0;
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++) {
      const float *own = a ? a : op->in[2]->x + cell * width;
      if (!cell_counts(mask, cell)) {
        clear_cell(op, cell);
        continue;
      }
      if (!a)
        logs = scales_of(own, width, inverse);
      sum += cell_loss(op, cell, own, inverse) + logs + HALF_LOG_TWO_PI * (double)width;
    }
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const normal_state *state = op->state;
  double scale = op->scale / op->denominator;
  int64_t n = node_floats(run, op->in[0]);
  rg_add_slopes(op->in[0]->d, scale, state->by_mean, n);
  rg_add_slopes(op->in[1]->d, -scale, state->by_mean, n);
  if (is_given(op))
    rg_add_slopes(op->in[2]->d, scale, state->by_scale, n);
  else
    rg_column_gradient(run, op, 0, state->by_scale, scale);
}

static void predict(rg_run *run, rg_op *op, float *mean)
{
  memcpy(mean, op->in[0]->x, sizeof *mean * (size_t)node_floats(run, op->in[0]));
}

static void draw(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
                 float *values)
{
  int64_t width = op->in[0]->width;
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *a = is_given(op) ? op->in[2]->x + i * width
                                  : rg_param_value(run->graph, op->param[0]);
    for (int64_t j = 0; j < width; j++)
      values[i * width + j] +=
          expf(fminf(fmaxf(a[j], -FARTHEST), FARTHEST)) *
          (float)rg_normal(key, (uint64_t)number[i], (uint64_t)j);
  }
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
    .predict = predict,
    .draw = draw,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of exp(-2 log sd)"};
