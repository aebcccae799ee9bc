/* gemm: dense products by BLAS. */
#include "regatta/kernels.h"

#include <cblas.h>

/* BLAS insists on leading dimensions of at least one and of the whole row */
static int leading(int64_t given, int64_t row)
{
  RG_ASSERT(given >= row);
  return (int)(given > 0 ? given : 1);
}

void rg_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
             const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
             float *c, int64_t ldc)
{
  if (m == 0 || n == 0)
    return;
  RG_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
  cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
              trans_b ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, alpha, a,
              leading(lda, trans_a ? m : k), b, leading(ldb, trans_b ? k : n), beta, c,
              leading(ldc, n));
}
