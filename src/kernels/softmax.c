/* softmax: of a row. */
#include "regatta/kernels.h"

#include "src/kernels/vector.h"

#include <math.h>

/* floats that are summed in a register before they go to a double */
#define STRIDE (32 * RG_V)

static float top_of(int64_t n, const float *y)
{
  vec most = vec_set(-INFINITY);
  int64_t j = 0;
  for (; j + RG_V <= n; j += RG_V)
    most = vec_most(most, vec_load(y + j));
  float part[RG_V], top = -INFINITY;
  vec_store(part, most);
  for (int i = 0; i < RG_V; i++)
    top = part[i] > top ? part[i] : top;
  for (; j < n; j++)
    top = y[j] > top ? y[j] : top;
  return top;
}

/* mean = exp(y - top); returns the sum */
static double exponentials(int64_t n, const float *y, float top, float *mean)
{
  double total = 0;
  for (int64_t low = 0; low < n; low += STRIDE) {
    int64_t high = n - low < STRIDE ? n : low + STRIDE, j = low;
    vec sum = vec_set(0.0f);
    for (; j + RG_V <= high; j += RG_V) {
      vec e = vec_exp(vec_load(y + j) - vec_set(top));
      vec_store(mean + j, e);
      sum += e;
    }
    if (j < high) {
      int rest = (int)(high - j);
      vec e = vec_exp(vec_load_n(y + j, rest) - vec_set(top));
      vec_store_n(mean + j, rest, e);
      sum += vec_select(vec_bits((1u << rest) - 1), e, vec_set(0.0f));
    }
    total += (double)vec_sum(sum);
  }
  return total;
}

double rg_softmax_row(int64_t n, const float *y, float factor, float *mean)
{
  float top = top_of(n, y);
  double total = exponentials(n, y, top, mean);
  float scale = (float)((double)factor / total);
  for (int64_t j = 0; j < n; j++)
    mean[j] *= scale;
  return (double)top + log(total);
}
