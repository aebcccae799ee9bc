/* Exact nearest neighbours: blocks of rows travel round the ring of ranks. A pair of
 * blocks is met once: what the visitor's rows find goes into lists that travel with
 * them, half way round, and then home. */
#include "knn.h"

#include <math.h>
#include <string.h>

void rg_knn_fini(rg_knn *knn)
{
  rg_free(knn->index);
  rg_free(knn->distance);
  *knn = (rg_knn){0};
}

static bool finite_row(const float *row, int64_t n)
{
  float sum = 0;
  for (int64_t j = 0; j < n; j++)
    sum += row[j] * row[j];
  return isfinite(sum);
}

/* Unit vector in `out` (n + 1 coordinates). */
static void unit_row(const float *row, int64_t n, float *out)
{
  double sum = 0;
  for (int64_t j = 0; j < n; j++)
    sum += (double)row[j] * row[j];
  double scale = sum > 0 ? 1 / sqrt(sum) : 0;
  for (int64_t j = 0; j < n; j++)
    out[j] = (float)(row[j] * scale);
  out[n] = sum > 0 ? 0 : 1;
}

rg_points rg_knn_points(rg_comm *comm, const rg_mat *x, rg_metric_kind metric,
                        int64_t *n_total)
{
  int64_t first = rg_prefix_i64(comm, x->rows, n_total);
  bool cosine = metric == RG_COSINE;
  int dim = (int)x->cols + (cosine ? 1 : 0);
  rg_points points = rg_points_new(x->rows, dim);
  float *unit = RG_NEW(float, dim);
  int64_t n = 0;
  for (int64_t i = 0; i < x->rows; i++) {
    const float *row = rg_mat_row(x, i);
    if (!finite_row(row, x->cols))
      continue;
    if (cosine)
      unit_row(row, x->cols, unit);
    rg_points_set(&points, n++, cosine ? unit : row, first + i);
  }
  points.n = n;
  rg_free(unit);
  return points;
}

void rg_knn_from_lists(const rg_points *points, const rg_topk *lists, int64_t rows,
                       int64_t first, rg_metric_kind metric, rg_knn *knn)
{
  int k = lists->k;
  *knn =
      (rg_knn){.rows = rows,
               .k = k,
               .index = RG_NEW(int64_t, rows * k), .distance = RG_NEW(float, rows * k)};
  for (int64_t i = 0; i < rows * k; i++) {
    knn->index[i] = -1;
    knn->distance[i] = INFINITY;
  }
  for (int64_t i = 0; i < points->n; i++) {
    int64_t row = points->id[i] - first;
    memcpy(knn->index + row * k, lists->id + i * k, (size_t)k * sizeof(int64_t));
    for (int j = 0; j < k; j++) {
      float d = lists->distance[i * k + j];
      knn->distance[row * k + j] = metric == RG_COSINE ? d / 2 : sqrtf(d);
    }
  }
}

static void *copy_of(const void *from, int64_t bytes)
{
  void *to = rg_alloc(bytes, 1);
  memcpy(to, from, (size_t)bytes);
  return to;
}

static rg_points copy_points(const rg_points *points)
{
  rg_points copy = *points;
  int64_t n = points->n;
  copy.x = copy_of(points->x, n * points->ld * (int64_t)sizeof(float));
  copy.norm = copy_of(points->norm, n * (int64_t)sizeof(float));
  copy.id = copy_of(points->id, n * (int64_t)sizeof(int64_t));
  copy.list = copy_of(points->list, n * (int64_t)sizeof(int64_t));
  return copy;
}

/* Pass points to the next rank and take those of the one before. Collective. */
static void pass_points(rg_comm *comm, rg_points *points)
{
  int64_t x_bytes = points->n * points->ld * (int64_t)sizeof(float);
  int64_t norm_bytes = points->n * (int64_t)sizeof(float);
  int64_t id_bytes = points->n * (int64_t)sizeof(int64_t);
  rg_shift(comm, (void **)&points->x, &x_bytes, 1);
  rg_shift(comm, (void **)&points->norm, &norm_bytes, 1);
  rg_shift(comm, (void **)&points->id, &id_bytes, 1);
  points->n = id_bytes / (int64_t)sizeof(int64_t);
  rg_free(points->list);
  points->list = RG_NEW(int64_t, points->n);
  for (int64_t i = 0; i < points->n; i++)
    points->list[i] = i;
}

/* Pass lists `shift` ranks on. Collective. */
static void pass_lists(rg_comm *comm, rg_topk *lists, int shift)
{
  int64_t entries = lists->n * lists->k;
  int64_t d_bytes = entries * (int64_t)sizeof(float);
  int64_t id_bytes = entries * (int64_t)sizeof(int64_t);
  rg_shift(comm, (void **)&lists->distance, &d_bytes, shift);
  rg_shift(comm, (void **)&lists->id, &id_bytes, shift);
  lists->n = id_bytes / (int64_t)sizeof(int64_t) / lists->k;
  rg_free(lists->busy);
  lists->busy = RG_NEW(unsigned char, lists->n);
}

static rg_topk copy_lists(const rg_topk *lists)
{
  int64_t entries = lists->n * lists->k;
  rg_topk copy = *lists;
  copy.distance = copy_of(lists->distance, entries * (int64_t)sizeof(float));
  copy.id = copy_of(lists->id, entries * (int64_t)sizeof(int64_t));
  copy.busy = RG_NEW(unsigned char, lists->n);
  return copy;
}

static void merge_lists(rg_topk *into, const rg_topk *from)
{
  RG_ASSERT(into->n == from->n && into->k == from->k);
  for (int64_t i = 0; i < from->n; i++)
    for (int64_t j = i * from->k; j < (i + 1) * from->k && from->id[j] >= 0; j++)
      rg_topk_offer(into, i, from->distance[j], from->id[j]);
}

/* Every pair of cells once. With P ranks a block visits the next (P - 1) / 2; when P
 * is even the opposite two exchange their blocks and each serves its own rows.
 * Collective. */
static void ring(rg_comm *comm, const rg_points *mine, rg_topk *lists)
{
  rg_pairs_self(mine, lists);
  int ranks = rg_size(comm), steps = (ranks - 1) / 2;
  if (ranks == 1)
    return;
  rg_points visitor = copy_points(mine);
  rg_topk found = copy_lists(lists);
  for (int step = 0; step < steps; step++) {
    pass_points(comm, &visitor);
    pass_lists(comm, &found, 1);
    rg_pairs_cross(mine, lists, &visitor, &found);
  }
  pass_lists(comm, &found, -steps);
  merge_lists(lists, &found);
  if (ranks % 2 == 0) {
    pass_points(comm, &visitor);
    rg_pairs_cross(mine, lists, &visitor, NULL);
  }
  rg_points_fini(&visitor);
  rg_topk_fini(&found);
}

static rg_status check(rg_comm *comm, const rg_mat *x, int k)
{
  int64_t cols[2] = {x->cols, -x->cols};
  rg_max_i64(comm, cols, 2);
  RG_ASSERT(cols[0] == -cols[1]);
  if (k < 1)
    return rg_fail(RG_EUSAGE,
                   "neighbours: %d is not a number of neighbours; ask for at "
                   "least 1",
                   k);
  return RG_OK;
}

rg_status rg_knn_graph(rg_comm *comm, const rg_mat *x, const rg_knn_options *options,
                       rg_knn *knn)
{
  rg_status status = check(comm, x, options->k);
  if (status != RG_OK)
    return status;
  int64_t n_total;
  rg_points mine = rg_knn_points(comm, x, options->metric, &n_total);
  rg_topk lists = rg_topk_new(mine.n, options->k);
  if (options->exact)
    ring(comm, &mine, &lists);
  else
    rg_knn_buckets(comm, &mine, options, n_total, &lists);
  int64_t first = rg_prefix_i64(comm, x->rows, NULL);
  rg_knn_from_lists(&mine, &lists, x->rows, first, options->metric, knn);
  rg_topk_fini(&lists);
  rg_points_fini(&mine);
  return RG_OK;
}

rg_status rg_knn_query(rg_comm *comm, const rg_mat *query, const rg_mat *x, int k,
                       rg_metric_kind metric, rg_knn *knn)
{
  rg_status status = check(comm, x, k);
  if (status != RG_OK)
    return status;
  RG_ASSERT(query->cols == x->cols);
  int64_t n_total;
  rg_points asking = rg_knn_points(comm, query, metric, &n_total);
  rg_points visitor = rg_knn_points(comm, x, metric, &n_total);
  rg_topk lists = rg_topk_new(asking.n, k);
  for (int step = 0; step < rg_size(comm); step++) {
    if (step > 0)
      pass_points(comm, &visitor);
    rg_pairs_cross(&asking, &lists, &visitor, NULL);
  }
  int64_t first = rg_prefix_i64(comm, query->rows, NULL);
  rg_knn_from_lists(&asking, &lists, query->rows, first, metric, knn);
  rg_topk_fini(&lists);
  rg_points_fini(&visitor);
  rg_points_fini(&asking);
  return RG_OK;
}
