/* Sparse groups: rows of a CSR, and the distributed transpose of a CSC. */
#include "matrix.h"

enum { BATCH = 1 << 22 }; /* entries of a CSC on their way per rank and round */

/* Pointers [low, high] of an open indptr: rising, within the values. */
static rg_status read_pointers(const rg_matrix *matrix, int64_t low, int64_t high,
                               int64_t *pointers)
{
  const rg_h5_array *indptr = &matrix->indptr;
  rg_status status = rg_h5_read_i64(indptr, low, high + 1, pointers);
  if (status != RG_OK)
    return status;
  for (int64_t i = low; i < high; i++) {
    int64_t now = pointers[i - low], next = pointers[i - low + 1];
    if (now < 0 || next < now || next > matrix->nnz)
      return rg_fail(
          RG_EINPUT, "%s:%s[%lld]: goes from %lld to %lld of %lld values; %s",
          indptr->h5->path, indptr->path, (long long)(i + 1), (long long)now,
          (long long)next, (long long)matrix->nnz,
          next < 0 ? "the program that wrote it overflowed 32 bits: write it "
                     "again with 64-bit pointers"
                   : "the file is damaged: write it again");
  }
  return RG_OK;
}

/* Columns of the stored entries [low, high). */
static rg_status read_indices(const rg_matrix *matrix, int64_t low, int64_t high,
                              int32_t *indices)
{
  const rg_h5_array *array = &matrix->indices;
  rg_status status = rg_h5_read_i32(array, low, high, indices);
  if (status != RG_OK)
    return status;
  for (int64_t k = 0; k < high - low; k++)
    if (indices[k] < 0 || indices[k] >= matrix->cols)
      return rg_fail(RG_EINPUT,
                     "%s:%s[%lld]: index %d, but the shape allows 0 to %lld; "
                     "the file is damaged: write it again",
                     array->h5->path, array->path, (long long)(low + k), indices[k],
                     (long long)(matrix->cols - 1));
  return RG_OK;
}

rg_status rg_sparse_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                         rg_csr *csr)
{
  *csr = (rg_csr){0};
  rg_status status = RG_OK;
  rg_csr rows = {.rows = high - low, .cols = matrix->cols};
  rows.indptr = RG_NEW(int64_t, high - low + 1);
  RG_TRY(read_pointers(matrix, low, high, rows.indptr));
  int64_t first = rows.indptr[0], last = rows.indptr[high - low];
  rows.indices = RG_NEW(int32_t, last - first);
  rows.values = RG_NEW(float, last - first);
  RG_TRY(read_indices(matrix, first, last, rows.indices));
  RG_TRY(rg_h5_read_f32(&matrix->data, first, last, rows.values));
  for (int64_t i = 0; i <= high - low; i++)
    rows.indptr[i] -= first;
  *csr = rows;
  return RG_OK;
out:
  rg_csr_fini(&rows);
  return status;
}

/* ---- columns --------------------------------------------------------------------- */

typedef struct columns {
  const rg_matrix *matrix;
  int64_t *pointers; /* of all columns */
  int64_t column;    /* of the entry to be read next */
  int64_t *rows;     /* of a batch of entries; and their values */
  float *values;
  rg_entry *entries;
} columns;

static rg_status read_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                           int64_t *rows)
{
  const rg_h5_array *array = &matrix->indices;
  rg_status status = rg_h5_read_i64(array, low, high, rows);
  for (int64_t k = 0; status == RG_OK && k < high - low; k++)
    if (rows[k] < 0 || rows[k] >= matrix->rows)
      status = rg_fail(RG_EINPUT,
                       "%s:%s[%lld]: index %lld, but the shape allows 0 to "
                       "%lld; the file is damaged: write it again",
                       array->h5->path, array->path, (long long)(low + k),
                       (long long)rows[k], (long long)(matrix->rows - 1));
  return status;
}

/* Entries [low, high) with their row and column. */
static rg_status read_entries(columns *c, int64_t low, int64_t high)
{
  rg_status status = read_rows(c->matrix, low, high, c->rows);
  if (status == RG_OK)
    status = rg_h5_read_f32(&c->matrix->data, low, high, c->values);
  for (int64_t k = low; status == RG_OK && k < high; k++) {
    while (c->pointers[c->column + 1] <= k)
      c->column++;
    c->entries[k - low] =
        (rg_entry){c->rows[k - low], (int32_t)c->column, c->values[k - low]};
  }
  return status;
}

rg_status rg_columns_part(rg_comm *comm, const rg_matrix *matrix, rg_csr *csr)
{
  *csr = (rg_csr){0};
  rg_status status = RG_OK;
  rg_range mine = rg_part(matrix->nnz, rg_rank(comm), rg_size(comm));
  int64_t rounds = (rg_range_n(mine) + BATCH - 1) / BATCH;
  int64_t room = rg_range_n(mine) < BATCH ? rg_range_n(mine) : BATCH;
  rg_route route;
  columns c = {.matrix = matrix};
  rg_route_init(&route, comm, matrix->rows);
  rg_max_i64(comm, &rounds, 1);
  c.pointers = RG_NEW(int64_t, matrix->cols + 1);
  c.rows = RG_NEW(int64_t, room);
  c.values = RG_NEW(float, room);
  c.entries = RG_NEW(rg_entry, room);
  RG_TRY_ALL(comm, read_pointers(matrix, 0, matrix->cols, c.pointers));
  for (int64_t round = 0; round < rounds; round++) {
    int64_t low = mine.low + round * BATCH, high = low + BATCH;
    low = low < mine.high ? low : mine.high;
    high = high < mine.high ? high : mine.high;
    RG_TRY_ALL(comm, read_entries(&c, low, high));
    rg_route_send(&route, c.entries, high - low);
  }
  rg_route_finish(&route, matrix->cols, csr);
out:
  rg_route_fini(&route);
  rg_free(c.pointers);
  rg_free(c.rows);
  rg_free(c.values);
  rg_free(c.entries);
  return status;
}
