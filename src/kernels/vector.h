/* Vectors of floats of the processor compiled for: 16 (AVX-512), 8 (AVX2) or 4 floats.
 * Only what the kernels need. A function gives the same bits for an element whatever
 * its place in the vector is; vec_least and vec_most let a NaN of their second argument
 * through. */
#ifndef REGATTA_KERNELS_VECTOR_H
#define REGATTA_KERNELS_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#include <immintrin.h>
#endif

#if defined(__AVX512F__)

#define RG_V 16
typedef __m512 vec;
typedef __mmask16 vec_mask;

static inline vec vec_set(float x)
{
  return _mm512_set1_ps(x);
}
static inline vec vec_load(const float *p)
{
  return _mm512_loadu_ps(p);
}
static inline void vec_store(float *p, vec x)
{
  _mm512_storeu_ps(p, x);
}
static inline vec vec_load_n(const float *p, int n)
{
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void vec_store_n(float *p, int n, vec x)
{
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x);
}
/* a b + c, and c - a b */
static inline vec vec_fma(vec a, vec b, vec c)
{
  return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_fnma(vec a, vec b, vec c)
{
  return _mm512_fnmadd_ps(a, b, c);
}
static inline vec vec_most(vec a, vec b)
{
  return _mm512_max_ps(a, b);
}
static inline vec vec_least(vec a, vec b)
{
  return _mm512_min_ps(a, b);
}
static inline vec vec_abs(vec x)
{
  return _mm512_abs_ps(x);
}
/* lane i of the mask is bit i */
static inline vec_mask vec_bits(unsigned bits)
{
  return (vec_mask)bits;
}
static inline vec_mask vec_below(vec a, vec b)
{
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
static inline vec vec_select(vec_mask m, vec a, vec b)
{
  return _mm512_mask_blend_ps(m, b, a);
}
/* m ? a b : a */
static inline vec vec_mul_where(vec_mask m, vec a, vec b)
{
  return _mm512_mask_mul_ps(a, m, a, b);
}
/* x 2^n for whole n, |n| <= 300; correct down to subnormals */
static inline vec vec_scale(vec x, vec n)
{
  return _mm512_scalef_ps(x, n);
}
/* 1 / x for normal x, to two units in the last place: one Newton step from 14 bits */
static inline vec vec_inverse(vec x)
{
  vec q = _mm512_rcp14_ps(x);
  return _mm512_fmadd_ps(q, _mm512_fnmadd_ps(x, q, vec_set(1.0f)), q);
}
static inline vec vec_root(vec x)
{
  return _mm512_sqrt_ps(x);
}
/* sum of the elements, halves first */
static inline float vec_sum(vec x)
{
  return _mm512_reduce_add_ps(x);
}
/* x = f 2^e with f in [0.75, 1.5), for positive finite x; returns f */
static inline vec vec_split(vec x, vec *e)
{
  vec f = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
  *e = _mm512_getexp_ps(x);
  *e = _mm512_mask_add_ps(*e, vec_below(f, vec_set(1.0f)), *e, vec_set(1.0f));
  return f;
}

#else /* vectors of the compiler, with the few instructions it cannot guess */

#if defined(__AVX2__) && defined(__FMA__)
#define RG_V 8
#else
#define RG_V 4
#endif
typedef float vec __attribute__((vector_size(4 * RG_V)));
typedef int32_t vec_mask __attribute__((vector_size(4 * RG_V)));

static inline vec vec_set(float x)
{
  return x - (vec){0};
}
static inline vec vec_load(const float *p)
{
  vec x;
  memcpy(&x, p, sizeof x);
  return x;
}
static inline void vec_store(float *p, vec x)
{
  memcpy(p, &x, sizeof x);
}
static inline vec vec_load_n(const float *p, int n)
{
  vec x = {0};
  memcpy(&x, p, (size_t)n * sizeof *p);
  return x;
}
static inline void vec_store_n(float *p, int n, vec x)
{
  memcpy(p, &x, (size_t)n * sizeof *p);
}
#if RG_V == 8
static inline vec vec_fma(vec a, vec b, vec c)
{
  return _mm256_fmadd_ps(a, b, c);
}
static inline vec vec_fnma(vec a, vec b, vec c)
{
  return _mm256_fnmadd_ps(a, b, c);
}
static inline vec vec_root(vec x)
{
  return _mm256_sqrt_ps(x);
}
#else
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
static inline vec vec_fma(vec a, vec b, vec c)
{
  for (int i = 0; i < RG_V; i++)
    c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
}
#else
static inline vec vec_fma(vec a, vec b, vec c)
{
  return a * b + c;
}
#endif
static inline vec vec_fnma(vec a, vec b, vec c)
{
  return vec_fma(-a, b, c);
}
static inline vec vec_root(vec x)
{
  for (int i = 0; i < RG_V; i++)
    x[i] = __builtin_sqrtf(x[i]);
  return x;
}
#endif
static inline vec vec_select(vec_mask m, vec a, vec b)
{
  return (vec)((m & (vec_mask)a) | (~m & (vec_mask)b));
}
#if RG_V == 8
static inline vec vec_most(vec a, vec b)
{
  return _mm256_max_ps(a, b);
}
static inline vec vec_least(vec a, vec b)
{
  return _mm256_min_ps(a, b);
}
#else
static inline vec vec_most(vec a, vec b)
{
  return vec_select(a > b, a, b);
}
static inline vec vec_least(vec a, vec b)
{
  return vec_select(a < b, a, b);
}
#endif
static inline vec vec_abs(vec x)
{
  return (vec)((vec_mask)x & INT32_MAX);
}
static inline vec_mask vec_bits(unsigned bits)
{
#if RG_V == 8
  const vec_mask one = {1, 2, 4, 8, 16, 32, 64, 128};
#else
  const vec_mask one = {1, 2, 4, 8};
#endif
  return (one & (int32_t)bits) != 0;
}
static inline vec_mask vec_below(vec a, vec b)
{
  return a < b;
}
static inline vec vec_mul_where(vec_mask m, vec a, vec b)
{
  return vec_select(m, a * b, a);
}
static inline vec vec_power_of_two(vec_mask n)
{
  return (vec)((n + 127) << 23);
}
static inline vec vec_scale(vec x, vec n)
{
  vec_mask whole = __builtin_convertvector(n, vec_mask), half = whole >> 1;
  vec_mask far = half < -126; /* of a NaN */
  half = (half & ~far) | (-126 & far);
  return x * vec_power_of_two(half) * vec_power_of_two(whole - half);
}
static inline vec vec_inverse(vec x)
{
  return 1.0f / x;
}
static inline float vec_sum(vec x)
{
  float part[RG_V];
  vec_store(part, x);
  for (int half = RG_V / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++)
      part[i] += part[i + half];
  return part[0];
}
static inline vec vec_split(vec x, vec *e)
{
  vec_mask small = x < 1.17549435e-38f;
  x = vec_select(small, x * 16777216.0f, x);
  vec_mask bits = (vec_mask)x, whole = (bits - 0x3f400000) >> 23;
  *e = __builtin_convertvector(whole, vec) -
       vec_select(small, vec_set(24.0f), vec_set(0.0f));
  return (vec)(bits - (whole << 23));
}

#endif

/* the bits of a vector */
typedef int32_t vec_int __attribute__((vector_size(4 * RG_V)));
/* -|x| */
static inline vec vec_negative(vec x)
{
  return (vec)((vec_int)x | INT32_MIN);
}

/* e^r for |r| <= log(2) / 2: polynomial of least relative error, 2e-9 of its own */
static inline vec vec_exp_small(vec r)
{
  vec p = vec_set(1.383966883e-3f);
  p = vec_fma(p, r, vec_set(8.374876343e-3f));
  p = vec_fma(p, r, vec_set(4.166817665e-2f));
  p = vec_fma(p, r, vec_set(1.666641980e-1f));
  p = vec_fma(p, r, vec_set(4.999999106e-1f));
  p = vec_fma(p, r, vec_set(1.0f));
  return vec_fma(p, r, vec_set(1.0f));
}

/* x + 1.5 2^23 leaves x rounded to a whole number in the low bits */
#define VEC_MAGIC 12582912.0f

/* e^x, relative error below 1e-7: 2^n e^r */
static inline vec vec_exp(vec x)
{
  x = vec_most(vec_set(-104.0f), vec_least(vec_set(89.0f), x));
  vec n = vec_fma(x, vec_set(1.44269504f), vec_set(VEC_MAGIC)) - vec_set(VEC_MAGIC);
  vec r = vec_fnma(n, vec_set(0.693359375f), x);
  r = vec_fnma(n, vec_set(-2.12194440e-4f), r);
  return vec_scale(vec_exp_small(r), n);
}

/* e^x for x <= 0, relative error below 1e-7 + 2e-9 |x|; e^-87 below that */
static inline vec vec_exp_negative(vec x)
{
  x = vec_most(vec_set(-87.0f), x);
  vec m = vec_fma(x, vec_set(1.44269504f), vec_set(VEC_MAGIC));
  vec r = vec_fnma(m - vec_set(VEC_MAGIC), vec_set(0.693147181f), x);
  return (vec)((vec_int)vec_exp_small(r) + ((vec_int)m << 23));
}

/* log(f) + e log(2) for f in [0.75, 1.5): f - 1 = s, s - s^2 / 2 + s^3 p(s) */
static inline vec vec_log_parts(vec f, vec e)
{
  vec s = f - vec_set(1.0f);
  vec p = vec_set(4.2871978031e-2f);
  p = vec_fma(p, s, vec_set(-9.5613400130e-2f));
  p = vec_fma(p, s, vec_set(1.1680681790e-1f));
  p = vec_fma(p, s, vec_set(-1.2639311138e-1f));
  p = vec_fma(p, s, vec_set(1.4268305970e-1f));
  p = vec_fma(p, s, vec_set(-1.6660817531e-1f));
  p = vec_fma(p, s, vec_set(2.0000140896e-1f));
  p = vec_fma(p, s, vec_set(-2.5000056714e-1f));
  p = vec_fma(p, s, vec_set(3.3333333147e-1f));
  vec q = s * s;
  vec low = vec_fma(e, vec_set(-2.12194440e-4f), (p * s) * q);
  low = vec_fma(q, vec_set(-0.5f), low);
  return vec_fma(e, vec_set(0.693359375f), low + s);
}

/* log(x) for positive finite x */
static inline vec vec_log_positive(vec x)
{
  vec e, f = vec_split(x, &e);
  return vec_log_parts(f, e);
}

/* log(1 + t) for t in [0, 1], relative error 2e-7: the rounding of 1 + t is undone */
static inline vec vec_log1p(vec t)
{
  const vec one = vec_set(1.0f);
  vec u = one + t, d = u - one;
  vec exact = vec_log_positive(u) * (t / d);
  return vec_select(vec_below(vec_set(0.0f), d), exact, t);
}

#endif
