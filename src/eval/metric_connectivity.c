/* Share of the cells of a label that hang together in the neighbour graph. */
#include "internal.h"

/* Lowest cell number reachable through cells of the same label: numbers spread over edges
 * until nothing changes. Owned. */
static int64_t *components(rg_comm *comm, const rg_scored *scored, int64_t first,
                           int64_t total)
{
  const rg_csr *graph = scored->connectivities;
  int64_t rows = graph->rows, n = rg_csr_nnz(graph);
  int64_t *ids = RG_NEW(int64_t, n), *far = RG_NEW(int64_t, n);
  int32_t *label = RG_NEW(int32_t, n);
  int64_t *mine = RG_NEW(int64_t, rows);
  for (int64_t e = 0; e < n; e++)
    ids[e] = graph->indices[e];
  for (int64_t i = 0; i < rows; i++)
    mine[i] = first + i;
  rg_fetch(comm, scored->label, total, sizeof *label, ids, n, label);
  rg_pace_begin("connectivity", 0, "rounds");
  int64_t round = 0;
  for (bool changed = true; changed;) {
    rg_pace_at(round++, NULL);
    changed = false;
    rg_fetch(comm, mine, total, sizeof *mine, ids, n, far);
    for (int64_t i = 0; i < rows; i++)
      for (int64_t e = graph->indptr[i]; e < graph->indptr[i + 1]; e++)
        if (label[e] == scored->label[i] && far[e] < mine[i]) {
          mine[i] = far[e];
          changed = true;
        }
    changed = rg_any(comm, changed);
  }
  rg_pace_end();
  rg_free(label);
  rg_free(far);
  rg_free(ids);
  return mine;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  int64_t rows = scored->connectivities->rows, total;
  int64_t first = rg_prefix_i64(comm, rows, &total);
  int64_t *component = components(comm, scored, first, total);
  int64_t *size = RG_NEW(int64_t, total), *cells = RG_NEW(int64_t, scored->n_labels);
  int64_t *largest = RG_NEW(int64_t, scored->n_labels);
  for (int64_t i = 0; i < rows; i++) {
    size[component[i]]++;
    cells[scored->label[i]]++;
  }
  rg_sum_i64(comm, size, total);
  rg_sum_i64(comm, cells, scored->n_labels);
  for (int64_t i = 0; i < rows; i++)
    if (size[component[i]] > largest[scored->label[i]])
      largest[scored->label[i]] = size[component[i]];
  rg_max_i64(comm, largest, scored->n_labels);
  double sum = 0, labels = 0;
  for (int l = 0; l < scored->n_labels; l++)
    if (cells[l] > 0) {
      sum += (double)largest[l] / (double)cells[l];
      labels++;
    }
  rg_score_add(scores, n, "graph_connectivity", sum / labels);
  rg_free(largest);
  rg_free(cells);
  rg_free(size);
  rg_free(component);
  return RG_OK;
}

const rg_metric rg_metric_connectivity = {
    .name = "connectivity",
    .cite = "Luecken et al. 2022 (theislab/scib)",
    .help = "mean over labels of the share of its cells in the largest connected component "
            "of the 15-neighbour graph of that label",
    .needs = RG_NEEDS_LABELS,
    .higher_is_better = true,
    .compute = compute};
