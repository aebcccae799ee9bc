/* Batch normalisation over the cells of the global batch, or over those of a mask. */
#include "op_internal.h"

#include <math.h>

typedef struct norm_options {
  double epsilon, momentum;
} norm_options;

static const rg_field fields[] = {
    {"epsilon", RG_DOUBLE, offsetof(norm_options, epsilon), "1e-5", 0, 1, NULL, NULL,
     "added to the variance"},
    {"momentum", RG_DOUBLE, offsetof(norm_options, momentum), "0.1", 0, 1, NULL, NULL,
     "share of the batch in the running statistics"},
    {0}};

typedef struct norm_state {
  double *per_lane, *total; /* [lane][part][2][width]; [part][2][width] */
  float *centre, *scale;    /* mean and 1/sd per part and column */
  float *along, *level;     /* backward: slopes of xhat, and what is taken off dy */
  double *per_lane_cells;
  double cells; /* of the batch that count */
} norm_state;

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VARIANCE };

/* in[0]: rows; in[1]: mask, optional: in training only cells above 0 count, the others
 * become zero */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  if (op->n_in != 2)
    RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  if (op->n_in == 2 && (op->in[1]->sparse || op->in[1]->blocks || op->in[1]->width != 1))
    return rg_fail(RG_EUSAGE, "batchnorm %s: the mask is not one whole column", op->name);
  const rg_node *in = op->in[0];
  rg_op_param(graph, op, "weight", in->blocks, 1, in->width, RG_INIT_ONE, 1, 1);
  rg_op_param(graph, op, "bias", in->blocks, 1, in->width, RG_INIT_ZERO, 1, 1);
  rg_op_param(graph, op, "running_mean", in->blocks, 1, in->width, RG_INIT_ZERO, 1, 1)
      ->buffer = true;
  rg_op_param(graph, op, "running_var", in->blocks, 1, in->width, RG_INIT_ONE, 1, 1)
      ->buffer = true;
  rg_op_output(graph, op, in->blocks, in->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  norm_state *state = op->state;
  int64_t n = (int64_t)op->in[0]->parts * op->in[0]->width;
  int64_t lanes = rg_range_n(rg_graph_share(graph)->my_lanes);
  state->per_lane = rg_graph_scratch_f64(graph, 2 * lanes * n);
  state->total = rg_graph_scratch_f64(graph, 2 * n);
  state->centre = rg_graph_scratch(graph, n);
  state->scale = rg_graph_scratch(graph, n);
  state->per_lane_cells = rg_graph_scratch_f64(graph, lanes);
  state->along = rg_graph_scratch(graph, n);
  state->level = rg_graph_scratch(graph, n);
}

/* Frozen, it works as in inference: its running statistics stay as well. */
static bool learns(const rg_run *run, const rg_op *op)
{
  return run->train && !op->param[GAMMA]->frozen;
}

static bool counts(const rg_op *op, int64_t cell)
{
  return op->n_in < 2 || op->in[1]->x[cell] > 0;
}

static void count_cells(rg_run *run, rg_op *op)
{
  norm_state *state = op->state;
  int64_t n = run->share->lane_cells;
  state->cells = batch_cells(run);
  if (op->n_in < 2)
    return;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    state->per_lane_cells[lane] = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      state->per_lane_cells[lane] += counts(op, i);
  }
  run->share->sum_lanes(run->share, state->per_lane_cells, 1, &state->cells);
}

/* Sums of a and of a b over the cells that count, per lane and column into per_lane, then
 * over lanes into total. */
static void sum_columns(rg_run *run, rg_op *op, const float *a, const float *b)
{
  norm_state *state = op->state;
  int parts = op->in[0]->parts, width = op->in[0]->width;
  int64_t lanes = rg_run_lanes(run), n = run->share->lane_cells;
  int64_t cells = cells_of(run);
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t lane = 0; lane < lanes; lane++)
    for (int part = 0; part < parts; part++) {
      double *first = state->per_lane + ((lane * parts + part) * 2) * width;
      double *second = first + width;
      int64_t at = (part * cells + lane * n) * width;
      for (int j = 0; j < width; j++)
        first[j] = second[j] = 0;
      for (int64_t i = 0; i < n; i++)
        for (int j = 0, here = counts(op, lane * n + i); here && j < width; j++) {
          double x = (double)a[at + i * width + j];
          first[j] += x;
          second[j] += x * (double)b[at + i * width + j];
        }
    }
  run->share->sum_lanes(run->share, state->per_lane, 2 * (int64_t)parts * width,
                        state->total);
}

static void running_statistics(rg_run *run, rg_op *op)
{
  norm_state *state = op->state;
  const norm_options *o = op->options;
  const float *mean = rg_param_value(run->graph, op->param[RUNNING_MEAN]);
  const float *variance = rg_param_value(run->graph, op->param[RUNNING_VARIANCE]);
  for (int64_t k = 0; k < rg_param_size(op->param[RUNNING_MEAN]); k++) {
    state->centre[k] = mean[k];
    state->scale[k] = (float)(1 / sqrt((double)variance[k] + o->epsilon));
  }
}

static void batch_statistics(rg_run *run, rg_op *op)
{
  norm_state *state = op->state;
  const norm_options *o = op->options;
  int parts = op->in[0]->parts, width = op->in[0]->width;
  float *mean = rg_param_value(run->graph, op->param[RUNNING_MEAN]);
  float *variance = rg_param_value(run->graph, op->param[RUNNING_VARIANCE]);
  count_cells(run, op);
  if (state->cells < 1) { /* nothing was measured, so nothing is learned */
    running_statistics(run, op);
    return;
  }
  double n = state->cells;
  sum_columns(run, op, op->in[0]->x, op->in[0]->x);
  for (int part = 0; part < parts; part++)
    for (int j = 0; j < width; j++) {
      int k = part * width + j;
      double m = state->total[part * 2 * width + j] / n;
      double v = fmax(state->total[(part * 2 + 1) * width + j] / n - m * m, 0);
      state->centre[k] = (float)m;
      state->scale[k] = (float)(1 / sqrt(v + o->epsilon));
      double unbiased = n > 1 ? v * n / (n - 1) : v;
      mean[k] = (float)((1 - o->momentum) * (double)mean[k] + o->momentum * m);
      variance[k] =
          (float)((1 - o->momentum) * (double)variance[k] + o->momentum * unbiased);
    }
}

static void forward(rg_run *run, rg_op *op)
{
  const norm_state *state = op->state;
  const rg_node *in = op->in[0], *y = op->out;
  int width = in->width;
  const float *gamma = rg_param_value(run->graph, op->param[GAMMA]);
  const float *beta = rg_param_value(run->graph, op->param[BETA]);
  if (learns(run, op))
    batch_statistics(run, op);
  else
    running_statistics(run, op);
#pragma omp parallel for schedule(static)
  for (int part = 0; part < in->parts; part++) {
    const float *x = part_x(run, in, part), *a = gamma + part * width;
    const float *b = beta + part * width, *centre = state->centre + part * width;
    const float *scale = state->scale + part * width;
    float *out = part_x(run, y, part);
    for (int64_t i = 0; i < cells_of(run); i++, x += width, out += width) {
      bool here = !run->train || counts(op, i);
#pragma omp simd
      for (int j = 0; j < width; j++)
        out[j] = here ? a[j] * ((x[j] - centre[j]) * scale[j]) + b[j] : 0;
    }
  }
}

typedef struct lane_leaf {
  const norm_state *state;
  int parts, width, which;
} lane_leaf;

/* dbeta = sum dy; dgamma = sum dy xhat = (sum dy x - centre sum dy) scale */
static void affine_of_lane(void *self, int64_t lane, float *out)
{
  const lane_leaf *leaf = self;
  int width = leaf->width;
  for (int part = 0; part < leaf->parts; part++) {
    const double *sums =
        leaf->state->per_lane + ((lane * leaf->parts + part) * 2) * width;
    for (int j = 0; j < width; j++) {
      int k = part * width + j;
      double centre = (double)leaf->state->centre[k];
      double scale = (double)leaf->state->scale[k];
      out[k] = (float)(leaf->which == BETA ? sums[j]
                                           : (sums[width + j] - centre * sums[j]) * scale);
    }
  }
}

/* dx += gamma scale (dy - mean dy - xhat mean(dy xhat)), rows by rows; the means are none
 * with running statistics */
static void part_gradient(rg_run *run, rg_op *op, int part)
{
  const norm_state *state = op->state;
  const rg_node *in = op->in[0];
  int width = in->width;
  const float *gamma = rg_param_value(run->graph, op->param[GAMMA]) + part * width;
  const float *centre = state->centre + part * width, *scale = state->scale + part * width;
  float *along = state->along + part * width, *level = state->level + part * width;
  const double *first = state->total + part * 2 * width, *second = first + width;
  double n = fmax(state->cells, 1);
  for (int j = 0; j < width && !learns(run, op); j++)
    level[j] = along[j] = 0;
  for (int j = 0; j < width && learns(run, op); j++) {
    level[j] = (float)(first[j] / n);
    along[j] = (float)((second[j] - (double)centre[j] * first[j]) * (double)scale[j] / n);
  }
  const float *x = part_x(run, in, part), *dy = part_d(run, op->out, part);
  float *dx = part_d(run, in, part);
  for (int64_t i = 0; i < cells_of(run); i++, x += width, dy += width, dx += width) {
    if (!counts(op, i))
      continue;
#pragma omp simd
    for (int j = 0; j < width; j++) {
      float xhat = (x[j] - centre[j]) * scale[j];
      dx[j] += gamma[j] * scale[j] * (dy[j] - level[j] - xhat * along[j]);
    }
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const norm_state *state = op->state;
  const rg_node *in = op->in[0];
  int width = in->width;
  sum_columns(run, op, op->out->d, in->x);
  lane_leaf leaf = {state, in->parts, width, GAMMA};
  rg_gradient_over_lanes(run, op, GAMMA, affine_of_lane, &leaf);
  leaf.which = BETA;
  rg_gradient_over_lanes(run, op, BETA, affine_of_lane, &leaf);
  if (!in->d)
    return;
#pragma omp parallel for schedule(static)
  for (int part = 0; part < in->parts; part++)
    part_gradient(run, op, part);
}

/* Above 0 in about three of four cells: two alone would always be -1 and 1. */
static rg_node *probe_mask(rg_graph *graph)
{
  rg_node *a = rg_input(graph, "a", 1), *b = rg_input(graph, "b", 1);
  a = rg_apply(graph, "activation", "either", "kind=relu", a, NULL);
  b = rg_apply(graph, "activation", "or", "kind=relu", b, NULL);
  return rg_apply(graph, "add", "mask", NULL, a, b, NULL);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 3)
    return false;
  const rg_blocks *blocks = variant == 1 ? rg_probe_blocks() : NULL;
  rg_node *x = rg_input_free(graph, "x", blocks, 4);
  rg_node *mask = variant == 2 ? probe_mask(graph) : NULL;
  rg_node *y = rg_apply(graph, "batchnorm", "norm", NULL, x, mask, NULL);
  /* sums of y and of y^2 do not depend on x: bend it first */
  y = rg_apply(graph, "activation", "bend", "kind=softplus", y, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  if (variant == 3)
    rg_graph_freeze(graph, "norm.");
  return true;
}

const rg_op_type rg_op_batchnorm = {
    .name = "batchnorm",
    .cite = "Ioffe, Szegedy 2015; conventions of PyTorch nn.BatchNorm1d",
    .help = "normalise every column over the global batch, or over its cells that are "
            "measured; running statistics otherwise",
    .options = fields,
    .options_size = sizeof(norm_options),
    .state_size = sizeof(norm_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of 1/sd in a batch of six cells"};
