/* a combined with its transpose: each entry is sent to the owner of its column, and
 * rows are merged there. */
#include "combine.h"

#include <string.h>

/* Entry (row, col) of a^T on its way to the owner of `row`. */
typedef struct entry {
  int64_t row;
  int32_t col;
  float value;
} entry;

/* Entries of the transpose that belong to this rank, by rows: those of row i are
 * out[start[i]..start[i + 1]). They come in rank order and, from each rank, in the order of
 * its rows, which are their columns: in each row columns rise as they come. Collective. */
static entry *transposed(rg_comm *comm, const rg_csr *a, int64_t first, int64_t *start)
{
  int64_t nnz = rg_csr_nnz(a), n;
  entry *send = RG_NEW(entry, nnz);
  int *to = RG_NEW(int, nnz);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++) {
      send[e] = (entry){a->indices[e], (int32_t)(first + i), a->values[e]};
      to[e] = rg_part_owner(a->cols, rg_size(comm), a->indices[e]);
    }
  entry *in = rg_scatter(comm, send, nnz, sizeof(entry), to, &n);
  rg_free(send);
  rg_free(to);
  entry *out = RG_NEW(entry, n);
  int64_t *at = RG_NEW(int64_t, a->rows + 1);
  for (int64_t j = 0; j < n; j++)
    at[in[j].row - first + 1]++;
  for (int64_t i = 0; i < a->rows; i++)
    at[i + 1] += at[i];
  memcpy(start, at, (size_t)(a->rows + 1) * sizeof *at);
  for (int64_t j = 0; j < n; j++)
    out[at[in[j].row - first]++] = in[j];
  rg_free(at);
  rg_free(in);
  return out;
}

/* Row i of `a` in column order (by insertion: rows are short); returns its length. */
static int64_t sorted_row(const rg_csr *a, int64_t i, entry *row)
{
  int64_t n = 0;
  for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++, n++) {
    int64_t to = n;
    for (; to > 0 && row[to - 1].col > a->indices[e]; to--)
      row[to] = row[to - 1];
    row[to] = (entry){.col = a->indices[e], .value = a->values[e]};
  }
  return n;
}

rg_csr rg_combine_transpose(rg_comm *comm, const rg_csr *a, float (*f)(float, float))
{
  int64_t first = rg_prefix_i64(comm, a->rows, NULL);
  int64_t longest = 0, *start = RG_NEW(int64_t, a->rows + 1);
  entry *across = transposed(comm, a, first, start);
  for (int64_t i = 0; i < a->rows; i++) {
    int64_t length = a->indptr[i + 1] - a->indptr[i];
    longest = length > longest ? length : longest;
  }
  entry *row = RG_NEW(entry, longest);
  rg_csr sum = rg_csr_new(a->rows, a->cols, rg_csr_nnz(a) + start[a->rows]);
  int64_t at = 0;
  for (int64_t i = 0; i < a->rows; i++) {
    int64_t n = sorted_row(a, i, row), e = 0, j = start[i];
    while (e < n || j < start[i + 1]) {
      int32_t left = e < n ? row[e].col : INT32_MAX;
      int32_t right = j < start[i + 1] ? across[j].col : INT32_MAX;
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
  rg_free(start);
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
