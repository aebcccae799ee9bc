/* Deep divergence-based clustering: groups that are apart in the hidden space and
 * assignments near the corners of the simplex. Every rank computes all of the batch, so
 * that nothing depends on who holds which lane. */
#include "masked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct ddc_options {
  double width;
  bool median;
} ddc_options;

static const rg_field fields[] = {
    {"width", RG_DOUBLE, offsetof(ddc_options, width), "0.15", 1e-6, 1e6, NULL, NULL,
     "squared width of the kernel"},
    {"median", RG_BOOL, offsetof(ddc_options, median), "true", 0, 0, NULL, NULL,
     "times the median squared distance of the batch, a constant for the gradient"},
    {0}};

#define SMALLEST 1e-9

typedef struct ddc_state {
  float *assign, *hidden;    /* of the batch */
  float *kernel;             /* [batch][batch] */
  float *sorted;             /* distances, for the median */
  float *by_corner;
  float *corner;             /* [batch][group]: exp(-|a - e|^2) */
  float *smooth;             /* kernel times a factor: [batch][group] */
  double *product, *slope;   /* [group][group]: N, and G + G^T */
  float *by_assign, *by_hidden;
} ddc_state;

/* in[0]: assignments, rows that sum to 1; in[1]: hidden rows */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  (void)graph;
  RG_TRY(need_inputs(op, 2));
  for (int k = 0; k < 2; k++)
    if (op->in[k]->sparse || op->in[k]->blocks)
      return rg_fail(RG_EUSAGE, "ddc %s: input %d is not whole", op->name, k);
  if (op->in[0]->width < 2)
    return rg_fail(RG_EUSAGE, "ddc %s: needs two groups or more", op->name);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  ddc_state *state = op->state;
  const rg_share *share = rg_graph_share(graph);
  int64_t batch = (int64_t)share->lanes * share->lane_cells, groups = op->in[0]->width;
  state->assign = rg_graph_scratch(graph, batch * groups);
  state->by_assign = rg_graph_scratch(graph, batch * groups);
  state->corner = rg_graph_scratch(graph, batch * groups);
  state->smooth = rg_graph_scratch(graph, batch * groups);
  state->hidden = rg_graph_scratch(graph, batch * op->in[1]->width);
  state->by_hidden = rg_graph_scratch(graph, batch * op->in[1]->width);
  state->kernel = rg_graph_scratch(graph, batch * batch);
  state->sorted = rg_graph_scratch(graph, batch * batch);
  state->by_corner = rg_graph_scratch(graph, batch * groups);
  state->product = rg_graph_scratch_f64(graph, groups * groups);
  state->slope = rg_graph_scratch_f64(graph, groups * groups);
}

static int by_value(const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* exp(-d^2 / (2 s)); a median is the lower of two, as PyTorch's. Returns s. */
static double make_kernel(const ddc_state *state, const ddc_options *o, int64_t batch,
                          int width)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < batch; i++)
    for (int64_t j = 0; j < batch; j++) {
      double sum = 0;
      for (int k = 0; k < width; k++) {
        double e = (double)state->hidden[i * width + k] -
                   (double)state->hidden[j * width + k];
        sum += e * e;
      }
      state->kernel[i * batch + j] = (float)sum;
    }
  int64_t n = batch * batch;
  double median = 1;
  if (o->median) {
    memcpy(state->sorted, state->kernel, sizeof(float) * (size_t)n);
    qsort(state->sorted, (size_t)n, sizeof(float), by_value);
    median = (double)state->sorted[(n - 1) / 2];
  }
  double s = fmax(o->width * median, SMALLEST);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    state->kernel[i] = (float)exp(-(double)state->kernel[i] / (2 * s));
  return s;
}

/* CS = c sum over p < q of N_pq / sqrt(N_pp N_qq) with N = x^T K x, c = 2 / (C (C - 1));
 * fills smooth = K x and slope = G + G^T. */
static double divergence(const ddc_state *state, const float *x, int64_t batch, int groups)
{
  rg_gemm(false, false, batch, groups, batch, 1, state->kernel, batch, x, groups, 0,
          state->smooth, groups);
  double *n = state->product, c = 2.0 / groups / (groups - 1), value = 0;
  for (int p = 0; p < groups; p++)
    for (int q = 0; q < groups; q++) {
      double sum = 0;
      for (int64_t i = 0; i < batch; i++)
        sum += (double)x[i * groups + p] * (double)state->smooth[i * groups + q];
      n[p * groups + q] = fmax(sum, SMALLEST);
    }
  memset(state->slope, 0, sizeof(double) * (size_t)(groups * groups));
  for (int p = 0; p < groups; p++)
    for (int q = 0; q < groups; q++) {
      double ratio =
          c / sqrt(fmax(n[p * groups + p] * n[q * groups + q], SMALLEST * SMALLEST));
      if (p == q)
        continue;
      double pair = n[p < q ? p * groups + q : q * groups + p];
      value += p < q ? ratio * pair : 0;
      state->slope[p * groups + q] = ratio; /* G is in one triangle: G + G^T */
      state->slope[p * groups + p] -= ratio * pair / n[p * groups + p]; /* twice G_pp */
    }
  return value;
}

/* dx = K x (G + G^T); dK = x G x^T, of which dd_ij + dd_ji is
 * -K_ij / (2 s) x_i (G + G^T) x_j; dh_i = 2 sum_j (dd_ij + dd_ji) (h_i - h_j) */
static void slopes(const ddc_state *state, const float *x, int64_t batch, int groups,
                   int width, double s, float *by_x)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < batch; i++) {
    for (int p = 0; p < groups; p++) {
      double sum = 0;
      for (int q = 0; q < groups; q++)
        sum += (double)state->smooth[i * groups + q] * state->slope[q * groups + p];
      by_x[i * groups + p] = (float)sum;
    }
    for (int64_t j = 0; j < batch; j++) {
      double both = 0;
      for (int p = 0; p < groups; p++) {
        double turned = 0;
        for (int q = 0; q < groups; q++)
          turned += state->slope[p * groups + q] * (double)x[j * groups + q];
        both += (double)x[i * groups + p] * turned;
      }
      both *= -(double)state->kernel[i * batch + j] / (2 * s);
      for (int k = 0; k < width; k++)
        state->by_hidden[i * width + k] +=
            (float)(2 * both * ((double)state->hidden[i * width + k] -
                                (double)state->hidden[j * width + k]));
    }
  }
}

static void make_corners(const ddc_state *state, int64_t batch, int groups)
{
  for (int64_t i = 0; i < batch; i++) {
    const float *a = state->assign + i * groups;
    double square = 0;
    for (int q = 0; q < groups; q++)
      square += (double)a[q] * (double)a[q];
    for (int q = 0; q < groups; q++)
      state->corner[i * groups + q] = (float)exp(-(square - 2 * (double)a[q] + 1));
  }
}

/* de_q / da_p = -2 e_q (a_p - 1(p = q)); by_corner becomes the slope of a */
static void through_corners(const ddc_state *state, int64_t batch, int groups,
                            const float *by_corner)
{
  for (int64_t i = 0; i < batch; i++) {
    const float *e = state->corner + i * groups, *g = by_corner + i * groups;
    double total = 0;
    for (int q = 0; q < groups; q++)
      total += (double)g[q] * (double)e[q];
    for (int p = 0; p < groups; p++)
      state->by_assign[i * groups + p] +=
          (float)(-2 * ((double)state->assign[i * groups + p] * total -
                        (double)g[p] * (double)e[p]));
  }
}

static void forward(rg_run *run, rg_op *op)
{
  const ddc_options *o = op->options;
  const ddc_state *state = op->state;
  int groups = op->in[0]->width, width = op->in[1]->width;
  int64_t batch = (int64_t)batch_cells(run);
  run->share->gather_lanes(run->share, op->in[0]->x, groups, state->assign);
  run->share->gather_lanes(run->share, op->in[1]->x, width, state->hidden);
  memset(state->by_hidden, 0, sizeof(float) * (size_t)(batch * width));
  double s = make_kernel(state, o, batch, width);
  double value = divergence(state, state->assign, batch, groups);
  slopes(state, state->assign, batch, groups, width, s, state->by_assign);
  make_corners(state, batch, groups);
  value += divergence(state, state->corner, batch, groups);
  slopes(state, state->corner, batch, groups, width, s, state->by_corner);
  through_corners(state, batch, groups, state->by_corner);
  op->denominator = 1;
  rg_whole_value(run, op, value);
}

static void backward(rg_run *run, rg_op *op)
{
  const ddc_state *state = op->state;
  int64_t first = run->share->my_lanes.low * run->share->lane_cells;
  for (int k = 0; k < 2; k++) {
    const float *slope = (k ? state->by_hidden : state->by_assign) +
                         first * op->in[k]->width;
    for (int64_t i = 0; op->in[k]->d && i < node_floats(run, op->in[k]); i++)
      op->in[k]->d[i] += (float)op->scale * slope[i];
  }
}

/* A median moves with the hidden rows, so these are checked at a fixed width. */
static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"width=2 median=false", "width=0.5"};
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  rg_node *h = variant ? rg_input(graph, "h", 2) : rg_input_free(graph, "h", NULL, 2);
  x = rg_apply(graph, "softmax", "groups", NULL, x, NULL);
  rg_loss(graph, "ddc", "loss", options[variant], x, h, NULL);
  return true;
}

const rg_op_type rg_loss_ddc = {
    .name = "ddc",
    .cite = "Kampffmeyer et al. 2019; UnitedNet: Tang et al. 2023",
    .help = "Cauchy-Schwarz divergence of groups, and of their distance to the corners",
    .options = fields,
    .options_size = sizeof(ddc_options),
    .state_size = sizeof(ddc_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of the kernel"};
