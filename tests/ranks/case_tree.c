/* Ordered sums: the bits of the serial tree for every partition. */
#include "src/comm/private.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

static double item(int64_t i, int64_t j)
{
  rg_key key = {.seed = 11, .purpose = RG_FOR_TEST};
  double x = rg_uniform(&key, (uint64_t)i, (uint64_t)j) - 0.5;
  return ldexp(x, (int)((7 * i + j) % 40)); /* so that the order shows in the bits */
}

/* Cuts of 0..n-1 into ranks: even, all on the last, random with empty ranks. */
static rg_range cut(rg_comm *comm, int64_t n, int kind)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  if (kind == 0)
    return rg_part(n, rank, size);
  if (kind == 1)
    return rank == size - 1 ? (rg_range){0, n} : (rg_range){0, 0};
  rg_key key = {.seed = (uint64_t)kind, .purpose = RG_FOR_TEST};
  int64_t edges[65] = {0};
  for (int r = 1; r < size; r++) {
    edges[r] = (int64_t)(rg_uniform(&key, 1, (uint64_t)r) * (double)(n + 1));
    for (int k = r; k > 1 && edges[k] < edges[k - 1]; k--) {
      int64_t swap = edges[k];
      edges[k] = edges[k - 1];
      edges[k - 1] = swap;
    }
  }
  edges[size] = n;
  return (rg_range){edges[rank], edges[rank + 1]};
}

static void check_f64(rg_comm *comm, int64_t n, int64_t width, int kind)
{
  rg_range mine = cut(comm, n, kind), slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(n, mine, slots);
  double *x = RG_NEW(double, n *width), *partial = RG_NEW(double, n_slots *width);
  double *out = RG_NEW(double, width), *serial = RG_NEW(double, width);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < width; j++)
      x[i * width + j] = item(i, j);
  for (int s = 0; s < n_slots; s++)
    rg_tree_sum_f64(x + slots[s].low * width, rg_range_n(slots[s]), width, width,
                    partial + s * width);
  rg_tree_sum_f64(x, n, width, width, serial);
  rg_tree_reduce_f64(comm, n, mine, partial, width, out);
  RG_CHECK(memcmp(out, serial, (size_t)width * sizeof *out) == 0);
  rg_free(x);
  rg_free(partial);
  rg_free(out);
  rg_free(serial);
}

static void check_f32(rg_comm *comm, int64_t n, int64_t width, int kind)
{
  rg_range mine = cut(comm, n, kind), slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(n, mine, slots);
  float *x = RG_NEW(float, n *width), *partial = RG_NEW(float, n_slots *width);
  float *out = RG_NEW(float, width), *serial = RG_NEW(float, width);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < width; j++)
      x[i * width + j] = (float)item(i, j);
  for (int s = 0; s < n_slots; s++)
    rg_tree_sum_f32(x + slots[s].low * width, rg_range_n(slots[s]), width, width,
                    partial + s * width);
  rg_tree_sum_f32(x, n, width, width, serial);
  rg_tree_reduce_f32(comm, n, mine, partial, width, out);
  RG_CHECK(memcmp(out, serial, (size_t)width * sizeof *out) == 0);
  rg_free(x);
  rg_free(partial);
  rg_free(out);
  rg_free(serial);
}

/* One slot a rank: the traffic is that of a reduce-scatter and an allgather. */
static void check_traffic(rg_comm *comm)
{
  int64_t size = rg_size(comm), width = 60000, bytes = width * 4;
  int64_t sent[2], received[2];
  float *x = RG_NEW(float, width), *out = RG_NEW(float, width);
  rg_comm_bytes(&sent[0], &received[0]);
  rg_range mine = {rg_rank(comm), rg_rank(comm) + 1};
  rg_tree_reduce_f32(comm, size, mine, x, width, out);
  rg_comm_bytes(&sent[1], &received[1]);
  int64_t slack = 64 * size, most = 2 * bytes * (size - 1) / size + slack;
  RG_CHECK(sent[1] - sent[0] <= most && received[1] - received[0] <= most);
  rg_free(x);
  rg_free(out);
}

/* The same bits where the ranks know what they hold, in place too. */
static void check_part(rg_comm *comm, int64_t n, int64_t width)
{
  rg_range mine = rg_part(n, rg_rank(comm), rg_size(comm)), slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(n, mine, slots);
  float *x = RG_NEW(float, n *width), *partial = RG_NEW(float, n_slots *width + 1);
  float *out = RG_NEW(float, width), *serial = RG_NEW(float, width);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < width; j++)
      x[i * width + j] = (float)item(i, j);
  for (int s = 0; s < n_slots; s++)
    rg_tree_sum_f32(x + slots[s].low * width, rg_range_n(slots[s]), width, width,
                    partial + s * width);
  rg_tree_sum_f32(x, n, width, width, serial);
  rg_part_reduce_f32(comm, n, partial, width, out);
  RG_CHECK(memcmp(out, serial, (size_t)width * sizeof *out) == 0);
  double *each = RG_NEW(double, width), *sum = RG_NEW(double, width);
  for (int64_t j = 0; j < width; j++)
    each[j] = item(rg_rank(comm), j);
  rg_tree_reduce_f64(comm, rg_size(comm),
                     (rg_range){rg_rank(comm), rg_rank(comm) + 1}, each, width, sum);
  rg_sum_f64(comm, each, width);
  RG_CHECK(memcmp(each, sum, (size_t)width * sizeof *sum) == 0);
  rg_free(x);
  rg_free(partial);
  rg_free(out);
  rg_free(serial);
  rg_free(each);
  rg_free(sum);
}

/* Long vectors of parts move the bytes of a reduce-scatter and an allgather too. */
static void check_part_traffic(rg_comm *comm)
{
  int64_t size = rg_size(comm), width = 60000, bytes = width * 8, sent[2], received[2];
  double *x = RG_NEW(double, width);
  rg_comm_bytes(&sent[0], &received[0]);
  rg_sum_f64(comm, x, width);
  rg_comm_bytes(&sent[1], &received[1]);
  int64_t most = 2 * bytes * (size - 1) / size + 64 * size;
  RG_CHECK(sent[1] - sent[0] <= most && received[1] - received[0] <= most);
  rg_free(x);
}

static void check_cost_is(rg_traffic before, rg_traffic cost)
{
  rg_traffic now;
  rg_comm_traffic(&now);
  RG_CHECK(now.sent - before.sent == cost.sent);
  RG_CHECK(now.messages - before.messages == cost.messages);
  RG_CHECK(now.rounds - before.rounds == cost.rounds);
}

/* A sum costs what rg_sum_cost says, whichever way it goes. */
static void check_cost(rg_comm *comm, int64_t n, bool parts, int64_t width)
{
  rg_range mine = cut(comm, n, parts ? 0 : 2), slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(n, mine, slots);
  double *partial = RG_NEW(double, n_slots *width + 1), *out = RG_NEW(double, width);
  rg_sum_shape shape = {rg_size(comm), rg_rank(comm), n, mine, parts};
  rg_traffic before;
  rg_comm_traffic(&before);
  if (parts)
    rg_part_reduce_f64(comm, n, partial, width, out);
  else
    rg_tree_reduce_f64(comm, n, mine, partial, width, out);
  check_cost_is(before, rg_sum_cost(&shape, width, sizeof *out));
  rg_free(partial);
  rg_free(out);
}

static void check_costs(rg_comm *comm)
{
  const int64_t width[] = {12, 1200, 2400, 12000, 24000, 12 * 40000};
  for (int w = 0; w < 6; w++)
    for (int64_t n = 4; n <= 13; n += 9)
      for (int parts = 0; parts < 2; parts++)
        check_cost(comm, n, parts, width[w]);
  rg_traffic before;
  int64_t bytes = 24 * (rg_rank(comm) + 1), total;
  char *mine = RG_NEW(char, bytes);
  rg_comm_traffic(&before);
  rg_free(rg_gather_all(comm, mine, bytes, NULL, &total));
  if (rg_size(comm) > 1)
    check_cost_is(before, rg_gather_cost(rg_size(comm), bytes));
  rg_free(mine);
}

static void run(rg_comm *comm)
{
  static const int64_t items[] = {1, 2, 3, 8, 13, 64, 100};
  for (int kind = 0; kind < 5; kind++)
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
      check_f64(comm, items[i], 1, kind);
      check_f64(comm, items[i], 37, kind);
      check_f32(comm, items[i], 5, kind);
    }
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    check_part(comm, items[i], 1);
    check_part(comm, items[i], 4096);
    check_part(comm, items[i], 40961);
  }
  check_f64(comm, 0, 3, 0);
  for (int pass = 0; pass < 2; pass++) { /* long vectors, whole and in pieces */
    rg_wire_limit(pass == 0 ? 0 : 1 << 12);
    check_f64(comm, 13, 8193, 2);
    check_f64(comm, 5, 30011, 1);
    check_f32(comm, 8, 70001, 0);
    check_f32(comm, 7, 20001, 3);
  }
  rg_wire_limit(0);
  check_f32(comm, 4, 300007, 0); /* several pieces of a slice */
  check_traffic(comm);
  check_part_traffic(comm);
  check_costs(comm);
}

const rg_case rg_case_tree = {"tree", run};
