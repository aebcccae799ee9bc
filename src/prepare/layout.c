/* Rows that move from one cut over ranks to another. */
#include "src/prepare/inner.h"

#include <stdlib.h>
#include <string.h>

rg_layout rg_layout_of(rg_comm *comm, int64_t rows)
{
  int size = rg_size(comm);
  rg_layout layout = {RG_NEW(int64_t, size + 1)};
  layout.bound[rg_rank(comm) + 1] = rows;
  rg_sum_i64(comm, layout.bound, size + 1);
  for (int r = 0; r < size; r++)
    layout.bound[r + 1] += layout.bound[r];
  return layout;
}

rg_layout rg_layout_blocks(rg_comm *comm, int64_t blocks, const int64_t *first)
{
  int size = rg_size(comm);
  rg_layout layout = {RG_NEW(int64_t, size + 1)};
  for (int r = 0; r < size; r++)
    layout.bound[r + 1] = first[rg_part(blocks, r, size).high];
  return layout;
}

void rg_layout_fini(rg_layout *layout)
{
  rg_free(layout->bound);
  layout->bound = NULL;
}

bool rg_layout_same(rg_comm *comm, const rg_layout *a, const rg_layout *b)
{
  return memcmp(a->bound, b->bound, (size_t)(rg_size(comm) + 1) * sizeof *a->bound) ==
         0;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
  return x < low ? low : x > high ? high : x;
}

void *rg_relayout(rg_comm *comm, const rg_layout *from, const rg_layout *to,
                  const void *mine, int64_t row_bytes)
{
  int size = rg_size(comm), rank = rg_rank(comm);
  int64_t low = from->bound[rank], high = from->bound[rank + 1];
  int64_t *send = RG_NEW(int64_t, size + 1);
  int64_t *receive = RG_NEW(int64_t, size + 1);
  for (int r = 0; r <= size; r++)
    send[r] = (clamp(to->bound[r], low, high) - low) * row_bytes;
  void *rows = rg_exchange(comm, mine, send, receive);
  rg_free(send);
  rg_free(receive);
  return rows;
}

rg_csr rg_relayout_csr(rg_comm *comm, const rg_layout *from, const rg_layout *to,
                       const rg_csr *mine)
{
  int rank = rg_rank(comm);
  int64_t *length = RG_NEW(int64_t, mine->rows);
  for (int64_t i = 0; i < mine->rows; i++)
    length[i] = mine->indptr[i + 1] - mine->indptr[i];
  int64_t *lengths = rg_relayout(comm, from, to, length, sizeof *length);
  rg_free(length);

  /* where the entries of the rows that stay between two bounds begin, on all ranks */
  rg_layout from_entry = rg_layout_of(comm, rg_csr_nnz(mine));
  rg_csr out = {.rows = to->bound[rank + 1] - to->bound[rank], .cols = mine->cols};
  out.indptr = RG_NEW(int64_t, out.rows + 1);
  for (int64_t i = 0; i < out.rows; i++)
    out.indptr[i + 1] = out.indptr[i] + lengths[i];
  rg_free(lengths);
  rg_layout to_entry = rg_layout_of(comm, out.indptr[out.rows]);
  out.indices =
      rg_relayout(comm, &from_entry, &to_entry, mine->indices, sizeof *mine->indices);
  if (mine->values)
    out.values =
        rg_relayout(comm, &from_entry, &to_entry, mine->values, sizeof *mine->values);
  rg_layout_fini(&from_entry);
  rg_layout_fini(&to_entry);
  return out;
}

rg_strings rg_relayout_strings(rg_comm *comm, const rg_layout *from,
                               const rg_layout *to, const rg_strings *mine)
{
  int64_t *length = RG_NEW(int64_t, mine->n); /* with the zero at the end */
  for (int64_t i = 0; i < mine->n; i++)
    length[i] = mine->offset[i + 1] - mine->offset[i];
  int64_t *lengths = rg_relayout(comm, from, to, length, sizeof *length);
  rg_strings out = {.n = to->bound[rg_rank(comm) + 1] - to->bound[rg_rank(comm)]};
  out.offset = RG_NEW(int64_t, out.n + 1);
  for (int64_t i = 0; i < out.n; i++)
    out.offset[i + 1] = out.offset[i] + lengths[i];
  rg_layout from_byte = rg_layout_of(comm, mine->n > 0 ? mine->offset[mine->n] : 0);
  rg_layout to_byte = rg_layout_of(comm, out.offset[out.n]);
  out.text = rg_relayout(comm, &from_byte, &to_byte, mine->text, 1);
  rg_layout_fini(&from_byte);
  rg_layout_fini(&to_byte);
  rg_free(length);
  rg_free(lengths);
  return out;
}

/* ---- rows and columns of a CSR --------------------------------------------------- */

void rg_csr_keep_rows(rg_csr *csr, const bool *keep)
{
  int64_t rows = 0, to = 0;
  for (int64_t i = 0; i < csr->rows; i++) {
    int64_t low = csr->indptr[i], n = csr->indptr[i + 1] - low;
    if (!keep[i])
      continue;
    memmove(csr->indices + to, csr->indices + low, (size_t)n * sizeof *csr->indices);
    if (csr->values)
      memmove(csr->values + to, csr->values + low, (size_t)n * sizeof *csr->values);
    csr->indptr[rows++] = to; /* never ahead of i */
    to += n;
  }
  csr->indptr[rows] = to;
  csr->rows = rows;
}

typedef struct column_value {
  int32_t column;
  float value;
} column_value;

static int by_column(const void *a, const void *b)
{
  int32_t x = ((const column_value *)a)->column, y = ((const column_value *)b)->column;
  return (x > y) - (x < y);
}

void rg_csr_arrange_columns(rg_csr *csr, const int32_t *new_of_old, int64_t new_cols)
{
  column_value *row = RG_NEW(column_value, csr->cols);
  int64_t to = 0;
  for (int64_t i = 0, low = 0; i < csr->rows; i++) {
    int64_t n = 0, high = csr->indptr[i + 1];
    bool sorted = true;
    for (int64_t e = low; e < high; e++) {
      int32_t column = new_of_old[csr->indices[e]];
      if (column < 0)
        continue;
      sorted = sorted && (n == 0 || row[n - 1].column < column);
      row[n++] = (column_value){column, csr->values ? csr->values[e] : 1};
    }
    if (!sorted)
      qsort(row, (size_t)n, sizeof *row, by_column);
    for (int64_t j = 0; j < n; j++, to++) {
      csr->indices[to] = row[j].column;
      if (csr->values)
        csr->values[to] = row[j].value;
    }
    low = high;
    csr->indptr[i + 1] = to;
  }
  csr->cols = new_cols;
  rg_free(row);
}
