/* Standard scores of a sparse modality that stay sparse: RG_WEIGH_ZSCORE. The cuts are
 * quantiles of all scores, zeros included, found by bisection on the bits of a float. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* What rg_zscore_fit makes: the two cuts, then means, then deviations. */
enum { LOW, HIGH, HEAD };

typedef struct standard {
  double low, high;
  const double *mean, *deviation;
} standard;

int64_t rg_zscore_doubles(int64_t features)
{
  return HEAD + 2 * features;
}

static standard standard_of(const double *scores, int64_t features)
{
  return (standard){scores[LOW], scores[HIGH], scores + HEAD, scores + HEAD + features};
}

static double score_of(const standard *s, int64_t feature, double x)
{
  return (x - s->mean[feature]) / s->deviation[feature];
}

static double cut_score(const standard *s, int64_t feature, double x)
{
  return fmax(s->low, fmin(s->high, score_of(s, feature, x)));
}

/* ---- rows ---- */

/* The values of row i before they are standardised. */
static void transform_row(double size, const rg_csr *counts, int64_t i, float *values)
{
  int64_t low = counts->indptr[i], n = counts->indptr[i + 1] - low;
  double sum = 0;
  for (int64_t k = 0; k < n; k++) {
    values[k] = counts->values ? counts->values[low + k] : 1;
    sum += (double)values[k];
  }
  for (int64_t k = 0; k < n && size > 0; k++)
    values[k] = (float)log1p(size * (double)values[k] / sum);
}

void rg_zscore_row(const double *scores, double size, const rg_csr *counts, int64_t i,
                   float *values)
{
  standard s = standard_of(scores, counts->cols);
  const int32_t *feature = counts->indices + counts->indptr[i];
  transform_row(size, counts, i, values);
  for (int64_t k = 0; k < counts->indptr[i + 1] - counts->indptr[i]; k++)
    values[k] = (float)(cut_score(&s, feature[k], (double)values[k]) -
                        cut_score(&s, feature[k], 0));
}

/* ---- quantiles ---- */

/* All scores of the cells fitted on: of entries, and of zeros, so many of each feature. */
typedef struct pool {
  rg_comm *comm;
  int64_t n; /* entries here */
  float *entry;
  int64_t features;
  float *zero;
  int64_t *zeros;
} pool;

/* Numbers that are ordered as the floats are. */
static uint32_t rank_of(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits >> 31 ? ~bits : bits | UINT32_C(0x80000000);
}

static float float_of(uint32_t rank)
{
  uint32_t bits = rank >> 31 ? rank & UINT32_C(0x7fffffff) : ~rank;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static int64_t count_up_to(const pool *p, uint32_t limit)
{
  int64_t count = 0;
#pragma omp parallel for schedule(static) reduction(+ : count)
  for (int64_t e = 0; e < p->n; e++)
    count += rank_of(p->entry[e]) <= limit;
  rg_sum_i64(p->comm, &count, 1);
  for (int64_t f = 0; f < p->features; f++)
    count += rank_of(p->zero[f]) <= limit ? p->zeros[f] : 0;
  return count;
}

/* The score with k smaller ones in order. */
static double kth_score(const pool *p, int64_t k)
{
  uint32_t low = 0, high = UINT32_MAX;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (count_up_to(p, middle) > k)
      high = middle;
    else
      low = middle + 1;
  }
  return float_of(low);
}

/* Between the two nearest scores, as numpy.quantile does. */
static double quantile(const pool *p, int64_t total, double share)
{
  double at = share * (double)(total - 1);
  int64_t k = (int64_t)at;
  double below = kth_score(p, k), above = k + 1 < total ? kth_score(p, k + 1) : below;
  return below + (at - (double)k) * (above - below);
}

/* ---- fitting ---- */

/* Rows that fit, transformed; entries of the features of all cells counted in zeros. */
static rg_csr fitted_rows(const rg_csr *counts, const bool *fits, double size)
{
  int64_t rows = 0, entries = 0;
  for (int64_t i = 0; i < counts->rows; i++)
    if (fits[i]) {
      rows++;
      entries += counts->indptr[i + 1] - counts->indptr[i];
    }
  rg_csr x = rg_csr_new(rows, counts->cols, entries);
  for (int64_t i = 0, to = 0; i < counts->rows; i++)
    if (fits[i]) {
      int64_t at = x.indptr[to], n = counts->indptr[i + 1] - counts->indptr[i];
      memcpy(x.indices + at, counts->indices + counts->indptr[i],
             (size_t)n * sizeof *x.indices);
      transform_row(size, counts, i, x.values + at);
      x.indptr[++to] = at + n;
    }
  return x;
}

static void find_cuts(rg_comm *comm, double share, int64_t cells, rg_csr *x,
                      const standard *s, double *low, double *high)
{
  pool p = {.comm = comm, .n = rg_csr_nnz(x), .entry = x->values, .features = x->cols};
  p.zero = RG_NEW(float, x->cols);
  p.zeros = RG_NEW(int64_t, x->cols);
  for (int64_t e = 0; e < p.n; e++) {
    x->values[e] = (float)score_of(s, x->indices[e], (double)x->values[e]);
    p.zeros[x->indices[e]]++;
  }
  rg_sum_i64(comm, p.zeros, x->cols);
  for (int64_t f = 0; f < x->cols; f++) {
    p.zeros[f] = cells - p.zeros[f];
    p.zero[f] = (float)score_of(s, f, 0);
  }
  *low = quantile(&p, cells * x->cols, share);
  *high = quantile(&p, cells * x->cols, 1 - share);
  rg_free(p.zero);
  rg_free(p.zeros);
}

rg_status rg_zscore_fit(rg_comm *comm, const struct rg_sparse_input *input,
                        const rg_csr *counts, const bool *fits, double size,
                        double *scores)
{
  rg_status status = RG_OK;
  rg_feature_stats stats = {0};
  rg_csr x = fitted_rows(counts, fits, size);
  RG_TRY(rg_feature_statistics(comm, &x, &stats));
  for (int64_t f = 0; f < x.cols; f++) {
    double variance = stats.variance[f];
    scores[HEAD + f] = stats.mean[f];
    scores[HEAD + x.cols + f] = variance > 0 ? sqrt(variance) : 1;
  }
  scores[LOW] = -input->scale;
  scores[HIGH] = input->scale;
  standard s = standard_of(scores, x.cols);
  if (input->power > 0)
    find_cuts(comm, input->power, stats.n_cells, &x, &s, &scores[LOW], &scores[HIGH]);
out:
  rg_feature_stats_fini(&stats);
  rg_csr_fini(&x);
  return status;
}
