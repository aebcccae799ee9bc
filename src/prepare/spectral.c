/* Spectral embedding of cells without their similarity matrix (SnapATAC2: Zhang et al.
 * 2024). With x the binary matrix weighted by log(cells / cells open) and rows of unit
 * length, the similarity is s = x x^T - 1 (a cell is not its own neighbour), the degree
 * d = s 1, and the embedding the eigenvectors of d^-1/2 s d^-1/2 after the first, times
 * the roots of their eigenvalues. A product with it is one with x^T and one with x. */
#include "src/prepare/inner.h"

#include <math.h>

enum { OVERSAMPLING = 10, ITERATIONS = 5, WIDTH = 16 };

typedef struct similarity {
  rg_comm *comm;
  rg_spread *spread;
  rg_layout home, inside; /* rows with the caller and in the eigensolver */
  int64_t rows, cols;     /* rows at home */
  double *scale;          /* d^-1/2 of the rows at home */
} similarity;

static void similarity_times(void *self, const float *x, int width, float *y)
{
  similarity *s = self;
  int64_t row_bytes = (int64_t)(width * sizeof *x);
  float *mine = rg_relayout(s->comm, &s->inside, &s->home, x, row_bytes);
  float *middle = RG_NEW(float, s->cols * width), *out = RG_NEW(float, s->rows * width);
  for (int64_t i = 0; i < s->rows; i++)
    for (int j = 0; j < width; j++)
      mine[i * width + j] = (float)(mine[i * width + j] * s->scale[i]);
  rg_spread_transposed(s->spread, mine, width, middle);
  rg_spread_times(s->spread, middle, width, out);
  for (int64_t i = 0; i < s->rows; i++)
    for (int j = 0; j < width; j++)
      out[i * width + j] =
          (float)((out[i * width + j] - mine[i * width + j]) * s->scale[i]);
  float *moved = rg_relayout(s->comm, &s->home, &s->inside, out, row_bytes);
  int64_t n = s->inside.bound[rg_rank(s->comm) + 1] - s->inside.bound[rg_rank(s->comm)];
  for (int64_t i = 0; i < n * width; i++)
    y[i] = moved[i];
  rg_free(mine);
  rg_free(middle);
  rg_free(out);
  rg_free(moved);
}

/* scale = d^-1/2; a cell without neighbours gets 0 and an embedding of zeros. */
static void find_degrees(similarity *s)
{
  float *ones = RG_NEW(float, s->rows), *degree = RG_NEW(float, s->rows);
  float *sums = RG_NEW(float, s->cols);
  for (int64_t i = 0; i < s->rows; i++)
    ones[i] = 1;
  rg_spread_transposed(s->spread, ones, 1, sums);
  rg_spread_times(s->spread, sums, 1, degree);
  s->scale = RG_NEW(double, s->rows);
  for (int64_t i = 0; i < s->rows; i++)
    s->scale[i] = degree[i] > 1 ? 1 / sqrt(degree[i] - 1.0) : 0;
  rg_free(ones);
  rg_free(degree);
  rg_free(sums);
}

/* Signs: the entry of largest magnitude of a column, of the lowest such row, is
 * positive. */
static void fix_signs(rg_comm *comm, rg_mat *x)
{
  for (int64_t j = 0; j < x->cols; j++) {
    double extreme[2] = {0, 0};
    for (int64_t i = 0; i < x->rows; i++) {
      extreme[0] = fmax(extreme[0], rg_mat_row(x, i)[j]);
      extreme[1] = fmax(extreme[1], -rg_mat_row(x, i)[j]);
    }
    rg_max_f64(comm, extreme, 2);
    for (int64_t i = 0; i < x->rows && extreme[1] > extreme[0]; i++)
      rg_mat_row(x, i)[j] *= -1;
  }
}

/* The axes after the first, at home. */
static void take_axes(similarity *s, const rg_mat *vectors, const double *values,
                      int rank, rg_mat *embedding)
{
  float *mine = rg_relayout(s->comm, &s->inside, &s->home, vectors->data,
                            (int64_t)(vectors->cols * (int64_t)sizeof(float)));
  *embedding = rg_mat_new(s->rows, rank);
  for (int64_t i = 0; i < s->rows; i++)
    for (int j = 0; j < rank; j++)
      rg_mat_row(embedding, i)[j] =
          (float)(mine[i * vectors->cols + j + 1] * sqrt(fmax(values[j + 1], 0)));
  rg_free(mine);
  fix_signs(s->comm, embedding);
}

rg_status rg_spectral(rg_comm *comm, const rg_csr *counts, int rank, uint64_t seed,
                      rg_mat *embedding)
{
  rg_status status = RG_OK;
  similarity s = {.comm = comm, .rows = counts->rows, .cols = counts->cols};
  rg_mat vectors = {0};
  rg_csr x = {0};
  double *values = RG_NEW(double, rank + 1);
  s.home = rg_layout_of(comm, counts->rows);
  int64_t n = s.home.bound[rg_size(comm)];
  s.inside = rg_eigen_layout(comm, n);
  if (rank < 1 || rank + 1 > n) {
    status = rg_fail(RG_EUSAGE, "%d axes asked of %lld cells", rank, (long long)n);
    goto out;
  }
  x = rg_copy_csr(counts);
  RG_TRY(rg_tfidf(comm, &x, RG_IDF_BINARY));
  s.spread = rg_spread_new(comm, &x, NULL);
  find_degrees(&s);
  int64_t width = (rank + 1 + OVERSAMPLING + WIDTH - 1) / WIDTH * WIDTH;
  rg_eigen_options options = {(int)(width < n ? width : n), ITERATIONS, false, seed};
  rg_symmetric matrix = {n, similarity_times, &s};
  RG_TRY(rg_eigen_leading(comm, &matrix, &options, rank + 1, values, &vectors));
  take_axes(&s, &vectors, values, rank, embedding);
out:
  rg_spread_free(s.spread);
  rg_csr_fini(&x);
  rg_mat_fini(&vectors);
  rg_layout_fini(&s.home);
  rg_layout_fini(&s.inside);
  rg_free(s.scale);
  rg_free(values);
  return status;
}
