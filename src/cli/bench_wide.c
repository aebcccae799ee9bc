/* bench wide: the wide layers of a training step on synthetic counts: sparse first layer,
 * wide Bernoulli output, their gradients and updates. Ranks do the same, each on its own
 * share of the blocks, without messages. */

#include "bench.h"

#include "regatta/kernels.h"

#include <string.h>

/* a wide parameter with its moments */
typedef struct parameter {
  float *w, *m, *v;
} parameter;

typedef struct layers {
  int n_blocks;
  int64_t *offset;
  int64_t features, cells, inner; /* inner: floats of the dense side */
  int width;
  rg_csr rows, columns;
  parameter in, out, shift;
  float *h, *y, *dh, *scratch;
  double *numerator;
} layers;

static parameter parameter_new(const rg_key *key, int64_t n, double scale)
{
  parameter p = {RG_NEW(float, n), RG_NEW(float, n), RG_NEW(float, n)};
  for (int64_t i = 0; i < n; i++)
    p.w[i] = (float)(scale * (2.0 * rg_uniform(key, 0, (uint64_t)i) - 1.0));
  return p;
}

static void parameter_fini(parameter *p)
{
  rg_free(p->w);
  rg_free(p->m);
  rg_free(p->v);
}

/* this rank's blocks of all, as even as they come */
static layers layers_new(const rg_call *call)
{
  const rg_bench_options *o = call->options;
  rg_range mine = rg_part(o->blocks, rg_rank(call->comm), rg_size(call->comm));
  layers l = {
      .n_blocks = (int)rg_range_n(mine), .cells = o->batch, .width = (int)o->width};
  l.offset = RG_NEW(int64_t, l.n_blocks + 1);
  for (int b = 0; b <= l.n_blocks; b++)
    l.offset[b] = o->features * (mine.low + b) / o->blocks;
  l.features = l.offset[l.n_blocks] - l.offset[0];
  l.inner = l.n_blocks * l.cells * l.width;
  rg_bench_options here = *o;
  here.features = l.features;
  l.rows = rg_bench_counts(&here, 0, o->batch);
  l.columns = rg_csr_transpose(&l.rows);
  const rg_key key = {.seed = (uint64_t)o->seed, .purpose = RG_FOR_INIT};
  l.in = parameter_new(&key, l.features * l.width, 0.01);
  l.out = parameter_new(&key, l.features * l.width, 0.1);
  l.shift = parameter_new(&key, l.features, 0.1);
  l.h = RG_NEW(float, l.inner);
  rg_uniforms(&key, 1, (int)l.inner, l.h);
  l.y = RG_NEW(float, l.inner);
  l.dh = RG_NEW(float, l.inner);
  l.numerator = RG_NEW(double, l.n_blocks *o->lanes);
  l.scratch = RG_NEW(float, rg_wide_scratch(l.n_blocks, l.offset, l.cells, l.width));
  return l;
}

static void layers_fini(layers *l)
{
  rg_free(l->offset);
  rg_csr_fini(&l->rows);
  rg_csr_fini(&l->columns);
  parameter_fini(&l->in);
  parameter_fini(&l->out);
  parameter_fini(&l->shift);
  rg_free(l->h);
  rg_free(l->y);
  rg_free(l->dh);
  rg_free(l->numerator);
  rg_free(l->scratch);
}

static rg_wide_gradient gradient_of(const rg_bench_options *o, const parameter *p,
                                    const rg_update *update)
{
  return (rg_wide_gradient){.lanes = o->lanes,
                            .lane_cells = o->batch / o->lanes,
                            .update = update,
                            .decay_factor = 1.0f,
                            .m = p->m,
                            .v = p->v};
}

typedef enum part { FORWARD, OUTPUT, BACKWARD, STEP, PARTS } part;

/* one step; times of its parts */
static void step(const rg_bench_options *o, layers *l, int64_t t,
                 rg_bench_time of[PARTS])
{
  const rg_update update = {.kind = RG_ADAM,
                            .rate = 1e-4,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .epsilon = 1e-8,
                            .decay = 5e-4,
                            .correct1 = t < 30 ? 0.5 : 1.0,
                            .correct2 = 0.1};
  rg_wide_gradient in = gradient_of(o, &l->in, &update);
  rg_wide_bernoulli pass = {.columns = &l->columns,
                            .n_blocks = l->n_blocks,
                            .offset = l->offset,
                            .lanes = o->lanes,
                            .lane_cells = o->batch / o->lanes,
                            .width = l->width,
                            .h = l->h,
                            .w = l->out.w,
                            .bias = l->shift.w,
                            .one_weight = 1.0f,
                            .zero_weight = 1.0f,
                            .scale = 1.0f,
                            .numerator = l->numerator,
                            .dh = l->dh,
                            .update_parameters = true,
                            .weight = gradient_of(o, &l->out, &update),
                            .shift = gradient_of(o, &l->shift, &update),
                            .scratch = l->scratch};
  rg_bench_time start = rg_bench_now();
  rg_sparse_forward(&l->rows, l->n_blocks, l->offset, l->in.w, l->width, l->y);
  of[FORWARD] = rg_bench_since(start);
  rg_bench_time output = rg_bench_now();
  rg_wide_bernoulli_pass(&pass);
  of[OUTPUT] = rg_bench_since(output);
  rg_bench_time backward = rg_bench_now();
  rg_sparse_backward(&l->columns, l->n_blocks, l->offset, l->dh, l->width, l->in.w,
                     &in);
  of[BACKWARD] = rg_bench_since(backward);
  of[STEP] = rg_bench_since(start);
}

rg_status rg_bench_wide(const rg_call *call)
{
  static const char *const names[] = {"wide_sparse_forward", "wide_output",
                                      "wide_sparse_backward", "wide"};
  const rg_bench_options *o = call->options;
  layers l = layers_new(call);
  int n = (int)o->steps;
  rg_bench_time *times[PARTS];
  for (int p = 0; p < PARTS; p++)
    times[p] = RG_NEW(rg_bench_time, n);
  for (int t = -3; t < n; t++) {
    rg_bench_time of[PARTS];
    rg_barrier(call->comm);
    step(o, &l, t + 3, of);
    for (int p = 0; p < PARTS && t >= 0; p++)
      times[p][t] = of[p];
  }
  double dense = 6.0 * (double)o->features * (double)o->width * (double)o->batch;
  double sparse =
      2.0 * o->density * (double)o->features * (double)(o->width * o->batch);
  double moved = 24.0 * (double)(o->features * o->width);
  const rg_bench_line lines[PARTS] = {{.flops = sparse},
                                      {.flops = dense},
                                      {.flops = sparse},
                                      {.flops = dense + 2 * sparse}};
  const double bytes[PARTS] = {moved / 6, moved, moved, moved * 13 / 6};
  for (int p = 0; p < PARTS; p++) {
    rg_bench_line line = lines[p];
    line.name = names[p];
    line.n = n;
    line.times = times[p];
    line.cells = (double)o->batch;
    line.bytes = bytes[p];
    rg_bench_say(call, &line);
    rg_free(times[p]);
  }
  layers_fini(&l);
  return RG_OK;
}
