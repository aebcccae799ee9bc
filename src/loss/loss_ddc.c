/* Deep divergence-based clustering: groups that are apart in the hidden space and
 * assignments near the corners of the simplex. Every rank computes all of the batch, so
 * that nothing depends on who holds which lane. */
#include "masked.h"

#include <math.h>
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

/* Rows of the batch, those that count first. */
typedef struct ddc_state {
  float *counts, *all_counts; /* the mask here and of the batch */
  float *assign, *hidden;
  float *kernel;             /* [batch][batch] */
  float *weight;             /* slopes of distances, [batch][batch] */
  float *turned;             /* x (G + G^T): [batch][group] */
  float *by_corner;
  float *corner;             /* [batch][group]: exp(-|a - e|^2) */
  float *smooth;             /* kernel times a factor: [batch][group] */
  double *product, *slope;   /* [group][group]: N, and G + G^T */
  float *by_assign, *by_hidden;
} ddc_state;

/* in[0]: assignments, rows that sum to 1; in[1]: hidden rows; in[2]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  if (op->n_in < 2 || op->n_in > 3)
    return rg_fail(RG_EUSAGE, "ddc %s needs 2 inputs and at most a mask, got %d",
                   op->name, op->n_in);
  for (int k = 0; k < op->n_in; k++)
    if (op->in[k]->sparse || op->in[k]->blocks || (k == 2 && op->in[k]->width != 1))
      return rg_fail(RG_EUSAGE, "ddc %s: input %d has a wrong shape", op->name, k);
  if (op->in[0]->width < 2)
    return rg_fail(RG_EUSAGE, "ddc %s: needs two groups or more", op->name);
  return RG_OK;
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
  state->weight = rg_graph_scratch(graph, batch * batch);
  state->turned = rg_graph_scratch(graph, batch * groups);
  state->counts = rg_graph_scratch(graph, rg_graph_cells(graph));
  state->all_counts = rg_graph_scratch(graph, batch);
  state->by_corner = rg_graph_scratch(graph, batch * groups);
  state->product = rg_graph_scratch_f64(graph, groups * groups);
  state->slope = rg_graph_scratch_f64(graph, groups * groups);
}

/* Bits of a number >= 0 rise with it. */
static uint32_t bits_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* Of the numbers whose upper bits are `upper` (all when there are no upper bits yet), the
 * bits from `shift` on of number *rank; *rank becomes the place among those alike. */
static uint32_t digits_of(const float *x, int64_t n, int shift, uint32_t upper,
                          int64_t *rank)
{
  int64_t count[1 << 11] = {0};
  uint32_t digit = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits = bits_of(x[i]);
    if ((uint64_t)bits >> (shift + 11) == upper)
      count[bits >> shift & 0x7ff]++;
  }
  while (digit < 0x7ff && *rank >= count[digit])
    *rank -= count[digit++];
  return upper << 11 | digit;
}

/* The lower of two medians, as PyTorch's, of n numbers >= 0. */
static double median_of(const float *x, int64_t n)
{
  int64_t rank = (n - 1) / 2;
  uint32_t bits = digits_of(x, n, 22, 0, &rank);
  bits = digits_of(x, n, 11, bits, &rank);
  bits = digits_of(x, n, 0, bits, &rank);
  float median;
  memcpy(&median, &bits, sizeof median);
  return (double)median;
}

static double distance(const float *a, const float *b, int width)
{
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int k = 0; k < width; k++) {
    double e = (double)a[k] - (double)b[k];
    sum += e * e;
  }
  return sum;
}

/* exp(-d^2 / (2 s)); returns s */
static double make_kernel(const ddc_state *state, const ddc_options *o, int64_t batch,
                          int width)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < batch; i++)
    for (int64_t j = 0; j < batch; j++)
      state->kernel[i * batch + j] = (float)distance(
          state->hidden + i * width, state->hidden + j * width, width);
  int64_t n = batch * batch;
  double median = o->median ? median_of(state->kernel, n) : 1;
  double s = fmax(o->width * median, SMALLEST);
  float factor = (float)(-1 / (2 * s));
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    state->kernel[i] *= factor;
  rg_v_exp(n, state->kernel, state->kernel);
  return s;
}

/* c (m x n) = alpha a op(b) + beta c, in pieces of rows that do not depend on threads */
static void product(bool turned, int64_t m, int64_t n, int64_t k, double alpha,
                    const float *a, const float *b, float beta, float *c)
{
  enum { PIECE = 64 };
#pragma omp parallel for schedule(static)
  for (int64_t low = 0; low < m; low += PIECE)
    rg_gemm(false, turned, m - low < PIECE ? m - low : PIECE, n, k, (float)alpha,
            a + low * k, k, b, turned ? k : n, beta, c + low * n, n);
}

/* CS = c sum over p < q of N_pq / sqrt(N_pp N_qq) with N = x^T K x, c = 2 / (C (C - 1));
 * fills smooth = K x and slope = G + G^T. */
static double divergence(const ddc_state *state, const float *x, int64_t batch, int groups)
{
  product(false, batch, groups, batch, 1, state->kernel, x, 0, state->smooth);
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

/* x (G + G^T), row by row */
static void turn(const ddc_state *state, const float *x, int64_t batch, int groups,
                 float *out)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < batch; i++)
    for (int p = 0; p < groups; p++) {
      double sum = 0;
      for (int q = 0; q < groups; q++)
        sum += (double)x[i * groups + q] * state->slope[q * groups + p];
      out[i * groups + p] = (float)sum;
    }
}

/* dx = K x (G + G^T); dK = x G x^T, of which dd_ij + dd_ji is
 * -K_ij / (2 s) x_i (G + G^T) x_j; dh_i = 2 sum_j (dd_ij + dd_ji) (h_i - h_j) */
static void slopes(const ddc_state *state, const float *x, int64_t batch, int groups,
                   int width, double s, float *by_x)
{
  turn(state, state->smooth, batch, groups, by_x);
  turn(state, x, batch, groups, state->turned);
  product(true, batch, batch, groups, -1 / (2 * s), x, state->turned, 0, state->weight);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < batch; i++) {
    float *weight = state->weight + i * batch;
    double sum = 0;
    for (int64_t j = 0; j < batch; j++) {
      weight[j] *= i == j ? 0 : state->kernel[i * batch + j];
      sum += (double)weight[j];
    }
    for (int k = 0; k < width; k++)
      state->by_hidden[i * width + k] +=
          (float)(2 * sum * (double)state->hidden[i * width + k]);
  }
  product(false, batch, width, batch, -2, state->weight, state->hidden, 1,
          state->by_hidden);
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

/* Move the rows that count to the front, in order; returns how many there are. */
static int64_t gather(rg_run *run, rg_op *op)
{
  const ddc_state *state = op->state;
  int64_t groups = op->in[0]->width, width = op->in[1]->width, n = 0;
  for (int64_t i = 0; i < cells_of(run); i++)
    state->counts[i] = cell_counts(mask_at(op, 2), i);
  run->share->gather_lanes(run->share, state->counts, 1, state->all_counts);
  run->share->gather_lanes(run->share, op->in[0]->x, (int)groups, state->assign);
  run->share->gather_lanes(run->share, op->in[1]->x, (int)width, state->hidden);
  for (int64_t i = 0; i < (int64_t)batch_cells(run); i++) {
    if (!(state->all_counts[i] > 0))
      continue;
    memmove(state->assign + n * groups, state->assign + i * groups,
            sizeof(float) * (size_t)groups);
    memmove(state->hidden + n * width, state->hidden + i * width,
            sizeof(float) * (size_t)width);
    n++;
  }
  return n;
}

static void forward(rg_run *run, rg_op *op)
{
  const ddc_options *o = op->options;
  const ddc_state *state = op->state;
  int groups = op->in[0]->width, width = op->in[1]->width;
  int64_t n = gather(run, op);
  double value = 0;
  if (n > 0) {
    memset(state->by_hidden, 0, sizeof(float) * (size_t)(n * width));
    double s = make_kernel(state, o, n, width);
    value = divergence(state, state->assign, n, groups);
    slopes(state, state->assign, n, groups, width, s, state->by_assign);
    make_corners(state, n, groups);
    value += divergence(state, state->corner, n, groups);
    slopes(state, state->corner, n, groups, width, s, state->by_corner);
    through_corners(state, n, groups, state->by_corner);
  }
  op->denominator = 1;
  rg_whole_value(run, op, value);
}

static void backward(rg_run *run, rg_op *op)
{
  const ddc_state *state = op->state;
  int64_t first = run->share->my_lanes.low * run->share->lane_cells, row = 0;
  for (int64_t i = 0; i < first; i++)
    row += state->all_counts[i] > 0;
  for (int64_t i = 0; i < cells_of(run); i++) {
    if (!(state->counts[i] > 0))
      continue;
    for (int k = 0; k < 2; k++) {
      int64_t width = op->in[k]->width;
      const float *slope = (k ? state->by_hidden : state->by_assign) + row * width;
      for (int64_t j = 0; op->in[k]->d && j < width; j++)
        op->in[k]->d[i * width + j] += (float)op->scale * slope[j];
    }
    row++;
  }
}

/* A median moves with the hidden rows, so these are checked at a fixed width. */
static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"width=2 median=false", "width=0.5", "width=3 median=false"};
  if (variant > 2)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  rg_node *mask = variant == 2 ? rg_input(graph, "mask", 1) : NULL;
  rg_node *h = variant == 1 ? rg_input(graph, "h", 2) : rg_input_free(graph, "h", NULL, 2);
  x = rg_apply(graph, "softmax", "groups", NULL, x, NULL);
  rg_loss(graph, "ddc", "loss", options[variant], x, h, mask, NULL);
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
