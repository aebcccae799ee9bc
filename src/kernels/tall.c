/* Products of tall matrices of floats with sums in double: a^T b, where both are tall, and
 * a c, where c is small. They carry the orthogonalisation inside the eigensolvers. */
#include "regatta/kernels.h"
#include "src/kernels/lanes.h"

enum {
  LANES = 8,   /* doubles of a register */
  ACROSS = 32, /* columns of a tile: four registers */
  DOWN = 4,    /* rows of a tile */
  GROUP = 64,  /* blocks whose products are in memory at once: a power of two */
};

/* c[0..4)[0..32) = sum over rows of a[row][i] b[row][j] */
static void gram_tile(int64_t rows, const float *a, int lda, const float *b, int ldb,
                      double *c, int ldc)
{
  rg_d8 sum[DOWN][4] = {{{0}}};
  for (int64_t r = 0; r < rows; r++) {
    rg_d8 right[4];
    for (int t = 0; t < 4; t++)
      right[t] = rg_d8_widen(b + r * ldb + t * LANES);
    for (int i = 0; i < DOWN; i++)
      for (int t = 0; t < 4; t++)
        sum[i][t] = rg_d8_madd(a[r * lda + i], right[t], sum[i][t]);
  }
  for (int i = 0; i < DOWN; i++)
    for (int t = 0; t < 4; t++)
      rg_d8_store(c + i * ldc + t * LANES, sum[i][t]);
}

/* c (wa x wb) = a^T b for one block of rows */
static void gram_block(int64_t rows, const float *a, int wa, const float *b, int wb,
                       double *c)
{
  int down = wa / DOWN * DOWN, across = wb / ACROSS * ACROSS;
  for (int i = 0; i < down; i += DOWN)
    for (int j = 0; j < across; j += ACROSS)
      gram_tile(rows, a + i, wa, b + j, wb, c + i * wb + j, wb);
  for (int i = 0; i < wa; i++)
    for (int j = i < down ? across : 0; j < wb; j++) {
      double sum = 0;
      for (int64_t r = 0; r < rows; r++)
        sum += (double)a[r * wa + i] * b[r * wb + j];
      c[i * wb + j] = sum;
    }
}

void rg_tall_gram(int64_t rows, const float *a, int wa, const float *b, int wb,
                  double *c)
{
  int64_t size = (int64_t)wa * wb;
  int64_t blocks = (rows + RG_TALL_BLOCK - 1) / RG_TALL_BLOCK;
  int64_t groups = (blocks + GROUP - 1) / GROUP;
  double *part = RG_NEW(double, (blocks < GROUP ? blocks : GROUP) * size);
  double *total = RG_NEW(double, groups * size);
  for (int64_t g = 0; g < groups; g++) {
    int64_t first = g * GROUP;
    int64_t n = blocks - first < GROUP ? blocks - first : GROUP;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) {
      int64_t low = (first + i) * RG_TALL_BLOCK;
      int64_t high = low + RG_TALL_BLOCK < rows ? low + RG_TALL_BLOCK : rows;
      gram_block(high - low, a + low * wa, wa, b + low * wb, wb, part + i * size);
    }
    rg_tree_sum_f64(part, n, size, size, total + g * size);
  }
  rg_tree_sum_f64(total, groups, size, size, c);
  rg_free(part);
  rg_free(total);
}

void rg_ref_tall_gram(int64_t rows, const float *a, int wa, const float *b, int wb,
                      double *c)
{
  for (int i = 0; i < wa; i++)
    for (int j = 0; j < wb; j++) {
      c[i * wb + j] = 0;
      for (int64_t r = 0; r < rows; r++)
        c[i * wb + j] += (double)a[r * wa + i] * b[r * wb + j];
    }
}

/* y[0..4)[0..32) = beta y + a c */
static void times_tile(int wa, const float *a, const double *c, int ldc, double beta,
                       float *y, int ldy)
{
  rg_d8 sum[DOWN][4] = {{{0}}};
  for (int i = 0; i < wa; i++) {
    rg_d8 right[4];
    for (int t = 0; t < 4; t++)
      right[t] = rg_d8_load(c + (int64_t)i * ldc + t * LANES);
    for (int r = 0; r < DOWN; r++)
      for (int t = 0; t < 4; t++)
        sum[r][t] = rg_d8_madd(a[(int64_t)r * wa + i], right[t], sum[r][t]);
  }
  for (int r = 0; r < DOWN; r++)
    for (int t = 0; t < 4; t++) {
      float *out = y + (int64_t)r * ldy + t * LANES;
      if (beta != 0)
        sum[r][t] = rg_d8_madd(beta, rg_d8_widen(out), sum[r][t]);
      rg_d8_narrow(out, sum[r][t]);
    }
}

/* one entry of y, with the same bits as in a tile */
static void times_entry(int wa, const float *a, const double *c, int ldc, double beta,
                        float *y)
{
  double sum = 0;
  for (int i = 0; i < wa; i++)
    sum = rg_d1_madd(a[i], c[(int64_t)i * ldc], sum);
  *y = (float)(beta != 0 ? rg_d1_madd(beta, *y, sum) : sum);
}

void rg_tall_times(int64_t rows, const float *a, int wa, const double *c, int wb,
                   double beta, float *y)
{
  int across = wb / ACROSS * ACROSS;
#pragma omp parallel for schedule(static)
  for (int64_t low = 0; low < rows; low += RG_TALL_BLOCK) {
    int64_t high = low + RG_TALL_BLOCK < rows ? low + RG_TALL_BLOCK : rows;
    int64_t whole = low + (high - low) / DOWN * DOWN;
    for (int j = 0; j < across; j += ACROSS)
      for (int64_t r = low; r < whole; r += DOWN)
        times_tile(wa, a + r * wa, c + j, wb, beta, y + r * wb + j, wb);
    for (int64_t r = low; r < high; r++)
      for (int j = r < whole ? across : 0; j < wb; j++)
        times_entry(wa, a + r * wa, c + j, wb, beta, y + r * wb + j);
  }
}

void rg_ref_tall_times(int64_t rows, const float *a, int wa, const double *c, int wb,
                       double beta, float *y)
{
  for (int64_t r = 0; r < rows; r++)
    for (int j = 0; j < wb; j++) {
      double sum = beta * y[r * wb + j];
      for (int i = 0; i < wa; i++)
        sum += a[r * wa + i] * c[(int64_t)i * wb + j];
      y[r * wb + j] = (float)sum;
    }
}
