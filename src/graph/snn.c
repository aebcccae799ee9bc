/* Shared-nearest-neighbour weights: the Jaccard index of two cells' neighbour lists,
 * each with the cell itself, for cells of which at least one is among the other's
 * nearest. */
#include "combine.h"

#include <stdlib.h>

static int rising(const void *x, const void *y)
{
  int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
  return (a > b) - (a < b);
}

/* Per row k + 1 numbers, rising: the cell, its neighbours; padding of -1 comes
 * first. */
static int64_t *neighbourhoods(const rg_knn *knn, int64_t first)
{
  int width = knn->k + 1;
  int64_t *set = RG_NEW(int64_t, knn->rows * width);
  for (int64_t i = 0; i < knn->rows; i++) {
    int64_t *row = set + i * width;
    row[0] = first + i;
    for (int j = 0; j < knn->k; j++)
      row[j + 1] = knn->index[i * knn->k + j];
    qsort(row, (size_t)width, sizeof *row, rising);
  }
  return set;
}

static float jaccard(const int64_t *a, const int64_t *b, int width)
{
  int i = 0, j = 0, both = 0;
  while (i < width && a[i] < 0)
    i++;
  while (j < width && b[j] < 0)
    j++;
  int total = width - i + width - j;
  while (i < width && j < width) {
    both += a[i] == b[j];
    int64_t x = a[i], y = b[j];
    i += x <= y;
    j += y <= x;
  }
  return (float)both / (float)(total - both);
}

static float either(float a, float b)
{
  return a > b ? a : b;
}

/* The distinct neighbours that live elsewhere, rising. */
static int64_t *far_neighbours(const rg_knn *knn, int64_t first, int64_t *n)
{
  int64_t *ids = RG_NEW(int64_t, knn->rows * knn->k), m = 0;
  for (int64_t i = 0; i < knn->rows * knn->k; i++)
    if (knn->index[i] >= 0 &&
        (knn->index[i] < first || knn->index[i] >= first + knn->rows))
      ids[m++] = knn->index[i];
  qsort(ids, (size_t)m, sizeof *ids, rising);
  *n = 0;
  for (int64_t i = 0; i < m; i++)
    if (i == 0 || ids[i] != ids[i - 1])
      ids[(*n)++] = ids[i];
  return ids;
}

rg_status rg_snn(rg_comm *comm, const rg_knn *knn, rg_csr *weights)
{
  int64_t n_total, n_far, at = 0;
  int64_t first = rg_prefix_i64(comm, knn->rows, &n_total);
  int width = knn->k + 1;
  int64_t *set = neighbourhoods(knn, first);
  int64_t *far = far_neighbours(knn, first, &n_far);
  int64_t *far_set = RG_NEW(int64_t, n_far * width);
  rg_fetch(comm, set, n_total, width * (int64_t)sizeof(int64_t), far, n_far, far_set);
  rg_csr directed = rg_csr_new(knn->rows, n_total, knn->rows * knn->k);
  for (int64_t i = 0; i < knn->rows; i++) {
    for (int j = 0; j < knn->k && knn->index[i * knn->k + j] >= 0; j++, at++) {
      int64_t id = knn->index[i * knn->k + j];
      bool here = id >= first && id < first + knn->rows;
      const int64_t *place =
          here ? NULL : bsearch(&id, far, (size_t)n_far, sizeof *far, rising);
      const int64_t *other =
          here ? set + (id - first) * width : far_set + (place - far) * width;
      directed.indices[at] = (int32_t)id;
      directed.values[at] = jaccard(set + i * width, other, width);
    }
    directed.indptr[i + 1] = at;
  }
  *weights = rg_combine_transpose(comm, &directed, either);
  rg_csr_fini(&directed);
  rg_free(set);
  rg_free(far);
  rg_free(far_set);
  return RG_OK;
}
