/* Inverse Simpson index of batches among neighbours, with Gaussian weights. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBOURS = 90 };

/* Weights of a perplexity over sorted distances (bisection on the precision). */
static void weights(const float *distance, int k, double perplexity, double *w)
{
  double low = 0, high = INFINITY, beta = 1, scale = 0;
  for (int j = 0; j < k; j++)
    scale += (double)distance[j] * (double)distance[j] / k;
  scale = scale > 0 ? scale : 1;
  for (int step = 0; step < 60; step++) {
    double sum = 0, entropy = 0;
    double nearest = (double)distance[0] * (double)distance[0] / scale;
    for (int j = 0; j < k; j++) {
      double d = (double)distance[j] * (double)distance[j] / scale - nearest;
      w[j] = exp(-beta * d);
      sum += w[j];
      entropy += beta * d * w[j];
    }
    entropy = log(sum) + entropy / sum;
    for (int j = 0; j < k; j++)
      w[j] /= sum;
    if (entropy > log(perplexity)) {
      low = beta;
      beta = isfinite(high) ? (low + high) / 2 : beta * 2;
    } else {
      high = beta;
      beta = (low + high) / 2;
    }
  }
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(rg_comm *comm, const double *mine, int64_t rows)
{
  int64_t bytes;
  double *all =
      rg_gather_all(comm, mine, rows * (int64_t)sizeof *mine, NULL, &bytes);
  int64_t n = bytes / (int64_t)sizeof *all;
  qsort(all, (size_t)n, sizeof *all, by_value);
  double m = n == 0 ? NAN : n % 2 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2;
  rg_free(all);
  return m;
}

/* LISI of every row for labels `mine` of `n_labels`. Owned. */
static double *lisi(rg_comm *comm, const rg_knn *knn, const int32_t *mine, int n_labels)
{
  int64_t n = knn->rows * knn->k, total = knn->rows;
  rg_sum_i64(comm, &total, 1);
  int32_t *label = RG_NEW(int32_t, n);
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = knn->index[e] < 0 ? 0 : knn->index[e];
  rg_fetch(comm, mine, total, sizeof *label, ids, n, label);
  double *out = RG_NEW(double, knn->rows), *w = RG_NEW(double, knn->k);
  double *share = RG_NEW(double, n_labels);
  for (int64_t i = 0; i < knn->rows; i++) {
    int k = 0;
    while (k < knn->k && knn->index[i * knn->k + k] >= 0)
      k++;
    weights(knn->distance + i * knn->k, k, fmax(k / 3.0, 1), w);
    memset(share, 0, sizeof *share * (size_t)n_labels);
    for (int j = 0; j < k; j++)
      if (label[i * knn->k + j] >= 0)
        share[label[i * knn->k + j]] += w[j];
    double simpson = 0;
    for (int l = 0; l < n_labels; l++)
      simpson += share[l] * share[l];
    out[i] = simpson > 0 ? 1 / simpson : 1;
  }
  rg_free(share);
  rg_free(w);
  rg_free(ids);
  rg_free(label);
  return out;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_knn knn = {0};
  rg_knn_options options = {.k = NEIGHBOURS, .exact = true};
  rg_status status = rg_knn_graph(comm, scored->embedding, &options, &knn);
  if (status != RG_OK)
    return status;
  double *of_batch = lisi(comm, &knn, scored->batch, scored->n_batches);
  double batches = scored->n_batches;
  rg_score_add(scores, n, "ilisi", (median(comm, of_batch, knn.rows) - 1) / (batches - 1));
  rg_free(of_batch);
  if (scored->label && scored->n_labels > 1) {
    double *of_label = lisi(comm, &knn, scored->label, scored->n_labels);
    double labels = scored->n_labels;
    rg_score_add(scores, n, "clisi",
                 (labels - median(comm, of_label, knn.rows)) / (labels - 1));
    rg_free(of_label);
  }
  rg_knn_fini(&knn);
  return RG_OK;
}

const rg_metric rg_metric_ilisi = {
    .name = "ilisi",
    .cite = "Korsunsky et al. 2019 (LISI), scaled to 0..1 as in theislab/scib",
    .help = "local inverse Simpson index of batches (and of labels) among 90 nearest "
            "neighbours, perplexity 30: median, (x - 1) / (batches - 1)",
    .needs = RG_NEEDS_BATCH,
    .higher_is_better = true,
    .compute = compute};
