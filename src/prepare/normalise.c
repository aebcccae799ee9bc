/* Weights of entries: depth normalisation, centred log ratio, tf-idf. Matrices stay
 * sparse. */
#include "src/prepare/inner.h"

#include <math.h>
#include <string.h>

rg_csr rg_copy_csr(const rg_csr *csr)
{
  int64_t n = rg_csr_nnz(csr);
  rg_csr copy = rg_csr_new(csr->rows, csr->cols, n);
  memcpy(copy.indptr, csr->indptr, (size_t)(csr->rows + 1) * sizeof *copy.indptr);
  memcpy(copy.indices, csr->indices, (size_t)n * sizeof *copy.indices);
  for (int64_t e = 0; e < n; e++)
    copy.values[e] = csr->values ? csr->values[e] : 1;
  return copy;
}

void rg_scale_log(rg_csr *counts, const double *factor)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < counts->rows; i++)
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++)
      counts->values[e] = (float)log1p(counts->values[e] / factor[i]);
}

rg_status rg_normalise_log(rg_comm *comm, rg_csr *counts, double target, double *factor)
{
  rg_row_sums(counts, factor);
  if (target == 0) {
    double *positive = RG_NEW(double, counts->rows);
    int64_t n = 0;
    for (int64_t i = 0; i < counts->rows; i++)
      if (factor[i] > 0)
        positive[n++] = factor[i];
    target = rg_median(comm, positive, n);
    rg_free(positive);
  }
  for (int64_t i = 0; i < counts->rows; i++)
    factor[i] = factor[i] > 0 ? factor[i] / target : 1;
  rg_scale_log(counts, factor);
  return RG_OK;
}

rg_csr rg_centred_log_ratio(const rg_csr *counts)
{
  int64_t p = counts->cols;
  rg_csr ratio = rg_csr_new(counts->rows, p, counts->rows * p);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < counts->rows; i++) {
    double sum = 0;
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++)
      sum += log1p(counts->values[e]);
    double mean = p > 0 ? sum / (double)p : 0;
    for (int64_t f = 0; f < p; f++) {
      ratio.indices[i * p + f] = (int32_t)f;
      ratio.values[i * p + f] = (float)-mean;
    }
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++)
      ratio.values[i * p + counts->indices[e]] =
          (float)(log1p(counts->values[e]) - mean);
    ratio.indptr[i + 1] = (i + 1) * p;
  }
  return ratio;
}

/* ---- tf-idf ---------------------------------------------------------------------- */

static void weigh_log(rg_csr *counts, int64_t cells, const double *sum)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < counts->rows; i++) {
    double depth = 0;
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++)
      depth += counts->values[e];
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++) {
      double idf = (double)cells / sum[counts->indices[e]];
      counts->values[e] = (float)log1p(counts->values[e] / depth * idf * 1e4);
    }
  }
}

static void weigh_binary(rg_csr *counts, int64_t cells, const int64_t *open)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < counts->rows; i++) {
    double square = 0;
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++) {
      double idf = log((double)cells / (double)open[counts->indices[e]]);
      counts->values[e] = (float)idf;
      square += idf * idf;
    }
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1] && square > 0; e++)
      counts->values[e] = (float)(counts->values[e] / sqrt(square));
  }
}

rg_status rg_tfidf(rg_comm *comm, rg_csr *counts, rg_idf kind)
{
  int64_t cells = counts->rows;
  rg_sum_i64(comm, &cells, 1);
  rg_group_sums sums = rg_sum_groups(comm, counts, NULL, 1, NULL);
  if (!counts->values) {
    counts->values = RG_NEW(float, rg_csr_nnz(counts));
    for (int64_t e = 0; e < rg_csr_nnz(counts); e++)
      counts->values[e] = 1;
  }
  if (kind == RG_TFIDF_LOG)
    weigh_log(counts, cells, sums.sum);
  else
    weigh_binary(counts, cells, sums.count);
  rg_group_sums_fini(&sums);
  return RG_OK;
}
