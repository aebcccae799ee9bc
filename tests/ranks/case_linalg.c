/* Dense linear algebra: residuals, orthogonality, and the same answer for every spread
 * of the rows; the checks use no library. */
#include "src/comm/linalg.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

static double number(int64_t i, int64_t j)
{
  rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};
  return rg_uniform(&key, (uint64_t)i, (uint64_t)j) - 0.3;
}

/* Spreads of n rows: even; none on rank 0; all on the last; few on the first ranks. */
static rg_range spread(rg_comm *comm, int64_t n, int kind)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  if (kind == 0 || size == 1)
    return rg_part(n, rank, size);
  if (kind == 1) {
    rg_range part = rank > 0 ? rg_part(n, rank - 1, size - 1) : (rg_range){0, 0};
    return part;
  }
  int64_t few = kind == 2 ? 0 : 2;
  return (rg_range){few * rank, rank == size - 1 ? n : few * (rank + 1)};
}

/* Largest of |a' a - 1| over a distributed a (rows x k). */
static double unorthogonal(rg_comm *comm, const double *a, int64_t rows, int k)
{
  double *g = RG_NEW(double, k *k), worst = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int p = 0; p < k; p++)
      for (int q = 0; q < k; q++)
        g[p * k + q] += a[i * k + p] * a[i * k + q];
  rg_sum_f64(comm, g, k * k);
  for (int p = 0; p < k; p++)
    for (int q = 0; q < k; q++)
      worst = fmax(worst, fabs(g[p * k + q] - (p == q)));
  rg_free(g);
  return worst;
}

/* Rows of the test matrix; `rank` columns are independent, the rest repeat them. */
static double *rows_of(rg_range part, int k, int rank)
{
  double *a = RG_NEW(double, rg_range_n(part) * k);
  for (int64_t i = part.low; i < part.high; i++)
    for (int j = 0; j < k; j++)
      a[(i - part.low) * k + j] = number(i, j % rank);
  return a;
}

/* q r = a with r = q' a, which must be upper triangular with a positive diagonal. */
static void check_qr(rg_comm *comm, int64_t n, int k, int rank, int kind)
{
  rg_range part = spread(comm, n, kind);
  int64_t rows = rg_range_n(part);
  double *a = rows_of(part, k, rank), *q = rows_of(part, k, rank);
  double *r = RG_NEW(double, k *k);
  RG_CHECK(rg_qr(comm, q, rows, k) == RG_OK);
  RG_CHECK(unorthogonal(comm, q, rows, k) < 1e-12);
  for (int64_t i = 0; i < rows; i++)
    for (int p = 0; p < k; p++)
      for (int j = 0; j < k; j++)
        r[p * k + j] += q[i * k + p] * a[i * k + j];
  rg_sum_f64(comm, r, k * k);
  double below = 0, residual = 0;
  for (int p = 0; p < k; p++)
    for (int j = 0; j < p; j++)
      below = fmax(below, fabs(r[p * k + j]));
  for (int p = 0; p < rank; p++)
    RG_CHECK(r[p * k + p] > 0);
  for (int64_t i = 0; i < rows; i++)
    for (int j = 0; j < k; j++) {
      double x = -a[i * k + j];
      for (int p = 0; p < k; p++)
        x += q[i * k + p] * r[p * k + j];
      residual = fmax(residual, fabs(x));
    }
  RG_CHECK(below < 1e-10 && residual < 1e-11);
  rg_free(r);
  rg_free(q);
  rg_free(a);
}

static void check_svd(rg_comm *comm, int64_t n, int k, int kind)
{
  rg_range part = spread(comm, n, kind);
  int64_t rows = rg_range_n(part);
  double *a = rows_of(part, k, k), *u = rows_of(part, k, k), residual = 0;
  double *s = RG_NEW(double, k), *vt = RG_NEW(double, k *k), *v = RG_NEW(double, k *k);
  RG_CHECK(rg_svd_tall(comm, u, rows, k, s, vt) == RG_OK);
  RG_CHECK(unorthogonal(comm, u, rows, k) < 1e-12);
  RG_CHECK(rg_same(comm, vt, k * k * 8) && rg_same(comm, s, k * 8));
  for (int i = 0; i < k; i++)
    for (int j = 0; j < k; j++)
      v[j * k + i] = vt[i * k + j];
  RG_CHECK(unorthogonal(rg_comm_self(), v, k, k) < 1e-12);
  for (int i = 1; i < k; i++)
    RG_CHECK(s[i] <= s[i - 1] && s[i] >= 0);
  for (int64_t i = 0; i < rows; i++)
    for (int j = 0; j < k; j++) {
      double x = -a[i * k + j];
      for (int p = 0; p < k; p++)
        x += u[i * k + p] * s[p] * vt[p * k + j];
      residual = fmax(residual, fabs(x));
    }
  RG_CHECK(residual < 1e-11);
  rg_free(v);
  rg_free(vt);
  rg_free(s);
  rg_free(u);
  rg_free(a);
}

static double *symmetric(int n, double ridge)
{
  double *a = RG_NEW(double, n *n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++)
      a[i * n + j] = a[j * n + i] = number(i, j) + (i == j ? ridge : 0);
  return a;
}

static void check_eigh(rg_comm *comm, int n)
{
  double *a = symmetric(n, 0), *v = RG_NEW(double, n *n), *w = RG_NEW(double, n);
  RG_CHECK(rg_eigh(comm, a, n, w, v) == RG_OK);
  RG_CHECK(unorthogonal(rg_comm_self(), v, n, n) < 1e-11);
  RG_CHECK(rg_same(comm, v, (int64_t)n * n * 8) && rg_same(comm, w, n * 8));
  double residual = 0;
  for (int j = 0; j < n; j++) {
    RG_CHECK(j == 0 || w[j] >= w[j - 1]);
    for (int i = 0; i < n; i++) {
      double x = -w[j] * v[i * n + j];
      for (int p = 0; p < n; p++)
        x += a[i * n + p] * v[p * n + j];
      residual = fmax(residual, fabs(x));
    }
  }
  RG_CHECK(residual < 1e-10);
  rg_free(w);
  rg_free(v);
  rg_free(a);
}

static void check_solve(rg_comm *comm, int n, int m)
{
  double *a = symmetric(n, 2 * n), *x = RG_NEW(double, n *m), residual = 0;
  for (int i = 0; i < n * m; i++)
    x[i] = number(i, 3);
  RG_CHECK(rg_solve_spd(comm, a, n, x, m) == RG_OK);
  RG_CHECK(rg_same(comm, x, (int64_t)n * m * 8));
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++) {
      double b = -number(i * m + j, 3);
      for (int p = 0; p < n; p++)
        b += a[i * n + p] * x[p * m + j];
      residual = fmax(residual, fabs(b));
    }
  RG_CHECK(residual < 1e-11);
  a[(n - 1) * n + n - 1] = -1;
  RG_CHECK(rg_solve_spd(comm, a, n, x, m) == RG_EFAIL);
  RG_CHECK(strstr(rg_error_text(), "not positive definite") != NULL);
  rg_free(x);
  rg_free(a);
}

static void check_bad_input(rg_comm *comm)
{
  int last = rg_size(comm) - 1;
  double a[8] = {1, 2, 3, 4, 5, 6, 7, rg_rank(comm) == last ? NAN : 8}, w[2], v[4];
  RG_CHECK(rg_qr(comm, a, 4, 2) == RG_EFAIL);
  RG_CHECK(strstr(rg_error_text(), "not finite") != NULL);
  RG_CHECK(rg_qr(comm, a, rg_rank(comm) == 0, 2) == RG_EFAIL); /* one row in all */
  double nan[4] = {1, NAN, NAN, 1}, b[2] = {1, INFINITY}, unit[4] = {1, 0, 0, 1};
  RG_CHECK(rg_eigh(comm, nan, 2, w, v) == RG_EFAIL);
  RG_CHECK(rg_solve_spd(comm, unit, 2, b, 1) == RG_EFAIL);
}

static void check_tall(rg_comm *comm)
{
  for (int kind = 0; kind < 4; kind++) {
    check_qr(comm, 40, 1, 1, kind);
    check_qr(comm, 40, 7, 7, kind);
    check_qr(comm, 41, 40, 40, kind); /* more columns than rows of a rank */
    check_qr(comm, 50, 10, 6, kind);  /* four columns repeat */
    check_qr(comm, 9000, 20, 20, kind);
    check_svd(comm, 60, 12, kind);
  }
}

/* Small problems, by LAPACK on rank 0 and, with a limit of one row, on a grid. */
static void check_replicated(rg_comm *comm)
{
  static const int sizes[] = {1, 2, 17, 64, 65, 130, 200};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    check_eigh(comm, sizes[i]);
    check_solve(comm, sizes[i], 1);
    check_solve(comm, sizes[i], 5);
  }
  check_solve(comm, 130, 70);
  check_svd(comm, 300, 130, 2);
}

/* A QR on one process must leave nothing behind that the others do not know of. First of
 * all, because what it leaves stays. */
static void check_small_then_large(rg_comm *comm)
{
  check_qr(comm, 7, 7, 7, 0);
  rg_linalg_serial(1);
  check_eigh(comm, 130);
  rg_linalg_serial(0);
}

static void run(rg_comm *comm)
{
  check_small_then_large(comm);
  check_tall(comm);
  check_replicated(comm);
  rg_linalg_serial(1);
  check_replicated(comm);
  check_svd(comm, 60, 12, 3);
  rg_linalg_serial(0);
  check_bad_input(comm);
}

const rg_case rg_case_linalg = {"linalg", run};
