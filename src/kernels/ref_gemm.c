/* ref_gemm: the dense product, plainly. */
#include "regatta/kernels.h"

void rg_ref_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k,
                 float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                 float beta, float *c, int64_t ldc)
{
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0.0;
      for (int64_t l = 0; l < k; l++)
        sum += (double)(trans_a ? a[l * lda + i] : a[i * lda + l]) *
               (double)(trans_b ? b[j * ldb + l] : b[l * ldb + j]);
      float *to = c + i * ldc + j;
      *to = (float)((double)alpha * sum + (beta != 0.0f ? (double)(beta * *to) : 0.0));
    }
}
