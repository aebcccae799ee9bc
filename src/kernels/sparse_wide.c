/* sparse_wide: the first layer over many features of which few are there. */
#include "src/kernels/wide.h"

#include <omp.h>

/* vectors of the width that stay in registers together */
#define HELD 4
/* floats of weights that stay in the second cache while the cells of a chunk pass */
#define WINDOW 65536
#define CHUNK 256
/* features of a strip of the backward pass */
#define STRIP 512
/* features between asking for a parameter and using it */
#define AHEAD 8

/* floats of the last vector of a piece of the width that starts at j: 0 when all whole */
typedef struct piece {
  int vectors, last; /* the last one has `last` elements */
} piece;

static piece piece_of(int width, int j)
{
  int left = width - j < HELD * RG_V ? width - j : HELD * RG_V;
  int vectors = (left + RG_V - 1) / RG_V;
  return (piece){vectors, left - (vectors - 1) * RG_V};
}

static inline __attribute__((always_inline)) void
load_held(vec x[HELD], const float *from, int vectors, int last)
{
#pragma GCC unroll 4
  for (int i = 0; i < vectors; i++)
    x[i] = i + 1 < vectors || last == RG_V ? vec_load(from + i * RG_V)
                                           : vec_load_n(from + i * RG_V, last);
}

static inline __attribute__((always_inline)) void
store_held(float *to, const vec x[HELD], int vectors, int last)
{
#pragma GCC unroll 4
  for (int i = 0; i < vectors; i++)
    if (i + 1 < vectors || last == RG_V)
      vec_store(to + i * RG_V, x[i]);
    else
      vec_store_n(to + i * RG_V, last, x[i]);
}

/* sum += value[e] * rows[index[e] * width], for entries [e, high) */
static inline __attribute__((always_inline)) void
gather(vec sum[HELD], const int32_t *index, const float *value, int64_t e, int64_t high,
       const float *rows, int width, int vectors, int last)
{
  for (; e < high; e++) {
    vec row[HELD];
    load_held(row, rows + (int64_t)index[e] * width, vectors, last);
    if (value) {
      vec by = vec_set(value[e]);
#pragma GCC unroll 4
      for (int i = 0; i < vectors; i++)
        sum[i] = vec_fma(by, row[i], sum[i]);
    } else {
#pragma GCC unroll 4
      for (int i = 0; i < vectors; i++)
        sum[i] = sum[i] + row[i];
    }
  }
}

/* to = the gathered sum, or += it */
static inline __attribute__((always_inline)) void
gather_piece(const int32_t *index, const float *value, int64_t low, int64_t high,
             const float *rows, int width, int vectors, int last, bool add, float *to)
{
  vec sum[HELD];
  if (add)
    load_held(sum, to, vectors, last);
  else
    for (int i = 0; i < HELD; i++)
      sum[i] = vec_set(0.0f);
  gather(sum, index, value, low, high, rows, width, vectors, last);
  store_held(to, sum, vectors, last);
}

/* the same, compiled for every number of vectors, with a whole or a ragged last one */
#define PIECES(n)                                                                      \
  case n:                                                                              \
    gather_piece(index, value, low, high, rows, width, n, RG_V, add, to);              \
    break;                                                                             \
  case HELD + n:                                                                       \
    gather_piece(index, value, low, high, rows, width, n, p.last, add, to);            \
    break;

static inline void gather_into(const int32_t *index, const float *value, int64_t low,
                               int64_t high, const float *rows, int width, piece p,
                               bool add, float *to)
{
  switch (p.vectors + (p.last == RG_V ? 0 : HELD)) {
    PIECES(1)
    PIECES(2)
    PIECES(3)
    PIECES(4)
  }
}

/* the first entry of a row whose column is at least `column` */
static int64_t entry_at(const rg_csr *rows, int64_t row, int64_t column)
{
  int64_t low = rows->indptr[row], high = rows->indptr[row + 1];
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (rows->indices[middle] < column)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* cells [low, high) of the block of features [first, end): window by window of features,
 * so that the weights are read once for all cells of the chunk */
static void forward_chunk(const rg_csr *rows, int64_t first, int64_t end, int64_t low,
                          int64_t high, const float *w, int width, float *y)
{
  int64_t entry[CHUNK], window = WINDOW / width + 1;
  memset(y + low * width, 0, (size_t)((high - low) * width) * sizeof *y);
  for (int64_t cell = low; cell < high; cell++)
    entry[cell - low] = entry_at(rows, cell, first);
  for (int64_t f = first; f < end; f += window) {
    int64_t stop = f + window < end ? f + window : end;
    for (int64_t cell = low; cell < high; cell++) {
      int64_t e = entry[cell - low], to = e, last = rows->indptr[cell + 1];
      while (to < last && rows->indices[to] < stop)
        to++;
      entry[cell - low] = to;
      for (int j = 0; j < width && e < to; j += HELD * RG_V)
        gather_into(rows->indices, rows->values, e, to, w + j, width,
                    piece_of(width, j), true, y + cell * width + j);
    }
  }
}

void rg_sparse_forward(const rg_csr *rows, int n_blocks, const int64_t *offset,
                       const float *w, int width, float *y)
{
  /* few blocks: more chunks of cells, so that every thread has work */
  int64_t wanted =
      (4 * omp_get_max_threads() + n_blocks - 1) / (n_blocks ? n_blocks : 1);
  int64_t chunk = rows->rows / wanted + 1;
  chunk = omp_get_max_threads() == 1 || chunk > CHUNK ? CHUNK : chunk;
  int64_t chunks = (rows->rows + chunk - 1) / chunk;
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < n_blocks * chunks; i++) {
    int64_t b = i / chunks, low = i % chunks * chunk;
    int64_t high = low + chunk < rows->rows ? low + chunk : rows->rows;
    forward_chunk(rows, offset[b] - offset[0], offset[b + 1] - offset[0], low, high, w,
                  width, y + b * rows->rows * width);
  }
}

/* The tree over lanes when only lanes with entries push: the sums that wait, with one of
 * their lanes each. Neighbours meet at the highest bit in which their lanes differ. An
 * empty lane would add zero. */
typedef struct sparse_stack {
  float *floor;
  int64_t width;
  int top;
  int64_t lane[66];
} sparse_stack;

static void fold(sparse_stack *stack)
{
  wide_stack pair = {stack->floor, stack->width, stack->top, 0};
  wide_stack_fold(&pair);
  stack->top = pair.top;
}

/* make room for a leaf of `lane` on top */
static float *arrive(sparse_stack *stack, int64_t lane)
{
  while (stack->top > 1) {
    uint64_t below =
        (uint64_t)(stack->lane[stack->top - 2] ^ stack->lane[stack->top - 1]);
    uint64_t above = (uint64_t)(stack->lane[stack->top - 1] ^ lane);
    if (below > above || below > (below ^ above))
      break; /* the highest bit of `below` is not the lower one */
    fold(stack);
  }
  stack->lane[stack->top] = lane;
  return stack->floor + stack->top++ * stack->width;
}

/* sum of one feature over the lanes of a slot, at stack->floor; entries of the slot are
 * [e, high) */
static void feature_gradient(const rg_csr *columns, int64_t e, int64_t high,
                             rg_range lanes, int64_t lane_cells, const float *dy,
                             int width, sparse_stack *stack)
{
  stack->top = 0;
  while (e < high) {
    int64_t lane = (uint32_t)columns->indices[e] / (uint32_t)lane_cells;
    int64_t stop = (lane + 1) * lane_cells;
    int64_t to = e + 1;
    while (to < high && columns->indices[to] < stop)
      to++;
    float *leaf = arrive(stack, lane - lanes.low);
    for (int j = 0; j < width; j += HELD * RG_V)
      gather_into(columns->indices, columns->values, e, to, dy + j, width,
                  piece_of(width, j), false, leaf + j);
    e = to;
  }
  if (stack->top == 0)
    memset(stack->floor, 0, (size_t)stack->width * sizeof *stack->floor);
  while (stack->top > 1)
    fold(stack);
}

static void backward_strip(const rg_csr *columns, wide_strip strip, const float *dy,
                           int width, const rg_wide_gradient *gradient,
                           const update_step *step, float *w, sparse_stack *stack)
{
  for (int64_t f = strip.low; f < strip.high; f++) {
    int64_t e = columns->indptr[f], end = columns->indptr[f + 1];
    if (gradient->update && f + AHEAD < strip.high) {
      wide_fetch(w + (f + AHEAD) * width, width);
      wide_fetch_moments(gradient, (f + AHEAD) * width, width);
    }
    for (int s = 0; s < wide_slots(gradient); s++) {
      rg_range lanes = wide_slot(gradient, s);
      int64_t to = e;
      while (to < end && columns->indices[to] < lanes.high * gradient->lane_cells)
        to++;
      feature_gradient(columns, e, to, lanes, gradient->lane_cells, dy, width, stack);
      wide_deliver(gradient, step, s, f * width, width, stack->floor, w);
      e = to;
    }
  }
}

void rg_sparse_backward(const rg_csr *columns, int n_blocks, const int64_t *offset,
                        const float *dy, int width, float *w,
                        const rg_wide_gradient *gradient)
{
  int64_t cells = gradient->lanes * gradient->lane_cells;
  int64_t entry = (width + RG_V - 1) / RG_V * RG_V, depth = wide_depth(gradient->lanes);
  int64_t n = rg_wide_strips(n_blocks, offset, STRIP);
  wide_strip *strips = RG_NEW(wide_strip, n);
  rg_wide_cut(n_blocks, offset, STRIP, STRIP, strips);
  float *floor = RG_NEW(float, omp_get_max_threads() * depth * entry);
  const update_step step = wide_step(gradient);
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < n; i++) {
    sparse_stack stack = {.floor = floor + omp_get_thread_num() * depth * entry,
                          .width = entry};
    backward_strip(columns, strips[i], dy + strips[i].block * cells * width, width,
                   gradient, &step, w, &stack);
  }
  rg_free(floor);
  rg_free(strips);
}
