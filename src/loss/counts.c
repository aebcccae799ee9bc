/* The negative binomial of dense counts: one pass makes values and slopes. */
#include "counts.h"

#include <math.h>
#include <string.h>

#define SMALLEST_MEAN 1e-8
#define LOWEST_R (-50)
#define HIGHEST_R 16

const rg_field rg_counts_fields[] = {
    {"mean", RG_CHOICE, offsetof(rg_counts_options, mean), "given", 0, 0,
     "given|softmax", NULL,
     "the first input is the mean, or logits whose softmax is multiplied by the library"},
    {"dispersion", RG_CHOICE, offsetof(rg_counts_options, dispersion), "feature", 0, 0,
     "feature|given", NULL,
     "log of the inverse dispersion: a parameter per feature, or an input"},
    RG_REDUCTION(rg_counts_options, "mean"),
    {0}};

/* Where the inputs are; -1 where they are not. */
typedef struct places {
  int logit, library, r, mask;
} places;

static places places_of(const rg_op *op, bool extra_zeros)
{
  const rg_counts_options *o = op->options;
  places at = {-1, -1, -1, 2};
  if (extra_zeros)
    at.logit = at.mask++;
  if (strcmp(o->mean, "softmax") == 0)
    at.library = at.mask++;
  if (strcmp(o->dispersion, "given") == 0)
    at.r = at.mask++;
  return at;
}

rg_status rg_counts_shape(rg_op *op, rg_graph *graph, bool extra_zeros)
{
  places at = places_of(op, extra_zeros);
  if (op->n_in != at.mask && op->n_in != at.mask + 1)
    return rg_fail(RG_EUSAGE, "%s %s needs %d inputs and at most a mask, got %d",
                   op->type->name, op->name, at.mask, op->n_in);
  for (int k = 0; k < op->n_in; k++) {
    int width = k == at.library || k == at.mask ? 1 : op->in[0]->width;
    if (op->in[k]->sparse || op->in[k]->blocks || op->in[k]->width != width)
      return rg_fail(RG_EUSAGE, "%s %s: input %d has a wrong shape", op->type->name,
                     op->name, k);
  }
  if (at.r < 0)
    rg_op_param(graph, op, "log_dispersion", NULL, 1, op->in[0]->width, RG_INIT_ZERO, 1,
                1);
  return RG_OK;
}

void rg_counts_plan(rg_graph *graph, rg_op *op, bool extra_zeros)
{
  rg_counts_state *state = op->state;
  int64_t n = rg_graph_cells(graph) * op->in[0]->width;
  state->mean = rg_graph_scratch(graph, n);
  state->by_mean = rg_graph_scratch(graph, n);
  state->by_r = rg_graph_scratch(graph, n);
  state->by_logit = extra_zeros ? rg_graph_scratch(graph, n) : NULL;
}

/* softmax(y) library */
static void softmax_mean(const float *y, int width, float library, float *mean)
{
  float top = y[0];
  double sum = 0;
  for (int j = 1; j < width; j++)
    top = fmaxf(top, y[j]);
  for (int j = 0; j < width; j++) {
    mean[j] = expf(y[j] - top);
    sum += (double)mean[j];
  }
  for (int j = 0; j < width; j++)
    mean[j] = (float)((double)mean[j] / sum * (double)library);
}

typedef struct slopes {
  double mean, r, logit;
} slopes;

/* -log NB(x) */
static double negative_binomial(double x, double given, float r, slopes *d)
{
  bool low = given < SMALLEST_MEAN, edge = r < LOWEST_R || r > HIGHEST_R;
  double m = low ? SMALLEST_MEAN : given;
  double t = exp(fmin(fmax((double)r, LOWEST_R), HIGHEST_R));
  double spread = log1p(m / t), value = -t * spread;
  double by_t = m / (t + m) - spread;
  if (x > 0) {
    double rise, slope;
    rg_lgamma_rise(x, t, &rise, &slope);
    value += rise - lgamma(x + 1) + x * (log(m) - log(t + m));
    by_t += slope - x / (t + m);
  }
  d->mean = low ? 0 : -(x / m - (x + t) / (t + m));
  d->r = edge ? 0 : -t * by_t;
  d->logit = 0;
  return -value;
}

static double softplus(double x)
{
  return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* The same with an extra zero of logit p. */
static double with_extra_zeros(double x, double m, float r, double p, slopes *d)
{
  double plain = negative_binomial(x, m, r, d), no = 1 / (1 + exp(p));
  if (x > 0) {
    d->logit = 1 - no;
    return plain + p + softplus(-p);
  }
  double q = 1 / (1 + exp(plain + p)); /* the zero is one of the counts */
  d->mean *= q;
  d->r *= q;
  d->logit = q - no;
  return softplus(-p) - softplus(-plain - p);
}

static double cell_loss(rg_run *run, rg_op *op, const places *at, int64_t cell)
{
  const rg_counts_state *state = op->state;
  int64_t width = op->in[0]->width, row = cell * width;
  const float *r = at->r < 0 ? rg_param_value(run->graph, op->param[0])
                             : op->in[at->r]->x + row;
  const float *p = at->logit < 0 ? NULL : op->in[at->logit]->x + row;
  const float *y = op->in[0]->x + row, *x = op->in[1]->x + row;
  float *mean = state->mean + row;
  if (at->library < 0)
    memcpy(mean, y, sizeof *y * (size_t)width);
  else
    softmax_mean(y, (int)width, op->in[at->library]->x[cell], mean);
  double sum = 0;
  for (int64_t j = 0; j < width; j++) {
    slopes d;
    sum += p ? with_extra_zeros((double)x[j], (double)mean[j], r[j], (double)p[j], &d)
             : negative_binomial((double)x[j], (double)mean[j], r[j], &d);
    state->by_mean[row + j] = (float)d.mean;
    state->by_r[row + j] = (float)d.r;
    if (p)
      state->by_logit[row + j] = (float)d.logit;
  }
  return sum;
}

static void clear_cell(const rg_op *op, int64_t cell)
{
  const rg_counts_state *state = op->state;
  int64_t width = op->in[0]->width, row = cell * width;
  memset(state->by_mean + row, 0, sizeof(float) * (size_t)width);
  memset(state->by_r + row, 0, sizeof(float) * (size_t)width);
  if (state->by_logit)
    memset(state->by_logit + row, 0, sizeof(float) * (size_t)width);
}

void rg_counts_forward(rg_run *run, rg_op *op, bool extra_zeros)
{
  const rg_counts_options *o = op->options;
  places at = places_of(op, extra_zeros);
  const rg_node *mask = mask_at(op, at.mask);
  op->denominator =
      rg_masked_denominator(run, op, mask, o->reduction, op->in[0]->width);
  int64_t n = run->share->lane_cells;
#pragma omp parallel for schedule(dynamic)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++)
      if (cell_counts(mask, cell))
        sum += cell_loss(run, op, &at, cell);
      else
        clear_cell(op, cell);
    op->partial[lane] = sum;
  }
}

static void add(float *d, float scale, const float *slope, int64_t n)
{
  for (int64_t i = 0; d && i < n; i++)
    d[i] += scale * slope[i];
}

/* mean = L softmax(y): dy = mean g - softmax sum(mean g); dL = sum softmax g */
static void through_softmax(const rg_op *op, const places *at, double scale, int64_t cell)
{
  const rg_counts_state *state = op->state;
  int64_t width = op->in[0]->width, row = cell * width;
  const float *mean = state->mean + row, *g = state->by_mean + row;
  double library = (double)op->in[at->library]->x[cell], total = 0;
  for (int64_t j = 0; j < width; j++)
    total += (double)mean[j] * (double)g[j];
  if (library == 0)
    return;
  for (int64_t j = 0; op->in[0]->d && j < width; j++)
    op->in[0]->d[row + j] +=
        (float)(scale * (double)mean[j] * ((double)g[j] - total / library));
  if (op->in[at->library]->d)
    op->in[at->library]->d[cell] += (float)(scale * total / library);
}

void rg_counts_backward(rg_run *run, rg_op *op, bool extra_zeros)
{
  const rg_counts_state *state = op->state;
  places at = places_of(op, extra_zeros);
  const rg_node *mask = mask_at(op, at.mask);
  double scale = op->scale / op->denominator;
  int64_t n = node_floats(run, op->in[0]);
  if (at.library < 0)
    add(op->in[0]->d, (float)scale, state->by_mean, n);
  for (int64_t cell = 0; at.library >= 0 && cell < cells_of(run); cell++)
    if (cell_counts(mask, cell))
      through_softmax(op, &at, scale, cell);
  if (at.logit >= 0)
    add(op->in[at.logit]->d, (float)scale, state->by_logit, n);
  if (at.r >= 0)
    add(op->in[at.r]->d, (float)scale, state->by_r, n);
  else
    rg_column_gradient(run, op, 0, state->by_r, scale);
}

/* The target is made of a modality, or positive numbers that are not whole. */
bool rg_counts_probe(rg_graph *graph, int variant, const char *type, bool extra_zeros)
{
  const char *options[] = {"reduction=sum", "mean=softmax reduction=cell",
                           "dispersion=given", "mean=softmax dispersion=given"};
  if (variant > 3)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 13);
  rg_node *x = variant < 2 ? rg_apply(graph, "densify", "x", NULL,
                                      rg_input_sparse(graph, "counts", rg_probe_blocks()),
                                      NULL)
                           : rg_apply(graph, "activation", "x", "kind=exp",
                                      rg_input(graph, "real", 13), NULL);
  if (variant % 2 == 0)
    y = rg_apply(graph, "activation", "mean", "kind=softplus", y, NULL);
  rg_node *in[5] = {NULL};
  int n = 0;
  if (extra_zeros)
    in[n++] = rg_input_free(graph, "logit", NULL, 13);
  if (variant % 2)
    in[n++] = rg_apply(graph, "activation", "positive", "kind=exp",
                       rg_input_free(graph, "library", NULL, 1), NULL);
  if (variant > 1)
    in[n++] = rg_input_free(graph, "r", NULL, 13);
  if (variant > 0)
    in[n++] = rg_input(graph, "mask", 1);
  rg_loss(graph, type, "loss", options[variant], y, x, in[0], in[1], in[2], in[3], NULL);
  return true;
}
