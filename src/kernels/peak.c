/* peak: what the processor can do at most, to hold the kernels against. */
#include "regatta/kernels.h"

#include "src/kernels/vector.h"

#include <omp.h>

/* sums that are in flight at once: latency times two, and some */
#define SUMS 12

double rg_kernel_arithmetic(int64_t rounds, float *sink)
{
  int threads = omp_get_max_threads();
  float total = 0.0f;
#pragma omp parallel num_threads(threads) reduction(+ : total)
  {
    vec sum[SUMS];
    const vec keep = vec_set(0.999999f), add = vec_set(1e-6f);
    for (int i = 0; i < SUMS; i++)
      sum[i] = vec_set((float)i);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 12
      for (int i = 0; i < SUMS; i++)
        sum[i] = vec_fma(sum[i], keep, add);
    for (int i = 0; i < SUMS; i++)
      total += vec_sum(sum[i]);
  }
  *sink = total;
  return 2.0 * SUMS * RG_V * (double)rounds * threads;
}
