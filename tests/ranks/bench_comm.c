/* bench_comm [FLOATS [REPEATS]]: seconds of an ordered sum (rg_tree_reduce_f32, one lane a
 * rank and eight) beside MPI_Allreduce of the same vector; one JSON line each. Repeats
 * take turns, so that a busy machine disturbs all alike; best and median are printed. */
#include "src/comm/private.h"

#include <stdlib.h>

enum { MOST = 1000, LANES = 8 };

typedef struct bench {
  rg_comm *comm;
  int64_t n;
  float *x, *out;
  double seconds[3][MOST];
} bench;

static int compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void ordered(bench *b, int64_t lanes)
{
  rg_range mine = rg_part(lanes, rg_rank(b->comm), rg_size(b->comm));
  rg_tree_reduce_f32(b->comm, lanes, mine, b->x, b->n, b->out);
}

static void once(bench *b, int kind, int repeat)
{
  rg_barrier(b->comm);
  double start = rg_now();
  if (kind == 0)
    MPI_Allreduce(b->x, b->out, (int)b->n, MPI_FLOAT, MPI_SUM,
                  *(MPI_Comm *)rg_comm_mpi(b->comm));
  else
    ordered(b, kind == 1 ? rg_size(b->comm) : LANES);
  double seconds = rg_now() - start;
  rg_max_f64(b->comm, &seconds, 1);
  b->seconds[kind][repeat] = seconds;
}

int main(int argc, char **argv)
{
  static const char *const names[] = {"MPI_Allreduce", "rg_tree_reduce_f32",
                                      "rg_tree_reduce_f32, 8 lanes"};
  bench b = {.comm = rg_comm_start(&argc, &argv)};
  b.n = argc > 1 ? atoll(argv[1]) : 13000000;
  int repeats = argc > 2 ? atoi(argv[2]) : 15;
  if (b.n < 1 || b.n > INT32_MAX || repeats < 1 || repeats > MOST) {
    fprintf(stderr, "usage: bench_comm [FLOATS [REPEATS up to %d]]\n", MOST);
    rg_comm_stop();
    return 2;
  }
  b.x = RG_NEW(float, b.n *LANES); /* room for a rank that holds all lanes */
  b.out = RG_NEW(float, b.n);
  for (int64_t i = 0; i < b.n; i++)
    b.x[i] = (float)(i % 1000) + (float)rg_rank(b.comm);
  for (int repeat = 0; repeat < repeats; repeat++)
    for (int kind = 0; kind < 3; kind++)
      once(&b, kind, repeat);
  for (int kind = 0; kind < 3 && rg_rank(b.comm) == 0; kind++) {
    qsort(b.seconds[kind], (size_t)repeats, sizeof(double), compare);
    printf("{\"what\": \"%s\", \"ranks\": %d, \"floats\": %lld, \"best_ms\": %.3f, "
           "\"median_ms\": %.3f}\n",
           names[kind], rg_size(b.comm), (long long)b.n, 1e3 * b.seconds[kind][0],
           1e3 * b.seconds[kind][repeats / 2]);
  }
  rg_free(b.x);
  rg_free(b.out);
  rg_comm_stop();
  return 0;
}
