/* Mean KL between all pairs of posteriors of the batch: the bound on the KL to the
 * aggregated posterior that makes the latent invariant, in O(B d). */
#include "src/nn/op_internal.h"

#include <math.h>
#include <string.h>

typedef struct aggregated_options {
  char *reduction;
} aggregated_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(aggregated_options, reduction), "mean", 0, 0,
     "mean|sum", NULL,
     "the mean over pairs as released SAILER adds it, or times the cells of the batch"},
    {0}};

/* sums over the batch per axis: sigma^2 + mu^2, 1/sigma^2, mu, mu/sigma^2, mu^2/sigma^2 */
enum { A, V, M, P, Q, SUMS };

typedef struct aggregated_state {
  double *per_lane, *mean; /* [lane][axis][SUMS]; [axis][SUMS] */
} aggregated_state;

static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return need_inputs(op, 2);
}

static void plan(rg_graph *graph, rg_op *op)
{
  aggregated_state *state = op->state;
  int64_t lanes = rg_range_n(rg_graph_share(graph)->my_lanes);
  state->per_lane = rg_graph_scratch_f64(graph, lanes * op->in[0]->width * SUMS);
  state->mean = rg_graph_scratch_f64(graph, (int64_t)op->in[0]->width * SUMS);
}

static double clamped(float s)
{
  return fmin(fmax((double)s, -20), 20);
}

static void lane_sums(const rg_run *run, const rg_op *op, int64_t lane, double *sums)
{
  int width = op->in[0]->width;
  const float *mu = lane_x(run, op->in[0], 0, lane), *s = lane_x(run, op->in[1], 0, lane);
  memset(sums, 0, sizeof *sums * (size_t)(width * SUMS));
  for (int64_t i = 0; i < run->share->lane_cells; i++)
    for (int j = 0; j < width; j++) {
      double m = (double)mu[i * width + j], c = clamped(s[i * width + j]);
      double variance = exp(c), precision = exp(-c), *x = sums + j * SUMS;
      x[A] += variance + m * m;
      x[V] += precision;
      x[M] += m;
      x[P] += m * precision;
      x[Q] += m * m * precision;
    }
}

static void forward(rg_run *run, rg_op *op)
{
  const aggregated_options *o = op->options;
  const aggregated_state *state = op->state;
  int64_t width = op->in[0]->width, lanes = rg_run_lanes(run);
  double cells = batch_cells(run);
  for (int64_t lane = 0; lane < lanes; lane++)
    lane_sums(run, op, lane, state->per_lane + lane * width * SUMS);
  run->share->sum_lanes(run->share, state->per_lane, width * SUMS, state->mean);
  double value = -(double)width / 2;
  for (int64_t j = 0; j < width; j++) {
    double *x = state->mean + j * SUMS;
    for (int k = 0; k < SUMS; k++)
      x[k] /= cells;
    value += 0.5 * (x[A] * x[V] - 2 * x[M] * x[P] + x[Q]);
  }
  op->denominator = strcmp(o->reduction, "mean") == 0 ? 1 : 1 / cells;
  for (int64_t lane = 0; lane < lanes; lane++) /* lanes is a power of two: exact */
    op->partial[lane] = value / run->share->lanes;
}

static void backward(rg_run *run, rg_op *op)
{
  const aggregated_state *state = op->state;
  int width = op->in[0]->width;
  double scale = op->scale / op->denominator / batch_cells(run);
  const float *mu = op->in[0]->x, *s = op->in[1]->x;
  float *dmu = op->in[0]->d, *ds = op->in[1]->d;
  for (int64_t i = 0; i < cells_of(run); i++)
    for (int j = 0; j < width; j++) {
      int64_t k = i * width + j;
      const double *x = state->mean + j * SUMS;
      double m = (double)mu[k], variance = exp(clamped(s[k])),
             precision = exp(-clamped(s[k]));
      if (dmu)
        dmu[k] += (float)(scale * (m * x[V] - x[P] + (m - x[M]) * precision));
      if (ds && fabsf(s[k]) < 20)
        ds[k] += (float)(scale * 0.5 *
                         (variance * x[V] - x[A] * precision + 2 * x[M] * m * precision -
                          m * m * precision));
    }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=mean", "reduction=sum"};
  if (variant > 1)
    return false;
  rg_node *mu = rg_input_free(graph, "mu", NULL, 4);
  rg_node *s = rg_input_free(graph, "s", NULL, 4);
  rg_loss(graph, "aggregated_kl", "akl", options[variant], mu, s, NULL);
  return true;
}

const rg_op_type rg_loss_aggregated_kl = {
    .name = "aggregated_kl",
    .cite = "SAILER: Cao, Fu, Wu et al. 2021 (uci-cbcl/SAILER)",
    .help = "mean KL between all pairs of posteriors of the batch (invariance)",
    .options = fields,
    .options_size = sizeof(aggregated_options),
    .state_size = sizeof(aggregated_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "products of means of exponentials"};
