/* KL of a diagonal Gaussian posterior to the standard normal. */
#include "src/nn/op_internal.h"

#include <math.h>
#include <string.h>

typedef struct kl_options {
  char *reduction;
} kl_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(kl_options, reduction), "sum", 0, 0, "sum|cell",
     NULL, "sum over cells, or mean over cells, of the sum over axes"},
    {0}};

/* in[0]: mean; in[1]: log variance s */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return need_inputs(op, 2);
}

static double clamped(float s)
{
  return fmin(fmax((double)s, -20), 20);
}

static void forward(rg_run *run, rg_op *op)
{
  const kl_options *o = op->options;
  op->denominator = strcmp(o->reduction, "sum") == 0 ? 1 : batch_cells(run);
  int64_t per_lane = (int64_t)run->share->lane_cells * op->in[0]->width;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    const float *mu = lane_x(run, op->in[0], 0, lane);
    const float *s = lane_x(run, op->in[1], 0, lane);
    double sum = 0;
    for (int64_t i = 0; i < per_lane; i++) {
      double c = clamped(s[i]);
      sum += (double)mu[i] * (double)mu[i] + exp(c) - 1 - c;
    }
    op->partial[lane] = 0.5 * sum;
  }
}

/* dmu = mu; ds = (exp(s) - 1) / 2 */
static void backward(rg_run *run, rg_op *op)
{
  double scale = op->scale / op->denominator;
  const float *mu = op->in[0]->x, *s = op->in[1]->x;
  float *dmu = op->in[0]->d, *ds = op->in[1]->d;
  for (int64_t i = 0; i < node_floats(run, op->in[0]); i++) {
    if (dmu)
      dmu[i] += (float)(scale * (double)mu[i]);
    if (ds && fabsf(s[i]) < 20)
      ds[i] += (float)(scale * 0.5 * (exp((double)s[i]) - 1));
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell"};
  if (variant > 1)
    return false;
  rg_node *mu = rg_input_free(graph, "mu", NULL, 4);
  rg_node *s = rg_input_free(graph, "s", NULL, 4);
  rg_loss(graph, "kl_normal", "kl", options[variant], mu, s, NULL);
  return true;
}

const rg_op_type rg_loss_kl_normal = {
    .name = "kl_normal",
    .cite = "Kingma, Welling 2014",
    .help = "KL(N(mu, exp(s)) || N(0, 1))",
    .options = fields,
    .options_size = sizeof(kl_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 1e-3,
    .tolerance_why = "float32 inputs"};
