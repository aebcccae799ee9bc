/* Matrices of modalities: from stored rows to checked rows of this rank's cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "counts.h"

#define MAX_COUNT 16777216.0f /* above this float has no longer all integers */

/* ---- checks, order, columns ------------------------------------------------------ */

static bool is_wrong(float x, rg_values values)
{
  if (!isfinite(x))
    return !isnan(x) || values != RG_FINITE_OR_NAN;
  if (values == RG_ANY_FINITE || values == RG_FINITE_OR_NAN)
    return false;
  return x < 0 || (values == RG_COUNTS && (x != floorf(x) || x > MAX_COUNT));
}

static const char *what_is_wrong(float x)
{
  if (isnan(x))
    return "is not a number";
  if (isinf(x))
    return "is infinite, or too large for 32 bits";
  if (x < 0)
    return "is negative";
  return x > MAX_COUNT ? "is too large for a count" : "is not an integer";
}

static rg_status report_value(const rg_file *file, const rg_source *source, int64_t row,
                              int32_t stored, float x)
{
  int32_t feature = source->column_of ? source->column_of[stored] : stored;
  const char *name = rg_strings_at(&source->features.names, feature);
  const char *cell = rg_strings_at(&file->names, row);
  const char *remedy = isfinite(x)
                           ? "counts are needed: name the layer that holds them "
                             "with --layer"
                           : "clean the matrix, or name another layer with --layer";
  const char *opening = file->h5 ? file->path : "", *colon = file->h5 ? ":" : "";
  return rg_fail(RG_EINPUT,
                 "%s%s%s[%lld, %d]: the value %g of cell '%s', feature '%s' %s; %s",
                 opening, colon, source->counts, (long long)(file->rows.low + row),
                 feature, (double)x, cell, name, what_is_wrong(x), remedy);
}

typedef struct pair {
  int32_t column;
  float value;
} pair;

static int by_column(const void *a, const void *b)
{
  const pair *p = a, *q = b;
  if (p->column != q->column)
    return p->column < q->column ? -1 : 1;
  return (p->value > q->value) -
         (p->value < q->value); /* so that sums have one order */
}

static bool is_sorted(const int32_t *columns, int64_t n)
{
  for (int64_t k = 1; k < n; k++)
    if (columns[k] <= columns[k - 1])
      return false;
  return true;
}

/* Sort a row and add up its repeats into the first; the others become zero. */
static void sort_row(int32_t *columns, float *values, int64_t n)
{
  if (is_sorted(columns, n))
    return;
  pair *pairs = RG_NEW(pair, n);
  for (int64_t k = 0; k < n; k++)
    pairs[k] = (pair){columns[k], values[k]};
  qsort(pairs, (size_t)n, sizeof *pairs, by_column);
  for (int64_t k = 0; k < n;) {
    double sum = 0;
    int64_t first = k;
    for (; k < n && pairs[k].column == pairs[first].column; k++) {
      sum += pairs[k].value;
      columns[k] = pairs[k].column;
      values[k] = 0;
    }
    values[first] = (float)sum;
  }
  rg_free(pairs);
}

/* The first entry of a row with a wrong value, or its end. */
static int64_t first_wrong(const rg_source *source, const rg_csr *csr, int64_t low,
                           int64_t high, rg_values values)
{
  for (int64_t k = low; k < high; k++)
    if (is_wrong(csr->values[k], values) &&
        (!source->column_of || source->column_of[csr->indices[k]] >= 0))
      return k;
  return high;
}

rg_status rg_counts_finish(const rg_file *file, const rg_source *source, int64_t first,
                           rg_values values, rg_csr *csr)
{
  int64_t bad = csr->rows;
#pragma omp parallel for schedule(dynamic, 64) reduction(min : bad)
  for (int64_t i = 0; i < csr->rows; i++) {
    int64_t low = csr->indptr[i], high = csr->indptr[i + 1];
    if (first_wrong(source, csr, low, high, values) < high)
      bad = i < bad ? i : bad;
    else
      sort_row(csr->indices + low, csr->values + low, high - low);
  }
  if (bad < csr->rows) {
    int64_t k =
        first_wrong(source, csr, csr->indptr[bad], csr->indptr[bad + 1], values);
    return report_value(file, source, first + bad, csr->indices[k], csr->values[k]);
  }
  int64_t kept = 0, low = 0;
  for (int64_t i = 0; i < csr->rows; i++) {
    int64_t high = csr->indptr[i + 1];
    for (int64_t k = low; k < high; k++) {
      int32_t column = csr->indices[k];
      column = source->column_of ? source->column_of[column] : column;
      if (column < 0 || csr->values[k] == 0)
        continue;
      csr->indices[kept] = column;
      csr->values[kept++] = csr->values[k];
    }
    low = high;
    csr->indptr[i + 1] = kept;
  }
  csr->cols = source->face.n_features;
  return RG_OK;
}

/* ---- rows that can be read on their own ------------------------------------------ */

/* Rows of a span go to the places of the cells [low, high) of this rank. */
static void pick_rows(const rg_source *source, int64_t low, int64_t high, int64_t first,
                      const rg_csr *span, rg_csr *csr)
{
  int64_t nnz = 0;
  for (int64_t i = low; i < high; i++) {
    int64_t row = source->row_of[i] - first;
    if (source->row_of[i] >= 0)
      nnz += span->indptr[row + 1] - span->indptr[row];
  }
  *csr = rg_csr_new(high - low, span->cols, nnz);
  int64_t at = 0;
  for (int64_t i = low; i < high; i++) {
    int64_t row = source->row_of[i] - first;
    if (source->row_of[i] >= 0) {
      int64_t from = span->indptr[row], n = span->indptr[row + 1] - from;
      memcpy(csr->indices + at, span->indices + from,
             (size_t)n * sizeof *span->indices);
      memcpy(csr->values + at, span->values + from, (size_t)n * sizeof *span->values);
      at += n;
    }
    csr->indptr[i - low + 1] = at;
  }
}

rg_status rg_counts_direct(const rg_file *file, const rg_source *source, int64_t low,
                           int64_t high, rg_csr *csr)
{
  *csr = (rg_csr){0};
  if (!source->row_of)
    return rg_matrix_rows(source->matrix, file->rows.low + low, file->rows.low + high,
                          csr);
  int64_t first = INT64_MAX, last = -1;
  for (int64_t i = low; i < high; i++)
    if (source->row_of[i] >= 0) {
      first = first < source->row_of[i] ? first : source->row_of[i];
      last = source->row_of[i];
    }
  if (last < 0) {
    *csr = rg_csr_new(high - low, source->matrix->cols, 0);
    return RG_OK;
  }
  rg_csr span;
  rg_status status = rg_matrix_rows(source->matrix, first, last + 1, &span);
  if (status != RG_OK)
    return status;
  pick_rows(source, low, high, first, &span, csr);
  rg_csr_fini(&span);
  return RG_OK;
}

/* ---- rows that have to travel ---------------------------------------------------- */

/* A cell tells the rank that holds its row where the row shall go. */
typedef struct wish {
  int64_t row, cell;
} wish;

/* For each row here: the cell (over all ranks) that wants it, or -1. Collective. */
static rg_status collect_wishes(const rg_file *file, const rg_source *source,
                                rg_range part, int64_t **cell_of)
{
  rg_comm *comm = file->comm;
  int64_t n = rg_range_n(file->rows), n_wishes = 0, arrived;
  wish *wishes = RG_NEW(wish, n);
  int *to = RG_NEW(int, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t cell = file->rows.low + i, row = source->row_of ? source->row_of[i] : cell;
    if (row < 0)
      continue;
    to[n_wishes] = rg_part_owner(source->face.n_cells, rg_size(comm), row);
    wishes[n_wishes++] = (wish){row, cell};
  }
  wish *here = rg_scatter(comm, wishes, n_wishes, sizeof *wishes, to, &arrived);
  rg_free(wishes);
  rg_free(to);
  rg_status status = RG_OK;
  *cell_of = RG_NEW(int64_t, rg_range_n(part));
  memset(*cell_of, -1, (size_t)rg_range_n(part) * sizeof **cell_of);
  for (int64_t i = 0; status == RG_OK && i < arrived; i++) {
    int64_t *cell = &(*cell_of)[here[i].row - part.low];
    if (*cell >= 0)
      status = rg_fail(RG_EINPUT,
                       "%s:/obsmap/%s: cells %lld and %lld both lead to row "
                       "%lld; run mdata.update() in Python and write the file again",
                       file->path, source->name, (long long)*cell,
                       (long long)here[i].cell, (long long)here[i].row);
    *cell = here[i].cell;
  }
  rg_free(here);
  return rg_agree(comm, status);
}

/* A row on its way: this head, then its columns, then its values. */
typedef struct head {
  int64_t cell, n;
} head;

/* Pack the wanted rows by the rank of their cell; offset[size] bytes in all. */
static char *pack_rows(const rg_file *file, const rg_csr *rows, const int64_t *cell_of,
                       int64_t *offset)
{
  int size = rg_size(file->comm);
  memset(offset, 0, (size_t)(size + 1) * sizeof *offset);
  for (int64_t i = 0; i < rows->rows; i++)
    if (cell_of[i] >= 0)
      offset[rg_part_owner(file->n_cells, size, cell_of[i]) + 1] +=
          (int64_t)sizeof(head) + 8 * (rows->indptr[i + 1] - rows->indptr[i]);
  for (int r = 0; r < size; r++)
    offset[r + 1] += offset[r];
  int64_t *next = RG_NEW(int64_t, size);
  memcpy(next, offset, (size_t)size * sizeof *next);
  char *bytes = rg_alloc(offset[size], 1);
  for (int64_t i = 0; i < rows->rows; i++) {
    if (cell_of[i] < 0)
      continue;
    int64_t low = rows->indptr[i];
    head h = {cell_of[i], rows->indptr[i + 1] - low};
    char *at = bytes + next[rg_part_owner(file->n_cells, size, cell_of[i])];
    memcpy(at, &h, sizeof h);
    memcpy(at + sizeof h, rows->indices + low, (size_t)h.n * 4);
    memcpy(at + sizeof h + 4 * h.n, rows->values + low, (size_t)h.n * 4);
    next[rg_part_owner(file->n_cells, size, cell_of[i])] += (int64_t)sizeof h + 8 * h.n;
  }
  rg_free(next);
  return bytes;
}

static void unpack_rows(const rg_file *file, const char *bytes, int64_t n_bytes,
                        int64_t cols, rg_csr *csr)
{
  int64_t n = rg_range_n(file->rows);
  const char **start = RG_NEW(const char *, n);
  int64_t nnz = 0;
  for (int64_t at = 0; at < n_bytes;) {
    head h;
    memcpy(&h, bytes + at, sizeof h);
    start[h.cell - file->rows.low] = bytes + at;
    nnz += h.n;
    at += (int64_t)sizeof h + 8 * h.n;
  }
  *csr = rg_csr_new(n, cols, nnz);
  for (int64_t i = 0, at = 0; i < n; i++) {
    if (start[i]) {
      head h;
      memcpy(&h, start[i], sizeof h);
      memcpy(csr->indices + at, start[i] + sizeof h, (size_t)h.n * 4);
      memcpy(csr->values + at, start[i] + sizeof h + 4 * h.n, (size_t)h.n * 4);
      at += h.n;
    }
    csr->indptr[i + 1] = at;
  }
  rg_free(start);
}

/* Read this rank's part of the matrix, then send each row to the rank of its cell.
 * Collective. */
static rg_status read_by_part(const rg_file *file, const rg_source *source, rg_csr *csr)
{
  rg_comm *comm = file->comm;
  rg_status status = RG_OK;
  rg_csr part = {0};
  RG_TRY(rg_matrix_part(comm, source->matrix, &part));
  if (!source->row_of) { /* the part of the rows is the part of the cells, or more */
    int64_t wanted = rg_range_n(file->rows);
    part.rows = part.rows < wanted ? part.rows : wanted;
    *csr = part;
    return RG_OK;
  }
  rg_range rows = rg_part(source->matrix->rows, rg_rank(comm), rg_size(comm));
  int64_t *cell_of = NULL;
  status = collect_wishes(file, source, rows, &cell_of);
  if (status == RG_OK) {
    int64_t *sent = RG_NEW(int64_t, rg_size(comm) + 1);
    int64_t *received = RG_NEW(int64_t, rg_size(comm) + 1);
    char *bytes = pack_rows(file, &part, cell_of, sent);
    int64_t cols = part.cols;
    rg_csr_fini(&part);
    char *here = rg_exchange(comm, bytes, sent, received);
    rg_free(bytes);
    unpack_rows(file, here, received[rg_size(comm)], cols, csr);
    rg_free(here);
    rg_free(sent);
    rg_free(received);
  }
  rg_free(cell_of);
out:
  rg_csr_fini(&part);
  return status;
}

/* ---- the face -------------------------------------------------------------------- */

rg_status rg_read_counts(rg_file *file, int m, rg_values values, rg_csr *counts)
{
  RG_ASSERT(m >= 0 && m < file->n_sources);
  const rg_source *source = &file->sources[m];
  rg_status status = RG_OK;
  *counts = (rg_csr){0};
  if (source->direct)
    RG_TRY_ALL(file->comm,
               rg_counts_direct(file, source, 0, rg_range_n(file->rows), counts));
  else
    RG_TRY(read_by_part(file, source, counts));
  RG_TRY_ALL(file->comm, rg_counts_finish(file, source, 0, values, counts));
  return RG_OK;
out:
  rg_csr_fini(counts);
  return status;
}

/* Rows [low, high) of a matrix in memory, seen as a matrix. Only indptr is new. */
static rg_csr view_rows(const rg_csr *all, int64_t low, int64_t high)
{
  rg_csr view = {.rows = high - low, .cols = all->cols};
  view.indptr = RG_NEW(int64_t, high - low + 1);
  for (int64_t i = low; i <= high; i++)
    view.indptr[i - low] = all->indptr[i] - all->indptr[low];
  view.indices = all->indices + all->indptr[low];
  view.values = all->values + all->indptr[low];
  return view;
}

rg_status rg_stream_counts(rg_file *file, int m, rg_values values, int64_t rows,
                           rg_status (*visit)(void *self, int64_t first,
                                              const rg_csr *piece),
                           void *self)
{
  RG_ASSERT(m >= 0 && m < file->n_sources && rows > 0);
  const rg_source *source = &file->sources[m];
  rg_status status = RG_OK;
  rg_csr all = {0};
  int64_t n = rg_range_n(file->rows), rounds = (n + rows - 1) / rows;
  rg_max_i64(file->comm, &rounds, 1);
  if (!source->direct)
    RG_TRY(rg_read_counts(file, m, values, &all));
  for (int64_t round = 0; round < rounds; round++) {
    int64_t low = round * rows < n ? round * rows : n;
    int64_t high = low + rows < n ? low + rows : n;
    rg_csr piece = {0};
    if (source->direct) {
      status = rg_counts_direct(file, source, low, high, &piece);
      if (status == RG_OK)
        status = rg_counts_finish(file, source, low, values, &piece);
      status = rg_agree(file->comm, status);
    } else {
      piece = view_rows(&all, low, high);
    }
    if (status == RG_OK)
      status = rg_agree(file->comm, visit(self, file->rows.low + low, &piece));
    if (source->direct)
      rg_csr_fini(&piece);
    else
      rg_free(piece.indptr);
    RG_TRY(status);
  }
out:
  rg_csr_fini(&all);
  return status;
}
