/* Product of Gaussian experts over the modalities a cell has. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

typedef struct poe_options {
  bool prior;
  double mean, variance;
} poe_options;

static const rg_field fields[] = {
    {"prior", RG_BOOL, offsetof(poe_options, prior), "true", 0, 0, NULL, NULL,
     "the prior is an expert too"},
    {"mean", RG_DOUBLE, offsetof(poe_options, mean), "0", -1e6, 1e6, NULL, NULL,
     "of the prior"},
    {"variance", RG_DOUBLE, offsetof(poe_options, variance), "1", 1e-12, 1e12, NULL, NULL,
     "of the prior"},
    {0}};

/* in: mean_1, s_1, ..., mean_K, s_K, mask_1 .. mask_K with s = log variance; out: the
 * mean and the log variance side by side */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  int k = op->n_in / 3;
  if (op->n_in < 3 || op->n_in % 3)
    return rg_fail(RG_EUSAGE, "poe %s: mean and log variance of each, then masks",
                   op->name);
  for (int i = 0; i < op->n_in; i++)
    if (op->in[i]->sparse || op->in[i]->blocks ||
        op->in[i]->width != (i < 2 * k ? op->in[0]->width : 1))
      return rg_fail(RG_EUSAGE, "poe %s: input %d has a wrong shape", op->name, i);
  rg_op_output(graph, op, NULL, 2 * op->in[0]->width);
  return RG_OK;
}

static bool has(const rg_op *op, int expert, int64_t cell)
{
  return op->in[op->n_in / 3 * 2 + expert]->x[cell] > 0;
}

static double precision(const rg_op *op, int expert, int64_t at)
{
  return exp(-fmin(fmax((double)op->in[2 * expert + 1]->x[at], -20), 20));
}

/* A cell without experts gets the prior. */
static void forward(rg_run *run, rg_op *op)
{
  const poe_options *o = op->options;
  int width = op->in[0]->width, k = op->n_in / 3;
  for (int64_t cell = 0; cell < cells_of(run); cell++)
    for (int j = 0; j < width; j++) {
      double total = o->prior ? 1 / o->variance : 0, mean = total * o->mean;
      for (int i = 0; i < k; i++) {
        double tau = has(op, i, cell) ? precision(op, i, cell * width + j) : 0;
        total += tau;
        mean += tau * (double)op->in[2 * i]->x[cell * width + j];
      }
      float *y = op->out->x + cell * 2 * width;
      y[j] = total > 0 ? (float)(mean / total) : 0;
      y[width + j] = total > 0 ? (float)-log(total) : 0;
    }
}

/* T = exp(-s): dmean_k = g tau_k / T;
 * ds_k = -tau_k (g (mean_k - mean) - g_s) / T */
static void backward(rg_run *run, rg_op *op)
{
  int width = op->in[0]->width, k = op->n_in / 3;
  for (int64_t cell = 0; cell < cells_of(run); cell++)
    for (int i = 0; i < k; i++) {
      const float *y = op->out->x + cell * 2 * width, *dy = op->out->d + cell * 2 * width;
      float *dmean = op->in[2 * i]->d, *ds = op->in[2 * i + 1]->d;
      for (int j = 0; has(op, i, cell) && j < width; j++) {
        int64_t at = cell * width + j;
        double part = precision(op, i, at) * exp((double)y[width + j]);
        double away = (double)op->in[2 * i]->x[at] - (double)y[j];
        if (dmean)
          dmean[at] += (float)((double)dy[j] * part);
        if (ds && fabsf(op->in[2 * i + 1]->x[at]) < 20)
          ds[at] -= (float)(part * ((double)dy[j] * away - (double)dy[width + j]));
      }
    }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"prior=true", "prior=false", "prior=false",
                           "prior=true mean=0.5 variance=0.3"};
  if (variant > 3)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 3), *s = rg_input_free(graph, "s", NULL, 3);
  rg_node *b = rg_input_free(graph, "b", NULL, 3), *t = rg_input_free(graph, "t", NULL, 3);
  rg_node *m = rg_input(graph, "m", 1), *n = rg_input(graph, "n", 1);
  if (variant == 2) /* both in every cell */
    m = n = rg_apply(graph, "activation", "all", "kind=exp", m, NULL);
  rg_node *y = rg_apply(graph, "poe", "poe", options[variant], a, s, b, t, m, n, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_poe = {
    .name = "poe",
    .cite = "Wu, Goodman 2018; Cobolt: Gong, Zhou, Purdom 2021 (epurdom/cobolt)",
    .help = "mean and log variance of the product of the experts that a cell has",
    .options = fields,
    .options_size = sizeof(poe_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
