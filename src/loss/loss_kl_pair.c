/* KL between two Gaussians of a cell, each given by mean and standard deviation. */
#include "masked.h"

#include <math.h>

typedef struct kl_options {
  char *reduction;
} kl_options;

static const rg_field fields[] = {RG_REDUCTION(kl_options, "cell"), {0}};

#define SMALLEST 1e-7

/* in: mean and standard deviation of one, of the other; a mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 4, 1);
}

static double sigma_of(const rg_op *op, int input, int64_t at)
{
  return fmax((double)op->in[input]->x[at], SMALLEST);
}

/* sum over axes of log(t/s) + (s^2 + (m - n)^2) / (2 t^2) - 1/2 */
static void forward(rg_run *run, rg_op *op)
{
  const kl_options *o = op->options;
  const rg_node *mask = mask_at(op, 4);
  int width = op->in[0]->width;
  int64_t n = (int64_t)run->share->lane_cells * width;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, width);
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t k = lane * n; k < (lane + 1) * n; k++) {
      double s = sigma_of(op, 1, k), t = sigma_of(op, 3, k);
      double away = ((double)op->in[0]->x[k] - (double)op->in[2]->x[k]) / t;
      if (cell_counts(mask, k / width))
        sum += log(t / s) + 0.5 * (s / t * (s / t) + away * away - 1);
    }
    op->partial[lane] = sum;
  }
}

static void add(float *d, int64_t at, double x)
{
  if (d)
    d[at] += (float)x;
}

/* dm = -dn = (m - n)/t^2; ds = s/t^2 - 1/s; dt = 1/t - (s^2 + (m - n)^2)/t^3 */
static void backward(rg_run *run, rg_op *op)
{
  const rg_node *mask = mask_at(op, 4);
  double scale = op->scale / op->denominator;
  for (int64_t k = 0; k < node_floats(run, op->in[0]); k++) {
    double s = sigma_of(op, 1, k), t = sigma_of(op, 3, k);
    double away = ((double)op->in[0]->x[k] - (double)op->in[2]->x[k]) / t;
    if (!cell_counts(mask, k / op->in[0]->width))
      continue;
    add(op->in[0]->d, k, scale * away / t);
    add(op->in[2]->d, k, -scale * away / t);
    if (s > SMALLEST)
      add(op->in[1]->d, k, scale * (s / t / t - 1 / s));
    if (t > SMALLEST)
      add(op->in[3]->d, k, scale * (1 - s / t * (s / t) - away * away) / t);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean"};
  if (variant > 2)
    return false;
  rg_node *m = rg_input_free(graph, "m", NULL, 3), *n = rg_input_free(graph, "n", NULL, 3);
  rg_node *s = rg_input_free(graph, "s", NULL, 3), *t = rg_input_free(graph, "t", NULL, 3);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  s = rg_apply(graph, "softplus_std", "sigma", NULL, s, NULL);
  t = rg_apply(graph, "softplus_std", "tau", NULL, t, NULL);
  rg_loss(graph, "kl_pair", "loss", options[variant], m, s, n, t, mask, NULL);
  return true;
}

const rg_op_type rg_loss_kl_pair = {
    .name = "kl_pair",
    .cite = "z_kl of scCross: Yang et al. 2024 (mcgilldinglab/scCross)",
    .help = "KL(N(m, s^2) || N(n, t^2)) of two posteriors of a cell",
    .options = fields,
    .options_size = sizeof(kl_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 1e-2,
    .tolerance_why = "curvature of 1/t^3"};
