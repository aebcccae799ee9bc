/* comm in a process that never started MPI: one rank, no messages. What needs several
 * ranks is in tests/ranks. */
#include "regatta/comm.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(self, is_one_rank)
{
  rg_comm *comm = rg_comm_self();
  cr_assert_eq(rg_rank(comm), 0);
  cr_assert_eq(rg_size(comm), 1);
  int hosts, here;
  rg_comm_hosts(comm, &hosts, &here);
  cr_assert(hosts == 1 && here == 1);
  rg_comm *part = rg_comm_split(comm, 3);
  cr_assert_eq(rg_size(part), 1);
  rg_comm_free(part);
  rg_barrier(comm);
}

Test(self, agrees_with_itself)
{
  rg_comm *comm = rg_comm_self();
  cr_assert_eq(rg_agree(comm, RG_OK), RG_OK);
  cr_assert_eq(rg_agree(comm, rg_fail(RG_EINPUT, "odd")), RG_EINPUT);
  cr_assert_str_eq(rg_error_text(), "odd");
  cr_assert(rg_same(comm, "x", 1) && rg_any(comm, true) && !rg_all(comm, false));
}

Test(self, sums_are_the_identity)
{
  rg_comm *comm = rg_comm_self();
  int64_t i = 7, total, sent, received;
  double x[2] = {1.5, -2};
  rg_sum_i64(comm, &i, 1);
  rg_sum_f64(comm, x, 2);
  rg_max_f64(comm, x, 2);
  rg_broadcast(comm, x, sizeof x, 0);
  cr_assert(i == 7 && x[0] == 1.5 && x[1] == -2);
  cr_assert_eq(rg_prefix_i64(comm, 4, &total), 0);
  cr_assert_eq(total, 4);
  rg_comm_bytes(&sent, &received);
  cr_assert(sent == 0 && received == 0);
}

Test(self, rows_stay)
{
  rg_comm *comm = rg_comm_self();
  int64_t table[4] = {10, 11, 12, 13}, ids[3] = {3, 0, 3}, out[3], n, total;
  rg_fetch(comm, table, 4, 8, ids, 3, out);
  cr_assert(out[0] == 13 && out[1] == 10 && out[2] == 13);
  int to[4] = {0};
  int64_t *rows = rg_scatter(comm, table, 4, 8, to, &n);
  cr_assert(n == 4 && memcmp(rows, table, sizeof table) == 0);
  void *ring = rows;
  n = sizeof table;
  rg_shift(comm, &ring, &n, 1);
  cr_assert(ring == rows && n == sizeof table);
  int64_t *all = rg_gather_all(comm, table, sizeof table, NULL, &total);
  cr_assert(total == sizeof table && memcmp(all, table, sizeof table) == 0);
  rg_free(all);
  rg_free(rows);
}

Test(self, parts_cover)
{
  cr_assert_eq(rg_part(10, 0, 4).high, 3);
  cr_assert_eq(rg_part(10, 3, 4).low, 8);
  cr_assert_eq(rg_part_owner(10, 4, 5), 1);
  cr_assert_eq(rg_range_n(rg_part(2, 3, 4)), 0);
}

Test(linalg, qr_of_known_matrix)
{
  /* q = [3/5, 4/5], r = 5; signs make the diagonal of r positive */
  double a[2] = {-3, -4};
  cr_assert_eq(rg_qr(rg_comm_self(), a, 2, 1), RG_OK);
  cr_assert_float_eq(a[0], -0.6, 1e-15);
  cr_assert_float_eq(a[1], -0.8, 1e-15);
  cr_assert_eq(rg_qr(rg_comm_self(), a, 1, 2), RG_EFAIL);
  a[1] = NAN;
  cr_assert_eq(rg_qr(rg_comm_self(), a, 2, 1), RG_EFAIL);
}

Test(linalg, eigh_of_known_matrix)
{
  double a[4] = {2, 1, 1, 2}, w[2], v[4], h = sqrt(0.5);
  cr_assert_eq(rg_eigh(rg_comm_self(), a, 2, w, v), RG_OK);
  cr_assert_float_eq(w[0], 1, 1e-14);
  cr_assert_float_eq(w[1], 3, 1e-14);
  cr_assert_float_eq(v[0], h, 1e-14); /* the first of equals is positive */
  cr_assert_float_eq(v[2], -h, 1e-14);
  cr_assert_float_eq(v[1], h, 1e-14);
  cr_assert_float_eq(v[3], h, 1e-14);
}

Test(linalg, svd_of_known_matrix)
{
  double a[6] = {0, 2, 3, 0, 0, 0}, s[2], vt[4];
  cr_assert_eq(rg_svd_tall(rg_comm_self(), a, 3, 2, s, vt), RG_OK);
  cr_assert_float_eq(s[0], 3, 1e-14);
  cr_assert_float_eq(s[1], 2, 1e-14);
  cr_assert_float_eq(vt[0], 1, 1e-14);
  cr_assert_float_eq(vt[3], 1, 1e-14);
  cr_assert_float_eq(a[2], 1, 1e-14);
  cr_assert_float_eq(a[1], 1, 1e-14);
}

Test(linalg, solve)
{
  double a[4] = {4, 1, 1, 3}, b[4] = {1, 5, 2, 4};
  cr_assert_eq(rg_solve_spd(rg_comm_self(), a, 2, b, 2), RG_OK);
  cr_assert_float_eq(b[0], 1 / 11.0, 1e-14);
  cr_assert_float_eq(b[2], 7 / 11.0, 1e-14);
  cr_assert_float_eq(b[1], 1, 1e-14);
  cr_assert_float_eq(b[3], 1, 1e-14);
  a[3] = -3;
  cr_assert_eq(rg_solve_spd(rg_comm_self(), a, 2, b, 2), RG_EFAIL);
}

/* ---- placement ---- */

static rg_placement good(void)
{
  return (rg_placement){.ranks = 4, .hosts = 2, .ranks_per_host = 2, .threads = 8,
                        .fewest_threads = 8, .cores = 16, .usable = 16, .bound = 8,
                        .blas = RG_BLAS_OPENBLAS_OPENMP};
}

/* The one line about a placement, "" when all is well. */
static const char *judged(rg_placement p)
{
  static rg_strings lines;
  rg_strings_fini(&lines);
  rg_placement_judge(&p, &lines);
  cr_assert_leq(lines.n, 1);
  return lines.n ? rg_strings_at(&lines, 0) : "";
}

#define CHANGED(member, value, says)                                                    \
  do {                                                                                  \
    rg_placement p = good();                                                            \
    p.member = value;                                                                   \
    cr_assert(strstr(judged(p), says), "%s", judged(p));                                \
  } while (0)

Test(placement, is_judged_by_what_is_wrong)
{
  cr_assert_str_eq(judged(good()), "");
  CHANGED(excess, 3, "exceed its cores by 3 (ranks x threads: 2 x 8");
  CHANGED(squeezed, 7, "the 8 threads of a rank share");
  CHANGED(fewest_threads, 1, "from 1 to 8 threads");
  CHANGED(blas, RG_BLAS_REFERENCE, "reference");
  CHANGED(blas, RG_BLAS_OPENBLAS_PTHREAD, "not the OpenMP build");
  CHANGED(blas, RG_BLAS_OPENBLAS_SERIAL, "without threads");
  CHANGED(blas_threads, 1, "OPENBLAS_NUM_THREADS=1 contradicts the 8 threads");
  rg_placement p = good(); /* what does no harm */
  p.blas_threads = 8;
  cr_assert_str_eq(judged(p), "");
  p.blas = RG_BLAS_OTHER;
  p.blas_threads = 1;
  cr_assert_str_eq(judged(p), "");
  p.bound = p.usable = 64;
  p.excess = p.squeezed = -48;
  cr_assert_str_eq(judged(p), "");
}

Test(placement, of_a_process_alone)
{
  rg_placement p;
  rg_comm_placement(rg_comm_self(), &p);
  cr_assert(p.ranks == 1 && p.hosts == 1 && p.ranks_per_host == 1);
  cr_assert(p.threads >= 1 && p.fewest_threads == p.threads);
  cr_assert(p.usable >= 1 && p.usable <= p.cores && p.bound == p.usable);
  cr_assert_eq(p.excess, p.threads - p.usable);
  cr_assert_eq(rg_comm_cores(rg_comm_self()), p.usable);
}

Test(must_fail, comm)
{
  cr_assert_eq(rg_size(rg_comm_self()), 2);
}
