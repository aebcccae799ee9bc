/* What the wide kernels share: strips of features, the tree over lanes, and where a
 * gradient goes. */
#ifndef REGATTA_KERNELS_WIDE_H
#define REGATTA_KERNELS_WIDE_H

#include "src/kernels/update_inline.h"

/* A strip is the piece of work of a thread: consecutive features of one block. How a
 * block is cut depends on its size alone. */
typedef struct wide_strip {
  int block;
  int64_t low, high; /* local features */
} wide_strip;

/** Number of strips of at most `most` features. */
int64_t rg_wide_strips(int n_blocks, const int64_t *offset, int64_t most);
/** Fill strips[] (rg_wide_strips of them), block by block; cuts inside a block fall on
 *  multiples of `unit` from its start. `most` is a multiple of `unit`. */
void rg_wide_cut(int n_blocks, const int64_t *offset, int64_t most, int64_t unit,
                 wide_strip *strips);

/** Depth of the stack of partial sums for a tree over n lanes. */
static inline int wide_depth(int64_t lanes)
{
  int depth = 2;
  for (; lanes > 1; lanes = (lanes + 1) / 2)
    depth++;
  return depth;
}

/** Sums along the tree of tensor.h while its leaves come in order. A leaf is written at
 *  wide_stack_leaf, or added to what is there when wide_stack_onto says so, then pushed;
 *  after wide_stack_finish the total is at the bottom. */
typedef struct wide_stack {
  float *floor;
  int64_t width; /* floats of an entry, whole vectors */
  int top;       /* entries */
  int64_t leaves;
} wide_stack;

/* every second leaf joins the one before it at once */
static inline bool wide_stack_onto(const wide_stack *stack)
{
  return stack->leaves & 1;
}
static inline float *wide_stack_leaf(const wide_stack *stack)
{
  return stack->floor + (stack->top - (wide_stack_onto(stack) ? 1 : 0)) * stack->width;
}
/* add the uppermost entry to the one below */
static inline void wide_stack_fold(wide_stack *stack)
{
  float *from = stack->floor + --stack->top * stack->width, *to = from - stack->width;
  for (int64_t i = 0; i < stack->width; i += RG_V)
    vec_store(to + i, vec_load(to + i) + vec_load(from + i));
}
static inline void wide_stack_push(wide_stack *stack)
{
  if (!wide_stack_onto(stack))
    stack->top++;
  for (int64_t n = stack->leaves++ >> 1; stack->leaves % 2 == 0 && n & 1; n >>= 1)
    wide_stack_fold(stack);
}
static inline void wide_stack_finish(wide_stack *stack)
{
  while (stack->top > 1)
    wide_stack_fold(stack);
}

/** Slots of a gradient: all lanes when it is applied at once. */
static inline int wide_slots(const rg_wide_gradient *gradient)
{
  return gradient->update ? 1 : gradient->n_slots;
}
static inline rg_range wide_slot(const rg_wide_gradient *gradient, int slot)
{
  return gradient->update ? (rg_range){0, gradient->lanes} : gradient->slots[slot];
}

/** Apply or store the sum g (n floats) of one slot for the parameters at `at`. */
static inline void wide_deliver(const rg_wide_gradient *gradient,
                                const update_step *step, int slot, int64_t at,
                                int64_t n, const float *g, float *w)
{
  if (gradient->update)
    update_span(step, n, w + at, g, gradient->m + at,
                gradient->v ? gradient->v + at : NULL);
  else
    memcpy(gradient->dw + slot * gradient->stride + at, g, (size_t)n * sizeof *g);
}

/** Ask for n floats from p on to be brought into the caches. */
static inline void wide_fetch(const float *p, int64_t n)
{
  for (int64_t i = 0; i < n; i += 16)
    __builtin_prefetch(p + i);
}
/** Ask for the moments of the n parameters at `at`, which an update will need soon. */
static inline void wide_fetch_moments(const rg_wide_gradient *gradient, int64_t at,
                                      int64_t n)
{
  if (!gradient->update)
    return;
  wide_fetch(gradient->m + at, n);
  if (gradient->v)
    wide_fetch(gradient->v + at, n);
}

/** Constants of the update, or none. */
static inline update_step wide_step(const rg_wide_gradient *gradient)
{
  return gradient->update ? update_prepare(gradient->update, gradient->decay_factor)
                          : (update_step){.kind = RG_SGD};
}

#endif
