/* prepare: decompositions and embeddings against definitions. */
#include "src/prepare/inner.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const rg_key key = {.seed = 9, .purpose = RG_FOR_TEST};

/* Planted groups of cells: sparse, low rank plus noise. */
static rg_csr planted(int64_t rows, int64_t cols, int groups)
{
  rg_csr a = rg_csr_new(rows, cols, rows * cols);
  int64_t n = 0;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      double often = (i % groups) == (j % groups) ? 0.5 : 0.05;
      if (rg_uniform(&key, (uint64_t)i, (uint64_t)j) < often) {
        a.indices[n] = (int32_t)j;
        a.values[n++] = (float)(1 + (j % groups));
      }
    }
    a.indptr[i + 1] = n;
  }
  return a;
}

/* a v - mean . v for column k of v, and its length */
static double residual(const rg_csr *a, const rg_svd *svd, const double *mean, int k)
{
  double square = 0, shift = 0;
  for (int64_t c = 0; c < a->cols && mean; c++)
    shift += mean[c] * rg_mat_row(&svd->v, c)[k];
  for (int64_t i = 0; i < a->rows; i++) {
    double sum = -shift;
    for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
      sum += a->values[e] * rg_mat_row(&svd->v, a->indices[e])[k];
    square += pow(sum - svd->s[k] * rg_mat_row(&svd->u, i)[k], 2);
  }
  return sqrt(square);
}

static double off_identity(const rg_mat *x)
{
  double most = 0;
  for (int64_t i = 0; i < x->cols; i++)
    for (int64_t j = 0; j <= i; j++) {
      double sum = -(i == j);
      for (int64_t r = 0; r < x->rows; r++)
        sum += (double)rg_mat_row(x, r)[i] * rg_mat_row(x, r)[j];
      most = fmax(most, fabs(sum));
    }
  return most;
}

/* Eigenvalues of the (centred) Gram matrix, falling: the truth. */
static void true_squares(const rg_csr *a, const double *mean, double *values,
                         int wanted)
{
  int p = (int)a->cols;
  double *g = RG_NEW(double, (int64_t)p *p), *v = RG_NEW(double, (int64_t)p *p);
  double *rising = RG_NEW(double, p);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
      for (int64_t f = a->indptr[i]; f < a->indptr[i + 1]; f++)
        g[a->indices[e] * p + a->indices[f]] += (double)a->values[e] * a->values[f];
  for (int i = 0; i < p && mean; i++)
    for (int j = 0; j < p; j++)
      g[i * p + j] -= (double)a->rows * mean[i] * mean[j];
  rg_eigh(rg_comm_self(), g, p, rising, v);
  for (int k = 0; k < wanted; k++)
    values[k] = rising[p - 1 - k];
  rg_free(g);
  rg_free(v);
  rg_free(rising);
}

/* Bytes alive that stay: those of the timer. */
static int64_t memory_at_rest(void)
{
  rg_timer_start("svd");
  rg_timer_stop("svd");
  return rg_memory_alive();
}

static void check_svd(int64_t rows, int64_t cols, bool centre, bool scalapack)
{
  enum { RANK = 6 };
  int64_t before = memory_at_rest();
  rg_csr a = planted(rows, cols, RANK);
  rg_feature_stats stats;
  rg_svd svd;
  rg_svd_options options = {.rank = RANK,
                            .oversampling = 10,
                            .iterations = 8,
                            .centre = centre,
                            .scalapack = scalapack,
                            .seed = 1};
  double squares[RANK], share = 0;
  rg_feature_statistics(rg_comm_self(), &a, &stats);
  const double *mean = centre ? stats.mean : NULL;
  cr_assert_eq(rg_svd_sparse(rg_comm_self(), &a, &options, &svd), RG_OK, "%s",
               rg_error_text());
  true_squares(&a, mean, squares, RANK);
  for (int k = 0; k < RANK; k++) {
    cr_assert_float_eq(svd.s[k] * svd.s[k], squares[k], 2e-5 * squares[0],
                       "%d: %.9g, should be %.9g", k, svd.s[k] * svd.s[k], squares[k]);
    cr_assert_lt(residual(&a, &svd, mean, k), 1e-4 * svd.s[0]);
    share += svd.explained[k];
  }
  cr_assert(share > 0 && share < 1);
  cr_assert_lt(off_identity(&svd.u), 1e-5);
  cr_assert_lt(off_identity(&svd.v), 1e-5);
  rg_svd_fini(&svd);
  rg_feature_stats_fini(&stats);
  rg_csr_fini(&a);
  cr_assert_eq(rg_memory_alive(), before);
}

Test(svd, wide_tall_and_narrow)
{
  check_svd(300, 500, true, false);
  check_svd(300, 500, false, false);
  check_svd(1500, 400, true, false);
  check_svd(200, 40, true, false); /* all columns at once */
}

Test(svd, by_scalapack)
{
  check_svd(300, 500, true, true);
  check_svd(200, 40, false, true);
}

/* More axes than the matrix has rank: the rest is zero, not noise. */
Test(svd, beyond_the_rank)
{
  int64_t before = memory_at_rest();
  rg_csr a = rg_csr_new(30, 400, 60);
  for (int64_t i = 0; i < 30; i++) { /* two kinds of rows: rank 2 */
    a.indices[2 * i] = (int32_t)(i % 2);
    a.indices[2 * i + 1] = (int32_t)(10 + i % 2);
    a.values[2 * i] = a.values[2 * i + 1] = (float)(1 + i % 2);
    a.indptr[i + 1] = 2 * i + 2;
  }
  rg_svd_options options = {.rank = 5, .oversampling = 10, .iterations = 3};
  rg_svd svd;
  cr_assert_eq(rg_svd_sparse(rg_comm_self(), &a, &options, &svd), RG_OK);
  cr_assert_float_eq(svd.s[0], sqrt(2 * 15 * 4), 1e-4);
  cr_assert_float_eq(svd.s[1], sqrt(2 * 15), 1e-4);
  for (int k = 2; k < 5; k++) {
    cr_assert_eq(svd.s[k], 0);
    for (int64_t i = 0; i < 30; i++)
      cr_assert_eq(rg_mat_row(&svd.u, i)[k], 0);
  }
  cr_assert_float_eq(svd.explained[0] + svd.explained[1], 1, 1e-6);
  rg_svd_fini(&svd);
  options.rank = 31;
  cr_assert_eq(rg_svd_sparse(rg_comm_self(), &a, &options, &svd), RG_EUSAGE);
  rg_csr_fini(&a);
  cr_assert_eq(rg_memory_alive(), before);
}

/* Groups that share no feature are connected components: each is constant on the leading
 * axes, and different groups stand apart. */
Test(spectral, separates_groups)
{
  enum { CELLS = 240, PEAKS = 330, GROUPS = 3 };
  rg_csr a = planted(CELLS, PEAKS, GROUPS);
  rg_mat e;
  cr_assert_eq(rg_spectral(rg_comm_self(), &a, GROUPS - 1, 1, &e), RG_OK);
  cr_assert(e.rows == CELLS && e.cols == GROUPS - 1);
  double centre[GROUPS][2] = {{0}};
  for (int64_t i = 0; i < CELLS; i++)
    for (int j = 0; j < 2; j++)
      centre[i % GROUPS][j] += rg_mat_row(&e, i)[j] * GROUPS / CELLS;
  for (int64_t i = 0; i < CELLS; i++) {
    int best = -1;
    double least = INFINITY;
    for (int g = 0; g < GROUPS; g++) {
      double d = hypot(rg_mat_row(&e, i)[0] - centre[g][0],
                       rg_mat_row(&e, i)[1] - centre[g][1]);
      best = d < least ? g : best;
      least = fmin(least, d);
    }
    cr_assert_eq(best, (int)(i % GROUPS));
  }
  rg_mat_fini(&e);
  rg_csr_fini(&a);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(must_fail, prepare_axes)
{
  rg_csr a = planted(20, 30, 2);
  rg_svd_options options = {.rank = 2, .oversampling = 10, .iterations = 1};
  rg_svd svd;
  cr_assert_eq(rg_svd_sparse(rg_comm_self(), &a, &options, &svd), RG_OK);
  cr_assert_lt(svd.s[0], svd.s[1]);
}
