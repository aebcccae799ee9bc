/* One optimiser step for a vector of parameters: the arithmetic shared by
 * rg_update_apply and the tiles of the wide kernels, so that both give the same bits. */
#ifndef REGATTA_KERNELS_UPDATE_INLINE_H
#define REGATTA_KERNELS_UPDATE_INLINE_H

#include "regatta/kernels.h"

#include "src/kernels/vector.h"

#include <math.h>

/* constants of a step, in every element */
typedef struct update_step {
  rg_update_kind kind;
  vec decay, keep1, add1, keep2, add2; /* beta and 1 - beta of both moments */
  vec rate, root, epsilon;             /* rate / correct1; 1 / sqrt(correct2) */
} update_step;

static inline update_step update_prepare(const rg_update *update, float decay_factor)
{
  double correct1 = update->kind == RG_ADAM ? update->correct1 : 1.0;
  double correct2 = update->kind == RG_ADAM ? update->correct2 : 1.0;
  return (update_step){
      .kind = update->kind,
      .decay = vec_set((float)(update->decay * (double)decay_factor)),
      .keep1 = vec_set((float)update->beta1),
      .add1 = vec_set((float)(1.0 - update->beta1)),
      .keep2 = vec_set((float)update->beta2),
      .add2 = vec_set((float)(1.0 - update->beta2)),
      .rate = vec_set((float)(update->rate / correct1)),
      .root = vec_set((float)(1.0 / sqrt(correct2))),
      .epsilon = vec_set((float)update->epsilon),
  };
}

static inline __attribute__((always_inline)) vec update_one(update_step step, vec w,
                                                            vec g, vec *m, vec *v)
{
  g = vec_fma(step.decay, w, g);
  if (step.kind != RG_SGD)
    *v = vec_fma(step.keep2, *v, step.add2 * g * g);
  if (step.kind == RG_ADAM) {
    *m = vec_fma(step.keep1, *m, step.add1 * g);
    vec size = vec_fma(vec_root(*v), step.root, step.epsilon);
    return vec_fnma(step.rate, *m / size, w);
  }
  if (step.kind == RG_RMSPROP)
    g = g / (vec_root(*v) + step.epsilon);
  *m = vec_fma(step.keep1, *m, g);
  return vec_fnma(step.rate, *m, w);
}

/* for n parameters that lie together */
static inline __attribute__((always_inline)) void
update_loop(update_step step, int64_t n, float *w, const float *g, float *m, float *v)
{
  int64_t i = 0;
  for (; i + RG_V <= n; i += RG_V) {
    vec mi = vec_load(m + i),
        vi = step.kind != RG_SGD ? vec_load(v + i) : vec_set(0.0f);
    vec wi = update_one(step, vec_load(w + i), vec_load(g + i), &mi, &vi);
    vec_store(w + i, wi);
    vec_store(m + i, mi);
    if (step.kind != RG_SGD)
      vec_store(v + i, vi);
  }
  if (i < n) {
    int left = (int)(n - i);
    vec mi = vec_load_n(m + i, left);
    vec vi = step.kind != RG_SGD ? vec_load_n(v + i, left) : vec_set(0.0f);
    vec wi =
        update_one(step, vec_load_n(w + i, left), vec_load_n(g + i, left), &mi, &vi);
    vec_store_n(w + i, left, wi);
    vec_store_n(m + i, left, mi);
    if (step.kind != RG_SGD)
      vec_store_n(v + i, left, vi);
  }
}

/* the same, with one loop for each kind; v may be NULL for RG_SGD */
static inline void update_span(const update_step *step, int64_t n, float *w,
                               const float *g, float *m, float *v)
{
  update_step of = *step;
  switch (of.kind) {
  case RG_ADAM:
    of.kind = RG_ADAM;
    update_loop(of, n, w, g, m, v);
    break;
  case RG_RMSPROP:
    of.kind = RG_RMSPROP;
    update_loop(of, n, w, g, m, v);
    break;
  case RG_SGD:
    of.kind = RG_SGD;
    update_loop(of, n, w, g, m, v);
    break;
  }
}

#endif
