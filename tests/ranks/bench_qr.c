/* bench_qr [ROWS [COLUMNS [REPEATS]]]: seconds of rg_qr of a tall matrix spread evenly,
 * beside pdgeqrf and pdorgqr of the whole (dgeqrf's algorithm, one rank is LAPACK's
 * case); one JSON line each, best of the repeats, which take turns. */
#include "src/comm/pgrid.h"

#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv)
{
  rg_comm *comm = rg_comm_start(&argc, &argv);
  int m = argc > 1 ? atoi(argv[1]) : 400000, n = argc > 2 ? atoi(argv[2]) : 50;
  int repeats = argc > 3 ? atoi(argv[3]) : 5;
  rg_pgrid grid = rg_pgrid_open(comm, m, n, 64, true);
  rg_pmat matrix = rg_pmat_new(&grid, m, n);
  int64_t rows = rg_range_n(rg_part(m, rg_rank(comm), rg_size(comm)));
  double *a = RG_NEW(double, rows *n), best[2] = {1e30, 1e30};
  for (int repeat = 0; repeat < repeats; repeat++) {
    fill(a, rows * n);
    fill(matrix.data, (int64_t)matrix.lld * matrix.local_n);
    rg_barrier(comm);
    double start = rg_now(), seconds;
    rg_status status = rg_qr(comm, a, rows, n);
    RG_ASSERT(status == RG_OK);
    best[0] = (seconds = lap(comm, start)) < best[0] ? seconds : best[0];
    start = rg_now();
    whole(&grid, &matrix);
    best[1] = (seconds = lap(comm, start)) < best[1] ? seconds : best[1];
  }
  for (int kind = 0; kind < 2 && rg_rank(comm) == 0; kind++)
    printf("{\"what\": \"%s\", \"ranks\": %d, \"rows\": %d, \"columns\": %d, "
           "\"best_s\": %.3f}\n",
           kind == 0 ? "rg_qr" : "pdgeqrf + pdorgqr", rg_size(comm), m, n, best[kind]);
  rg_free(a);
  rg_pmat_fini(&matrix);
  rg_pgrid_close(&grid);
  rg_comm_stop();
  return 0;
}
