/* Layer normalisation: every row of a part by its own mean and variance. */
#include "op_internal.h"

#include <math.h>

typedef struct norm_options {
  double epsilon;
  bool affine;
} norm_options;

static const rg_field fields[] = {
    {"epsilon", RG_DOUBLE, offsetof(norm_options, epsilon), "1e-5", 0, 1, NULL, NULL,
     "added to the variance"},
    {"affine", RG_BOOL, offsetof(norm_options, affine), "true", 0, 0, NULL, NULL,
     "a learned factor and shift per column follow"},
    {0}};

typedef struct norm_state {
  float *xhat;  /* [part][cell][width] */
  float *scale; /* 1/sd, [part][cell] */
} norm_state;

enum { GAMMA, BETA };

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  const rg_node *in = op->in[0];
  const norm_options *o = op->options;
  if (o->affine)
    rg_op_param(graph, op, "weight", in->blocks, 1, in->width, RG_INIT_ONE, 1, 1);
  if (o->affine)
    rg_op_param(graph, op, "bias", in->blocks, 1, in->width, RG_INIT_ZERO, 1, 1);
  rg_op_output(graph, op, in->blocks, in->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  norm_state *state = op->state;
  int64_t rows = op->in[0]->parts * rg_graph_cells(graph);
  state->xhat = rg_graph_scratch(graph, rows * op->in[0]->width);
  state->scale = rg_graph_scratch(graph, rows);
}

static float normalise(const float *x, int width, double epsilon, float *xhat)
{
  double mean = 0, variance = 0;
  for (int j = 0; j < width; j++)
    mean += (double)x[j] / width;
  for (int j = 0; j < width; j++)
    variance += ((double)x[j] - mean) * ((double)x[j] - mean) / width;
  double scale = 1 / sqrt(variance + epsilon);
  for (int j = 0; j < width; j++)
    xhat[j] = (float)(((double)x[j] - mean) * scale);
  return (float)scale;
}

static void forward(rg_run *run, rg_op *op)
{
  const norm_options *o = op->options;
  const norm_state *state = op->state;
  int width = op->in[0]->width;
  int64_t cells = cells_of(run);
  const float *gamma = o->affine ? rg_param_value(run->graph, op->param[GAMMA]) : NULL;
  const float *beta = o->affine ? rg_param_value(run->graph, op->param[BETA]) : NULL;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < op->in[0]->parts * cells; i++) {
    int64_t at = i / cells * width; /* of the part's parameters */
    float *xhat = state->xhat + i * width;
    state->scale[i] = normalise(op->in[0]->x + i * width, width, o->epsilon, xhat);
    for (int j = 0; j < width; j++)
      op->out->x[i * width + j] = gamma ? gamma[at + j] * xhat[j] + beta[at + j] : xhat[j];
  }
}

typedef struct lane_leaf {
  const rg_run *run;
  const rg_op *op;
} lane_leaf;

/* dgamma = sum dy xhat */
static void gamma_of_lane(void *self, int64_t lane, float *dw)
{
  const lane_leaf *leaf = self;
  const rg_node *y = leaf->op->out;
  const norm_state *state = leaf->op->state;
  int64_t n = leaf->run->share->lane_cells, cells = cells_of(leaf->run);
  for (int part = 0; part < y->parts; part++) {
    const float *dy = lane_d(leaf->run, y, part, lane);
    const float *xhat = state->xhat + (part * cells + lane * n) * y->width;
    for (int j = 0; j < y->width; j++) {
      double sum = 0;
      for (int64_t i = 0; i < n; i++)
        sum += (double)dy[i * y->width + j] * (double)xhat[i * y->width + j];
      dw[part * y->width + j] = (float)sum;
    }
  }
}

/* dx = (g - mean g - xhat mean(g xhat)) / sd with g = gamma dy */
static void backward(rg_run *run, rg_op *op)
{
  const norm_state *state = op->state;
  int width = op->in[0]->width;
  int64_t cells = cells_of(run);
  const norm_options *o = op->options;
  const float *gamma = o->affine ? rg_param_value(run->graph, op->param[GAMMA]) : NULL;
  lane_leaf leaf = {run, op};
  if (gamma) {
    rg_gradient_over_lanes(run, op, GAMMA, gamma_of_lane, &leaf);
    rg_bias_gradient(run, op, BETA);
  }
  for (int64_t i = 0; op->in[0]->d && i < op->in[0]->parts * cells; i++) {
    const float *a = gamma ? gamma + i / cells * width : NULL;
    const float *dy = op->out->d + i * width;
    const float *xhat = state->xhat + i * width;
    double level = 0, along = 0;
    for (int j = 0; j < width; j++) {
      double g = (a ? (double)a[j] : 1) * (double)dy[j];
      level += g / width;
      along += g * (double)xhat[j] / width;
    }
    for (int j = 0; j < width; j++)
      op->in[0]->d[i * width + j] +=
          state->scale[i] *
          ((a ? a[j] : 1) * dy[j] - (float)level - xhat[j] * (float)along);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 2)
    return false;
  rg_node *x = rg_input_free(graph, "x", variant == 1 ? rg_probe_blocks() : NULL, 5);
  rg_node *y =
      rg_apply(graph, "layernorm", "norm", variant == 2 ? "affine=false" : NULL, x, NULL);
  if (variant == 2) /* sums of y and of y^2 do not depend on x: bend it first */
    y = rg_apply(graph, "activation", "bend", "kind=softplus", y, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_layernorm = {
    .name = "layernorm",
    .cite = "Ba, Kiros, Hinton 2016; conventions of PyTorch nn.LayerNorm",
    .help = "normalise every row of a part",
    .options = fields,
    .options_size = sizeof(norm_options),
    .state_size = sizeof(norm_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of 1/sd in five columns"};
