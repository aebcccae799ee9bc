/* tile: small dense products with the sums in registers. */
#include "src/kernels/tile.h"

typedef struct product {
  int64_t k;
  const float *a;
  int64_t a_row, a_column;
  const float *b;
  int64_t b_stride;
  tile_start start;
  const float *value;
  float *c;
  int64_t c_stride;
} product;

/* `rows` and `vectors` are constants wherever this is called */
static inline __attribute__((always_inline)) void block(const product *p, int rows,
                                                        int vectors)
{
  vec sum[TILE_ROWS][TILE_VECTORS];
  float *c = p->c;
  const int64_t c_stride = p->c_stride;
  const tile_start start = p->start;
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; j++)
      sum[i][j] = start == TILE_CONTINUE    ? vec_load(c + i * c_stride + j * RG_V)
                  : start == TILE_ROW_VALUE ? vec_set(p->value[i])
                                            : vec_set(0.0f);
  const float *a = p->a, *b = p->b;
  const int64_t a_row = p->a_row, a_column = p->a_column, b_stride = p->b_stride;
#pragma GCC unroll 4
  for (int64_t k = p->k; k > 0; k--) {
    vec right[TILE_VECTORS];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; j++)
      right[j] = vec_load(b + j * RG_V);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      vec left = vec_set(a[i * a_row]);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; j++)
        sum[i][j] = vec_fma(left, right[j], sum[i][j]);
    }
    a += a_column;
    b += b_stride;
  }
  if (start == TILE_ONTO)
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
      for (int j = 0; j < vectors; j++)
        sum[i][j] = vec_load(c + i * c_stride + j * RG_V) + sum[i][j];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; j++)
      vec_store(c + i * c_stride + j * RG_V, sum[i][j]);
}

#define BLOCK(rows, vectors)                                                           \
  static void block_##rows##_##vectors(const product *p)                               \
  {                                                                                    \
    block(p, rows, vectors);                                                           \
  }
#define BLOCKS(vectors)                                                                \
  BLOCK(1, vectors)                                                                    \
  BLOCK(2, vectors) BLOCK(3, vectors) BLOCK(4, vectors) BLOCK(5, vectors)              \
      BLOCK(6, vectors)
#define NAMES(vectors)                                                                 \
  {                                                                                    \
    block_1_##vectors, block_2_##vectors, block_3_##vectors, block_4_##vectors,        \
        block_5_##vectors, block_6_##vectors                                           \
  }

BLOCKS(1)
BLOCKS(2)
#if TILE_VECTORS == 4
BLOCKS(3)
BLOCKS(4)
#endif

typedef void block_function(const product *p);
static block_function *const blocks[TILE_VECTORS][TILE_ROWS] = {
    NAMES(1),
    NAMES(2),
#if TILE_VECTORS == 4
    NAMES(3),
    NAMES(4),
#endif
};

void rg_tile_product(int64_t rows, int vectors, int64_t k, const float *a,
                     int64_t a_row, int64_t a_column, const float *b, int64_t b_stride,
                     tile_start start, const float *value, float *c, int64_t c_stride)
{
  product p = {k, a, a_row, a_column, b, b_stride, start, value, c, c_stride};
  for (int64_t i = 0; i < rows; i += TILE_ROWS) {
    int64_t left = rows - i;
    blocks[vectors - 1][(left < TILE_ROWS ? left : TILE_ROWS) - 1](&p);
    p.a += TILE_ROWS * a_row;
    p.c += TILE_ROWS * c_stride;
    if (p.value)
      p.value += TILE_ROWS;
  }
}
