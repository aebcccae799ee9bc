/* a combined with its transpose: each entry is sent to the owner of its column, and
 * rows are merged there. */
#include "combine.h"

#include <stdlib.h>
#include <string.h>

/* Entry (row, col) of a^T on its way to the owner of `row`. */
typedef struct entry {
  int64_t row;
  int32_t col;
  float value;
} entry;

static int by_place(const void *x, const void *y)
{
  const entry *a = x, *b = y;
  if (a->row != b->row)
    return a->row < b->row ? -1 : 1;
  return (a->col > b->col) - (a->col < b->col);
}

static int by_column(const void *x, const void *y)
{
  const entry *a = x, *b = y;
  return (a->col > b->col) - (a->col < b->col);
}

/* Entries of the transpose that belong to this rank, by (row, column). Collective. */
static entry *transposed(rg_comm *comm, const rg_csr *a, int64_t first, int64_t *n)
{
  int64_t nnz = rg_csr_nnz(a);
  entry *out = RG_NEW(entry, nnz);
  int *to = RG_NEW(int, nnz);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++) {
      out[e] = (entry){a->indices[e], (int32_t)(first + i), a->values[e]};
      to[e] = rg_part_owner(a->cols, rg_size(comm), a->indices[e]);
    }
  entry *in = rg_scatter(comm, out, nnz, sizeof(entry), to, n);
  rg_free(out);
  rg_free(to);
  qsort(in, (size_t)*n, sizeof(entry), by_place);
  return in;
}

/* Row i of `a` in column order; returns its length. */
static int64_t sorted_row(const rg_csr *a, int64_t i, entry *row)
{
  int64_t n = 0;
  for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
    row[n++] = (entry){.col = a->indices[e], .value = a->values[e]};
  qsort(row, (size_t)n, sizeof(entry), by_column);
  return n;
}

rg_csr rg_combine_transpose(rg_comm *comm, const rg_csr *a, float (*f)(float, float))
{
  int64_t first = rg_prefix_i64(comm, a->rows, NULL);
  int64_t n_across, longest = 0;
  entry *across = transposed(comm, a, first, &n_across);
  for (int64_t i = 0; i < a->rows; i++) {
    int64_t length = a->indptr[i + 1] - a->indptr[i];
    longest = length > longest ? length : longest;
  }
  entry *row = RG_NEW(entry, longest);
  rg_csr sum = rg_csr_new(a->rows, a->cols, rg_csr_nnz(a) + n_across);
  int64_t at = 0, j = 0;
  for (int64_t i = 0; i < a->rows; i++) {
    int64_t n = sorted_row(a, i, row), e = 0;
    while (e < n || (j < n_across && across[j].row == first + i)) {
      bool more = j < n_across && across[j].row == first + i;
      int32_t left = e < n ? row[e].col : INT32_MAX;
      int32_t right = more ? across[j].col : INT32_MAX;
      int32_t col = left < right ? left : right;
      float value =
          f(left == col ? row[e].value : 0, right == col ? across[j].value : 0);
      e += left == col;
      j += right == col;
      if (value == 0)
        continue;
      sum.indices[at] = col;
      sum.values[at++] = value;
    }
    sum.indptr[i + 1] = at;
  }
  rg_free(row);
  rg_free(across);
  return sum;
}

static float add(float x, float y)
{
  return x + y;
}

rg_status rg_symmetrise(rg_comm *comm, const rg_csr *a, rg_csr *sum)
{
  *sum = rg_combine_transpose(comm, a, add);
  return RG_OK;
}
