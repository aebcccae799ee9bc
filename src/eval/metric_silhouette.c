/* Average silhouette widths, of labels and of batches, as scib scales them. */
#include "internal.h"

#include <math.h>

enum { MOST = 10000 }; /* cells of the sample: all pairs are looked at */

static double distance(const rg_sample *s, int64_t i, int64_t j)
{
  const float *a = s->x + i * s->cols, *b = s->x + j * s->cols;
  double sum = 0;
  for (int64_t c = 0; c < s->cols; c++) {
    double d = (double)a[c] - (double)b[c];
    sum += d * d;
  }
  return sqrt(sum);
}

/* Silhouette of cell i for groups g (0..n-1) among the cells with within[j]. */
static double silhouette(const rg_sample *s, int64_t i, const int32_t *g, int n,
                         const int32_t *among, int32_t which, double *sum, int64_t *count)
{
  for (int k = 0; k < n; k++) {
    sum[k] = 0;
    count[k] = 0;
  }
  for (int64_t j = 0; j < s->n; j++) {
    if (j == i || g[j] < 0 || (among && among[j] != which))
      continue;
    sum[g[j]] += distance(s, i, j);
    count[g[j]]++;
  }
  if (count[g[i]] == 0)
    return 0; /* alone in its group */
  double a = sum[g[i]] / (double)count[g[i]], b = INFINITY;
  for (int k = 0; k < n; k++)
    if (k != g[i] && count[k] > 0)
      b = fmin(b, sum[k] / (double)count[k]);
  if (!isfinite(b))
    return NAN;
  double most = fmax(a, b);
  return most > 0 ? (b - a) / most : 0;
}

/* Silhouettes of all sampled cells: every rank takes a part, all get the list. Owned. */
static double *all_silhouettes(rg_comm *comm, const rg_sample *s, const int32_t *g, int n,
                               const int32_t *among)
{
  rg_range mine = rg_part(s->n, rg_rank(comm), rg_size(comm));
  double *width = RG_NEW(double, rg_range_n(mine));
  rg_pace_begin("silhouettes", rg_range_n(mine), "cells");
#pragma omp parallel
  {
    double *sum = RG_NEW(double, n);
    int64_t *count = RG_NEW(int64_t, n);
#pragma omp for schedule(dynamic, 16)
    for (int64_t i = mine.low; i < mine.high; i++) {
      rg_pace_at(i - mine.low, NULL);
      width[i - mine.low] = g[i] < 0 ? NAN
                                     : silhouette(s, i, g, n, among,
                                                  among ? among[i] : 0, sum, count);
    }
    rg_free(sum);
    rg_free(count);
  }
  rg_pace_end();
  int64_t bytes;
  double *all = rg_gather_all(comm, width, rg_range_n(mine) * (int64_t)sizeof *width, NULL,
                              &bytes);
  rg_free(width);
  return all;
}

static double mean_label(rg_comm *comm, const rg_sample *s, int n_labels)
{
  double *width = all_silhouettes(comm, s, s->label, n_labels, NULL), sum = 0, n = 0;
  for (int64_t i = 0; i < s->n; i++)
    if (isfinite(width[i])) {
      sum += width[i];
      n++;
    }
  rg_free(width);
  return n > 0 ? (sum / n + 1) / 2 : NAN;
}

/* 1 - |s| on batches inside each label; labels of one batch are skipped. */
static double mean_batch(rg_comm *comm, const rg_sample *s, int n_labels, int n_batches)
{
  double *width = all_silhouettes(comm, s, s->batch, n_batches, s->label);
  double *sum = RG_NEW(double, n_labels), *n = RG_NEW(double, n_labels);
  for (int64_t i = 0; i < s->n; i++)
    if (s->label[i] >= 0 && isfinite(width[i])) {
      sum[s->label[i]] += 1 - fabs(width[i]);
      n[s->label[i]]++;
    }
  double total = 0, labels = 0;
  for (int l = 0; l < n_labels; l++)
    if (n[l] > 0) {
      total += sum[l] / n[l];
      labels++;
    }
  rg_free(width);
  rg_free(sum);
  rg_free(n);
  return labels > 0 ? total / labels : NAN;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_sample s = rg_sample_cells(comm, scored, MOST);
  rg_score_add(scores, n, "asw_label", mean_label(comm, &s, scored->n_labels));
  if (scored->batch)
    rg_score_add(scores, n, "asw_batch",
                 mean_batch(comm, &s, scored->n_labels, scored->n_batches));
  rg_sample_fini(&s);
  return RG_OK;
}

const rg_metric rg_metric_silhouette = {
    .name = "silhouette",
    .cite = "Rousseeuw 1987; scaled as in theislab/scib",
    .help = "average silhouette width of labels, (s + 1) / 2, and of batches within "
            "labels, "
            "1 - |s|; on a keyed sample of 10,000 cells where there are more",
    .needs = RG_NEEDS_LABELS,
    .higher_is_better = true,
    .compute = compute};
