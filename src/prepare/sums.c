/* Sums over cells that are the same bits for any number of ranks and threads: numbers are
 * rounded to the grid of a fixed point and added as 64-bit integers. The point is chosen
 * from the largest magnitude and the number of cells so that nothing overflows; counts
 * are on the grid, so their sums are exact. */
#include "src/prepare/inner.h"

#include <math.h>
#include <string.h>

/* Units per 1 such that n numbers of at most `largest` stay below 2^62 in sum. */
static double grid(double largest, int64_t n)
{
  if (largest <= 0)
    return 1;
  int exponent_n, exponent_x;
  frexp((double)n, &exponent_n);
  frexp(largest, &exponent_x);
  return ldexp(1, 62 - exponent_n - exponent_x);
}

static double largest_magnitude(rg_comm *comm, const rg_csr *counts)
{
  float largest = counts->values || rg_csr_nnz(counts) == 0 ? 0 : 1;
  if (counts->values) {
#pragma omp parallel for schedule(static) reduction(max : largest)
    for (int64_t e = 0; e < rg_csr_nnz(counts); e++)
      if (fabsf(counts->values[e]) > largest)
        largest = fabsf(counts->values[e]);
  }
  double over_ranks = largest;
  rg_max_f64(comm, &over_ranks, 1);
  return over_ranks;
}

/* Sums of one thread or rank, in units of the grids. */
typedef struct table {
  int64_t *count, *sum, *square;
} table;

static table table_new(int64_t n)
{
  int64_t *all = RG_NEW(int64_t, 3 * n);
  return (table){all, all + n, all + 2 * n};
}

static void add_rows(const rg_csr *counts, const int32_t *group, int groups,
                     const double *limit, double units, double square_units, table t)
{
#pragma omp for schedule(static)
  for (int64_t i = 0; i < counts->rows; i++) {
    int32_t g = group ? group[i] : 0;
    if (g < 0 || g >= groups)
      continue;
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++) {
      int64_t at = g * counts->cols + counts->indices[e];
      double x = counts->values ? (double)counts->values[e] : 1;
      bool above = limit && x > limit[at];
      t.count[at] += limit ? above : x != 0;
      if (!above) {
        t.sum[at] += llrint(x * units);
        t.square[at] += llrint(x * x * square_units);
      }
    }
  }
}

rg_group_sums rg_sum_groups(rg_comm *comm, const rg_csr *counts, const int32_t *group,
                            int groups, const double *limit)
{
  int64_t cells = counts->rows, n = groups * counts->cols;
  rg_sum_i64(comm, &cells, 1);
  double largest = largest_magnitude(comm, counts);
  double units = grid(largest, cells), square_units = grid(largest * largest, cells);
  table total = table_new(n);
#pragma omp parallel
  {
    table mine = table_new(n);
    add_rows(counts, group, groups, limit, units, square_units, mine);
#pragma omp critical
    for (int64_t j = 0; j < 3 * n; j++)
      total.count[j] += mine.count[j];
    rg_free(mine.count);
  }
  rg_sum_i64(comm, total.count, 3 * n);
  rg_group_sums sums = {RG_NEW(int64_t, n), RG_NEW(double, n), RG_NEW(double, n)};
  for (int64_t j = 0; j < n; j++) {
    sums.count[j] = total.count[j];
    sums.sum[j] = (double)total.sum[j] / units;
    sums.square[j] = (double)total.square[j] / square_units;
  }
  rg_free(total.count);
  return sums;
}

void rg_group_sums_fini(rg_group_sums *sums)
{
  rg_free(sums->count);
  rg_free(sums->sum);
  rg_free(sums->square);
  *sums = (rg_group_sums){0};
}

/* ---- order statistics ------------------------------------------------------------ */

/* The k-th smallest (from 0): bisection on the bits, which order like the numbers. */
static double kth_smallest(rg_comm *comm, const double *x, int64_t n, int64_t k)
{
  uint64_t low = 0, high = UINT64_C(0x7ff0000000000000);
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    double candidate;
    memcpy(&candidate, &middle, sizeof candidate);
    int64_t below = 0;
    for (int64_t i = 0; i < n; i++)
      below += x[i] <= candidate;
    rg_sum_i64(comm, &below, 1);
    if (below > k)
      high = middle;
    else
      low = middle + 1;
  }
  double found;
  memcpy(&found, &low, sizeof found);
  return found;
}

double rg_median(rg_comm *comm, const double *x, int64_t n)
{
  int64_t total = n;
  rg_sum_i64(comm, &total, 1);
  if (total == 0)
    return 0;
  double upper = kth_smallest(comm, x, n, total / 2);
  if (total % 2)
    return upper;
  return 0.5 * (kth_smallest(comm, x, n, total / 2 - 1) + upper);
}

/* ---- per feature and per cell ---------------------------------------------------- */

rg_status rg_feature_statistics(rg_comm *comm, const rg_csr *counts,
                                rg_feature_stats *stats)
{
  int64_t cells = counts->rows, p = counts->cols;
  rg_sum_i64(comm, &cells, 1);
  rg_group_sums sums = rg_sum_groups(comm, counts, NULL, 1, NULL);
  *stats = (rg_feature_stats){
      .n_cells = cells, .n_features = p, .cells = sums.count, .sum = sums.sum};
  stats->mean = RG_NEW(double, p);
  stats->variance = RG_NEW(double, p);
  for (int64_t f = 0; f < p && cells > 0; f++) {
    stats->mean[f] = sums.sum[f] / (double)cells;
    double square = sums.square[f] - stats->mean[f] * sums.sum[f];
    stats->variance[f] = cells > 1 ? fmax(square, 0) / (double)(cells - 1) : 0;
  }
  rg_free(sums.square);
  return RG_OK;
}

void rg_feature_stats_fini(rg_feature_stats *stats)
{
  rg_free(stats->cells);
  rg_free(stats->sum);
  rg_free(stats->mean);
  rg_free(stats->variance);
  *stats = (rg_feature_stats){0};
}

void rg_row_sums(const rg_csr *counts, double *sums)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < counts->rows; i++) {
    double sum = 0;
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++)
      sum += counts->values ? (double)counts->values[e] : 1;
    sums[i] = sum;
  }
}
