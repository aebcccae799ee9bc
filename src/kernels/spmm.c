/* Products of a sparse matrix with a narrow dense one. Both keep the sums of one output
 * row in registers (16 columns a register, 64 columns a pass) and cut the matrix so that
 * the rows of the dense factor that are gathered stay in the second-level cache: a b
 * walks a tile of rows through blocks of columns, a^T y walks the columns of a panel of
 * rows. Every output is summed in one order, whatever the number of threads. */
#include "regatta/kernels.h"
#include "src/kernels/lanes.h"

enum {
  LANES = 16,       /* floats of a register */
  CHUNK = 512,      /* columns of a task of the transposed product */
  TILE = 1024,      /* rows of a task of the product */
  CACHED = 1 << 18, /* floats of the dense factor held in cache */
};

/* Entries of one output row: indices are 32 bits wide in a CSR, 16 in a panel. */
typedef struct entries {
  int64_t low, high;
  const int32_t *wide;
  const uint16_t *narrow;
  const float *value; /* NULL: ones */
} entries;

static inline int64_t index_of(const entries *row, int64_t e)
{
  return row->wide ? row->wide[e] : row->narrow[e];
}

static inline float value_of(const entries *row, int64_t e)
{
  return row->value ? row->value[e] : 1.0f;
}

/* out[0..16 n) += sum over entries of value * dense[index * width + 0..16 n) */
static inline __attribute__((always_inline)) void
dot_lanes(int n, const entries *row, const float *dense, int64_t width, float *out)
{
  rg_f16 sum[4];
  for (int t = 0; t < n; t++)
    sum[t] = rg_f16_load(out + t * LANES);
  for (int64_t e = row->low; e < row->high; e++) {
    const float *x = dense + index_of(row, e) * width;
    float value = value_of(row, e);
    for (int t = 0; t < n; t++)
      sum[t] = rg_f16_madd(value, rg_f16_load(x + t * LANES), sum[t]);
  }
  for (int t = 0; t < n; t++)
    rg_f16_store(out + t * LANES, sum[t]);
}

/* Any number of columns: 64 at a time, then 16, then one. Inlined into callers that fix
 * which kind of index there is. */
static inline __attribute__((always_inline)) void
dot(const entries *row, const float *dense, int width, float *out)
{
  int j = 0;
  for (; j + 4 * LANES <= width; j += 4 * LANES)
    dot_lanes(4, row, dense + j, width, out + j);
  for (; j + 2 * LANES <= width; j += 2 * LANES)
    dot_lanes(2, row, dense + j, width, out + j);
  for (; j + LANES <= width; j += LANES)
    dot_lanes(1, row, dense + j, width, out + j);
  for (; j < width; j++) {
    float sum = out[j];
    for (int64_t e = row->low; e < row->high; e++)
      sum += value_of(row, e) * dense[index_of(row, e) * width + j];
    out[j] = sum;
  }
}

/* The first entry of [low, high) whose column is not below `column`. */
static int64_t first_from(const int32_t *indices, int64_t low, int64_t high,
                          int64_t column)
{
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (indices[middle] < column)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Rows [low, high) of the product, one block of columns after the other. */
static void multiply_tile(const rg_csr *a, const float *b, int width, int64_t low,
                          int64_t high, float *y)
{
  int64_t cursor[TILE];
  for (int64_t i = low; i < high; i++)
    cursor[i - low] = a->indptr[i];
  memset(y + low * width, 0, (size_t)((high - low) * width) * sizeof *y);
  int64_t block = CACHED / width + 1;
  for (int64_t end = block; end - block < a->cols; end += block)
    for (int64_t i = low; i < high; i++) {
      entries row = {.low = cursor[i - low], .wide = a->indices, .value = a->values};
      row.high = cursor[i - low] =
          first_from(a->indices, row.low, a->indptr[i + 1], end);
      dot(&row, b, width, y + i * width);
    }
}

void rg_spmm(const rg_csr *a, const float *b, int width, float *y)
{
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t low = 0; low < a->rows; low += TILE)
    multiply_tile(a, b, width, low, low + TILE < a->rows ? low + TILE : a->rows, y);
}

void rg_ref_spmm(const rg_csr *a, const float *b, int width, float *y)
{
  for (int64_t i = 0; i < a->rows; i++)
    for (int j = 0; j < width; j++) {
      double sum = 0;
      for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
        sum += (a->values ? a->values[e] : 1.0) * b[(int64_t)a->indices[e] * width + j];
      y[i * width + j] = (float)sum;
    }
}

/* ---- panels ---------------------------------------------------------------------- */

/* Entries of panel i, sorted by column and then by row. */
static void fill_panel(rg_panels *panels, const rg_csr *a, int64_t i)
{
  int64_t low = panels->first[i], high = panels->first[i + 1];
  int64_t *start = panels->start + i * (a->cols + 1);
  for (int64_t e = a->indptr[low]; e < a->indptr[high]; e++)
    start[a->indices[e] + 1]++;
  start[0] = a->indptr[low];
  for (int64_t c = 0; c < a->cols; c++)
    start[c + 1] += start[c];
  int64_t *next = RG_NEW(int64_t, a->cols);
  memcpy(next, start, (size_t)a->cols * sizeof *next);
  for (int64_t r = low; r < high; r++)
    for (int64_t e = a->indptr[r]; e < a->indptr[r + 1]; e++) {
      int64_t to = next[a->indices[e]]++;
      panels->row[to] = (uint16_t)(r - low);
      if (panels->value)
        panels->value[to] = a->values[e];
    }
  rg_free(next);
}

rg_panels rg_panels_new(const rg_csr *a, int64_t n, const int64_t *first)
{
  rg_panels panels = {.rows = a->rows, .cols = a->cols, .n = n};
  panels.first = RG_NEW(int64_t, n + 1);
  memcpy(panels.first, first, (size_t)(n + 1) * sizeof *first);
  panels.start = RG_NEW(int64_t, n * (a->cols + 1));
  panels.row = RG_NEW(uint16_t, rg_csr_nnz(a));
  panels.value = a->values ? RG_NEW(float, rg_csr_nnz(a)) : NULL;
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < n; i++)
    fill_panel(&panels, a, i);
  return panels;
}

void rg_panels_fini(rg_panels *panels)
{
  rg_free(panels->first);
  rg_free(panels->start);
  rg_free(panels->row);
  rg_free(panels->value);
  *panels = (rg_panels){0};
}

/* One task: columns [low, high) of the transposed product. */
typedef struct task {
  const rg_panels *panels;
  const float *y;
  int width;
  int64_t low, high;
} task;

/* The sum over a node of the tree of panels; scratch has a chunk per level below. */
static void sum_node(const task *t, rg_range node, float *out, float *scratch)
{
  int64_t size = (t->high - t->low) * t->width;
  if (rg_range_n(node) == 1) {
    const rg_panels *p = t->panels;
    const int64_t *start = p->start + node.low * (p->cols + 1);
    const float *y = t->y + p->first[node.low] * t->width;
    memset(out, 0, (size_t)size * sizeof *out);
    for (int64_t c = t->low; c < t->high; c++)
      dot(&(entries){.low = start[c],
                     .high = start[c + 1],
                     .narrow = p->row,
                     .value = p->value},
          y, t->width, out + (c - t->low) * t->width);
    return;
  }
  int64_t middle = rg_tree_split(node);
  sum_node(t, (rg_range){node.low, middle}, out, scratch);
  sum_node(t, (rg_range){middle, node.high}, scratch, scratch + size);
  for (int64_t j = 0; j < size; j++)
    out[j] += scratch[j];
}

void rg_panels_times(const rg_panels *panels, rg_range node, const float *y, int width,
                     float *z)
{
  int levels = 1;
  while (((int64_t)1 << levels) < rg_range_n(node))
    levels++;
  int64_t chunks = (panels->cols + CHUNK - 1) / CHUNK;
#pragma omp parallel
  {
    float *scratch = RG_NEW(float, (int64_t)(levels + 1) * CHUNK * width);
#pragma omp for schedule(dynamic, 1)
    for (int64_t chunk = 0; chunk < chunks; chunk++) {
      int64_t low = chunk * CHUNK;
      int64_t high = low + CHUNK < panels->cols ? low + CHUNK : panels->cols;
      task t = {panels, y, width, low, high};
      sum_node(&t, node, z + low * width, scratch);
    }
    rg_free(scratch);
  }
}

void rg_ref_spmm_transposed(const rg_csr *a, const float *y, int width, float *z)
{
  double *sum = RG_NEW(double, a->cols * width);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
      for (int j = 0; j < width; j++)
        sum[(int64_t)a->indices[e] * width + j] +=
            (a->values ? a->values[e] : 1.0) * y[i * width + j];
  for (int64_t j = 0; j < a->cols * width; j++)
    z[j] = (float)sum[j];
  rg_free(sum);
}
