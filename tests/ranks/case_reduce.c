/* Sums, extremes, broadcast, prefix sums, split communicators, counted bytes. */
#include "src/comm/private.h"
#include "tests/ranks/ranks.h"

static void check_plain(rg_comm *comm)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  int64_t big = (int64_t)1 << 60;
  int64_t i[3] = {rank + 1, big / size, -rank};
  rg_sum_i64(comm, i, 3);
  RG_CHECK(i[0] == (int64_t)size * (size + 1) / 2 && i[1] == big / size * size);
  int64_t low[2] = {rank - 7, rank}, high[2] = {-rank, rank};
  rg_min_i64(comm, low, 2);
  rg_max_i64(comm, high, 2);
  RG_CHECK(low[0] == -7 && low[1] == 0 && high[0] == 0 && high[1] == size - 1);
  double x = rank - 0.5, y = -rank;
  rg_max_f64(comm, &x, 1);
  rg_min_f64(comm, &y, 1);
  RG_CHECK(x == size - 1.5 && y == 1 - size);
  int64_t total, before = rg_prefix_i64(comm, rank + 10, &total);
  RG_CHECK(before == 10 * rank + (int64_t)rank * (rank - 1) / 2);
  RG_CHECK(total == 10 * size + (int64_t)size * (size - 1) / 2);
}

/* The sum over ranks is the tree over ranks, whatever the length. */
static void check_sum(rg_comm *comm, int64_t n)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  rg_key key = {.seed = 3, .purpose = RG_FOR_TEST};
  double *all = RG_NEW(double, n *size), *x = RG_NEW(double, n), *sum = RG_NEW(double, n);
  for (int r = 0; r < size; r++)
    for (int64_t j = 0; j < n; j++)
      all[r * n + j] = rg_uniform(&key, (uint64_t)r, (uint64_t)j);
  for (int64_t j = 0; j < n; j++)
    x[j] = all[rank * n + j];
  rg_tree_sum_f64(all, size, n, n, sum);
  rg_sum_f64(comm, x, n);
  int64_t wrong = 0;
  for (int64_t j = 0; j < n; j++)
    wrong += x[j] != sum[j];
  RG_CHECK(wrong == 0);
  rg_free(all);
  rg_free(x);
  rg_free(sum);
}

static void check_broadcast(rg_comm *comm, int64_t n)
{
  for (int root = 0; root < rg_size(comm); root++) {
    int64_t *x = RG_NEW(int64_t, n), wrong = 0;
    for (int64_t j = 0; j < n && rg_rank(comm) == root; j++)
      x[j] = j * j + root;
    rg_broadcast(comm, x, n * 8, root);
    for (int64_t j = 0; j < n; j++)
      wrong += x[j] != j * j + root;
    RG_CHECK(wrong == 0);
    rg_free(x);
  }
}

static void check_pieces(rg_comm *comm)
{
  int64_t n = 1000, *x = RG_NEW(int64_t, n), wrong = 0;
  for (int64_t j = 0; j < n; j++)
    x[j] = j + rg_rank(comm);
  rg_sum_i64(comm, x, n);
  int64_t size = rg_size(comm);
  for (int64_t j = 0; j < n; j++)
    wrong += x[j] != j * size + size * (size - 1) / 2;
  RG_CHECK(wrong == 0);
  rg_free(x);
}

static void check_split(rg_comm *comm)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  rg_comm *part = rg_comm_split(comm, rank % 2);
  RG_CHECK(rg_rank(part) == rank / 2);
  RG_CHECK(rg_size(part) == (size + 1 - rank % 2) / 2);
  int64_t sum = rank;
  rg_sum_i64(part, &sum, 1);
  int64_t expected = 0;
  for (int r = rank % 2; r < size; r += 2)
    expected += r;
  RG_CHECK(sum == expected);
  rg_comm_free(part);
  rg_comm_free(NULL);
  int hosts, here;
  rg_comm_hosts(comm, &hosts, &here);
  RG_CHECK(hosts >= 1 && here >= 1 && hosts * here >= size);
}

static void check_bytes(rg_comm *comm)
{
  int64_t sent, received, sent_more, received_more;
  rg_comm_bytes(&sent, &received);
  char payload[100] = {0};
  rg_broadcast(comm, payload, sizeof payload, 0);
  rg_comm_bytes(&sent_more, &received_more);
  bool root = rg_rank(comm) == 0;
  RG_CHECK(sent_more - sent == (root ? 100 * (rg_size(comm) - 1) : 0));
  RG_CHECK(received_more - received == (root ? 0 : 100));
}

static void run(rg_comm *comm)
{
  check_plain(comm);
  check_split(comm);
  check_bytes(comm);
  for (int pass = 0; pass < 2; pass++) {
    rg_wire_limit(pass == 0 ? 0 : 1 << 10); /* messages in pieces the second time */
    check_sum(comm, 0);
    check_sum(comm, 5);
    check_sum(comm, 40000);
    check_broadcast(comm, 1);
    check_broadcast(comm, 3001);
    check_pieces(comm);
  }
  rg_wire_limit(0);
  rg_barrier(comm);
}

const rg_case rg_case_reduce = {"reduce", run};
