/* KL to the standard normal of a Gaussian given by mean and standard deviation. */
#include "masked.h"

#include <math.h>

typedef struct kl_options {
  char *reduction;
} kl_options;

static const rg_field fields[] = {RG_REDUCTION(kl_options, "cell"), {0}};

#define SMALLEST 1e-7

/* in[0]: mean; in[1]: standard deviation; in[2]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 2, 1);
}

static void forward(rg_run *run, rg_op *op)
{
  const kl_options *o = op->options;
  const rg_node *mask = mask_at(op, 2);
  int width = op->in[0]->width;
  int64_t n = run->share->lane_cells;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, width);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      for (int64_t k = i * width; cell_counts(mask, i) && k < (i + 1) * width; k++) {
        double mean = (double)op->in[0]->x[k];
        double sigma = fmax((double)op->in[1]->x[k], SMALLEST);
        sum += 0.5 * (mean * mean + sigma * sigma - 1) - log(sigma);
      }
    op->partial[lane] = sum;
  }
}

/* dmean = mean; dsigma = sigma - 1/sigma */
static void backward(rg_run *run, rg_op *op)
{
  const rg_node *mask = mask_at(op, 2);
  int width = op->in[0]->width;
  double scale = op->scale / op->denominator;
  for (int64_t k = 0; k < node_floats(run, op->in[0]); k++) {
    double sigma = (double)op->in[1]->x[k];
    if (!cell_counts(mask, k / width))
      continue;
    if (op->in[0]->d)
      op->in[0]->d[k] += (float)(scale * (double)op->in[0]->x[k]);
    if (op->in[1]->d && sigma >= SMALLEST)
      op->in[1]->d[k] += (float)(scale * (sigma - 1 / sigma));
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean"};
  if (variant > 2)
    return false;
  rg_node *mean = rg_input_free(graph, "mean", NULL, 3);
  rg_node *sigma = rg_input_free(graph, "a", NULL, 3);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  sigma = rg_apply(graph, "softplus_std", "sigma", NULL, sigma, NULL);
  rg_loss(graph, "kl_std", "loss", options[variant], mean, sigma, mask, NULL);
  return true;
}

const rg_op_type rg_loss_kl_std = {
    .name = "kl_std",
    .cite = "Kingma, Welling 2014; posteriors of GLUE and CLUE (gao-lab/GLUE)",
    .help = "KL(N(mean, sigma^2) || N(0, 1))",
    .options = fields,
    .options_size = sizeof(kl_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of log sigma"};
