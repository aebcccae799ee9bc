/* Leading eigenvectors of a normalised graph by subspace iteration with a Chebyshev
 * filter (Zhou, Saad, Tiago, Chelikowsky 2006). Rows are summed in the order of their
 * entries and inner products along the tree of tensor.h: the same on any number of
 * ranks. */
#include "umap.h"

#include "regatta/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 8, DEGREE = 24, ROUNDS = 5, JACOBI_SWEEPS = 30 };
#define TIES 0.01        /* of the mean degree: sum of a cell's ties to all cells */
#define LEAST_SHARE 0.05 /* of the cells, that an axis has to be about */

/* The operator D^-1/2 (A + ties / n) D^-1/2 on blocks of WIDTH vectors. */
typedef struct similarity {
  rg_comm *comm;
  int64_t n;
  rg_range rows;
  rg_csr graph;   /* columns: rows here, then ghosts; values normalised; owned */
  int64_t *ghost; /* numbers of the ghosts, rising */
  int64_t n_ghost;
  double *root;  /* 1 / sqrt(degree), 0 for cells without edges */
  double ties;   /* weight of a tie between two cells */
  float *spread; /* rows and ghosts x WIDTH */
  int applied;   /* times */
} similarity;

typedef double small[WIDTH][WIDTH];

static int rising(const void *x, const void *y)
{
  int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
  return (a > b) - (a < b);
}

/* ---- ordered sums ---------------------------------------------------------------- */

/* Sum over the rows of a node of the tree of the products x_i y_i^T, as WIDTH^2
 * numbers. */
static void tree_products(const float *x, const float *y, rg_range node, double *sum)
{
  if (rg_range_n(node) == 1) {
    for (int p = 0; p < WIDTH; p++)
      for (int q = 0; q < WIDTH; q++)
        sum[p * WIDTH + q] =
            (double)x[node.low * WIDTH + p] * (double)y[node.low * WIDTH + q];
    return;
  }
  double right[WIDTH * WIDTH];
  int64_t middle = rg_tree_split(node);
  tree_products(x, y, (rg_range){node.low, middle}, sum);
  tree_products(x, y, (rg_range){middle, node.high}, right);
  for (int j = 0; j < WIDTH * WIDTH; j++)
    sum[j] += right[j];
}

/* x^T y over all ranks. Collective. */
static void products(const similarity *op, const float *x, const float *y, small out)
{
  rg_range slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(op->n, op->rows, slots);
  double *partial = RG_NEW(double, n_slots *WIDTH *WIDTH);
  for (int s = 0; s < n_slots; s++)
    tree_products(x - op->rows.low * WIDTH, y - op->rows.low * WIDTH, slots[s],
                  partial + s * WIDTH * WIDTH);
  rg_tree_reduce_f64(op->comm, op->n, op->rows, partial, WIDTH * WIDTH, &out[0][0]);
  rg_free(partial);
}

/* Sums over all cells of the columns of w x, with a weight per row. Collective. */
static void weighted_sums(const similarity *op, const float *x, double out[WIDTH])
{
  int64_t n = rg_range_n(op->rows);
  double *row = RG_NEW(double, n *WIDTH), partial[RG_TREE_SLOTS * WIDTH];
  rg_range slots[RG_TREE_SLOTS];
  for (int64_t i = 0; i < n; i++)
    for (int p = 0; p < WIDTH; p++)
      row[i * WIDTH + p] = op->root[i] * (double)x[i * WIDTH + p];
  int n_slots = rg_tree_cover(op->n, op->rows, slots);
  for (int s = 0; s < n_slots; s++)
    rg_tree_sum_f64(row + (slots[s].low - op->rows.low) * WIDTH, rg_range_n(slots[s]),
                    WIDTH, WIDTH, partial + s * WIDTH);
  rg_tree_reduce_f64(op->comm, op->n, op->rows, partial, WIDTH, out);
  rg_free(row);
}

/* ---- the operator ---------------------------------------------------------------- */

/* Mean degree of the cells that have edges. Collective. */
static double mean_degree(const similarity *op, const double *degree)
{
  int64_t n = rg_range_n(op->rows);
  double *row = RG_NEW(double, 2 * n), partial[2 * RG_TREE_SLOTS], sum[2];
  rg_range slots[RG_TREE_SLOTS];
  for (int64_t i = 0; i < n; i++) {
    row[2 * i] = degree[i];
    row[2 * i + 1] = degree[i] > 0;
  }
  int n_slots = rg_tree_cover(op->n, op->rows, slots);
  for (int s = 0; s < n_slots; s++)
    rg_tree_sum_f64(row + 2 * (slots[s].low - op->rows.low), rg_range_n(slots[s]), 2, 2,
                    partial + 2 * s);
  rg_tree_reduce_f64(op->comm, op->n, op->rows, partial, 2, sum);
  rg_free(row);
  return sum[1] > 0 ? sum[0] / sum[1] : 1;
}

/* Numbers of the cells elsewhere that have edges to cells here. */
static void find_ghosts(similarity *op, const rg_csr *graph)
{
  int64_t nnz = rg_csr_nnz(graph), n = 0;
  int64_t *id = RG_NEW(int64_t, nnz);
  for (int64_t e = 0; e < nnz; e++)
    if (graph->indices[e] < op->rows.low || graph->indices[e] >= op->rows.high)
      id[n++] = graph->indices[e];
  qsort(id, (size_t)n, sizeof *id, rising);
  for (int64_t j = 0; j < n; j++)
    if (j == 0 || id[j] != id[j - 1])
      id[op->n_ghost++] = id[j];
  op->ghost = id;
}

static int32_t local_column(const similarity *op, int64_t column)
{
  if (column >= op->rows.low && column < op->rows.high)
    return (int32_t)(column - op->rows.low);
  const int64_t *at =
      bsearch(&column, op->ghost, (size_t)op->n_ghost, sizeof *at, rising);
  return (int32_t)(rg_range_n(op->rows) + (at - op->ghost));
}

/* Collective. */
static similarity make_operator(rg_comm *comm, const rg_csr *graph)
{
  similarity op = {.comm = comm, .n = graph->cols};
  op.rows = rg_part(op.n, rg_rank(comm), rg_size(comm));
  int64_t n = graph->rows, nnz = rg_csr_nnz(graph);
  double *degree = RG_NEW(double, n);
  for (int64_t i = 0; i < n; i++)
    for (int64_t e = graph->indptr[i]; e < graph->indptr[i + 1]; e++)
      degree[i] += graph->values[e];
  double ties = TIES * mean_degree(&op, degree);
  op.ties = ties / (double)op.n;
  op.root = RG_NEW(double, n);
  for (int64_t i = 0; i < n; i++)
    op.root[i] = degree[i] > 0 ? 1 / sqrt(degree[i] + ties) : 0;
  find_ghosts(&op, graph);
  double *far = RG_NEW(double, op.n_ghost);
  rg_fetch(comm, op.root, op.n, sizeof *far, op.ghost, op.n_ghost, far);
  op.graph = rg_csr_new(n, n + op.n_ghost, nnz);
  memcpy(op.graph.indptr, graph->indptr, (size_t)(n + 1) * sizeof(int64_t));
  for (int64_t i = 0; i < n; i++)
    for (int64_t e = graph->indptr[i]; e < graph->indptr[i + 1]; e++) {
      int32_t c = local_column(&op, graph->indices[e]);
      double other = c < n ? op.root[c] : far[c - n];
      op.graph.indices[e] = c;
      op.graph.values[e] = (float)(op.root[i] * graph->values[e] * other);
    }
  op.spread = RG_NEW(float, (n + op.n_ghost) * WIDTH);
  rg_free(far);
  rg_free(degree);
  return op;
}

static void free_operator(similarity *op)
{
  rg_csr_fini(&op->graph);
  rg_free(op->ghost);
  rg_free(op->root);
  rg_free(op->spread);
}

/* y = M x. Collective. */
static void apply(similarity *op, const float *x, float *y)
{
  rg_pace_at(op->applied++, NULL);
  int64_t n = rg_range_n(op->rows), row_bytes = WIDTH * (int64_t)sizeof(float);
  double sum[WIDTH];
  memcpy(op->spread, x, (size_t)(n * row_bytes));
  rg_fetch(op->comm, x, op->n, row_bytes, op->ghost, op->n_ghost,
           op->spread + n * WIDTH);
  rg_spmm(&op->graph, op->spread, WIDTH, y);
  weighted_sums(op, x, sum);
  for (int64_t i = 0; i < n; i++)
    for (int p = 0; p < WIDTH; p++)
      y[i * WIDTH + p] += (float)(op->ties * op->root[i] * sum[p]);
}

/* ---- small matrices -------------------------------------------------------------- */

/* x <- x t, rows of WIDTH. */
static void rotate(float *x, int64_t n, small t)
{
  for (int64_t i = 0; i < n; i++) {
    double row[WIDTH] = {0};
    for (int p = 0; p < WIDTH; p++)
      for (int q = 0; q < WIDTH; q++)
        row[q] += (double)x[i * WIDTH + p] * t[p][q];
    for (int q = 0; q < WIDTH; q++)
      x[i * WIDTH + q] = (float)row[q];
  }
}

/* Inverse of the upper Cholesky factor of g, so that g^-1 = t t^T; a column that
 * depends on those before it becomes 0. */
static void inverse_factor(small g, small t)
{
  small r = {{0}};
  for (int p = 0; p < WIDTH; p++) {
    double left = g[p][p];
    for (int k = 0; k < p; k++)
      left -= r[k][p] * r[k][p];
    bool sound = left > 1e-12 * g[p][p];
    r[p][p] = sound ? sqrt(left) : 0;
    for (int q = p + 1; q < WIDTH; q++) {
      double sum = g[p][q];
      for (int k = 0; k < p; k++)
        sum -= r[k][p] * r[k][q];
      r[p][q] = sound ? sum / r[p][p] : 0;
    }
  }
  memset(t, 0, sizeof(small));
  for (int q = 0; q < WIDTH; q++) {
    t[q][q] = r[q][q] > 0 ? 1 / r[q][q] : 0;
    for (int p = q - 1; p >= 0; p--) {
      double sum = 0;
      for (int k = p + 1; k <= q; k++)
        sum += r[p][k] * t[k][q];
      t[p][q] = r[p][p] > 0 ? -sum / r[p][p] : 0;
    }
  }
}

/* One rotation of Jacobi's method in the plane (p, q). */
static void jacobi_rotation(small a, small v, int p, int q)
{
  if (a[p][q] == 0)
    return;
  double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  double tangent = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
  double c = 1 / sqrt(tangent * tangent + 1), s = tangent * c;
  for (int k = 0; k < WIDTH; k++) {
    double x = a[k][p], y = a[k][q];
    a[k][p] = c * x - s * y;
    a[k][q] = s * x + c * y;
  }
  for (int k = 0; k < WIDTH; k++) {
    double x = a[p][k], y = a[q][k];
    a[p][k] = c * x - s * y;
    a[q][k] = s * x + c * y;
    x = v[k][p], y = v[k][q];
    v[k][p] = c * x - s * y;
    v[k][q] = s * x + c * y;
  }
}

/* Eigenvalues (falling) and eigenvectors (columns of v) of the symmetric a. */
static void eigen(small a, double value[WIDTH], small v)
{
  small u = {{0}};
  for (int p = 0; p < WIDTH; p++)
    u[p][p] = 1;
  for (int sweep = 0; sweep < JACOBI_SWEEPS; sweep++)
    for (int p = 0; p < WIDTH; p++)
      for (int q = p + 1; q < WIDTH; q++)
        jacobi_rotation(a, u, p, q);
  bool taken[WIDTH] = {false};
  for (int j = 0; j < WIDTH; j++) {
    int best = -1;
    for (int p = 0; p < WIDTH; p++)
      if (!taken[p] && (best < 0 || a[p][p] > a[best][best]))
        best = p;
    taken[best] = true;
    value[j] = a[best][best];
    for (int k = 0; k < WIDTH; k++)
      v[k][j] = u[k][best];
  }
}

/* ---- the iteration --------------------------------------------------------------- */

static void orthonormalise(const similarity *op, float *x)
{
  for (int pass = 0; pass < 2; pass++) {
    small g, t;
    products(op, x, x, g);
    inverse_factor(g, t);
    rotate(x, rg_range_n(op->rows), t);
  }
}

/* x <- T(M) x, with Chebyshev's polynomial that is small on [-1, cut] and grows beyond.
 * `y` and `z` are scratch. Collective. */
static void filter(similarity *op, float *x, double cut, float *y, float *z)
{
  int64_t n = rg_range_n(op->rows) * WIDTH;
  float centre = (float)((cut - 1) / 2), half = (float)((cut + 1) / 2);
  float *before = x, *now = y, *next = z;
  apply(op, x, now);
  for (int64_t j = 0; j < n; j++)
    now[j] = (now[j] - centre * before[j]) / half;
  for (int degree = 2; degree <= DEGREE; degree++) {
    apply(op, now, next);
    for (int64_t j = 0; j < n; j++)
      next[j] = 2 * (next[j] - centre * now[j]) / half - before[j];
    float *free_one = before;
    before = now;
    now = next;
    next = free_one;
  }
  if (now != x)
    memcpy(x, now, (size_t)n * sizeof *x);
}

/* ---- the axes -------------------------------------------------------------------- */

/* Over all cells, mean square of each column, and the share of the cells that it is about:
 * 1 when all entries are alike, 1 / n when one is not 0. Collective. */
static void describe(const similarity *op, const float *x, double square[WIDTH],
                     double share[WIDTH])
{
  int64_t n = rg_range_n(op->rows) * WIDTH;
  small sum, sum_squares;
  float *squares = RG_NEW(float, n);
  for (int64_t j = 0; j < n; j++)
    squares[j] = x[j] * x[j] * (float)op->n; /* about 1: columns have length 1 */
  products(op, x, x, sum);
  products(op, squares, squares, sum_squares);
  for (int p = 0; p < WIDTH; p++) {
    square[p] = sum[p][p] / (double)op->n;
    double fourth = sum_squares[p][p] / (double)op->n;
    share[p] = fourth > 0 ? pow(square[p] * (double)op->n, 2) / fourth : 0;
  }
  rg_free(squares);
}

/* The first column from `from` on that is about enough of the cells; without one, that
 * which is about the most, `other` left out. */
static int choose_axis(const double share[WIDTH], int from, int other)
{
  int best = -1;
  for (int p = from; p < WIDTH; p++)
    if (share[p] >= LEAST_SHARE)
      return p;
  for (int p = 1; p < WIDTH; p++)
    if (p != other && (best < 0 || share[p] > share[best]))
      best = p;
  return best;
}

/* Two columns of x as axes. Leading eigenvectors may tell a handful of cells from all
 * others, which makes no map: they are passed over, and far outliers are drawn in.
 * Collective. */
static rg_mat choose_axes(const similarity *op, const float *x)
{
  double square[WIDTH], share[WIDTH];
  describe(op, x, square, share);
  int axis[2] = {choose_axis(share, 1, 0)};
  axis[1] = choose_axis(share, axis[0] + 1, axis[0]);
  rg_mat axes = rg_mat_new(rg_range_n(op->rows), 2);
  for (int64_t i = 0; i < axes.rows; i++)
    for (int c = 0; c < 2; c++) {
      double scale = square[axis[c]] > 0 ? 1 / sqrt(square[axis[c]]) : 0;
      rg_mat_row(&axes, i)[c] = (float)asinh(scale * (double)x[i * WIDTH + axis[c]]);
    }
  return axes;
}

rg_mat umap_spectral(rg_comm *comm, const rg_csr *graph, uint64_t seed)
{
  similarity op = make_operator(comm, graph);
  int64_t n = graph->rows;
  float *x = RG_NEW(float, n *WIDTH), *y = RG_NEW(float, n *WIDTH);
  float *z = RG_NEW(float, n *WIDTH);
  rg_key key = {seed, 0, RG_FOR_LAYOUT};
  for (int64_t i = 0; i < n; i++)
    if (op.root[i] > 0)
      rg_normals(&key, (uint64_t)(op.rows.low + i), WIDTH, x + i * WIDTH);
  double cut = 0.5, value[WIDTH];
  rg_pace_begin("umap start", ROUNDS * (DEGREE + 1), "products");
  orthonormalise(&op, x);
  for (int round = 0; round < ROUNDS; round++) {
    small h, v;
    filter(&op, x, cut, y, z);
    orthonormalise(&op, x);
    apply(&op, x, y);
    products(&op, x, y, h);
    eigen(h, value, v);
    rotate(x, n, v);
    cut = value[WIDTH - 1] < 0.999 ? fmax(value[WIDTH - 1], 0) : 0.999;
  }
  rg_pace_end();
  rg_mat axes = choose_axes(&op, x);
  rg_free(z);
  rg_free(y);
  rg_free(x);
  free_operator(&op);
  return axes;
}
