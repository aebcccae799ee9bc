/* Leading eigenvectors of a symmetric matrix known by its products. A block of random
 * vectors is multiplied again and again; every product is made orthogonal to all blocks
 * before it and joins them, and the matrix is diagonalised within their span (block
 * Lanczos with full orthogonalisation). The span holds every polynomial of the matrix on
 * the first block, so it holds what subspace iteration with the same number of products
 * finds, and more.
 *
 * Rows are cut into blocks of RG_TALL_BLOCK, handed to ranks whole; inner products are
 * summed along the tree over these blocks. Small problems are solved alike on every rank,
 * or, where asked for, by ScaLAPACK over all of them. */
#include "src/prepare/inner.h"

#include "regatta/kernels.h"

#include <math.h>
#include <string.h>

rg_layout rg_eigen_layout(rg_comm *comm, int64_t n)
{
  int64_t blocks = (n + RG_TALL_BLOCK - 1) / RG_TALL_BLOCK;
  int64_t *first = RG_NEW(int64_t, blocks + 1);
  for (int64_t b = 0; b <= blocks; b++)
    first[b] = b < blocks ? b * RG_TALL_BLOCK : n;
  rg_layout layout = rg_layout_blocks(comm, blocks, first);
  rg_free(first);
  return layout;
}

void rg_eigen_gram(rg_comm *comm, int64_t n, const float *a, int wa, const float *b,
                   int wb, double *c)
{
  int64_t blocks = (n + RG_TALL_BLOCK - 1) / RG_TALL_BLOCK, size = (int64_t)wa * wb;
  rg_range mine = rg_part(blocks, rg_rank(comm), rg_size(comm)), slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(blocks, mine, slots);
  double *part = RG_NEW(double, n_slots * size);
  for (int k = 0; k < n_slots; k++) {
    int64_t low = (slots[k].low - mine.low) * RG_TALL_BLOCK;
    int64_t high =
        slots[k].high * RG_TALL_BLOCK < n ? slots[k].high * RG_TALL_BLOCK : n;
    high -= mine.low * RG_TALL_BLOCK;
    rg_tall_gram(high - low, a + low * wa, wa, b + low * wb, wb, part + k * size);
  }
  rg_tree_reduce_f64(comm, blocks, mine, part, size, c);
  rg_free(part);
}

/* The span so far: `blocks` orthonormal blocks of `width` columns (a column that added
 * nothing is zero), and the matrix within it. */
typedef struct span {
  rg_comm *comm;
  const rg_symmetric *matrix;
  const rg_eigen_options *options;
  int64_t rows; /* of this rank */
  int width, blocks, most;
  float **block;  /* rows x width each */
  double *within; /* (most width)^2, symmetric */
} span;

/* A direction that keeps less than this share of its length was within the span: what is
 * left of it is rounding. */
static const double kept_share = 1e-5;

/* Upper triangular inverse of the Cholesky factor of g (k x k), row-major, so that
 * (w inverse) is orthonormal; columns whose remaining square is below `least` go. */
static void inverse_factor(int k, const double *g, const double *least, double *inverse)
{
  double *r = RG_NEW(double, k * k);
  memset(inverse, 0, (size_t)(k * k) * sizeof *inverse);
  for (int j = 0; j < k; j++) {
    double rest = g[j * k + j];
    for (int i = 0; i < j; i++) {
      double sum = g[i * k + j];
      for (int l = 0; l < i; l++)
        sum -= r[l * k + i] * r[l * k + j];
      r[i * k + j] = r[i * k + i] > 0 ? sum / r[i * k + i] : 0;
      rest -= r[i * k + j] * r[i * k + j];
    }
    if (!(rest > least[j]) || rest <= 0)
      continue; /* r[j][j] = 0: dropped */
    r[j * k + j] = sqrt(rest);
    inverse[j * k + j] = 1 / r[j * k + j];
    for (int i = 0; i < j; i++) {
      double sum = 0;
      for (int l = i; l < j; l++)
        sum += inverse[i * k + l] * r[l * k + j];
      inverse[i * k + j] = -sum / r[j * k + j];
    }
  }
  rg_free(r);
}

/* Take the span so far off w; product (blocks width x width) gets its coefficients. */
static void project(const span *s, float *w, double *product)
{
  int k = s->width;
  for (int b = 0; b < s->blocks; b++)
    rg_eigen_gram(s->comm, s->matrix->n, s->block[b], k, w, k, product + b * k * k);
  double *minus = RG_NEW(double, k * k);
  for (int b = 0; b < s->blocks; b++) {
    for (int i = 0; i < k * k; i++)
      minus[i] = -product[b * k * k + i];
    rg_tall_times(s->rows, s->block[b], k, minus, k, 1, w);
  }
  rg_free(minus);
}

/* Orthonormalise w within itself, by Cholesky of its Gram matrix. `taken` holds per column
 * the square of what was taken off before. */
static void normalise(const span *s, float *w, const double *taken)
{
  int k = s->width;
  double *g = RG_NEW(double, k * k), *inverse = RG_NEW(double, k * k);
  double *least = RG_NEW(double, k);
  float *copy = RG_NEW(float, s->rows * k);
  rg_eigen_gram(s->comm, s->matrix->n, w, k, w, k, g);
  for (int j = 0; j < k; j++)
    least[j] = kept_share * kept_share * (g[j * k + j] + taken[j]);
  inverse_factor(k, g, least, inverse);
  memcpy(copy, w, (size_t)(s->rows * k) * sizeof *w);
  rg_tall_times(s->rows, copy, k, inverse, k, 0, w);
  rg_free(g);
  rg_free(inverse);
  rg_free(least);
  rg_free(copy);
}

/* The same by Householder's QR over all ranks. */
static rg_status normalise_qr(const span *s, float *w)
{
  int64_t n = s->rows * s->width;
  double *a = RG_NEW(double, n);
  for (int64_t i = 0; i < n; i++)
    a[i] = w[i];
  rg_status status = rg_qr(s->comm, a, s->rows, s->width);
  for (int64_t i = 0; i < n; i++)
    w[i] = (float)a[i];
  rg_free(a);
  return status;
}

/* Make w orthonormal to the span and within itself: twice is enough. `product` (of the
 * first projection) is kept when not NULL. */
static rg_status orthonormalise(const span *s, float *w, double *first_product)
{
  rg_status status = RG_OK;
  int k = s->width;
  double *product = RG_NEW(double, (s->blocks + 1) * k * k);
  double *taken = RG_NEW(double, k);
  for (int pass = 0; pass < 2; pass++) {
    project(s, w, product);
    if (pass == 0 && first_product)
      memcpy(first_product, product, (size_t)(s->blocks * k * k) * sizeof *product);
    memset(taken, 0, (size_t)k * sizeof *taken);
    for (int i = 0; i < s->blocks * k; i++)
      for (int j = 0; j < k; j++)
        taken[j] += product[i * k + j] * product[i * k + j];
    if (s->options->scalapack)
      RG_TRY(normalise_qr(s, w));
    else
      normalise(s, w, taken);
  }
out:
  rg_free(product);
  rg_free(taken);
  return status;
}

/* Enter the coefficients of (matrix times the last block) on the span. */
static void enter(span *s, const double *product)
{
  int k = s->width, m = s->most * k, last = (s->blocks - 1) * k;
  for (int i = 0; i < s->blocks * k; i++)
    for (int j = 0; j < k; j++) {
      double value = product[i * k + j];
      if (i >= last) /* the two halves differ by rounding */
        value = 0.5 * (value + product[(last + j) * k + i - last]);
      s->within[(int64_t)i * m + last + j] = value;
      s->within[(int64_t)(last + j) * m + i] = value;
    }
}

static rg_status grow(span *s, uint64_t seed)
{
  rg_status status = RG_OK;
  int k = s->width;
  double *product = RG_NEW(double, s->most * k * k);
  rg_layout layout = rg_eigen_layout(s->comm, s->matrix->n);
  int64_t first = layout.bound[rg_rank(s->comm)];
  rg_key key = {seed, 0, RG_FOR_SKETCH};
  s->block[0] = RG_NEW(float, s->rows * k);
  for (int64_t i = 0; i < s->rows; i++)
    rg_normals(&key, (uint64_t)(first + i), k, s->block[0] + i * k);
  RG_TRY(orthonormalise(s, s->block[0], NULL));
  for (s->blocks = 1;; s->blocks++) {
    rg_pace_at(s->blocks - 1, NULL);
    float *w = RG_NEW(float, s->rows * k);
    s->matrix->times(s->matrix->self, s->block[s->blocks - 1], k, w);
    if (s->blocks == s->most) {
      project(s, w, product);
      rg_free(w);
      enter(s, product);
      break;
    }
    s->block[s->blocks] = w;
    RG_TRY(orthonormalise(s, w, product));
    enter(s, product);
  }
out:
  rg_layout_fini(&layout);
  rg_free(product);
  return status;
}

/* The wanted vectors from those within the span: v = blocks x (their coefficients). */
static void combine(const span *s, const double *coefficients, int wanted,
                    rg_mat *vectors)
{
  int k = s->width, m = s->most * k;
  double *part = RG_NEW(double, k * wanted);
  *vectors = rg_mat_new(s->rows, wanted);
  for (int b = 0; b < s->blocks; b++) {
    for (int i = 0; i < k; i++)
      for (int j = 0; j < wanted; j++)
        part[i * wanted + j] = coefficients[(int64_t)(b * k + i) * m + m - 1 - j];
    rg_tall_times(s->rows, s->block[b], k, part, wanted, b > 0, vectors->data);
  }
  rg_free(part);
}

rg_status rg_eigen_leading(rg_comm *comm, const rg_symmetric *matrix,
                           const rg_eigen_options *options, int wanted, double *values,
                           rg_mat *vectors)
{
  rg_status status = RG_OK;
  rg_layout layout = rg_eigen_layout(comm, matrix->n);
  int rank = rg_rank(comm);
  span s = {
      .comm = comm, .matrix = matrix, .options = options, .width = options->width};
  s.rows = layout.bound[rank + 1] - layout.bound[rank];
  s.most = options->iterations + 1;
  /* no more columns than the matrix has (QR could not fill them) */
  if (options->scalapack && (int64_t)s.most * s.width > matrix->n)
    s.most = (int)(matrix->n / s.width);
  s.most = s.most < 1 ? 1 : s.most;
  int m = s.most * s.width;
  s.block = RG_NEW(float *, s.most);
  s.within = RG_NEW(double, (int64_t)m * m);
  double *eigenvalues = RG_NEW(double, m),
                               *eigenvectors = RG_NEW(double, (int64_t)m * m);
  rg_pace_begin("decomposition", s.most, "blocks");
  status = grow(&s, options->seed);
  rg_pace_end();
  RG_TRY(status);
  RG_TRY(rg_eigh(options->scalapack ? comm : rg_comm_self(), s.within, m, eigenvalues,
                 eigenvectors));
  for (int j = 0; j < wanted; j++)
    values[j] = eigenvalues[m - 1 - j];
  combine(&s, eigenvectors, wanted, vectors);
out:
  for (int b = 0; b < s.most; b++)
    rg_free(s.block[b]);
  rg_free(s.block);
  rg_free(s.within);
  rg_free(eigenvalues);
  rg_free(eigenvectors);
  rg_layout_fini(&layout);
  return status;
}
