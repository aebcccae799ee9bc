/* KL of a diagonal Gaussian posterior to a normal prior. */
#include "masked.h"

#include <math.h>

typedef struct kl_options {
  char *reduction;
  double mean, variance;
} kl_options;

static const rg_field fields[] = {
    RG_REDUCTION(kl_options, "sum"),
    {"mean", RG_DOUBLE, offsetof(kl_options, mean), "0", -1e6, 1e6, NULL, NULL,
     "of the prior"},
    {"variance", RG_DOUBLE, offsetof(kl_options, variance), "1", 1e-12, 1e12, NULL, NULL,
     "of the prior"},
    {0}};

/* in[0]: mean; in[1]: log variance s; in[2]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 2, 1);
}

static double clamped(float s)
{
  return fmin(fmax((double)s, -20), 20);
}

static void forward(rg_run *run, rg_op *op)
{
  const kl_options *o = op->options;
  const rg_node *mask = mask_at(op, 2);
  int width = op->in[0]->width;
  int64_t n = (int64_t)run->share->lane_cells * width;
  double level = log(o->variance);
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, width);
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t k = lane * n; k < (lane + 1) * n; k++) {
      double away = (double)op->in[0]->x[k] - o->mean, s = clamped(op->in[1]->x[k]);
      if (cell_counts(mask, k / width))
        sum += (away * away + exp(s)) / o->variance - 1 - s + level;
    }
    op->partial[lane] = 0.5 * sum;
  }
}

/* dmu = (mu - mean) / variance; ds = (exp(s) / variance - 1) / 2 */
static void backward(rg_run *run, rg_op *op)
{
  const kl_options *o = op->options;
  const rg_node *mask = mask_at(op, 2);
  double scale = op->scale / op->denominator;
  const float *mu = op->in[0]->x, *s = op->in[1]->x;
  float *dmu = op->in[0]->d, *ds = op->in[1]->d;
  for (int64_t k = 0; k < node_floats(run, op->in[0]); k++) {
    if (!cell_counts(mask, k / op->in[0]->width))
      continue;
    if (dmu)
      dmu[k] += (float)(scale * (((double)mu[k] - o->mean) / o->variance));
    if (ds && fabsf(s[k]) < 20)
      ds[k] += (float)(scale * 0.5 * (exp((double)s[k]) / o->variance - 1));
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell",
                           "reduction=mean mean=0.5 variance=0.3"};
  if (variant > 2)
    return false;
  rg_node *mu = rg_input_free(graph, "mu", NULL, 4);
  rg_node *s = rg_input_free(graph, "s", NULL, 4);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  rg_loss(graph, "kl_normal", "kl", options[variant], mu, s, mask, NULL);
  return true;
}

const rg_op_type rg_loss_kl_normal = {
    .name = "kl_normal",
    .cite = "Kingma, Welling 2014",
    .help = "KL(N(mu, exp(s)) || N(mean, variance))",
    .options = fields,
    .options_size = sizeof(kl_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 1e-3,
    .tolerance_why = "float32 inputs"};
