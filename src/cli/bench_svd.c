/* bench svd: the products of a sparse matrix, and 50 axes of its decomposition. */

#include "bench.h"

#include "regatta/kernels.h"
#include "regatta/prepare.h"

enum { WIDTH = 64, AXES = 50, PANEL = 1536 };

/* What is timed: the matrix, its panels, and the dense factors. */
typedef struct work {
  const rg_call *call;
  rg_csr a;
  rg_panels panels;
  float *b, *y;
  int iterations;
} work;

static rg_status product(work *w)
{
  rg_spmm(&w->a, w->b, WIDTH, w->y);
  return RG_OK;
}

static rg_status transposed(work *w)
{
  rg_panels_times(&w->panels, (rg_range){0, w->panels.n}, w->y, WIDTH, w->b);
  return RG_OK;
}

static rg_status decomposition(work *w)
{
  const rg_svd_options options = {
      .rank = AXES, .oversampling = 10, .iterations = w->iterations};
  rg_svd svd;
  rg_status status = rg_svd_sparse(w->call->comm, &w->a, &options, &svd);
  rg_svd_fini(&svd);
  return status;
}

static rg_status measure(work *w, const char *name, int times, double cells,
                         rg_status (*once)(work *w), double flops)
{
  rg_status status = RG_OK;
  rg_bench_line line = {.name = name, .n = times, .cells = cells, .flops = flops};
  line.times = RG_NEW(rg_bench_time, times);
  for (int i = -1; i < times; i++) {
    rg_barrier(w->call->comm);
    rg_bench_time start = rg_bench_now();
    RG_TRY(once(w));
    if (i >= 0)
      line.times[i] = rg_bench_since(start);
  }
  rg_bench_say(w->call, &line);
out:
  rg_free(line.times);
  return status;
}

static work work_new(const rg_call *call)
{
  const rg_bench_options *options = call->options;
  rg_range mine = rg_part(options->cells, rg_rank(call->comm), rg_size(call->comm));
  work w = {.call = call, .a = rg_bench_counts(options, mine.low, mine.high)};
  w.a.values = RG_NEW(float, rg_csr_nnz(&w.a));
  for (int64_t e = 0; e < rg_csr_nnz(&w.a); e++)
    w.a.values[e] = (float)(1 + e % 3);
  int64_t n = (w.a.rows + PANEL - 1) / PANEL, *first = RG_NEW(int64_t, n + 2);
  n = n > 0 ? n : 1;
  for (int64_t i = 1; i <= n; i++)
    first[i] = i * PANEL < w.a.rows ? i * PANEL : w.a.rows;
  w.panels = rg_panels_new(&w.a, n, first);
  w.b = RG_NEW(float, w.a.cols *WIDTH);
  w.y = RG_NEW(float, w.a.rows *WIDTH);
  for (int64_t i = 0; i < w.a.cols * WIDTH; i++)
    w.b[i] = (float)(i % 5) - 2.0f;
  rg_free(first);
  return w;
}

rg_status rg_bench_svd(const rg_call *call)
{
  rg_status status = RG_OK;
  const rg_bench_options *options = call->options;
  work w = work_new(call);
  int64_t nonzeros = rg_csr_nnz(&w.a);
  rg_sum_i64(call->comm, &nonzeros, 1);
  double flops = 2.0 * WIDTH * (double)nonzeros, cells = (double)options->cells;
  int times = (int)options->steps;
  if (options->features <= AXES || options->cells <= AXES) {
    status =
        rg_fail(RG_EUSAGE, "bench svd wants more than %d cells and features", AXES);
    goto out;
  }
  RG_TRY(measure(&w, "svd product", times, cells, product, flops));
  RG_TRY(measure(&w, "svd transposed product", times, cells, transposed, flops));
  rg_panels_fini(&w.panels); /* the decomposition makes its own */
  for (w.iterations = 2; w.iterations <= 6; w.iterations += 2) {
    char *name = rg_format("svd of %d axes, %d iterations", AXES, w.iterations);
    status =
        measure(&w, name, times, cells, decomposition, (2 * w.iterations + 3) * flops);
    rg_free(name);
    RG_TRY(status);
  }
out:
  rg_panels_fini(&w.panels);
  rg_csr_fini(&w.a);
  rg_free(w.b);
  rg_free(w.y);
  return status;
}
