/* How many cells lie closer to a cell than its own other half does. */
#include "internal.h"

#include "regatta/kernels.h"

#include <math.h>
#include <string.h>

static bool is_finite(const float *x, int64_t n)
{
  for (int64_t j = 0; j < n; j++)
    if (!isfinite(x[j]))
      return false;
  return true;
}

/* Rows of `of` where both representations are finite. Owned. */
static rg_points points_of(const rg_scored *scored, const rg_mat *of)
{
  const rg_mat *a = scored->embedding, *b = scored->second;
  rg_points points = rg_points_new(a->rows, (int)a->cols);
  int64_t n = 0;
  for (int64_t i = 0; i < a->rows; i++)
    if (is_finite(rg_mat_row(a, i), a->cols) && is_finite(rg_mat_row(b, i), b->cols))
      rg_points_set(&points, n++, rg_mat_row(of, i), i);
  points.n = n;
  return points;
}

/* Twice the number of rows of `other` closer to each row of `mine` than own[i] is; one that
 * is as far counts once. Added to `closer`. */
static void count(const rg_points *mine, const float *other, int64_t n, const float *own,
                  int64_t *closer)
{
  rg_pace_begin("strangers", mine->n, "cells");
#pragma omp parallel for schedule(dynamic, 16)
  for (int64_t i = 0; i < mine->n; i++) {
    rg_pace_at(i, NULL);
    for (int64_t j = 0; j < n; j++) {
      float d = rg_dist2(mine->x + i * mine->ld, other + j * mine->ld, mine->ld);
      closer[i] += d < own[i] ? 2 : d == own[i];
    }
  }
  rg_pace_end();
}

/* Sum over cells of twice the number of strangers that are closer than the other half. */
static int64_t strangers(rg_comm *comm, const rg_points *mine, const rg_points *other)
{
  int64_t bytes = other->n * other->ld * (int64_t)sizeof(float), sum = 0;
  float *visitor = rg_alloc(bytes, 1);
  memcpy(visitor, other->x, (size_t)bytes);
  float *own = RG_NEW(float, mine->n);
  int64_t *closer = RG_NEW(int64_t, mine->n);
  for (int64_t i = 0; i < mine->n; i++)
    own[i] = rg_dist2(mine->x + i * mine->ld, other->x + i * other->ld, mine->ld);
  for (int step = 0; step < rg_size(comm); step++) {
    if (step > 0)
      rg_shift(comm, (void **)&visitor, &bytes, 1);
    count(mine, visitor, bytes / (mine->ld * (int64_t)sizeof(float)), own, closer);
  }
  for (int64_t i = 0; i < mine->n; i++)
    sum += closer[i] - 1; /* its own other half is as far as itself */
  rg_sum_i64(comm, &sum, 1);
  rg_free(closer);
  rg_free(own);
  rg_free(visitor);
  return sum;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_points a = points_of(scored, scored->embedding), b = points_of(scored, scored->second);
  int64_t cells = a.n;
  rg_sum_i64(comm, &cells, 1);
  double twice = (double)strangers(comm, &a, &b) + (double)strangers(comm, &b, &a);
  rg_score_add(scores, n, "foscttm",
               cells > 0 ? twice / 4 / (double)cells / (double)cells : NAN);
  rg_points_fini(&a);
  rg_points_fini(&b);
  return RG_OK;
}

const rg_metric rg_metric_foscttm = {
    .name = "foscttm",
    .cite = "Liu, Huang, Singh, Vert, Noble 2019 (MMD-MA); as in GLUE (Cao, Gao 2022)",
    .help = "fraction of cells closer than the true match, both directions averaged: 0 "
            "best, 0.5 chance; ties count one half, so that a constant embedding is at "
            "chance",
    .needs = RG_NEEDS_SECOND,
    .higher_is_better = false,
    .compute = compute};
