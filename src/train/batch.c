/* Batches: which cells, and their counts as rows and as columns. */
#include "internal.h"

#include <string.h>

rg_batch rg_batch_new(const rg_graph *graph, const rg_store *store)
{
  int64_t cells = rg_graph_cells(graph);
  rg_batch batch = {.cell = RG_NEW(int64_t, cells), .row = RG_NEW(int64_t, cells),
                    .n_sparse = store->n_sparse,
                    .sparse = RG_NEW(rg_sparse_batch, store->n_sparse),
                    .capacity = RG_NEW(int64_t, store->n_sparse)};
  for (int k = 0; k < store->n_sparse; k++) {
    int64_t features = store->sparse[k].cols;
    batch.sparse[k].rows = rg_csr_new(cells, features, 0);
    batch.sparse[k].columns = rg_csr_new(features, cells, 0);
    batch.capacity[k] = -1; /* nothing yet, not even room for nothing */
  }
  return batch;
}

void rg_batch_fini(rg_batch *batch)
{
  for (int k = 0; k < batch->n_sparse; k++) {
    rg_csr_fini(&batch->sparse[k].rows);
    rg_csr_fini(&batch->sparse[k].columns);
  }
  rg_free(batch->sparse);
  rg_free(batch->capacity);
  rg_free(batch->cell);
  rg_free(batch->row);
  *batch = (rg_batch){0};
}

void rg_batch_choose(rg_batch *batch, const rg_store *store, const rg_share *share,
                     uint64_t seed, int64_t epoch, int64_t t)
{
  int64_t n = share->lane_cells;
  for (int lane = 0; lane < store->n_lanes; lane++) {
    int64_t low = store->lane_start[lane], size = store->lane_start[lane + 1] - low;
    uint64_t global = (uint64_t)(share->my_lanes.low + lane);
    rg_key key = {.seed = seed, .purpose = RG_FOR_EPOCH,
                  .step = (uint64_t)epoch * (uint64_t)share->lanes + global};
    for (int64_t i = 0; i < n; i++) {
      int64_t row = low + rg_permuted(&key, size, t * n + i);
      batch->row[lane * n + i] = row;
      batch->cell[lane * n + i] = store->cell[row];
    }
  }
}

void rg_batch_range(rg_batch *batch, const rg_store *store, int64_t low, int64_t n)
{
  for (int64_t i = 0; i < n; i++) {
    int64_t row = low + i < store->n ? low + i : store->n - 1;
    batch->row[i] = row;
    batch->cell[i] = row >= 0 ? store->cell[row] : -1;
  }
}

/* ---- filling ---- */

void rg_batch_reserve(rg_batch *batch, int k, int64_t nnz, bool ones)
{
  if (nnz <= batch->capacity[k])
    return;
  int64_t capacity = nnz + nnz / 4;
  rg_csr *both[] = {&batch->sparse[k].rows, &batch->sparse[k].columns};
  for (int i = 0; i < 2; i++) {
    rg_free(both[i]->indices);
    rg_free(both[i]->values);
    both[i]->indices = RG_NEW(int32_t, capacity);
    both[i]->values = ones ? NULL : RG_NEW(float, capacity);
  }
  batch->capacity[k] = capacity;
}

static void fill_rows(rg_batch *batch, const rg_csr *from, int k)
{
  rg_csr *rows = &batch->sparse[k].rows;
  for (int64_t i = 0; i < rows->rows; i++) {
    int64_t row = batch->row[i];
    rows->indptr[i + 1] =
        rows->indptr[i] + (row < 0 ? 0 : from->indptr[row + 1] - from->indptr[row]);
  }
  rg_batch_reserve(batch, k, rows->indptr[rows->rows], from->values == NULL);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows->rows; i++) {
    int64_t n = rows->indptr[i + 1] - rows->indptr[i];
    if (n == 0)
      continue;
    int64_t at = from->indptr[batch->row[i]];
    memcpy(rows->indices + rows->indptr[i], from->indices + at,
           sizeof(int32_t) * (size_t)n);
    if (from->values)
      memcpy(rows->values + rows->indptr[i], from->values + at,
             sizeof(float) * (size_t)n);
  }
}

/* First entry of a row at or past a feature. */
static int64_t entry_at(const rg_csr *rows, int64_t row, int64_t feature)
{
  int64_t low = rows->indptr[row], high = rows->indptr[row + 1];
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (rows->indices[middle] < feature)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The transpose: features are cut into slices, so narrow that what is counted and filled
 * stays in the first caches; each is done on its own. */
void rg_batch_columns(rg_sparse_batch *sparse)
{
  enum { SLICES = 64 };
  const rg_csr *rows = &sparse->rows;
  rg_csr *columns = &sparse->columns;
  int64_t *indptr = columns->indptr, features = columns->rows;
#pragma omp parallel for schedule(static)
  for (int slice = 0; slice < SLICES; slice++) {
    int64_t low = features * slice / SLICES, high = features * (slice + 1) / SLICES;
    memset(indptr + low + 1, 0, sizeof *indptr * (size_t)(high - low));
    for (int64_t i = 0; i < rows->rows; i++)
      for (int64_t e = entry_at(rows, i, low);
           e < rows->indptr[i + 1] && rows->indices[e] < high; e++)
        indptr[rows->indices[e] + 1]++;
  }
  indptr[0] = 0;
  for (int64_t f = 0; f < features; f++)
    indptr[f + 1] += indptr[f];
#pragma omp parallel for schedule(static)
  for (int slice = 0; slice < SLICES; slice++) {
    int64_t low = features * slice / SLICES, high = features * (slice + 1) / SLICES;
    for (int64_t i = 0; i < rows->rows; i++)
      for (int64_t e = entry_at(rows, i, low);
           e < rows->indptr[i + 1] && rows->indices[e] < high; e++) {
        int64_t at = indptr[rows->indices[e]]++;
        columns->indices[at] = (int32_t)i;
        if (rows->values)
          columns->values[at] = rows->values[e];
      }
  }
  /* filling moved every start to its end: move back by one feature */
  for (int64_t f = features; f > 0; f--)
    indptr[f] = indptr[f - 1];
  indptr[0] = 0;
}

static void fill_dense(const rg_batch *batch, const rg_store *store, rg_graph *graph,
                       rg_node *node, int k)
{
  const rg_mat *from = &store->dense[k];
  for (int64_t i = 0; i < rg_graph_cells(graph); i++)
    if (batch->row[i] >= 0)
      memcpy(node->x + i * node->width, rg_mat_row(from, batch->row[i]),
             sizeof(float) * (size_t)node->width);
}

void rg_batch_fill(rg_batch *batch, const rg_store *store, rg_graph *graph, bool columns)
{
  for (int k = 0; k < store->n_sparse; k++) {
    fill_rows(batch, &store->sparse[k], k);
    if (columns)
      rg_batch_columns(&batch->sparse[k]);
  }
  for (int i = 0, k = 0; i < rg_graph_nodes(graph); i++) {
    rg_node *node = rg_graph_node(graph, i);
    if (node->input && !node->sparse && !rg_is_near(node->name))
      fill_dense(batch, store, graph, node, k++);
  }
}
