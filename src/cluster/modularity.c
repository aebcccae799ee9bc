/* Modularity with a resolution, from whole numbers: the same on any number of ranks. */
#include "leiden.h"

double rg_modularity(rg_comm *comm, const rg_csr *graph, const int32_t *label,
                     double resolution)
{
  double scale = leiden_scale(comm, graph), expected = 0;
  int64_t n_total, first = rg_prefix_i64(comm, graph->rows, &n_total);
  int64_t n_labels = 0, inside = 0, total = 0;
  for (int64_t i = 0; i < graph->rows; i++)
    n_labels = label[i] >= n_labels ? label[i] + 1 : n_labels;
  rg_max_i64(comm, &n_labels, 1);

  int64_t nnz = rg_csr_nnz(graph), *column = RG_NEW(int64_t, nnz);
  int32_t *other = RG_NEW(int32_t, nnz);
  int64_t *degree = RG_NEW(int64_t, n_labels);
  for (int64_t e = 0; e < nnz; e++)
    column[e] = graph->indices[e];
  rg_fetch(comm, label, n_total, sizeof *label, column, nnz, other);
  for (int64_t i = 0; i < graph->rows; i++)
    for (int64_t e = graph->indptr[i]; e < graph->indptr[i + 1]; e++) {
      if (column[e] == first + i || graph->values[e] == 0)
        continue;
      int64_t w = leiden_whole(graph->values[e], scale);
      degree[label[i]] += w;
      inside += other[e] == label[i] ? w : 0;
    }
  rg_sum_i64(comm, &inside, 1);
  rg_sum_i64(comm, degree, n_labels);
  for (int64_t c = 0; c < n_labels; c++)
    total += degree[c];
  for (int64_t c = 0; c < n_labels && total > 0; c++)
    expected += (double)degree[c] / (double)total * ((double)degree[c] / (double)total);
  rg_free(degree);
  rg_free(other);
  rg_free(column);
  return total > 0 ? (double)inside / (double)total - resolution * expected : 0;
}
