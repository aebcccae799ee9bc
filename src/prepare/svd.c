/* Truncated singular value decomposition of a distributed sparse matrix. The right
 * singular vectors are the leading eigenvectors of a^T a, found by block Krylov iteration
 * from a random start (Halko, Martinsson, Tropp 2011; Musco, Musco 2015); the left ones
 * follow from one more product, and a last rotation makes them orthogonal to rounding.
 * Column means are taken off implicitly. */
#include "src/prepare/inner.h"

#include "regatta/kernels.h"

#include <math.h>
#include <string.h>

enum {
  WIDTH = 16,  /* blocks are rounded up to whole registers */
  EXACT = 320, /* up to so many columns the whole of a^T a is diagonalised */
};

typedef struct gram {
  rg_comm *comm;
  rg_spread *spread;
  rg_range features; /* of this rank inside the eigensolver */
  int64_t rows, cols;
} gram;

/* y = a^T a x */
static void gram_times(void *self, const float *x, int width, float *y)
{
  gram *g = self;
  rg_mat mine = {rg_range_n(g->features), width, (float *)(uintptr_t)x};
  rg_mat all = rg_gather_rows(g->comm, &mine);
  float *middle = RG_NEW(float, g->rows * width);
  rg_spread_times(g->spread, all.data, width, middle);
  rg_spread_transposed(g->spread, middle, width, all.data);
  memcpy(y, all.data + g->features.low * width,
         (size_t)(rg_range_n(g->features) * width) * sizeof *y);
  rg_free(middle);
  rg_mat_fini(&all);
}

/* Columns of a block: a whole number of registers, all of them for a narrow matrix. */
static int block_width(const rg_svd_options *options, int64_t rows, int64_t cols)
{
  if (cols <= EXACT)
    return (int)cols;
  int64_t width = options->rank + options->oversampling;
  width = (width + WIDTH - 1) / WIDTH * WIDTH;
  int64_t most = rows < cols ? rows : cols;
  most = most < options->rank ? options->rank : most;
  return (int)(width < most ? width : most);
}

/* Rotate y = a v so that its columns are orthogonal: y = u s, v with it. `s` gets `rank`
 * lengths. */
static rg_status rotate(rg_comm *comm, int64_t rows, const rg_svd_options *options,
                        rg_mat *y, rg_mat *v, double *s)
{
  rg_status status = RG_OK;
  int k = options->rank;
  rg_layout home = rg_layout_of(comm, y->rows), inside = rg_eigen_layout(comm, rows);
  float *moved =
      rg_relayout(comm, &home, &inside, y->data, (int64_t)(k * sizeof(float)));
  double *g = RG_NEW(double, k * k), *vectors = RG_NEW(double, k * k);
  double *turn = RG_NEW(double, k * k), *scaled = RG_NEW(double, k * k);
  double *values = RG_NEW(double, k);
  rg_mat u = rg_mat_new(y->rows, k), w = rg_mat_new(v->rows, k);
  rg_eigen_gram(comm, rows, moved, k, moved, k, g);
  RG_TRY(rg_eigh(options->scalapack ? comm : rg_comm_self(), g, k, values, vectors));
  for (int j = 0; j < k; j++) {
    int from = k - 1 - j;
    s[j] = sqrt(fmax(values[from], 0));
    bool found =
        s[j] > 1e-6 * s[0] && s[j] > 0; /* else beyond the rank: left at zero */
    s[j] = found ? s[j] : 0;
    for (int i = 0; i < k; i++) {
      turn[i * k + j] = found ? vectors[i * k + from] : 0;
      scaled[i * k + j] = found ? vectors[i * k + from] / s[j] : 0;
    }
  }
  rg_tall_times(y->rows, y->data, k, scaled, k, 0, u.data);
  rg_tall_times(v->rows, v->data, k, turn, k, 0, w.data);
  rg_mat_fini(y);
  rg_mat_fini(v);
  *y = u;
  *v = w;
  u = w = (rg_mat){0};
out:
  rg_mat_fini(&u);
  rg_mat_fini(&w);
  rg_free(moved);
  rg_free(g);
  rg_free(vectors);
  rg_free(turn);
  rg_free(scaled);
  rg_free(values);
  rg_layout_fini(&home);
  rg_layout_fini(&inside);
  return status;
}

/* The entry of largest magnitude of every column of v is made positive. */
static void fix_signs(rg_mat *u, rg_mat *v)
{
  for (int64_t j = 0; j < v->cols; j++) {
    float largest = 0;
    for (int64_t i = 0; i < v->rows; i++)
      if (fabsf(rg_mat_row(v, i)[j]) > fabsf(largest))
        largest = rg_mat_row(v, i)[j];
    if (largest >= 0)
      continue;
    for (int64_t i = 0; i < v->rows; i++)
      rg_mat_row(v, i)[j] *= -1;
    for (int64_t i = 0; i < u->rows; i++)
      rg_mat_row(u, i)[j] *= -1;
  }
}

static rg_status find_vectors(gram *g, int64_t rows, const rg_svd_options *options,
                              rg_svd *svd)
{
  rg_status status = RG_OK;
  rg_symmetric matrix = {g->cols, gram_times, g};
  rg_eigen_options eigen = {block_width(options, rows, g->cols), options->iterations,
                            options->scalapack, options->seed};
  if (eigen.width == g->cols)
    eigen.iterations = 0;
  double *values = RG_NEW(double, options->rank);
  rg_mat mine = {0};
  RG_TRY(rg_eigen_leading(g->comm, &matrix, &eigen, options->rank, values, &mine));
  svd->v = rg_gather_rows(g->comm, &mine);
  svd->u = rg_mat_new(g->rows, options->rank);
  rg_spread_times(g->spread, svd->v.data, options->rank, svd->u.data);
  RG_TRY(rotate(g->comm, rows, options, &svd->u, &svd->v, svd->s));
  fix_signs(&svd->u, &svd->v);
out:
  rg_mat_fini(&mine);
  rg_free(values);
  return status;
}

rg_status rg_svd_sparse(rg_comm *comm, const rg_csr *a, const rg_svd_options *options,
                        rg_svd *svd)
{
  rg_status status = RG_OK;
  rg_feature_stats stats = {0};
  rg_layout layout = {0};
  gram g = {.comm = comm, .rows = a->rows, .cols = a->cols};
  *svd = (rg_svd){.rank = options->rank};
  rg_timer_start("svd");
  RG_TRY(rg_feature_statistics(comm, a, &stats));
  if (options->rank < 1 || options->rank > stats.n_features ||
      options->rank > stats.n_cells) {
    status =
        rg_fail(RG_EUSAGE, "%d axes asked of a matrix of %lld x %lld", options->rank,
                (long long)stats.n_cells, (long long)stats.n_features);
    goto out;
  }
  layout = rg_eigen_layout(comm, a->cols);
  g.features = (rg_range){layout.bound[rg_rank(comm)], layout.bound[rg_rank(comm) + 1]};
  g.spread = rg_spread_new(comm, a, options->centre ? stats.mean : NULL);
  svd->s = RG_NEW(double, options->rank);
  svd->explained = RG_NEW(double, options->rank);
  RG_TRY(find_vectors(&g, stats.n_cells, options, svd));
  double total = 0; /* squared length of the matrix */
  for (int64_t f = 0; f < a->cols; f++) {
    total += stats.variance[f] * (double)(stats.n_cells - 1);
    if (!options->centre)
      total += stats.mean[f] * stats.sum[f];
  }
  for (int j = 0; j < options->rank; j++)
    svd->explained[j] = total > 0 ? svd->s[j] * svd->s[j] / total : 0;
out:
  if (status != RG_OK)
    rg_svd_fini(svd);
  rg_spread_free(g.spread);
  rg_layout_fini(&layout);
  rg_feature_stats_fini(&stats);
  rg_timer_stop("svd");
  return status;
}

void rg_svd_fini(rg_svd *svd)
{
  rg_mat_fini(&svd->u);
  rg_mat_fini(&svd->v);
  rg_free(svd->s);
  rg_free(svd->explained);
  *svd = (rg_svd){0};
}
