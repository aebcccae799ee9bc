/* bernoulli_row: targets of a row under a probability, or under a product of three. */
#include "regatta/kernels.h"

#include "src/kernels/row.h"

#define SMALLEST 1e-30f

static double bernoulli_piece(int64_t n, const float *x, const float *y, vec weight,
                              float *by_y)
{
  vec sum = vec_set(0.0f);
  for (int64_t j = 0; j < n; j += RG_V) {
    int here = n - j < RG_V ? (int)(n - j) : RG_V;
    vec logit = row_load(y + j, here), one = row_load(x + j, here), p, q;
    vec zero = vec_set(1.0f) - one, weighted = weight * one;
    vec both = vec_log_sides(logit, &p, &q), none = vec_set(0.0f);
    vec if_zero = both + vec_most(none, logit),
        if_one = both + vec_most(none, none - logit);
    sum += row_only(zero * if_zero + weighted * if_one, here);
    row_store(by_y + j, here, zero * p - weighted * q);
  }
  return (double)vec_sum(sum);
}

double rg_bernoulli_row_pass(int64_t n, const float *x, const float *y, float one_weight,
                             float *by_y)
{
  double sum = 0.0;
  for (int64_t low = 0; low < n; low += ROW_PIECE)
    sum += bernoulli_piece(n - low < ROW_PIECE ? n - low : ROW_PIECE, x + low, y + low,
                           vec_set(one_weight), by_y + low);
  return sum;
}

/* ---- a product ------------------------------------------------------------------- */

/* 1 - e^-b for b in [0, 0.7]: the series */
static inline vec less_small(vec b)
{
  static const float over[] = {1 / 2.0f, 1 / 3.0f, 1 / 4.0f, 1 / 5.0f, 1 / 6.0f,
                               1 / 7.0f, 1 / 8.0f, 1 / 9.0f, 1 / 10.0f};
  vec p = vec_set(1.0f);
  for (int k = 8; k >= 0; k--) /* 1 - b/2 (1 - b/3 (...)) */
    p = vec_fnma(b * vec_set(over[k]), p, vec_set(1.0f));
  return b * p;
}

/* log(1 - e^-b); *odds = e^-b / (1 - e^-b) */
static inline vec log_less(vec b, vec *odds)
{
  const vec one = vec_set(1.0f), none = vec_set(0.0f);
  vec_mask small = vec_below(b, vec_set(0.7f));
  vec e = vec_exp(none - b), u = one - e, d = one - u;
  vec rest = vec_select(small, less_small(b), u), level = vec_log_positive(rest);
  vec exact = vec_select(vec_below(none, d), level * (e * vec_inverse(d)), none - e);
  *odds = e * vec_inverse(rest);
  return vec_select(small, level, exact);
}

static double product_piece(const rg_product_row *row, int64_t low, int64_t high,
                            double *by_level)
{
  const vec none = vec_set(0.0f), least = vec_set(SMALLEST);
  vec sum = none, slopes = none;
  for (int64_t j = low; j < high; j += RG_V) {
    int n = high - j < RG_V ? (int)(high - j) : RG_V;
    vec p, q, r, s, odds, x = row_load(row->x + j, n);
    vec b = vec_softplus(none - row_load(row->y + j, n), &q, &p) +
            vec_softplus(none - row_load(row->factor + j, n), &s, &r) +
            vec_set(row->level);
    vec_mask low_b = vec_below(b, least);
    b = vec_most(least, b);
    vec zero = vec_set(1.0f) - x, rest = log_less(b, &odds);
    vec g = vec_select(low_b, none, x - zero * odds);
    sum += row_only(x * b - zero * rest, n);
    slopes += row_only(g, n);
    row_store(row->by_y + j, n, none - g * q);
    row_store(row->by_factor + j, n, none - g * s);
  }
  *by_level += (double)vec_sum(slopes);
  return (double)vec_sum(sum);
}

double rg_product_row_pass(rg_product_row *row)
{
  double sum = 0.0, by_level = 0.0;
  for (int64_t low = 0; low < row->n; low += ROW_PIECE)
    sum += product_piece(row, low, row->n - low < ROW_PIECE ? row->n : low + ROW_PIECE,
                         &by_level);
  row->by_level = (float)by_level;
  return sum;
}
