/* Rows of graphs that other programs wrote, or that came from several ranks. */

#include "annot_read.h"

#include <stdlib.h>

typedef struct entry {
  int32_t column;
  float value;
} entry;

static int by_column(const void *a, const void *b)
{
  int32_t x = ((const entry *)a)->column, y = ((const entry *)b)->column;
  return (x > y) - (x < y);
}

void rg_annot_sort_rows(rg_csr *csr)
{
  entry *row = RG_NEW(entry, 0);
  int64_t room = 0;
  for (int64_t i = 0; i < csr->rows; i++) {
    int64_t low = csr->indptr[i], n = csr->indptr[i + 1] - low, j = 1;
    while (j < n && csr->indices[low + j - 1] < csr->indices[low + j])
      j++;
    if (j >= n)
      continue;
    if (n > room) {
      row = rg_realloc(row, room, n, sizeof *row);
      room = n;
    }
    for (j = 0; j < n; j++)
      row[j] = (entry){csr->indices[low + j], csr->values[low + j]};
    qsort(row, (size_t)n, sizeof *row, by_column);
    for (j = 0; j < n; j++) {
      csr->indices[low + j] = row[j].column;
      csr->values[low + j] = row[j].value;
    }
  }
  rg_free(row);
}
