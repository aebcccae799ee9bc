/* nb: the negative binomial of a row. Most counts are 0: there little is left, and that is
 * done in vectors of floats for the whole row; what is above 0 is collected and done in
 * double, in loops that the compiler makes vectors of. */
#include "regatta/kernels.h"

#include "src/kernels/log.h"
#include "src/kernels/row.h"

#define SMALLEST_MEAN 1e-8f
#define LOWEST_R (-50.0f)
#define HIGHEST_R 16.0f

/* ---- counts above 0 -------------------------------------------------------------- */

/* Some counts above 0 of a piece: where they are, and what is known of them. */
typedef struct found {
  int n;
  int at[ROW_PIECE];
  double x[ROW_PIECE], m[ROW_PIECE], t[ROW_PIECE];
  double value[ROW_PIECE], by_mean[ROW_PIECE], by_t[ROW_PIECE]; /* of log NB */
} found;

/* 1/(12x) - 1/(360x^3) + ..., and minus its derivative, with y = 1/x: Stirling's series
 * for x >= 7 */
static inline double tail(double y)
{
  double q = y * y;
  return y * (1.0 / 12.0 -
              q * (1.0 / 360.0 - q * (1.0 / 1260.0 - q * (1.0 / 1680.0 - q / 1188.0))));
}

static inline double tail_slope(double y)
{
  double q = y * y;
  return q * (1.0 / 12.0 -
              q * (1.0 / 120.0 - q * (1.0 / 252.0 - q * (1.0 / 240.0 - q / 132.0))));
}

/* With t moved up by 7 where it is small: Gamma(x + t) / Gamma(t) is that of the moved t
 * times prod (t + i) / (x + t + i); likewise x! = z! / prod (x + i). The large parts of
 * what is left are joined, and all factors share one logarithm. */
static inline void positive(double x, double m, double t, double *value, double *by_mean,
                            double *by_t)
{
  bool small = t < 7.0, few = x < 6.0;
  double low = small ? t : 1.0, high = small ? x + t : 1.0, z = few ? x : 1.0;
  double below = 1.0, above = 1.0, below_sum = 0.0, above_sum = 0.0, product = 1.0;
  for (int i = 0; i < 7; i++) {
    below_sum = below_sum * (low + i) + below;
    below *= low + i;
    above_sum = above_sum * (high + i) + above;
    above *= high + i;
    product *= z + (i + 1);
  }
  double inverse = 1.0 / (below * above);
  double moved = small ? (below_sum * above - above_sum * below) * inverse : 0.0;
  double factors = (small ? below * below * inverse : 1.0) * (few ? product : 1.0);
  z = few ? x + 8.0 : x + 1.0;
  double a = small ? t + 7.0 : t, b = a + x, y = 1.0 / (a * b), y_z = 1.0 / z;
  double y_a = b * y, y_b = a * y, far = log_positive(b * y_a);
  double over = 1.0 / (t + m), log_t = log_positive(t * over);
  double rise = (a - 0.5) * far + x * log_positive(b) - x + tail(y_b) - tail(y_a);
  double factorial =
      (z - 0.5) * log_positive(z) - z + 0.918938533204672742 + tail(y_z);
  *value = rise - factorial + log_positive(factors) + t * log_t +
           x * log_positive(m * over) + (m - m) + (t - t); /* no number stays none */
  *by_mean = (x - m) / m * t * over;
  *by_t = far + 0.5 * (y_a - y_b) + tail_slope(y_a) - tail_slope(y_b) + moved + log_t +
          (m - x) * over;
}

/* Slopes of the piece at those counts; returns the sum of minus their logs. */
static double add_found(found *f, float *by_mean, float *by_r)
{
  int n = (f->n + 7) / 8 * 8; /* whole vectors */
  for (int k = f->n; k < n; k++)
    f->x[k] = f->m[k] = f->t[k] = 1.0;
#pragma omp simd
  for (int k = 0; k < n; k++)
    positive(f->x[k], f->m[k], f->t[k], &f->value[k], &f->by_mean[k], &f->by_t[k]);
  double sum = 0.0;
  for (int k = 0; k < f->n; k++) {
    sum -= f->value[k];
    by_mean[f->at[k]] = (float)-f->by_mean[k];
    by_r[f->at[k]] = (float)(-f->t[k] * f->by_t[k]);
  }
  return sum;
}

/* ---- all as if they were 0 ------------------------------------------------------- */

/* log(1 + m/t) - w with w = m/(t + m); by the series of -log(1 - w) where it cancels */
static inline vec log_less_share(vec spread, vec w)
{
  vec p = vec_set(1.0f / 8);
  p = vec_fma(p, w, vec_set(1.0f / 7));
  p = vec_fma(p, w, vec_set(1.0f / 6));
  p = vec_fma(p, w, vec_set(1.0f / 5));
  p = vec_fma(p, w, vec_set(1.0f / 4));
  p = vec_fma(p, w, vec_set(1.0f / 3));
  p = vec_fma(p, w, vec_set(1.0f / 2));
  return vec_select(vec_below(w, vec_set(0.1f)), w * w * p, spread - w);
}

/* What a vector of counts of 0 gives. */
typedef struct zeros {
  vec m, t;               /* within their bounds */
  vec value, by_mean, by_r, by_logit;
} zeros;

static inline zeros plain_zeros(vec mean, vec r)
{
  const vec one = vec_set(1.0f), least = vec_set(SMALLEST_MEAN);
  const vec low = vec_set(LOWEST_R), high = vec_set(HIGHEST_R), none = vec_set(0.0f);
  zeros z = {.m = vec_most(least, mean),
             .t = vec_exp(vec_most(low, vec_least(high, r)))};
  vec ratio = vec_least(vec_set(1e37f), z.m * vec_inverse(z.t));
  vec share = vec_inverse(one + ratio);
  vec spread = vec_log_one(ratio);
  z.value = z.t * spread;
  z.by_mean = vec_select(vec_below(mean, least), none, share);
  z.by_r = z.t * log_less_share(spread, ratio * share);
  z.by_r = vec_select(vec_below(r, low), none, z.by_r);
  z.by_r = vec_select(vec_below(high, r), none, z.by_r);
  return z;
}

/* With an extra zero of logit p; where the count is above 0 only its part is left. */
static inline void extra_zeros(zeros *z, vec p, vec_mask positive_count)
{
  vec chance, no, own, others;
  vec rest = vec_softplus(vec_set(0.0f) - p, &no, &chance);
  vec both = vec_softplus(vec_set(0.0f) - z->value - p, &own, &others);
  z->value = vec_select(positive_count, rest + p, rest - both);
  z->by_mean = z->by_mean * own;
  z->by_r = z->by_r * own;
  z->by_logit = vec_select(positive_count, chance, own - no);
}

/* Columns [low, high) of the row: values, slopes by the mean and the others, and the
 * counts above 0. */
static inline double zeros_of_piece(const rg_nb_row *row, bool has_logit, int64_t low,
                                    int64_t high, float *m, float *t)
{
  const vec none = vec_set(0.0f);
  vec sum = none;
  const float *mean = row->softmax ? row->scratch : row->y;
  const vec factor = vec_set(row->softmax ? row->library : 1.0f);
  for (int64_t j = low; j < high; j += RG_V) {
    int n = high - j < RG_V ? (int)(high - j) : RG_V;
    vec x = row_load(row->x + j, n);
    vec_mask above = vec_below(none, x);
    zeros z = plain_zeros(row_load(mean + j, n) * factor, row_load(row->r + j, n));
    if (has_logit) {
      extra_zeros(&z, row_load(row->logit + j, n), above);
      row_store(row->by_logit + j, n, z.by_logit);
    } else {
      z.value = vec_select(above, none, z.value);
    }
    sum += row_only(z.value, n);
    row_store(row->by_y + j, n, z.by_mean);
    row_store(row->by_r + j, n, z.by_r);
    vec_store(m + (j - low), z.m);
    vec_store(t + (j - low), z.t);
  }
  return (double)vec_sum(sum);
}

/* ---- a row ----------------------------------------------------------------------- */

static double piece(rg_nb_row *row, int64_t low, int64_t high)
{
  float m[ROW_PIECE], t[ROW_PIECE];
  found f;
  int n = 0;
  double sum = row->logit ? zeros_of_piece(row, true, low, high, m, t)
                          : zeros_of_piece(row, false, low, high, m, t);
  const float *x = row->x + low;
  for (int j = 0; j < (int)(high - low); j++) {
    f.at[n] = j;
    n += x[j] > 0.0f;
  }
  f.n = n;
  for (int k = 0; k < f.n; k++) {
    f.x[k] = (double)x[f.at[k]];
    f.m[k] = (double)m[f.at[k]];
    f.t[k] = (double)t[f.at[k]];
  }
  sum += add_found(&f, row->by_y + low, row->by_r + low);
  for (int k = 0; k < f.n; k++) { /* no slope outside the bounds */
    int64_t j = low + f.at[k];
    float mean = row->softmax ? row->scratch[j] * row->library : row->y[j];
    row->by_y[j] = mean < SMALLEST_MEAN ? 0.0f : row->by_y[j];
    row->by_r[j] = row->r[j] < LOWEST_R || row->r[j] > HIGHEST_R ? 0.0f : row->by_r[j];
  }
  return sum;
}

/* m = library p with p = softmax(y): dy = m (g - p . g), dlibrary = p . g */
static void through_softmax(rg_nb_row *row)
{
  double along = 0.0;
  for (int64_t low = 0; low < row->n; low += ROW_PIECE) {
    int64_t high = row->n - low < ROW_PIECE ? row->n : low + ROW_PIECE;
    vec sum = vec_set(0.0f);
    for (int64_t j = low; j < high; j += RG_V) {
      int n = high - j < RG_V ? (int)(high - j) : RG_V;
      sum += row_load(row->scratch + j, n) * row_load(row->by_y + j, n);
    }
    along += (double)vec_sum(sum);
  }
  float level = (float)along;
  for (int64_t j = 0; j < row->n; j++)
    row->by_y[j] = row->library * row->scratch[j] * (row->by_y[j] - level);
  row->by_library = level;
}

double rg_nb_row_pass(rg_nb_row *row)
{
  double sum = 0.0;
  if (row->softmax)
    rg_softmax_row(row->n, row->y, 1.0f, row->scratch);
  for (int64_t low = 0; low < row->n; low += ROW_PIECE)
    sum += piece(row, low, row->n - low < ROW_PIECE ? row->n : low + ROW_PIECE);
  if (row->softmax)
    through_softmax(row);
  return sum;
}
