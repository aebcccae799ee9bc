/* Share of a cell's nearest neighbours that have its label. */
#include "internal.h"

/* Labels of all neighbours, wherever they live. Owned. */
static int32_t *labels_of_neighbours(rg_comm *comm, const rg_scored *scored)
{
  const rg_knn *knn = scored->knn;
  int64_t n = knn->rows * knn->k, total = knn->rows;
  rg_sum_i64(comm, &total, 1);
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = knn->index[e] < 0 ? 0 : knn->index[e];
  int32_t *label = RG_NEW(int32_t, n);
  rg_fetch(comm, scored->label, total, sizeof *label, ids, n, label);
  for (int64_t e = 0; e < n; e++)
    if (knn->index[e] < 0)
      label[e] = -1;
  rg_free(ids);
  return label;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  int k = scored->knn->k;
  int32_t *neighbour = labels_of_neighbours(comm, scored);
  int64_t *same = RG_NEW(int64_t, 3 * (int64_t)scored->n_labels);
  int64_t *found = same + scored->n_labels, *cells = found + scored->n_labels;
  for (int64_t i = 0; i < scored->knn->rows; i++) {
    int32_t label = scored->label[i];
    cells[label]++;
    for (int j = 0; j < k; j++) {
      same[label] += neighbour[i * k + j] == label;
      found[label] += neighbour[i * k + j] >= 0;
    }
  }
  rg_sum_i64(comm, same, 3 * (int64_t)scored->n_labels);
  double micro = 0, macro = 0, all = 0, labels = 0;
  for (int l = 0; l < scored->n_labels; l++) {
    if (found[l] == 0)
      continue;
    double share = (double)same[l] / (double)found[l];
    micro += share * (double)cells[l];
    all += (double)cells[l];
    macro += share;
    labels++;
  }
  rg_score_add(scores, n, "knn_purity", micro / all);
  rg_score_add(scores, n, "knn_purity_macro", macro / labels);
  rg_free(same);
  rg_free(neighbour);
  return RG_OK;
}

const rg_metric rg_metric_purity = {
    .name = "purity",
    .cite = "k nearest neighbour purity, k = 15",
    .help = "mean share of the 15 nearest neighbours with the cell's label, over cells and "
            "over labels",
    .needs = RG_NEEDS_LABELS,
    .higher_is_better = true,
    .compute = compute};
