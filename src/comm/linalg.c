/* Small dense problems with replicated input: symmetric eigenproblem, singular values,
 * positive definite systems.
 *
 * Up to SERIAL rows LAPACK solves it on rank 0, which is no slower there and gives the
 * same bits for every number of ranks; larger ones ScaLAPACK on a grid. Either way rank
 * 0's or the gathered result is handed to all, so every rank has the same bits. */
#include "linalg.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum {
  BLOCK = 64,  /* of the block-cyclic layout */
  SERIAL = 512 /* rows: docs/performance/comm.md */
};

static const int one = 1, query = -1;
static int serial_rows = SERIAL;

void rg_linalg_serial(int rows)
{
  serial_rows = rows > 0 ? rows : SERIAL;
}

static bool serial(const rg_comm *comm, int n)
{
  return comm->size == 1 || n <= serial_rows;
}

/* LAPACK runs on one thread: with more, the BLAS adds in an order that depends on their
 * number. Returns what to set again afterwards. */
static int one_thread(void)
{
  int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  return threads;
}

/* Agree on the `info` of rank 0. */
static rg_status check(rg_comm *comm, int info, const char *routine)
{
  int64_t first = info;
  rg_broadcast(comm, &first, sizeof first, 0);
  if (first == 0)
    return RG_OK;
  return rg_fail(RG_EFAIL, "%s did not converge (info %d)", routine, (int)first);
}

/* What to add to the answer of a workspace query of ScaLAPACK: for matrices of few
 * blocks pdsyevd (2.2) asks for less than its own pdormtr then wants, and goes on with
 * wrong vectors and info 0. This is the demand of pdormtr, and of the vectors beside. */
static int slack(const rg_pmat *a)
{
  return BLOCK * (a->local_m + a->local_n + 4 * BLOCK) + 8 * a->n;
}

static void transpose(double *a, int n)
{
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) {
      double swap = a[(int64_t)i * n + j];
      a[(int64_t)i * n + j] = a[(int64_t)j * n + i];
      a[(int64_t)j * n + i] = swap;
    }
}

/* ---- eigenvalues ----------------------------------------------------------------- */

/* v comes in as the matrix; row i of it leaves as eigenvector i. */
static int eigh_lapack(double *v, int n, double *values)
{
  double size;
  int int_size, info;
  dsyevd_("V", "U", &n, v, &n, values, &size, &query, &int_size, &query, &info, 1, 1);
  int length = (int)size;
  double *work = RG_NEW(double, length);
  int *int_work = RG_NEW(int, int_size);
  dsyevd_("V", "U", &n, v, &n, values, work, &length, int_work, &int_size, &info, 1, 1);
  rg_free(int_work);
  rg_free(work);
  return info;
}

static int eigh_grid(rg_pmat *a, rg_pmat *z, int n, double *values)
{
  double size;
  int int_size, info;
  pdsyevd_("V", "U", &n, a->data, &one, &one, a->desc, values, z->data, &one, &one,
           z->desc, &size, &query, &int_size, &query, &info, 1, 1);
  int length = (int)size + slack(a);
  int_size += 8 * n;
  double *work = RG_NEW(double, length);
  int *int_work = RG_NEW(int, int_size);
  rg_watch_begin();
  pdsyevd_("V", "U", &n, a->data, &one, &one, a->desc, values, z->data, &one, &one,
           z->desc, work, &length, int_work, &int_size, &info, 1, 1);
  rg_watch_end();
  rg_free(int_work);
  rg_free(work);
  return info;
}

/* The largest entry of each column is made positive; the first of equals counts. */
static void fix_signs(double *v, int n)
{
  for (int j = 0; j < n; j++) {
    double most = 0;
    for (int i = 0; i < n; i++)
      if (fabs(v[(int64_t)i * n + j]) > fabs(most) * (1 + 1e-9))
        most = v[(int64_t)i * n + j];
    for (int i = 0; most < 0 && i < n; i++)
      v[(int64_t)i * n + j] = -v[(int64_t)i * n + j];
  }
}

rg_status rg_eigh(rg_comm *comm, const double *a, int n, double *values, double *v)
{
  rg_status status = RG_OK;
  int64_t size = (int64_t)n * n;
  int info = 0;
  RG_TRY_ALL(comm, rg_finite(a, size, "eigenvalues"));
  if (n == 0)
    return RG_OK;
  if (serial(comm, n)) {
    if (comm->rank == 0) {
      int threads = one_thread();
      memcpy(v, a, (size_t)size * sizeof *v);
      info = eigh_lapack(v, n, values);
      omp_set_num_threads(threads);
      transpose(v, n);
    }
    rg_broadcast(comm, v, size * (int64_t)sizeof *v, 0);
  } else {
    rg_pgrid grid = rg_pgrid_open(comm, n, n, BLOCK, false);
    rg_pmat matrix = rg_pmat_new(&grid, n, n), vectors = rg_pmat_new(&grid, n, n);
    rg_pmat_spread(&grid, &matrix, a);
    if (rg_pgrid_inside(&grid))
      info = eigh_grid(&matrix, &vectors, n, values);
    rg_pmat_gather(&grid, &vectors, n, v);
    rg_pmat_fini(&matrix);
    rg_pmat_fini(&vectors);
    rg_pgrid_close(&grid);
  }
  rg_broadcast(comm, values, n * (int64_t)sizeof *values, 0);
  RG_TRY_ALL(comm, check(comm, info, "symmetric eigenproblem"));
  fix_signs(v, n);
out:
  return status;
}

/* ---- singular values ------------------------------------------------------------- */

/* Row-major a is its transpose in LAPACK's eyes: a' = V s U', so u and vt trade places. */
static int svd_lapack(double *a, int n, double *u, double *s, double *vt)
{
  double size;
  int info, *int_work = RG_NEW(int, 8 * (int64_t)n);
  dgesdd_("S", &n, &n, a, &n, s, vt, &n, u, &n, &size, &query, int_work, &info, 1);
  int length = (int)size;
  double *work = RG_NEW(double, length);
  dgesdd_("S", &n, &n, a, &n, s, vt, &n, u, &n, work, &length, int_work, &info, 1);
  rg_free(work);
  rg_free(int_work);
  return info;
}

static int svd_grid(rg_pmat *a, rg_pmat *u, rg_pmat *vt, int n, double *s)
{
  double size;
  int info;
  pdgesvd_("V", "V", &n, &n, a->data, &one, &one, a->desc, s, u->data, &one, &one,
           u->desc, vt->data, &one, &one, vt->desc, &size, &query, &info, 1, 1);
  int length = (int)size + slack(a);
  double *work = RG_NEW(double, length);
  rg_watch_begin();
  pdgesvd_("V", "V", &n, &n, a->data, &one, &one, a->desc, s, u->data, &one, &one,
           u->desc, vt->data, &one, &one, vt->desc, work, &length, &info, 1, 1);
  rg_watch_end();
  rg_free(work);
  return info;
}

/* The largest entry of each row of vt is made positive, u follows. */
static void fix_svd_signs(double *u, double *vt, int n)
{
  for (int j = 0; j < n; j++) {
    double most = 0, *row = vt + (int64_t)j * n;
    for (int i = 0; i < n; i++)
      if (fabs(row[i]) > fabs(most) * (1 + 1e-9))
        most = row[i];
    for (int i = 0; most < 0 && i < n; i++) {
      row[i] = -row[i];
      u[(int64_t)i * n + j] = -u[(int64_t)i * n + j];
    }
  }
}

rg_status rg_svd_square(rg_comm *comm, double *a, int n, double *u, double *s,
                        double *vt)
{
  int64_t bytes = (int64_t)n * n * (int64_t)sizeof *a;
  int info = 0;
  if (n == 0)
    return RG_OK;
  if (serial(comm, n)) {
    if (comm->rank == 0) {
      int threads = one_thread();
      info = svd_lapack(a, n, u, s, vt);
      omp_set_num_threads(threads);
    }
    rg_broadcast(comm, u, bytes, 0);
    rg_broadcast(comm, vt, bytes, 0);
  } else {
    rg_pgrid grid = rg_pgrid_open(comm, n, n, BLOCK, false);
    rg_pmat matrix = rg_pmat_new(&grid, n, n);
    rg_pmat left = rg_pmat_new(&grid, n, n), right = rg_pmat_new(&grid, n, n);
    rg_pmat_spread(&grid, &matrix, a);
    if (rg_pgrid_inside(&grid))
      info = svd_grid(&matrix, &left, &right, n, s);
    rg_pmat_gather(&grid, &left, n, u);
    rg_pmat_gather(&grid, &right, n, vt);
    rg_pmat_fini(&matrix);
    rg_pmat_fini(&left);
    rg_pmat_fini(&right);
    rg_pgrid_close(&grid);
  }
  rg_broadcast(comm, s, n * (int64_t)sizeof *s, 0);
  fix_svd_signs(u, vt, n);
  return check(comm, info, "singular value decomposition");
}

/* ---- positive definite systems --------------------------------------------------- */

/* b (n x m row-major) through LAPACK's column-major eyes. */
static int solve_lapack(const double *a, int n, double *b, int m)
{
  int info;
  double *copy = RG_NEW(double, (int64_t)n *n), *columns = RG_NEW(double, (int64_t)n *m);
  memcpy(copy, a, (size_t)n * (size_t)n * sizeof *a);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++)
      columns[i + (int64_t)j * n] = b[(int64_t)i * m + j];
  dposv_("U", &n, &m, copy, &n, columns, &n, &info, 1);
  for (int i = 0; i < n && info == 0; i++)
    for (int j = 0; j < m; j++)
      b[(int64_t)i * m + j] = columns[i + (int64_t)j * n];
  rg_free(columns);
  rg_free(copy);
  return info;
}

static int solve_grid(rg_comm *comm, const double *a, int n, double *b, int m)
{
  int64_t info = 0;
  rg_pgrid grid = rg_pgrid_open(comm, n, n, BLOCK, false);
  rg_pmat matrix = rg_pmat_new(&grid, n, n), right = rg_pmat_new(&grid, n, m);
  rg_pmat_spread(&grid, &matrix, a);
  rg_pmat_spread(&grid, &right, b);
  if (rg_pgrid_inside(&grid)) {
    int here;
    rg_watch_begin();
    pdposv_("U", &n, &m, matrix.data, &one, &one, matrix.desc, right.data, &one, &one,
            right.desc, &here, 1);
    rg_watch_end();
    info = here;
  }
  rg_max_i64(comm, &info, 1);
  if (info == 0)
    rg_pmat_gather(&grid, &right, n, b);
  rg_pmat_fini(&matrix);
  rg_pmat_fini(&right);
  rg_pgrid_close(&grid);
  return (int)info;
}

rg_status rg_solve_spd(rg_comm *comm, const double *a, int n, double *b, int m)
{
  rg_status status = RG_OK;
  RG_TRY_ALL(comm, rg_finite(a, (int64_t)n * n, "linear system"));
  RG_TRY_ALL(comm, rg_finite(b, (int64_t)n * m, "right-hand side"));
  if (n == 0 || m == 0)
    return RG_OK;
  int64_t info = 0;
  if (!serial(comm, n))
    info = solve_grid(comm, a, n, b, m);
  else if (comm->rank == 0) {
    int threads = one_thread();
    info = solve_lapack(a, n, b, m);
    omp_set_num_threads(threads);
  }
  rg_broadcast(comm, &info, sizeof info, 0);
  if (info != 0)
    return rg_fail(RG_EFAIL,
                   "the matrix is not positive definite (leading minor %lld); "
                   "add a ridge to its diagonal",
                   (long long)info);
  rg_broadcast(comm, b, (int64_t)n * m * (int64_t)sizeof *b, 0);
out:
  return status;
}
