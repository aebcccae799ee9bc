/* The UMAP layout (McInnes, Healy, Melville 2018). In an epoch every cell moves, from
 * where all cells were at its beginning, along its edges that are due and away from
 * cells drawn at random; then the new places are told to all. Which cells a rank or
 * thread moves does not matter. Places (two floats a cell) are kept on every rank, for
 * the draws; edges stay with their owners. */
#include "umap.h"
#include "weights.h"

#include <math.h>
#include <string.h>

#define MOST_STEP 4.0f /* of a coordinate, per force */
#define NOISE 1e-4
#define EXTENT 10
enum { SMALL = 10000, EPOCHS_SMALL = 500, EPOCHS_LARGE = 200, LANES = 8 };

/* Constants of a run. */
typedef struct layout {
  float a, b;
  int64_t n, first;
  int epochs, negatives;
  uint64_t seed;
  double most; /* the largest weight: due in every epoch */
} layout;

typedef struct place {
  float x, y;
} place;

/* x^b for x > 0, to 1e-5: 2^(b log2 x), with the logarithm of the fraction of x and the
 * power of the fraction of its argument as polynomials about the middle (Chebyshev). */
static inline float power(float x, float b)
{
  uint32_t bits, fraction;
  memcpy(&bits, &x, sizeof bits);
  fraction = (bits & 0x7fffff) | 0x3f800000;
  float m, two;
  memcpy(&m, &fraction, sizeof m);
  float t = m - 1.5f, logarithm = -0.025123203f;
  logarithm = logarithm * t + 0.043928628f;
  logarithm = logarithm * t - 0.070589676f;
  logarithm = logarithm * t + 0.141718159f;
  logarithm = logarithm * t - 0.320632333f;
  logarithm = logarithm * t + 0.961821228f;
  logarithm = logarithm * t + 0.584962765f;
  float p = b * ((float)((int32_t)(bits >> 23) - 127) + logarithm);
  p = p < -126 ? -126 : p > 126 ? 126 : p;
  float whole = floorf(p);
  bits = (uint32_t)((int32_t)whole + 127) << 23;
  memcpy(&two, &bits, sizeof two);
  t = p - whole - 0.5f;
  float exponential = 0.001895107f;
  exponential = exponential * t + 0.013683983f;
  exponential = exponential * t + 0.078493480f;
  exponential = exponential * t + 0.339723900f;
  exponential = exponential * t + 0.980258180f;
  exponential = exponential * t + 1.414213669f;
  return two * exponential;
}

static inline float clip(float x)
{
  return x > MOST_STEP ? MOST_STEP : x < -MOST_STEP ? -MOST_STEP : x;
}

/* Move `at` towards its neighbour at `to`. */
static inline void attract(const layout *l, place *at, place to, float rate)
{
  float dx = at->x - to.x, dy = at->y - to.y, d2 = dx * dx + dy * dy;
  if (d2 <= 0)
    return;
  float p = power(d2, l->b), c = -2 * l->a * l->b * p / (d2 * (l->a * p + 1));
  at->x += rate * clip(c * dx);
  at->y += rate * clip(c * dy);
}

/* Cells to move away from, a register full: arrays, so that the compiler takes them at
 * once. `counts` is 0 for a lane without a cell. */
typedef struct crowd {
  int n;
  float dx[LANES], dy[LANES], counts[LANES];
} crowd;

/* Move `at` away from a crowd of cells that are not its neighbours. */
static inline void repel(const layout *l, place *at, const crowd *others, float rate)
{
  float x = 0, y = 0, step_x[LANES], step_y[LANES];
  for (int j = 0; j < LANES; j++) {
    float dx = others->dx[j], dy = others->dy[j], d2 = dx * dx + dy * dy;
    float near_zero = d2 > 0 ? 0 : MOST_STEP, safe = d2 > 0 ? d2 : 1;
    float c = 2 * l->b / ((0.001f + safe) * (l->a * power(safe, l->b) + 1));
    step_x[j] = others->counts[j] * (clip(c * dx) + near_zero);
    step_y[j] = others->counts[j] * (clip(c * dy) + near_zero);
  }
  for (int j = 0; j < LANES; j++) {
    x += step_x[j];
    y += step_y[j];
  }
  at->x += rate * x;
  at->y += rate * y;
}

/* An edge of weight w is due w / most times per epoch, evenly spread. */
static inline bool due(const layout *l, float weight, int epoch)
{
  double share = weight / l->most;
  return floor((epoch + 1) * share) > floor(epoch * share);
}

/* The next of a stream of whole numbers below n (splitmix64). */
static inline int64_t draw(uint64_t *state, int64_t n)
{
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (int64_t)(((z ^ z >> 31) >> 32) * (uint64_t)n >> 32);
}

/* Move `at`, which is cell `me`, away from cells drawn at random. */
static inline void scatter(const layout *l, const place *all, int64_t me, place *at,
                           uint64_t *state, float rate)
{
  for (int left = l->negatives; left > 0; left -= LANES) {
    crowd others = {.n = 0};
    for (int s = 0; s < left && s < LANES; s++) {
      int64_t other = draw(state, l->n);
      if (other == me || isnan(all[other].x))
        continue;
      others.dx[others.n] = at->x - all[other].x;
      others.dy[others.n] = at->y - all[other].y;
      others.counts[others.n++] = 1;
    }
    repel(l, at, &others, rate);
  }
}

/* The new place of row i. An edge pulls at each end once for either direction in which
 * it is stored, hence twice. */
static place move_cell(const layout *l, const rg_csr *graph, const place *all,
                       int64_t i, int epoch)
{
  float rate = 1 - (float)epoch / (float)l->epochs;
  place at = all[l->first + i];
  rg_key key = {l->seed, (uint64_t)epoch + 1, RG_FOR_LAYOUT};
  uint32_t word[4];
  rg_random(&key, (uint64_t)(l->first + i), 0, word);
  uint64_t state = (uint64_t)word[0] << 32 | word[1];
  for (int64_t e = graph->indptr[i]; e < graph->indptr[i + 1]; e++) {
    if (!due(l, graph->values[e], epoch))
      continue;
    place to = all[graph->indices[e]];
    attract(l, &at, to, rate);
    scatter(l, all, l->first + i, &at, &state, rate);
    attract(l, &at, to, rate);
  }
  return at;
}

/* Collective. */
static void run_epochs(rg_comm *comm, const layout *l, const rg_csr *graph, rg_mat *xy)
{
  rg_pace_begin("umap", l->epochs, "epochs");
  for (int epoch = 0; epoch < l->epochs; epoch++) {
    rg_pace_at(epoch, NULL);
    rg_mat all = rg_gather_rows(comm, xy);
    place *mine = (place *)xy->data;
#pragma omp parallel for schedule(dynamic, 256)
    for (int64_t i = 0; i < graph->rows; i++)
      if (graph->indptr[i + 1] > graph->indptr[i])
        mine[i] = move_cell(l, graph, (const place *)all.data, i, epoch);
    rg_mat_fini(&all);
  }
  rg_pace_end();
}

/* Bring the columns to [0, EXTENT], with a little noise; cells without edges become
 * NaN. Collective. */
static void scale_start(rg_comm *comm, const layout *l, const rg_csr *graph, rg_mat *xy)
{
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  rg_key key = {l->seed, 0, RG_FOR_NOISE};
  for (int64_t i = 0; i < xy->rows; i++)
    for (int c = 0; c < 2; c++) {
      double x = rg_mat_row(xy, i)[c];
      if (graph->indptr[i + 1] == graph->indptr[i] || !isfinite(x))
        continue;
      low[c] = fmin(low[c], x);
      high[c] = fmax(high[c], x);
    }
  rg_min_f64(comm, low, 2);
  rg_max_f64(comm, high, 2);
  for (int64_t i = 0; i < xy->rows; i++)
    for (int c = 0; c < 2; c++) {
      float *x = &rg_mat_row(xy, i)[c];
      double noise = rg_normal(&key, (uint64_t)(l->first + i), (uint64_t)c);
      double at =
          high[c] > low[c] && isfinite(*x) ? (*x - low[c]) / (high[c] - low[c]) : 0.5;
      bool isolated = graph->indptr[i + 1] == graph->indptr[i];
      *x = isolated ? NAN : (float)(EXTENT * (at + NOISE * noise));
    }
}

static rg_status check(const rg_umap_options *o, const rg_mat *start)
{
  if (!(o->spread > 0 && o->min_distance >= 0 && o->min_distance <= 3 * o->spread))
    return rg_fail(RG_EUSAGE,
                   "umap: min_distance %g and spread %g do not fit; "
                   "min_distance must be from 0 to 3 times a spread above 0",
                   o->min_distance, o->spread);
  if (start && start->cols < 2)
    return rg_fail(RG_EUSAGE, "umap: the start has %lld column; it needs two",
                   (long long)start->cols);
  return RG_OK;
}

rg_status rg_umap(rg_comm *comm, const rg_csr *connectivities, const rg_mat *start,
                  const rg_umap_options *options, rg_mat *xy)
{
  rg_status status = rg_agree(comm, check(options, start));
  if (status == RG_OK)
    status = cluster_check_weights(comm, connectivities);
  if (status != RG_OK)
    return status;
  double a, b;
  layout l = {.n = connectivities->cols,
              .negatives = options->negatives,
              .seed = options->seed};
  rg_umap_curve(options->min_distance, options->spread, &a, &b);
  l.a = (float)a;
  l.b = (float)b;
  l.first = rg_prefix_i64(comm, connectivities->rows, NULL);
  l.epochs = options->epochs > 0 ? options->epochs
             : l.n <= SMALL      ? EPOCHS_SMALL
                                 : EPOCHS_LARGE;
  for (int64_t e = 0; e < rg_csr_nnz(connectivities); e++)
    l.most = fmax(l.most, connectivities->values[e]);
  rg_max_f64(comm, &l.most, 1);
  if (start || l.most == 0) {
    *xy = rg_mat_new(connectivities->rows, 2);
    for (int64_t i = 0; start && i < start->rows; i++)
      memcpy(rg_mat_row(xy, i), rg_mat_row(start, i), 2 * sizeof(float));
  } else {
    *xy = umap_spectral(comm, connectivities, options->seed);
  }
  scale_start(comm, &l, connectivities, xy);
  run_epochs(comm, &l, connectivities, xy);
  return RG_OK;
}
