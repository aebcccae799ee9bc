/* gamma: log gamma and digamma of vectors. In double: the recurrence to x >= 7, then
 * Stirling's series, whose next term is below 1e-11 there (Abramowitz and Stegun 6.1.41
 * and 6.3.18); loops of plain arithmetic, which the compiler makes vectors of. */
#include "regatta/kernels.h"

#include "src/kernels/log.h"

#include <math.h>

/* elements of one piece of work, and of one pass through the caches */
#define PIECE 4096
#define BATCH 256

static inline double lgamma_positive(double x)
{
  bool shift = x < 7.0;
  double product =
      x * (x + 1.0) * (x + 2.0) * (x + 3.0) * (x + 4.0) * (x + 5.0) * (x + 6.0);
  product = shift ? product : 1.0;
  x = shift ? x + 7.0 : x;
  double r = 1.0 / x, q = r * r;
  double series =
      r * (1.0 / 12.0 -
           q * (1.0 / 360.0 - q * (1.0 / 1260.0 - q * (1.0 / 1680.0 - q / 1188.0))));
  return (x - 0.5) * log_positive(x) - x + 0.918938533204672742 + series -
         log_positive(product);
}

static inline double digamma_positive(double x)
{
  bool shift = x < 7.0;
  double over = 0.0, under = 1.0; /* sum of 1 / (x + i) as a fraction */
  for (int i = 0; i < 7; i++) {
    double y = x + i;
    over = over * y + under;
    under *= y;
  }
  double recurrence = shift ? over / under : 0.0;
  x = shift ? x + 7.0 : x;
  double r = 1.0 / x, q = r * r;
  double series =
      q * (1.0 / 12.0 -
           q * (1.0 / 120.0 - q * (1.0 / 252.0 - q * (1.0 / 240.0 - q / 132.0))));
  return log_positive(x) - 0.5 * r - series - recurrence;
}

static void lgamma_batch(int n, const float *x, float *y)
{
#pragma omp simd
  for (int i = 0; i < n; i++)
    y[i] = (float)lgamma_positive((double)x[i]);
}

static void digamma_batch(int n, const float *x, float *y)
{
#pragma omp simd
  for (int i = 0; i < n; i++)
    y[i] = (float)digamma_positive((double)x[i]);
}

/* limits and what lies outside the domain: lgamma(0) is infinite, digamma(0) minus that */
static float at_edge(float x, float at_zero)
{
  return x == 0.0f ? at_zero : x > 0.0f ? x : NAN;
}

static bool inside(float x)
{
  return x > 0.0f && x <= 3.40282347e38f;
}

typedef void batch_function(int n, const float *x, float *y);

static void apply(batch_function *batch, float at_zero, int64_t n, const float *x,
                  float *y)
{
  int64_t pieces = (n + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 1)
  for (int64_t p = 0; p < pieces; p++) {
    int64_t high = n - p * PIECE < PIECE ? n : (p + 1) * PIECE;
    for (int64_t i = p * PIECE; i < high; i += BATCH) {
      /* whole batches only, so that every element takes the same instructions; 1 stands
       * for what lies outside the domain */
      float in[BATCH], out[BATCH];
      int count = (int)(high - i < BATCH ? high - i : BATCH);
      for (int j = 0; j < BATCH; j++)
        in[j] = j < count && inside(x[i + j]) ? x[i + j] : 1.0f;
      batch(BATCH, in, out);
      for (int j = 0; j < count; j++)
        y[i + j] = inside(x[i + j]) ? out[j] : at_edge(x[i + j], at_zero);
    }
  }
}

void rg_v_lgamma(int64_t n, const float *x, float *y)
{
  apply(lgamma_batch, INFINITY, n, x, y);
}

void rg_v_digamma(int64_t n, const float *x, float *y)
{
  apply(digamma_batch, -INFINITY, n, x, y);
}
