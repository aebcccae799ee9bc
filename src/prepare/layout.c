/* Rows that move from one cut over ranks to another. */
#include "src/prepare/inner.h"

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
