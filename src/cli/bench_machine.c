/* bench machine, gemm, special: what the processor, the memory and the libraries give. */

#include "bench.h"

#include "regatta/kernels.h"

/* What is timed: operands, and one call of it, which returns its operations. */
typedef struct work {
  int64_t m, n, k;
  float *a, *b, *c;
  void (*function)(int64_t n, const float *x, float *y);
} work;

static work work_new(int64_t m, int64_t n, int64_t k)
{
  work w = {m,   n, k, RG_NEW(float, m *k), RG_NEW(float, k *n), RG_NEW(float, m *n),
                                                                        NULL};
  for (int64_t i = 0; i < m * k; i++)
    w.a[i] = (float)(i % 7) - 3.0f;
  for (int64_t i = 0; i < k * n; i++)
    w.b[i] = (float)(i % 5) - 2.0f;
  return w;
}

/* Times `steps` calls after three that do not count; every rank does the work. */
static void measure(const rg_call *call, const char *name, double (*once)(work *w),
                    double bytes, work *w)
{
  const rg_bench_options *options = call->options;
  rg_bench_line line = {.name = name, .n = (int)options->steps};
  line.times = RG_NEW(rg_bench_time, line.n);
  for (int i = -3; i < line.n; i++) {
    rg_barrier(call->comm);
    rg_bench_time start = rg_bench_now();
    double flops = once(w);
    if (i >= 0)
      line.times[i] = rg_bench_since(start);
    line.flops = flops * rg_size(call->comm);
  }
  line.bytes = bytes * rg_size(call->comm);
  rg_bench_say(call, &line);
  rg_free(line.times);
  rg_free(w->a);
  rg_free(w->b);
  rg_free(w->c);
}

/* ---- machine --------------------------------------------------------------------- */

static double arithmetic(work *w)
{
  return rg_kernel_arithmetic(w->n, w->c);
}

/* the traffic of an optimiser's step: four arrays are read and three written */
static double update(work *w)
{
  const rg_update step = {.kind = RG_ADAM,
                          .rate = 1e-6,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .epsilon = 1e-8,
                          .correct1 = 0.1,
                          .correct2 = 0.001};
  float *x = w->c;
  rg_update_apply(&step, 1.0f, w->n, x, x + w->n, x + 2 * w->n, x + 3 * w->n);
  return 0.0;
}

rg_status rg_bench_machine(const rg_call *call)
{
  work w = work_new(1, 1000000, 1);
  measure(call, "arithmetic", arithmetic, 0.0, &w);
  w = work_new(4, 10000000, 1);
  measure(call, "update", update, 28.0 * (double)w.n, &w);
  return RG_OK;
}

/* ---- gemm ------------------------------------------------------------------------ */

static double product(work *w)
{
  rg_gemm(false, false, w->m, w->n, w->k, 1.0f, w->a, w->k, w->b, w->n, 0.0f, w->c,
          w->n);
  return 2.0 * (double)w->m * (double)w->n * (double)w->k;
}

static double reference_product(work *w)
{
  rg_ref_gemm(false, false, w->m, w->n, w->k, 1.0f, w->a, w->k, w->b, w->n, 0.0f, w->c,
              w->n);
  return 2.0 * (double)w->m * (double)w->n * (double)w->k;
}

rg_status rg_bench_gemm(const rg_call *call)
{
  const rg_bench_options *o = call->options;
  work w = work_new(1024, 1024, 1024);
  measure(call, "gemm_1024", product, 0.0, &w);
  w = work_new(o->batch, o->features / o->blocks, o->width);
  measure(call, "gemm_output_layer", product, 0.0, &w);
  w = work_new(o->batch / o->lanes, o->width, o->width);
  measure(call, "gemm_lane", product, 0.0, &w);
  w = work_new(128, 128, 128);
  measure(call, "gemm_reference", reference_product, 0.0, &w);
  return RG_OK;
}

/* ---- special --------------------------------------------------------------------- */

static double vector_function(work *w)
{
  w->function(w->n, w->b, w->c);
  return 0.0;
}

rg_status rg_bench_special(const rg_call *call)
{
  static const struct {
    const char *name;
    void (*function)(int64_t n, const float *x, float *y);
  } functions[] = {{"v_exp", rg_v_exp},         {"v_log", rg_v_log},
                   {"v_sigmoid", rg_v_sigmoid}, {"v_softplus", rg_v_softplus},
                   {"v_lgamma", rg_v_lgamma},   {"v_digamma", rg_v_digamma}};
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    work w = work_new(1, 4000000, 1);
    for (int64_t j = 0; j < w.n; j++)
      w.b[j] = 0.01f + 1e-5f * (float)j;
    w.function = functions[i].function;
    measure(call, functions[i].name, vector_function, 8.0 * (double)w.n, &w);
  }
  return RG_OK;
}
