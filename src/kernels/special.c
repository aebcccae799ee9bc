/* special: elementary functions of vectors, by polynomials (vector.h). */
#include "regatta/kernels.h"

#include "src/kernels/vector.h"

#include <math.h>

/* elements of one piece of work */
#define PIECE 16384

static inline vec log_any(vec x)
{
  const vec least = vec_set(1.4e-45f), largest = vec_set(3.40282347e38f);
  vec y = vec_select(vec_below(vec_set(0.0f), x), vec_log_positive(x), vec_set(NAN));
  y = vec_select(vec_below(vec_abs(x), least), vec_set(-INFINITY), y);
  return vec_select(vec_below(largest, x), x, y);
}

/* 1 / (1 + e^-x), without cancellation on either side */
static inline vec sigmoid(vec x)
{
  vec t = vec_exp(vec_set(0.0f) - vec_abs(x));
  vec q = vec_set(1.0f) / (vec_set(1.0f) + t);
  return vec_mul_where(vec_below(x, vec_set(0.0f)), q, t);
}

static inline vec softplus(vec x)
{
  vec t = vec_exp(vec_set(0.0f) - vec_abs(x));
  return vec_most(vec_set(0.0f), x) + vec_log1p(t);
}

static inline vec exponential(vec x)
{
  return vec_exp(x);
}

/* the vector function NAME of the scalar-looking inline function `one`; a single piece is
 * done without the cost of a parallel region */
#define VECTOR_FUNCTION(NAME, one)                                                     \
  static void NAME##_piece(int64_t n, const float *x, float *y)                        \
  {                                                                                    \
    int64_t i = 0;                                                                     \
    for (; i + RG_V <= n; i += RG_V)                                                   \
      vec_store(y + i, one(vec_load(x + i)));                                          \
    if (i < n)                                                                         \
      vec_store_n(y + i, (int)(n - i), one(vec_load_n(x + i, (int)(n - i))));          \
  }                                                                                    \
  void NAME(int64_t n, const float *x, float *y)                                       \
  {                                                                                    \
    if (n <= PIECE) {                                                                  \
      NAME##_piece(n, x, y);                                                           \
      return;                                                                          \
    }                                                                                  \
    _Pragma("omp parallel for schedule(static)") for (int64_t i = 0; i < n;            \
                                                      i += PIECE)                      \
      NAME##_piece(n - i < PIECE ? n - i : PIECE, x + i, y + i);                       \
  }

VECTOR_FUNCTION(rg_v_exp, exponential)
VECTOR_FUNCTION(rg_v_log, log_any)
VECTOR_FUNCTION(rg_v_sigmoid, sigmoid)
VECTOR_FUNCTION(rg_v_softplus, softplus)
