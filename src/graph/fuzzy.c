/* Fuzzy simplicial set of the k nearest neighbours (McInnes, Healy, Melville 2018),
 * with local connectivity 1, bandwidth 1 and the union as set operation, as umap-learn
 * and scanpy compute it. */
#include "combine.h"

#include <math.h>

#define TOLERANCE 1e-5
#define LEAST_SCALE 1e-3 /* sigma is at least this share of the mean distance */
enum { SEARCH_STEPS = 64 };

static int neighbours_of(const rg_knn *knn, int64_t i)
{
  int n = 0;
  while (n < knn->k && knn->index[i * knn->k + n] >= 0)
    n++;
  return n;
}

/* Mean over all cells of all distances, the zero to itself included. Collective. */
static double mean_distance(rg_comm *comm, const rg_knn *knn)
{
  double *row = RG_NEW(double, 2 * knn->rows);
  for (int64_t i = 0; i < knn->rows; i++) {
    int n = neighbours_of(knn, i);
    for (int j = 0; j < n; j++)
      row[2 * i] += knn->distance[i * knn->k + j];
    row[2 * i + 1] = n + 1;
  }
  double total[2];
  rg_sum_rows_f64(comm, row, knn->rows, 2, total);
  rg_free(row);
  return total[1] > 0 ? total[0] / total[1] : 0;
}

/* Sum of memberships of a row at scale sigma. */
static double membership(const float *d, int n, double rho, double sigma)
{
  double sum = 0;
  for (int j = 0; j < n; j++) {
    double beyond = d[j] - rho;
    sum += beyond > 0 ? exp(-beyond / sigma) : 1;
  }
  return sum;
}

/* The scale at which a row's memberships add up to `target`. */
static double find_sigma(const float *d, int n, double rho, double target)
{
  double low = 0, high = INFINITY, sigma = 1;
  for (int step = 0; step < SEARCH_STEPS; step++) {
    double sum = membership(d, n, rho, sigma);
    if (fabs(sum - target) < TOLERANCE)
      break;
    if (sum > target)
      high = sigma;
    else
      low = sigma;
    sigma = isinf(high) ? 2 * sigma : (low + high) / 2;
  }
  return sigma;
}

/* Directed weights of row i's n neighbours. */
static void weigh_row(const float *d, int n, double target, double mean_all, float *w)
{
  double rho = 0, mean = 0;
  for (int j = 0; j < n; j++)
    mean += d[j] / (n + 1.0);
  for (int j = n - 1; j >= 0; j--)
    rho = d[j] > 0 ? d[j] : rho;
  double sigma = find_sigma(d, n, rho, target);
  double least = LEAST_SCALE * (rho > 0 ? mean : mean_all);
  sigma = sigma < least ? least : sigma;
  for (int j = 0; j < n; j++) {
    double beyond = d[j] - rho;
    w[j] = beyond <= 0 || sigma == 0 ? 1 : (float)exp(-beyond / sigma);
  }
}

static float fuzzy_union(float a, float b)
{
  return a + b - a * b;
}

/* The neighbour lists as CSR rows in column order, with `value` for the entries. */
static rg_csr as_csr(const rg_knn *knn, int64_t n_total, const float *value)
{
  rg_csr csr = rg_csr_new(knn->rows, n_total, knn->rows * knn->k);
  int64_t at = 0;
  for (int64_t i = 0; i < knn->rows; i++) {
    int64_t begin = at;
    int n = neighbours_of(knn, i);
    for (int j = 0; j < n; j++, at++) {
      int32_t col = (int32_t)knn->index[i * knn->k + j];
      float v = value[i * knn->k + j];
      int64_t to = at;
      for (; to > begin && csr.indices[to - 1] > col; to--) {
        csr.indices[to] = csr.indices[to - 1];
        csr.values[to] = csr.values[to - 1];
      }
      csr.indices[to] = col;
      csr.values[to] = v;
    }
    csr.indptr[i + 1] = at;
  }
  return csr;
}

rg_status rg_connectivities(rg_comm *comm, const rg_knn *knn, rg_csr *connectivities,
                            rg_csr *distances)
{
  int64_t n_total;
  rg_prefix_i64(comm, knn->rows, &n_total);
  double mean_all = mean_distance(comm, knn);
  double target = log2(knn->k + 1.0);
  float *w = RG_NEW(float, knn->rows * knn->k);
  rg_pace_begin("weights", knn->rows, "cells");
#pragma omp parallel for schedule(dynamic, 1024)
  for (int64_t i = 0; i < knn->rows; i++) {
    if (i % 1024 == 0)
      rg_pace_at(i, NULL);
    weigh_row(knn->distance + i * knn->k, neighbours_of(knn, i), target, mean_all,
              w + i * knn->k);
  }
  rg_pace_end();
  rg_csr directed = as_csr(knn, n_total, w);
  *connectivities = rg_combine_transpose(comm, &directed, fuzzy_union);
  *distances = as_csr(knn, n_total, knn->distance);
  rg_csr_fini(&directed);
  rg_free(w);
  return RG_OK;
}
