/* Elementwise nonlinearities. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

/* in the order of the option; from SOFTPLUS on there are functions of vectors */
typedef enum kind { RELU, LEAKY, TANH, SOFTPLUS, SIGMOID, EXPONENT, LOGARITHM } kind;

typedef struct activation_options {
  char *kind;
  double slope, low, high;
} activation_options;

static const rg_field fields[] = {
    {"kind", RG_CHOICE, offsetof(activation_options, kind), "relu", 0, 0,
     "relu|leaky|tanh|softplus|sigmoid|exp|log", NULL, "which nonlinearity"},
    {"slope", RG_DOUBLE, offsetof(activation_options, slope), "0.01", -10, 10, NULL, NULL,
     "slope of leaky below zero"},
    {"low", RG_DOUBLE, offsetof(activation_options, low), "-1e30", -1e30, 1e30, NULL, NULL,
     "lowest output; where it is cut there is no gradient"},
    {"high", RG_DOUBLE, offsetof(activation_options, high), "1e30", -1e30, 1e30, NULL, NULL,
     "highest output"},
    {0}};

static kind kind_of(const rg_op *op)
{
  const char *names[] = {"relu", "leaky", "tanh", "softplus", "sigmoid", "exp",
                         "log"};
  const activation_options *o = op->options;
  int k = 0;
  while (strcmp(names[k], o->kind) != 0)
    k++;
  return (kind)k;
}

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  rg_op_output(graph, op, op->in[0]->blocks, op->in[0]->width);
out:
  return status;
}

/* What has no function of vectors. */
static float value(kind k, float slope, float x)
{
  return k == TANH ? tanhf(x) : x > 0 ? x : k == LEAKY ? slope * x : 0;
}

/* What is no number stays none. */
static float cut(const activation_options *o, float y)
{
  return y < (float)o->low ? (float)o->low : y > (float)o->high ? (float)o->high : y;
}

/* derivative from input x and output y */
static float derivative(kind k, float slope, float x, float y)
{
  switch (k) {
  case RELU:
    return x > 0 ? 1 : 0;
  case LEAKY:
    return x > 0 ? 1 : slope;
  case TANH:
    return 1 - y * y;
  case SIGMOID:
    return y * (1 - y);
  case EXPONENT:
    return y;
  case LOGARITHM:
    return 1 / x;
  case SOFTPLUS:
    break;
  }
  return 1;
}

static void forward(rg_run *run, rg_op *op)
{
  const activation_options *o = op->options;
  kind k = kind_of(op);
  const float *x = op->in[0]->x;
  float *y = op->out->x;
  int64_t n = node_floats(run, op->out);
  bool done = k >= SOFTPLUS;
  if (done)
    (k == SOFTPLUS  ? rg_v_softplus
     : k == SIGMOID ? rg_v_sigmoid
     : k == EXPONENT ? rg_v_exp
                     : rg_v_log)(n, x, y);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    y[i] = cut(o, done ? y[i] : value(k, (float)o->slope, x[i]));
}

enum { PIECE = 1024 };

/* Slopes of n <= PIECE values; 0 where they are cut. */
static void slopes(const activation_options *o, kind k, int64_t n, const float *x,
                   const float *y, float *slope)
{
  if (k == SOFTPLUS)
    rg_v_sigmoid(n, x, slope);
  for (int64_t i = 0; i < n; i++) {
    bool inside = y[i] > (float)o->low && y[i] < (float)o->high;
    slope[i] = !inside        ? 0
               : k == SOFTPLUS ? slope[i]
                               : derivative(k, (float)o->slope, x[i], y[i]);
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const activation_options *o = op->options;
  kind k = kind_of(op);
  const float *x = op->in[0]->x, *y = op->out->x, *dy = op->out->d;
  float *dx = op->in[0]->d;
  int64_t n = dx ? node_floats(run, op->out) : 0;
#pragma omp parallel for schedule(static)
  for (int64_t low = 0; low < n; low += PIECE) {
    float slope[PIECE];
    int64_t here = n - low < PIECE ? n - low : PIECE;
    slopes(o, k, here, x + low, y + low, slope);
    for (int64_t i = 0; i < here; i++)
      dx[low + i] += dy[low + i] * slope[i];
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"kind=softplus", "kind=tanh", "kind=sigmoid", "kind=exp",
                           "kind=leaky slope=0.2", "kind=relu", "kind=log",
                           "kind=exp low=0.5 high=3"};
  if (variant > 7)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  if (variant == 6) /* positive */
    x = rg_apply(graph, "activation", "exp", "kind=exp", x, NULL);
  rg_node *y = rg_apply(graph, "activation", "act", options[variant], x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_activation = {
    .name = "activation",
    .cite = "PyTorch nn.ReLU, LeakyReLU, Tanh, Softplus, Sigmoid",
    .help = "an elementwise nonlinearity",
    .options = fields,
    .options_size = sizeof(activation_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-2,
    .tolerance_why = "kinks of relu and leaky inside the difference"};
