/* Labels by the vote of neighbours. */
#include "regatta/graph.h"

#include <math.h>
#include <string.h>

/* Labels of the neighbours, -1 where there is none. Owned. Collective. */
static int32_t *labels_of(rg_comm *comm, const rg_knn *knn, const int32_t *given,
                          int64_t rows)
{
  int64_t n = knn->rows * knn->k, total = rows, *ids = RG_NEW(int64_t, n);
  rg_sum_i64(comm, &total, 1);
  int32_t *label = RG_NEW(int32_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = knn->index[e] < 0 ? 0 : knn->index[e];
  if (total > 0)
    rg_fetch(comm, given, total, sizeof *given, ids, n, label);
  for (int64_t e = 0; e < n; e++)
    if (knn->index[e] < 0)
      label[e] = -1;
  rg_free(ids);
  return label;
}

/* Votes of one row into `weight` (n_labels, zero); returns their sum. */
static double count_votes(const int32_t *label, const float *distance, int k, bool gaussian,
                          double *weight)
{
  double farthest = 0, sum = 0;
  for (int j = 0; j < k; j++)
    if (label[j] >= 0)
      farthest = fmax(farthest, distance[j]);
  for (int j = 0; j < k; j++) {
    if (label[j] < 0)
      continue;
    double d = gaussian && farthest > 0 ? distance[j] / farthest : 0, w = exp(-2 * d * d);
    weight[label[j]] += w;
    sum += w;
  }
  return sum;
}

void rg_knn_vote(rg_comm *comm, const rg_knn *knn, const int32_t *given, int64_t rows,
                 int n_labels, bool gaussian, int32_t *label, double *share)
{
  int32_t *near = labels_of(comm, knn, given, rows);
  double *weight = RG_NEW(double, n_labels);
  for (int64_t i = 0; i < knn->rows; i++) {
    memset(weight, 0, sizeof *weight * (size_t)n_labels);
    double sum = count_votes(near + i * knn->k, knn->distance + i * knn->k, knn->k,
                             gaussian, weight);
    int best = 0;
    for (int l = 1; l < n_labels; l++)
      if (weight[l] > weight[best])
        best = l;
    label[i] = sum > 0 ? best : -1;
    share[i] = sum > 0 ? weight[best] / sum : 0;
  }
  rg_free(weight);
  rg_free(near);
}
