/* Highly variable features, flavour seurat_v3 (Stuart et al. 2019), as scanpy computes
 * them: per batch, the variance of counts standardised by what loess of log variance on
 * log mean expects, with values clipped at sqrt(cells) standard deviations; over batches,
 * the median rank among those where the feature is in the first n, ties by the number of
 * such batches. */
#include "src/prepare/inner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double span = 0.3;
enum { TABLE = 1 << 24 }; /* entries of the tables of one pass over the cells */

typedef struct batch_moments {
  int64_t cells;
  double *mean, *variance, *deviation; /* per feature; deviation as expected */
} batch_moments;

/* What loess expects of the features of a batch. */
static void expect(batch_moments *m, int64_t p)
{
  double *x = RG_NEW(double, p), *y = RG_NEW(double, p), *fitted = RG_NEW(double, p);
  int64_t n = 0;
  for (int64_t f = 0; f < p; f++)
    if (m->variance[f] > 0) {
      x[n] = log10(m->mean[f]);
      y[n++] = log10(m->variance[f]);
    }
  rg_loess(n, x, y, span, fitted);
  n = 0;
  for (int64_t f = 0; f < p; f++)
    m->deviation[f] = m->variance[f] > 0 ? sqrt(pow(10, fitted[n++])) : 1;
  rg_free(x);
  rg_free(y);
  rg_free(fitted);
}

/* Moments and expectation of batches [low, low + n); group[i] is the batch less low. */
static void find_moments(rg_comm *comm, const rg_csr *counts, const int32_t *group,
                         int n, const int64_t *cells, batch_moments *m)
{
  int64_t p = counts->cols;
  rg_group_sums sums = rg_sum_groups(comm, counts, group, n, NULL);
  for (int b = 0; b < n; b++) {
    m[b].cells = cells[b];
    m[b].mean = RG_NEW(double, 3 * p);
    m[b].variance = m[b].mean + p;
    m[b].deviation = m[b].mean + 2 * p;
    for (int64_t f = 0; f < p && cells[b] > 1; f++) {
      double mean = sums.sum[b * p + f] / (double)cells[b];
      double square = sums.square[b * p + f] - mean * sums.sum[b * p + f];
      m[b].mean[f] = mean;
      m[b].variance[f] = fmax(square, 0) / (double)(cells[b] - 1);
    }
    expect(&m[b], p);
  }
  rg_group_sums_fini(&sums);
}

/* Standardised variance of n batches into score (n x p). */
static void standardise(rg_comm *comm, const rg_csr *counts, const int32_t *group,
                        int n, const batch_moments *m, double *score)
{
  int64_t p = counts->cols;
  double *limit = RG_NEW(double, n * p);
  for (int b = 0; b < n; b++)
    for (int64_t f = 0; f < p; f++)
      limit[b * p + f] = m[b].deviation[f] * sqrt((double)m[b].cells) + m[b].mean[f];
  rg_group_sums sums = rg_sum_groups(comm, counts, group, n, limit);
  for (int b = 0; b < n; b++)
    for (int64_t f = 0; f < p && m[b].cells > 1; f++) {
      int64_t at = b * p + f;
      double cells = (double)m[b].cells, mean = m[b].mean[f];
      double clipped = (double)sums.count[at];
      double sum = sums.sum[at] + clipped * limit[at];
      double square = sums.square[at] + clipped * limit[at] * limit[at];
      double expected = m[b].deviation[f] * m[b].deviation[f];
      score[at] =
          (cells * mean * mean + square - 2 * sum * mean) / ((cells - 1) * expected);
    }
  rg_free(limit);
  rg_group_sums_fini(&sums);
}

/* ---- ranks over batches ---------------------------------------------------------- */

/* A feature with what it is sorted by: falling first, rising second, falling third,
 * then its number. */
typedef struct entry {
  double falling, rising;
  int batches;
  int64_t feature;
} entry;

static int by_merit(const void *left, const void *right)
{
  const entry *a = left, *b = right;
  if (a->falling != b->falling)
    return a->falling > b->falling ? -1 : 1;
  if (a->rising != b->rising)
    return a->rising < b->rising ? -1 : 1;
  if (a->batches != b->batches)
    return a->batches > b->batches ? -1 : 1;
  return (a->feature > b->feature) - (a->feature < b->feature);
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double middle(double *x, int n)
{
  if (n == 0)
    return INFINITY;
  qsort(x, (size_t)n, sizeof *x, by_value);
  return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

/* rank[b * p + f]: place of f in batch b by falling score. */
static void rank_batch(int64_t p, const double *score, entry *order, int32_t *rank)
{
  for (int64_t f = 0; f < p; f++)
    order[f] = (entry){.falling = score[f], .feature = f};
  qsort(order, (size_t)p, sizeof *order, by_merit);
  for (int64_t i = 0; i < p; i++)
    rank[order[i].feature] = (int32_t)i;
}

static void choose(int64_t p, int n_batches, const double *score, int n, bool *highly,
                   int *place)
{
  entry *order = RG_NEW(entry, p);
  int32_t *rank = RG_NEW(int32_t, n_batches * p);
  double *mine = RG_NEW(double, n_batches);
  for (int b = 0; b < n_batches; b++)
    rank_batch(p, score + b * p, order, rank + b * p);
  for (int64_t f = 0; f < p; f++) {
    int hits = 0;
    for (int b = 0; b < n_batches; b++)
      if (rank[b * p + f] < n)
        mine[hits++] = rank[b * p + f];
    order[f] = (entry){.rising = middle(mine, hits), .batches = hits, .feature = f};
  }
  qsort(order, (size_t)p, sizeof *order, by_merit);
  for (int64_t i = 0; i < p; i++) {
    highly[order[i].feature] = i < n;
    if (place)
      place[order[i].feature] = (int)i;
  }
  rg_free(order);
  rg_free(rank);
  rg_free(mine);
}

/* Batches with two cells or more, numbered from 0; others take no part (-1). */
static int usable_batches(rg_comm *comm, const int32_t *batch, int64_t rows,
                          int n_batches, int32_t *number, int64_t *cells)
{
  for (int64_t i = 0; i < rows; i++)
    if (!batch || (batch[i] >= 0 && batch[i] < n_batches))
      cells[batch ? batch[i] : 0]++;
  rg_sum_i64(comm, cells, n_batches);
  int usable = 0;
  for (int b = 0; b < n_batches; b++) {
    number[b] = cells[b] > 1 ? usable : -1;
    if (cells[b] > 1)
      cells[usable++] = cells[b];
  }
  if (usable < n_batches && rg_rank(comm) == 0)
    rg_warn("%d of %d batches have fewer than two cells: no say in variable features",
            n_batches - usable, n_batches);
  return usable;
}

static void score_batches(rg_comm *comm, const rg_csr *counts, const int32_t *batch,
                          const int32_t *number, int usable, const int64_t *cells,
                          double *score)
{
  int64_t p = counts->cols;
  int step = (int)(TABLE / (p > 0 ? p : 1));
  step = step < 1 ? 1 : step > usable ? usable : step;
  int32_t *group = RG_NEW(int32_t, counts->rows);
  batch_moments *m = RG_NEW(batch_moments, step);
  for (int low = 0; low < usable; low += step) {
    int n = usable - low < step ? usable - low : step;
    for (int64_t i = 0; i < counts->rows; i++) {
      int32_t b = batch ? batch[i] : 0;
      group[i] = b >= 0 && number[b] >= 0 ? number[b] - low : -1;
    }
    find_moments(comm, counts, group, n, cells + low, m);
    standardise(comm, counts, group, n, m, score + low * p);
    for (int b = 0; b < n; b++)
      rg_free(m[b].mean);
  }
  rg_free(group);
  rg_free(m);
}

rg_status rg_highly_variable(rg_comm *comm, const rg_csr *counts, const int32_t *batch,
                             int n_batches, int n, bool *highly, double *variance_norm,
                             int *rank)
{
  int64_t p = counts->cols;
  n_batches = batch ? n_batches : 1;
  int32_t *number = RG_NEW(int32_t, n_batches);
  int64_t *cells = RG_NEW(int64_t, n_batches);
  int usable = usable_batches(comm, batch, counts->rows, n_batches, number, cells);
  double *score = RG_NEW(double, usable * p);
  score_batches(comm, counts, batch, number, usable, cells, score);
  choose(p, usable, score, n, highly, rank);
  for (int64_t f = 0; f < p && variance_norm; f++) {
    variance_norm[f] = 0;
    for (int b = 0; b < usable; b++)
      variance_norm[f] += score[b * p + f] / usable;
  }
  rg_free(number);
  rg_free(cells);
  rg_free(score);
  return RG_OK;
}
