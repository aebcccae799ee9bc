/* Sparse matrices by rows. */
#include "regatta/tensor.h"

rg_csr rg_csr_new(int64_t rows, int64_t cols, int64_t nnz)
{
  RG_ASSERT(rows >= 0 && cols >= 0 && cols <= INT32_MAX && nnz >= 0);
  return (rg_csr){rows, cols,
                  RG_NEW(int64_t, rows + 1), RG_NEW(int32_t, nnz), RG_NEW(float, nnz)};
}

void rg_csr_fini(rg_csr *csr)
{
  rg_free(csr->indptr);
  rg_free(csr->indices);
  rg_free(csr->values);
  *csr = (rg_csr){0};
}

/* Counting sort by column: entries of one column stay in the order of the rows. */
rg_csr rg_csr_transpose(const rg_csr *csr)
{
  int64_t nnz = rg_csr_nnz(csr);
  rg_csr t = rg_csr_new(csr->cols, csr->rows, nnz);
  if (!csr->values) {
    rg_free(t.values);
    t.values = NULL;
  }
  for (int64_t k = 0; k < nnz; k++)
    t.indptr[csr->indices[k] + 1]++;
  for (int64_t c = 0; c < csr->cols; c++)
    t.indptr[c + 1] += t.indptr[c];
  int64_t *next = RG_NEW(int64_t, csr->cols);
  for (int64_t c = 0; c < csr->cols; c++)
    next[c] = t.indptr[c];
  for (int64_t i = 0; i < csr->rows; i++)
    for (int64_t k = csr->indptr[i]; k < csr->indptr[i + 1]; k++) {
      int64_t at = next[csr->indices[k]]++;
      t.indices[at] = (int32_t)i;
      if (t.values)
        t.values[at] = csr->values[k];
    }
  rg_free(next);
  return t;
}

void rg_csr_keep_columns(rg_csr *csr, const int32_t *new_of_old, int64_t new_cols)
{
  int64_t last = -1;
  for (int64_t c = 0; c < csr->cols; c++)
    if (new_of_old[c] >= 0) {
      RG_ASSERT(new_of_old[c] > last && new_of_old[c] < new_cols);
      last = new_of_old[c];
    }
  int64_t kept = 0, k = 0;
  for (int64_t i = 0; i < csr->rows; i++) {
    for (; k < csr->indptr[i + 1]; k++) {
      int32_t c = new_of_old[csr->indices[k]];
      if (c < 0)
        continue;
      csr->indices[kept] = c;
      if (csr->values)
        csr->values[kept] = csr->values[k];
      kept++;
    }
    csr->indptr[i + 1] = kept;
  }
  csr->cols = new_cols;
}
