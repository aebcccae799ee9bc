/* bench_linalg qr ROWS COLUMNS: seconds of rg_qr of a tall matrix spread evenly, beside
 * pdgeqrf and pdorgqr of the whole.
 * bench_linalg eigh ROWS: seconds of rg_eigh, by LAPACK on rank 0 and by ScaLAPACK.
 * One JSON line each, best of the repeats, which take turns. */
#include "src/comm/linalg.h"

#include <stdlib.h>
#include <string.h>

enum { REPEATS = 5 };

static const int one = 1, query = -1;

static void whole(rg_pgrid *grid, rg_pmat *a)
{
  double size, *tau = RG_NEW(double, a->n);
  int info, length;
  pdgeqrf_(&a->m, &a->n, a->data, &one, &one, a->desc, tau, &size, &query, &info);
  length = (int)size;
  double *work = RG_NEW(double, length);
  pdgeqrf_(&a->m, &a->n, a->data, &one, &one, a->desc, tau, work, &length, &info);
  rg_free(work);
  pdorgqr_(&a->m, &a->n, &a->n, a->data, &one, &one, a->desc, tau, &size, &query, &info);
  length = (int)size;
  work = RG_NEW(double, length);
  pdorgqr_(&a->m, &a->n, &a->n, a->data, &one, &one, a->desc, tau, work, &length, &info);
  RG_ASSERT(info == 0 && rg_pgrid_inside(grid));
  rg_free(work);
  rg_free(tau);
}

static void fill(double *a, int64_t n)
{
  uint64_t x = 88172645463325252u;
  for (int64_t i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    a[i] = (double)(x >> 11) * 0x1p-53 - 0.5;
  }
}

static double lap(rg_comm *comm, double start)
{
  double seconds = rg_now() - start;
  rg_max_f64(comm, &seconds, 1);
  return seconds;
}

static void print(rg_comm *comm, const char *what, int m, int n, double seconds)
{
  if (rg_rank(comm) == 0)
    printf("{\"what\": \"%s\", \"ranks\": %d, \"rows\": %d, \"columns\": %d, "
           "\"best_s\": %.4f}\n",
           what, rg_size(comm), m, n, seconds);
}

static void bench_qr(rg_comm *comm, int m, int n)
{
  rg_pgrid grid = rg_pgrid_open(comm, m, n, 64, true);
  rg_pmat matrix = rg_pmat_new(&grid, m, n);
  int64_t rows = rg_range_n(rg_part(m, rg_rank(comm), rg_size(comm)));
  double *a = RG_NEW(double, rows *n), best[2] = {1e30, 1e30}, seconds;
  for (int repeat = 0; repeat < REPEATS; repeat++) {
    fill(a, rows * n);
    fill(matrix.data, (int64_t)matrix.lld * matrix.local_n);
    rg_barrier(comm);
    double start = rg_now();
    rg_status status = rg_qr(comm, a, rows, n);
    RG_ASSERT(status == RG_OK);
    best[0] = (seconds = lap(comm, start)) < best[0] ? seconds : best[0];
    start = rg_now();
    whole(&grid, &matrix);
    best[1] = (seconds = lap(comm, start)) < best[1] ? seconds : best[1];
  }
  print(comm, "rg_qr", m, n, best[0]);
  print(comm, "pdgeqrf + pdorgqr", m, n, best[1]);
  rg_free(a);
  rg_pmat_fini(&matrix);
  rg_pgrid_close(&grid);
}

static void bench_eigh(rg_comm *comm, int n)
{
  int64_t size = (int64_t)n * n;
  double *a = RG_NEW(double, size), *v = RG_NEW(double, size), *w = RG_NEW(double, n);
  double best[2] = {1e30, 1e30};
  fill(a, size);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++)
      a[(int64_t)i * n + j] = a[(int64_t)j * n + i];
  for (int repeat = 0; repeat < 2 * REPEATS; repeat++) {
    rg_linalg_serial(repeat % 2 == 0 ? n : 1);
    rg_barrier(comm);
    double start = rg_now();
    rg_status status = rg_eigh(comm, a, n, w, v);
    RG_ASSERT(status == RG_OK);
    double seconds = lap(comm, start);
    if (seconds < best[repeat % 2])
      best[repeat % 2] = seconds;
  }
  rg_linalg_serial(0);
  print(comm, "rg_eigh by dsyevd on rank 0", n, n, best[0]);
  print(comm, "rg_eigh by pdsyevd", n, n, best[1]);
  rg_free(a);
  rg_free(v);
  rg_free(w);
}

int main(int argc, char **argv)
{
  rg_comm *comm = rg_comm_start(&argc, &argv);
  if (argc == 4 && strcmp(argv[1], "qr") == 0)
    bench_qr(comm, atoi(argv[2]), atoi(argv[3]));
  else if (argc == 3 && strcmp(argv[1], "eigh") == 0)
    bench_eigh(comm, atoi(argv[2]));
  else
    fprintf(stderr, "usage: bench_linalg qr ROWS COLUMNS | eigh ROWS\n");
  rg_comm_stop();
  return 0;
}
