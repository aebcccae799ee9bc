/* How much of a cell's depth can be read off its embedding. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 50000 };

typedef struct ranked {
  double value;
  int64_t i;
} ranked;

static int by_value(const void *a, const void *b)
{
  const ranked *x = a, *y = b;
  if (x->value != y->value)
    return x->value < y->value ? -1 : 1;
  return x->i < y->i ? -1 : x->i > y->i;
}

/* Ranks with ties sharing their mean. */
static void ranks_of(ranked *r, int64_t n, double *rank)
{
  qsort(r, (size_t)n, sizeof *r, by_value);
  for (int64_t low = 0; low < n;) {
    int64_t high = low + 1;
    while (high < n && r[high].value == r[low].value)
      high++;
    for (int64_t k = low; k < high; k++)
      rank[r[k].i] = (double)(low + high - 1) / 2;
    low = high;
  }
}

static double correlation(const double *a, const double *b, int64_t n)
{
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (int64_t i = 0; i < n; i++) {
    ma += a[i] / (double)n;
    mb += b[i] / (double)n;
  }
  for (int64_t i = 0; i < n; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* Move the cells of known depth to the front; returns their number. */
static int64_t keep_known(rg_sample *s)
{
  int64_t n = 0;
  for (int64_t i = 0; i < s->n; i++) {
    if (!isfinite(s->depth[i]))
      continue;
    memmove(s->x + n * s->cols, s->x + i * s->cols, sizeof *s->x * (size_t)s->cols);
    s->depth[n++] = s->depth[i];
  }
  return n;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_sample s = rg_sample_cells(comm, scored, MOST);
  ranked *r = RG_NEW(ranked, s.n);
  double *depth = RG_NEW(double, s.n), *axis = RG_NEW(double, s.n), sum = 0, most = 0;
  s.n = keep_known(&s);
  for (int64_t i = 0; i < s.n; i++)
    r[i] = (ranked){s.depth[i], i};
  ranks_of(r, s.n, depth);
  for (int64_t j = 0; j < s.cols; j++) {
    for (int64_t i = 0; i < s.n; i++)
      r[i] = (ranked){(double)s.x[i * s.cols + j], i};
    ranks_of(r, s.n, axis);
    double rho = fabs(correlation(axis, depth, s.n));
    sum += rho;
    most = fmax(most, rho);
  }
  rg_score_add(scores, n, "depth_leakage", sum / (double)s.cols);
  rg_score_add(scores, n, "depth_leakage_max", most);
  rg_free(axis);
  rg_free(depth);
  rg_free(r);
  rg_sample_fini(&s);
  return RG_OK;
}

const rg_metric rg_metric_depth = {
    .name = "depth",
    .cite = "Spearman 1904; as the depth scores of SAILER (uci-cbcl/SAILER)",
    .help = "absolute Spearman correlation of each axis with log depth: mean and most",
    .needs = RG_NEEDS_DEPTH,
    .higher_is_better = false,
    .compute = compute};
