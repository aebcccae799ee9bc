/** The inside of regatta bench: what a measurement is given and how it reports. A
 *  measurement is one file src/cli/bench_NAME.c. */
#ifndef RG_CLI_BENCH_H
#define RG_CLI_BENCH_H

#include "regatta/cli.h"

/** Options of regatta bench. */
typedef struct rg_bench_options {
  int64_t cells, features, blocks, batch, lanes, width, steps;
  double density;
  int64_t seed;
  char *recipe;
} rg_bench_options;

/** A moment on the wall clock and in the processor time of this process, in seconds; and
 *  what passed since. Not collective. */
typedef struct rg_bench_time {
  double wall, cpu;
} rg_bench_time;
rg_bench_time rg_bench_now(void);
rg_bench_time rg_bench_since(rg_bench_time start);

/** One measurement: the times of its repeats, and the work of one repeat. */
typedef struct rg_bench_line {
  const char *name;
  int n;
  rg_bench_time *times; /* n of them on this rank; the caller's */
  double cells;         /* of one repeat; 0: not about cells */
  double flops, bytes;  /* of one repeat, over all ranks; 0: not counted */
  double sent;          /* bytes that this rank sent in one repeat; 0: not counted */
} rg_bench_line;
/** Print one JSON line: where it ran, the sizes, median, least and largest seconds of the
 *  slowest rank, median processor seconds of all ranks together, rates by the medians,
 *  and the bytes sent by the rank that sent most. Collective. */
void rg_bench_say(const rg_call *call, const rg_bench_line *line);

/** A row of random entries: features [0, n), each with probability `density`, rising;
 *  a function of (seed, cell) alone. Returns how many; `index` has room for n. Not
 *  collective. */
int64_t rg_bench_row(const rg_bench_options *options, int64_t cell, int64_t n,
                     int32_t *index);
/** rows of [low, high) as CSR without values, owned by the caller. Not collective. */
rg_csr rg_bench_counts(const rg_bench_options *options, int64_t low, int64_t high);

/** The measurements. Collective. */
rg_status rg_bench_machine(const rg_call *call);
rg_status rg_bench_gemm(const rg_call *call);
rg_status rg_bench_special(const rg_call *call);
rg_status rg_bench_likelihoods(const rg_call *call);
rg_status rg_bench_wide(const rg_call *call);
rg_status rg_bench_train(const rg_call *call);
rg_status rg_bench_graph(const rg_call *call);
rg_status rg_bench_svd(const rg_call *call);

#endif
