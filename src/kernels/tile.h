/* Small dense products in the first two caches, the core of the wide outputs: every
 * element of the result is one chain of fused multiply-adds in the order of k, whatever
 * the shapes are, so that its bits depend neither on where a tile was cut nor on
 * threads. */
#ifndef REGATTA_KERNELS_TILE_H
#define REGATTA_KERNELS_TILE_H

#include "src/kernels/vector.h"

/* columns of a panel, in vectors, that stay in registers together */
#if RG_V == 16
#define TILE_VECTORS 4
#else
#define TILE_VECTORS 2
#endif
#define TILE_ROWS 6

/* where the sums of a product start: at zero, at value[i], at c[i][j]; or at zero, and
 * c[i][j] is added to the finished sum */
typedef enum tile_start {
  TILE_ZERO,
  TILE_ROW_VALUE,
  TILE_CONTINUE,
  TILE_ONTO
} tile_start;

/** c[i][j] = start + sum over k of a[i * a_row + k * a_column] * b[k * b_stride + j], for
 *  i < rows and j < vectors * RG_V; vectors <= TILE_VECTORS. Not collective. */
void rg_tile_product(int64_t rows, int vectors, int64_t k, const float *a,
                     int64_t a_row, int64_t a_column, const float *b, int64_t b_stride,
                     tile_start start, const float *value, float *c, int64_t c_stride);

/** n rounded up to whole vectors. */
static inline int64_t tile_padded(int64_t n)
{
  return (n + RG_V - 1) / RG_V * RG_V;
}

#endif
