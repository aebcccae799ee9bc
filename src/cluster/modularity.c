/* Modularity with a resolution, from whole numbers: the same on any number of ranks. */
#include "leiden.h"

double leiden_quality(int64_t inside, const int64_t *degree, int64_t n,
                      double resolution)
{
  int64_t total = 0;
  double expected = 0;
  for (int64_t c = 0; c < n; c++)
    total += degree[c];
  if (total == 0)
    return 0;
  for (int64_t c = 0; c < n; c++) {
    double share = (double)degree[c] / (double)total;
    expected += share * share;
  }
  return (double)inside / (double)total - resolution * expected;
}

double rg_modularity(rg_comm *comm, const rg_csr *graph, const int32_t *label,
                     double resolution)
{
  double scale = leiden_scale(comm, graph);
  int64_t n_total, first = rg_prefix_i64(comm, graph->rows, &n_total);
  int64_t n_labels = 0, inside = 0;
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
  double modularity = leiden_quality(inside, degree, n_labels, resolution);
  rg_free(degree);
  rg_free(other);
  rg_free(column);
  return modularity;
}
