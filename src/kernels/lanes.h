/* Registers of 16 floats or 8 doubles with a fused multiply-add; where the processor has
 * shorter ones the compiler cuts them up. */
#ifndef RG_KERNELS_LANES_H
#define RG_KERNELS_LANES_H

#include <math.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

typedef float rg_f16 __attribute__((vector_size(64)));
typedef float rg_f8 __attribute__((vector_size(32)));
typedef double rg_d8 __attribute__((vector_size(64)));

static inline rg_f16 rg_f16_load(const float *x)
{
  rg_f16 v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline void rg_f16_store(float *x, rg_f16 v)
{
  memcpy(x, &v, sizeof v);
}

/* a b + c */
static inline rg_f16 rg_f16_madd(float a, rg_f16 b, rg_f16 c)
{
#if defined(__AVX512F__)
  return (rg_f16)_mm512_fmadd_ps(_mm512_set1_ps(a), (__m512)b, (__m512)c);
#else
  return a * b + c;
#endif
}

static inline rg_d8 rg_d8_load(const double *x)
{
  rg_d8 v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline void rg_d8_store(double *x, rg_d8 v)
{
  memcpy(x, &v, sizeof v);
}

/* eight floats as doubles, and back */
static inline rg_d8 rg_d8_widen(const float *x)
{
  rg_f8 v;
  memcpy(&v, x, sizeof v);
  return __builtin_convertvector(v, rg_d8);
}

static inline void rg_d8_narrow(float *x, rg_d8 v)
{
  rg_f8 narrow = __builtin_convertvector(v, rg_f8);
  memcpy(x, &narrow, sizeof narrow);
}

static inline rg_d8 rg_d8_madd(double a, rg_d8 b, rg_d8 c)
{
#if defined(__AVX512F__)
  return (rg_d8)_mm512_fmadd_pd(_mm512_set1_pd(a), (__m512d)b, (__m512d)c);
#else
  return a * b + c;
#endif
}

/* one number: the same bits as a lane of the above */
static inline double rg_d1_madd(double a, double b, double c)
{
#if defined(__AVX512F__)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

#endif
