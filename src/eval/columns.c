/* From rows over ranks to columns over ranks. */
#include "translation.h"

#include <string.h>

typedef struct entry {
  int64_t feature;
  int32_t cell;
  float value;
} entry;

rg_csr rg_columns_of(rg_comm *comm, const rg_csr *counts, rg_range features)
{
  int64_t nnz = rg_csr_nnz(counts), got, cells;
  int64_t first = rg_prefix_i64(comm, counts->rows, &cells);
  entry *send = RG_NEW(entry, nnz);
  int *to = RG_NEW(int, nnz);
  for (int64_t i = 0; i < counts->rows; i++)
    for (int64_t e = counts->indptr[i]; e < counts->indptr[i + 1]; e++) {
      send[e] = (entry){counts->indices[e], (int32_t)(first + i),
                        counts->values ? counts->values[e] : 1};
      to[e] = rg_part_owner(counts->cols, rg_size(comm), counts->indices[e]);
    }
  entry *in = rg_scatter(comm, send, nnz, sizeof *send, to, &got);
  rg_free(send);
  rg_free(to);
  rg_csr out = rg_csr_new(rg_range_n(features), cells, got);
  for (int64_t e = 0; e < got; e++)
    out.indptr[in[e].feature - features.low + 1]++;
  for (int64_t f = 0; f < out.rows; f++)
    out.indptr[f + 1] += out.indptr[f];
  int64_t *at = RG_NEW(int64_t, out.rows + 1);
  memcpy(at, out.indptr, sizeof *at * (size_t)(out.rows + 1));
  for (int64_t e = 0; e < got; e++) { /* cells rise as they come */
    int64_t place = at[in[e].feature - features.low]++;
    out.indices[place] = in[e].cell;
    out.values[place] = in[e].value;
  }
  rg_free(at);
  rg_free(in);
  return out;
}

float *rg_columns_of_mat(rg_comm *comm, const rg_mat *x, rg_range features)
{
  int size = rg_size(comm);
  int64_t *offset = RG_NEW(int64_t, size + 1), *from = RG_NEW(int64_t, size + 1);
  float *send = RG_NEW(float, x->rows * x->cols);
  int64_t at = 0, cells, mine = rg_range_n(features);
  rg_prefix_i64(comm, x->rows, &cells);
  for (int r = 0; r < size; r++) {
    rg_range theirs = rg_part(x->cols, r, size);
    int64_t width = rg_range_n(theirs);
    for (int64_t i = 0; i < x->rows; i++, at += width)
      memcpy(send + at, rg_mat_row(x, i) + theirs.low, sizeof *send * (size_t)width);
    offset[r + 1] = at * (int64_t)sizeof *send;
  }
  float *in = rg_exchange(comm, send, offset, from);
  rg_free(send);
  float *out = RG_NEW(float, mine * cells);
  for (int64_t i = 0; i < cells; i++)
    for (int64_t f = 0; f < mine; f++)
      out[f * cells + i] = in[i * mine + f];
  rg_free(in);
  rg_free(offset);
  rg_free(from);
  return out;
}
