/* Elementwise nonlinearities. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

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

static float value(kind k, float slope, float x)
{
  switch (k) {
  case RELU:
    return x > 0 ? x : 0;
  case LEAKY:
    return x > 0 ? x : slope * x;
  case TANH:
    return tanhf(x);
  case SOFTPLUS:
    return fmaxf(x, 0) + log1pf(expf(-fabsf(x)));
  case SIGMOID:
    return 1 / (1 + expf(-x));
  case EXPONENT:
    return expf(x);
  case LOGARITHM:
    return logf(x);
  }
  return x;
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
  case SOFTPLUS:
    return 1 / (1 + expf(-x));
  case SIGMOID:
    return y * (1 - y);
  case EXPONENT:
    return y;
  case LOGARITHM:
    return 1 / x;
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
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    y[i] = cut(o, value(k, (float)o->slope, x[i]));
}

static void backward(rg_run *run, rg_op *op)
{
  const activation_options *o = op->options;
  kind k = kind_of(op);
  const float *x = op->in[0]->x, *y = op->out->x, *dy = op->out->d;
  float *dx = op->in[0]->d;
  int64_t n = dx ? node_floats(run, op->out) : 0;
  float low = (float)o->low, high = (float)o->high;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    if (y[i] > low && y[i] < high)
      dx[i] += dy[i] * derivative(k, (float)o->slope, x[i], y[i]);
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
