/* Elementwise nonlinearities. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

/* in the order of the option */
typedef enum kind {
  RELU,
  LEAKY,
  TANH,
  SOFTPLUS,
  SIGMOID,
  EXPONENT,
  EXPM1,
  LOGARITHM
} kind;

typedef struct activation_options {
  char *kind;
  double slope, low, high;
} activation_options;

static const rg_field fields[] = {
    {"kind", RG_CHOICE, offsetof(activation_options, kind), "relu", 0, 0,
     "relu|leaky|tanh|softplus|sigmoid|exp|expm1|log", NULL, "which nonlinearity"},
    {"slope", RG_DOUBLE, offsetof(activation_options, slope), "0.01", -10, 10, NULL, NULL,
     "slope of leaky below zero"},
    {"low", RG_DOUBLE, offsetof(activation_options, low), "-1e30", -1e30, 1e30, NULL, NULL,
     "lowest output; where it is cut there is no gradient"},
    {"high", RG_DOUBLE, offsetof(activation_options, high), "1e30", -1e30, 1e30, NULL, NULL,
     "highest output"},
    {0}};

static kind kind_of(const rg_op *op)
{
  const char *names[] = {"relu", "leaky", "tanh", "softplus",
                         "sigmoid", "exp", "expm1", "log"};
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

/* values of one piece of work */
enum { PIECE = 1024 };

/* One plain loop for each, so that the compiler makes vectors of it; what is no number
 * stays none. */
static void values(kind k, float slope, int64_t n, const float *x, float *y)
{
  switch (k) {
  case RELU:
    for (int64_t i = 0; i < n; i++)
      y[i] = x[i] < 0 ? 0 : x[i];
    break;
  case LEAKY:
    for (int64_t i = 0; i < n; i++)
      y[i] = x[i] > 0 ? x[i] : slope * x[i];
    break;
  case TANH:
    for (int64_t i = 0; i < n; i++)
      y[i] = tanhf(x[i]);
    break;
  case SOFTPLUS:
    rg_v_softplus(n, x, y);
    break;
  case SIGMOID:
    rg_v_sigmoid(n, x, y);
    break;
  case EXPONENT:
    rg_v_exp(n, x, y);
    break;
  case EXPM1:
    for (int64_t i = 0; i < n; i++)
      y[i] = expm1f(x[i]);
    break;
  case LOGARITHM:
    rg_v_log(n, x, y);
    break;
  }
}

/* derivatives from inputs x and outputs y */
static void derivatives(kind k, float slope, int64_t n, const float *x, const float *y,
                        float *d)
{
  switch (k) {
  case RELU:
  case LEAKY:
    slope = k == RELU ? 0 : slope;
    for (int64_t i = 0; i < n; i++)
      d[i] = x[i] > 0 ? 1 : slope;
    break;
  case TANH:
    for (int64_t i = 0; i < n; i++)
      d[i] = 1 - y[i] * y[i];
    break;
  case SOFTPLUS:
    rg_v_sigmoid(n, x, d);
    break;
  case SIGMOID:
    for (int64_t i = 0; i < n; i++)
      d[i] = y[i] * (1 - y[i]);
    break;
  case EXPONENT:
    memcpy(d, y, sizeof *d * (size_t)n);
    break;
  case EXPM1:
    for (int64_t i = 0; i < n; i++)
      d[i] = y[i] + 1;
    break;
  case LOGARITHM:
    for (int64_t i = 0; i < n; i++)
      d[i] = 1 / x[i];
    break;
  }
}

static void forward(rg_run *run, rg_op *op)
{
  const activation_options *o = op->options;
  kind k = kind_of(op);
  float bottom = (float)o->low, top = (float)o->high;
  int64_t n = node_floats(run, op->out);
#pragma omp parallel for schedule(static)
  for (int64_t low = 0; low < n; low += PIECE) {
    int64_t here = n - low < PIECE ? n - low : PIECE;
    float *y = op->out->x + low;
    values(k, (float)o->slope, here, op->in[0]->x + low, y);
    for (int64_t i = 0; i < here; i++) {
      float least = y[i] < bottom ? bottom : y[i];
      y[i] = least > top ? top : least;
    }
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const activation_options *o = op->options;
  kind k = kind_of(op);
  float bottom = (float)o->low, top = (float)o->high, *dx = op->in[0]->d;
  int64_t n = dx ? node_floats(run, op->out) : 0;
#pragma omp parallel for schedule(static)
  for (int64_t low = 0; low < n; low += PIECE) {
    int64_t here = n - low < PIECE ? n - low : PIECE;
    const float *y = op->out->x + low, *dy = op->out->d + low;
    float d[PIECE];
    derivatives(k, (float)o->slope, here, op->in[0]->x + low, y, d);
    for (int64_t i = 0; i < here; i++) {
      float inside = y[i] > bottom ? d[i] : 0;
      dx[low + i] += dy[i] * (y[i] < top ? inside : 0);
    }
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"kind=softplus", "kind=tanh", "kind=sigmoid", "kind=exp",
                           "kind=leaky slope=0.2", "kind=relu", "kind=log", "kind=expm1",
                           "kind=exp low=0.5 high=3"};
  if (variant > 8)
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
