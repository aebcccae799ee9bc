/* Cells of one modality matched with cells of another, batch by batch: lists of the
 * nearest, a weight for every pair that they bring together, rows that sum to one. */
#include "regatta/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows with which `knn` measures how far a neighbour is, and the share of their mean. */
enum { SIGMA_NEIGHBOURS = 10 };
#define SIGMA_SHARE 0.1

/* The cells of a batch on one side, spread as rg_part. */
typedef struct side {
  rg_mat x;    /* unit rows */
  int64_t *id; /* number in the whole matrix */
  int64_t total;
} side;

/* A weighted pair of numbers inside the batch, or, on the way home, of the matrices. */
typedef struct pair {
  int64_t row, col;
  double weight;
} pair;

typedef struct pairs {
  int64_t n;
  pair *at;
} pairs;

static int by_row(const void *x, const void *y)
{
  const pair *a = x, *b = y;
  if (a->row != b->row)
    return a->row < b->row ? -1 : 1;
  return (a->col > b->col) - (a->col < b->col);
}

static void sort(pairs *list)
{
  qsort(list->at, (size_t)list->n, sizeof *list->at, by_row);
}

/* ---- the cells of a batch -------------------------------------------------------- */

/* False where the row is not finite. A row of zeros stays what it is. */
static bool unit_row(const float *row, int64_t n, float *out)
{
  double sum = 0;
  for (int64_t j = 0; j < n; j++)
    sum += (double)row[j] * row[j];
  double scale = sum > 0 ? 1 / sqrt(sum) : 0;
  for (int64_t j = 0; j < n; j++)
    out[j] = (float)(row[j] * scale);
  return isfinite(sum);
}

/* Collective. */
static side deal(rg_comm *comm, const rg_mat *x, const int32_t *batch, int32_t which)
{
  size_t width = sizeof(int64_t) + sizeof(float) * (size_t)x->cols;
  int64_t first = rg_prefix_i64(comm, x->rows, NULL), n = 0;
  char *rows = rg_alloc(x->rows, width);
  float *unit = RG_NEW(float, x->cols);
  for (int64_t i = 0; i < x->rows; i++) {
    if ((batch && batch[i] != which) || !unit_row(rg_mat_row(x, i), x->cols, unit))
      continue;
    int64_t id = first + i;
    char *at = rows + (size_t)n++ * width;
    memcpy(at, &id, sizeof id);
    memcpy(at + sizeof id, unit, width - sizeof id);
  }
  side out = {0};
  int64_t number = rg_prefix_i64(comm, n, &out.total), got;
  int *to = RG_NEW(int, n);
  for (int64_t i = 0; i < n; i++)
    to[i] = rg_part_owner(out.total, rg_size(comm), number + i);
  char *in = rg_scatter(comm, rows, n, (int64_t)width, to, &got);
  out.x = rg_mat_new(got, x->cols);
  out.id = RG_NEW(int64_t, got);
  for (int64_t i = 0; i < got; i++) {
    const char *at = in + (size_t)i * width;
    memcpy(&out.id[i], at, sizeof *out.id);
    memcpy(rg_mat_row(&out.x, i), at + sizeof *out.id, width - sizeof *out.id);
  }
  rg_free(in);
  rg_free(to);
  rg_free(unit);
  rg_free(rows);
  return out;
}

static void side_fini(side *s)
{
  rg_mat_fini(&s->x);
  rg_free(s->id);
}

/* ---- lists ----------------------------------------------------------------------- */

/* The k nearest of a side to its own cells, each first of its own. Collective. */
static rg_status nearest_own(rg_comm *comm, const side *s, int k, rg_knn *knn)
{
  rg_status status = RG_OK;
  rg_knn others = {0};
  rg_knn_options options = {.k = k - 1, .metric = RG_EUCLIDEAN, .exact = true};
  if (k > 1)
    RG_TRY(rg_knn_graph(comm, &s->x, &options, &others));
  int64_t rows = s->x.rows, first = rg_prefix_i64(comm, rows, NULL);
  *knn = (rg_knn){.rows = rows,
                  .k = k,
                  .index = RG_NEW(int64_t, rows * k),
                  .distance = RG_NEW(float, rows * k)};
  for (int64_t i = 0; i < rows; i++) {
    knn->index[i * k] = first + i;
    for (int j = 1; j < k; j++) {
      knn->index[i * k + j] = others.index[i * (k - 1) + j - 1];
      knn->distance[i * k + j] = others.distance[i * (k - 1) + j - 1];
    }
  }
out:
  rg_knn_fini(&others);
  return status;
}

/* Who names each of this rank's cells: who[start[i]..start[i + 1]), rising. */
typedef struct named {
  int64_t rows;
  int64_t *start, *who;
} named;

/* Collective. */
static named reverse(rg_comm *comm, const rg_knn *knn, int64_t total)
{
  rg_range mine = rg_part(total, rg_rank(comm), rg_size(comm));
  int64_t first = rg_prefix_i64(comm, knn->rows, NULL), n = 0, got;
  pair *send = RG_NEW(pair, knn->rows * knn->k);
  int *to = RG_NEW(int, knn->rows * knn->k);
  for (int64_t e = 0; e < knn->rows * knn->k; e++) {
    if (knn->index[e] < 0)
      continue;
    to[n] = rg_part_owner(total, rg_size(comm), knn->index[e]);
    send[n++] = (pair){knn->index[e], first + e / knn->k, 0};
  }
  pair *in = rg_scatter(comm, send, n, sizeof *send, to, &got);
  named out = {rg_range_n(mine), RG_NEW(int64_t, rg_range_n(mine) + 1),
               RG_NEW(int64_t, got)};
  for (int64_t e = 0; e < got; e++)
    out.start[in[e].row - mine.low + 1]++;
  for (int64_t i = 0; i < out.rows; i++)
    out.start[i + 1] += out.start[i];
  int64_t *at = RG_NEW(int64_t, out.rows + 1);
  memcpy(at, out.start, sizeof *at * (size_t)(out.rows + 1));
  for (int64_t e = 0; e < got; e++)
    out.who[at[in[e].row - mine.low]++] = in[e].col;
  rg_free(at);
  rg_free(in);
  rg_free(to);
  rg_free(send);
  return out;
}

static void named_fini(named *n)
{
  rg_free(n->start);
  rg_free(n->who);
}

/* ---- shared neighbours ----------------------------------------------------------- */

/* Every pair (i, j) with a cell that both i, in `from`, and j, in `to`, name, once for each
 * such cell, at the owner of i of `rows`; appended. Collective. */
static void join(rg_comm *comm, const named *from, const named *to, int64_t rows,
                 pairs *list)
{
  int64_t n = 0, got;
  for (int64_t m = 0; m < from->rows; m++)
    n += (from->start[m + 1] - from->start[m]) * (to->start[m + 1] - to->start[m]);
  pair *send = RG_NEW(pair, n);
  int *owner = RG_NEW(int, n);
  n = 0;
  for (int64_t m = 0; m < from->rows; m++)
    for (int64_t e = from->start[m]; e < from->start[m + 1]; e++)
      for (int64_t f = to->start[m]; f < to->start[m + 1]; f++) {
        owner[n] = rg_part_owner(rows, rg_size(comm), from->who[e]);
        send[n++] = (pair){from->who[e], to->who[f], 1};
      }
  pair *in = rg_scatter(comm, send, n, sizeof *send, owner, &got);
  list->at = rg_realloc(list->at, list->n, list->n + got, sizeof *list->at);
  memcpy(list->at + list->n, in, sizeof *in * (size_t)got);
  list->n += got;
  rg_free(in);
  rg_free(owner);
  rg_free(send);
}

/* Equal pairs, which lie side by side, become one of the sum of their weights. */
static void add_up(pairs *list)
{
  int64_t n = 0;
  for (int64_t e = 0; e < list->n; e++) {
    bool again = n > 0 && by_row(&list->at[n - 1], &list->at[e]) == 0;
    if (again)
      list->at[n - 1].weight += list->at[e].weight;
    else
      list->at[n++] = list->at[e];
  }
  list->n = n;
}

/* J = A_xy A_yy^T + (A_yx A_xx^T)^T over the sizes of the union. Collective. */
static rg_status snn(rg_comm *comm, const side *x, const side *y, int k, pairs *list)
{
  rg_status status = RG_OK;
  rg_knn xy = {0}, yx = {0}, xx = {0}, yy = {0};
  named from = {0}, to = {0};
  RG_TRY(rg_knn_query(comm, &x->x, &y->x, k, RG_EUCLIDEAN, &xy));
  RG_TRY(rg_knn_query(comm, &y->x, &x->x, k, RG_EUCLIDEAN, &yx));
  RG_TRY(nearest_own(comm, x, k, &xx));
  RG_TRY(nearest_own(comm, y, k, &yy));
  from = reverse(comm, &xy, y->total);
  to = reverse(comm, &yy, y->total);
  join(comm, &from, &to, x->total, list);
  named_fini(&from);
  named_fini(&to);
  from = reverse(comm, &xx, x->total);
  to = reverse(comm, &yx, x->total);
  join(comm, &from, &to, x->total, list);
  sort(list);
  add_up(list);
  double both = 2.0 * (double)(k < x->total ? k : x->total) +
                2.0 * (double)(k < y->total ? k : y->total);
  for (int64_t e = 0; e < list->n; e++)
    list->at[e].weight /= both - list->at[e].weight;
out:
  named_fini(&from);
  named_fini(&to);
  rg_knn_fini(&xy);
  rg_knn_fini(&yx);
  rg_knn_fini(&xx);
  rg_knn_fini(&yy);
  return status;
}

/* ---- nearest, and mutually nearest ----------------------------------------------- */

/* A tenth of the mean distance of the ten nearest, over all cells. Collective. */
static double width(rg_comm *comm, const rg_knn *knn)
{
  double *sum = RG_NEW(double, knn->rows);
  int64_t n = 0;
  for (int64_t i = 0; i < knn->rows; i++)
    for (int j = 0; j < SIGMA_NEIGHBOURS && knn->index[i * knn->k + j] >= 0; j++, n++)
      sum[i] += (double)knn->distance[i * knn->k + j];
  rg_sum_i64(comm, &n, 1);
  double total;
  rg_sum_rows_f64(comm, sum, knn->rows, 1, &total);
  rg_free(sum);
  return SIGMA_SHARE * total / (double)n;
}

/* exp(-(d / sigma)^2), up to a factor per row, which is divided out: of the nearest it is
 * 1, so that a row of far neighbours does not vanish. Collective. */
static rg_status knn(rg_comm *comm, const side *x, const side *y, int k, pairs *list)
{
  rg_knn there;
  int searched = k > SIGMA_NEIGHBOURS ? k : SIGMA_NEIGHBOURS;
  rg_status status =
      rg_knn_query(comm, &x->x, &y->x, searched, RG_EUCLIDEAN, &there);
  if (status != RG_OK)
    return status;
  rg_range mine = rg_part(x->total, rg_rank(comm), rg_size(comm));
  double sigma = width(comm, &there);
  list->at = RG_NEW(pair, there.rows * k);
  for (int64_t i = 0; i < there.rows; i++) {
    const int64_t *index = there.index + i * searched;
    const float *d = there.distance + i * searched;
    for (int j = 0; j < k && index[j] >= 0; j++) {
      double far = ((double)d[j] - d[0]) * ((double)d[j] + d[0]);
      double weight = far > 0 ? exp(-far / (sigma * sigma)) : 1;
      list->at[list->n++] = (pair){mine.low + i, index[j], weight};
    }
  }
  rg_knn_fini(&there);
  sort(list);
  return RG_OK;
}

/* 1 where both are among the nearest of the other. Collective. */
static rg_status mnn(rg_comm *comm, const side *x, const side *y, int k, pairs *list)
{
  rg_status status = RG_OK;
  rg_knn there = {0}, back = {0};
  named by = {0};
  RG_TRY(rg_knn_query(comm, &x->x, &y->x, k, RG_EUCLIDEAN, &there));
  RG_TRY(rg_knn_query(comm, &y->x, &x->x, k, RG_EUCLIDEAN, &back));
  by = reverse(comm, &back, x->total);
  rg_range mine = rg_part(x->total, rg_rank(comm), rg_size(comm));
  list->at = RG_NEW(pair, there.rows * k);
  for (int64_t i = 0; i < there.rows; i++)
    for (int64_t e = by.start[i]; e < by.start[i + 1]; e++)
      for (int j = 0; j < k; j++)
        if (there.index[i * k + j] == by.who[e])
          list->at[list->n++] = (pair){mine.low + i, by.who[e], 1};
out:
  named_fini(&by);
  rg_knn_fini(&there);
  rg_knn_fini(&back);
  return status;
}

/* ---- the matrix ------------------------------------------------------------------ */

/* Rows of sorted pairs sum to one. */
static void normalise(pairs *list)
{
  for (int64_t low = 0, high; low < list->n; low = high) {
    double sum = 0;
    for (high = low; high < list->n && list->at[high].row == list->at[low].row; high++)
      sum += list->at[high].weight;
    for (int64_t e = low; e < high; e++)
      list->at[e].weight /= sum;
  }
}

/* Numbers of the batch become those of the matrices, and every pair goes to the rank of
 * its row; appended to `all`. Collective. */
static void send_home(rg_comm *comm, const side *x, const side *y, int64_t rows,
                      const pairs *list, pairs *all)
{
  rg_range mine = rg_part(x->total, rg_rank(comm), rg_size(comm));
  int64_t n = list->n, got, *col = RG_NEW(int64_t, n), *id = RG_NEW(int64_t, n);
  int *to = RG_NEW(int, n);
  for (int64_t e = 0; e < n; e++)
    col[e] = list->at[e].col;
  rg_fetch(comm, y->id, y->total, sizeof *id, col, n, id);
  for (int64_t e = 0; e < n; e++) {
    list->at[e].row = x->id[list->at[e].row - mine.low];
    list->at[e].col = id[e];
    to[e] = rg_part_owner(rows, rg_size(comm), list->at[e].row);
  }
  pair *in = rg_scatter(comm, list->at, n, sizeof *in, to, &got);
  all->at = rg_realloc(all->at, all->n, all->n + got, sizeof *all->at);
  memcpy(all->at + all->n, in, sizeof *in * (size_t)got);
  all->n += got;
  rg_free(in);
  rg_free(to);
  rg_free(id);
  rg_free(col);
}

/* Weights too small for a float are dropped. */
static rg_csr as_csr(const pairs *list, rg_range rows, int64_t cols)
{
  rg_csr csr = rg_csr_new(rg_range_n(rows), cols, list->n);
  int64_t at = 0;
  for (int64_t e = 0; e < list->n; e++) {
    float weight = (float)list->at[e].weight;
    if (weight <= 0)
      continue;
    csr.indices[at] = (int32_t)list->at[e].col;
    csr.values[at++] = weight;
    csr.indptr[list->at[e].row - rows.low + 1] = at;
  }
  for (int64_t i = 0; i < csr.rows; i++)
    if (csr.indptr[i + 1] < csr.indptr[i])
      csr.indptr[i + 1] = csr.indptr[i];
  return csr;
}

static rg_status check(const rg_mat *a, const rg_mat *b, int k)
{
  if (k < 1)
    return rg_fail(RG_EUSAGE, "match: %d is not a number of neighbours; ask for at "
                              "least 1", k);
  if (a->cols != b->cols)
    return rg_fail(RG_EUSAGE, "match: one side has %lld columns, the other %lld: they "
                              "cannot be compared", (long long)a->cols,
                   (long long)b->cols);
  return RG_OK;
}

rg_status rg_match(rg_comm *comm, const rg_match_side *a, const rg_match_side *b,
                   int n_batches, rg_match_kind kind, int k, rg_csr *weights)
{
  static rg_status (*const kinds[])(rg_comm *, const side *, const side *, int, pairs *) =
      {[RG_MATCH_SNN] = snn, [RG_MATCH_KNN] = knn, [RG_MATCH_MNN] = mnn};
  rg_status status = RG_OK;
  int64_t rows, cols;
  rg_prefix_i64(comm, a->x->rows, &rows);
  rg_prefix_i64(comm, b->x->rows, &cols);
  side x = {0}, y = {0};
  pairs list = {0}, all = {0};
  RG_TRY(check(a->x, b->x, k));
  for (int32_t which = 0; which < (n_batches > 0 ? n_batches : 1); which++) {
    x = deal(comm, a->x, n_batches > 0 ? a->batch : NULL, which);
    y = deal(comm, b->x, n_batches > 0 ? b->batch : NULL, which);
    if (x.total > 0 && y.total > 0) {
      RG_TRY(kinds[kind](comm, &x, &y, k, &list));
      normalise(&list);
      send_home(comm, &x, &y, rows, &list, &all);
    }
    rg_free(list.at);
    list = (pairs){0};
    side_fini(&x);
    side_fini(&y);
    x = y = (side){0};
  }
  sort(&all);
  *weights = as_csr(&all, rg_part(rows, rg_rank(comm), rg_size(comm)), cols);
out:
  rg_free(list.at);
  rg_free(all.at);
  side_fini(&x);
  side_fini(&y);
  return status;
}
