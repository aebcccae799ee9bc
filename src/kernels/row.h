/** What the likelihoods of a row share: vectors of the last columns, and functions. */
#ifndef REGATTA_KERNELS_ROW_H
#define REGATTA_KERNELS_ROW_H

#include "src/kernels/vector.h"

/* columns of one pass through the first cache; a multiple of RG_V */
#define ROW_PIECE 512

/* the next n <= RG_V numbers; 0 behind them */
static inline vec row_load(const float *x, int n)
{
  return n == RG_V ? vec_load(x) : vec_load_n(x, n);
}

static inline void row_store(float *x, int n, vec v)
{
  if (n == RG_V)
    vec_store(x, v);
  else
    vec_store_n(x, n, v);
}

/* x where there is one, 0 behind the first n */
static inline vec row_only(vec x, int n)
{
  return n == RG_V ? x : vec_select(vec_bits((1u << n) - 1), x, vec_set(0.0f));
}

/* log(1 + t) for t >= 0: the rounding of 1 + t is undone */
static inline vec vec_log_one(vec t)
{
  const vec one = vec_set(1.0f);
  vec u = one + t, d = u - one;
  vec exact = vec_log_positive(u) * (t * vec_inverse(d));
  return vec_select(vec_below(vec_set(0.0f), d), exact, t);
}

/* log(1 + e^-|x|), and the sigmoid of x and of -x; softplus(x) is that and max(x, 0) */
static inline vec vec_log_sides(vec x, vec *sigmoid, vec *other)
{
  const vec one = vec_set(1.0f), none = vec_set(0.0f);
  vec e = vec_exp_negative(vec_negative(x)), q = vec_inverse(one + e), p = e * q;
  vec_mask below = vec_below(x, none);
  *sigmoid = vec_select(below, p, q);
  *other = vec_select(below, q, p);
  return vec_log_one(e);
}

static inline vec vec_softplus(vec x, vec *sigmoid, vec *other)
{
  return vec_most(vec_set(0.0f), x) + vec_log_sides(x, sigmoid, other);
}

#endif
