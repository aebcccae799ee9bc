/* Leiden clusters against labels, at resolution 1 and at the best of twenty. */
#include "internal.h"

#include <math.h>

static rg_status at_resolution(rg_comm *comm, const rg_scored *scored, double resolution,
                               double *nmi, double *ari)
{
  int64_t rows = scored->embedding->rows;
  int32_t *cluster = RG_NEW(int32_t, rows);
  int n = 0;
  double modularity = 0;
  rg_leiden_options options = {.resolution = resolution, .iterations = 2,
                               .seed = scored->seed};
  rg_status status =
      rg_leiden(comm, scored->connectivities, &options, cluster, &n, &modularity);
  if (status == RG_OK) {
    *nmi = rg_nmi(comm, scored->label, scored->n_labels, cluster, n, rows, false);
    *ari = rg_ari(comm, scored->label, scored->n_labels, cluster, n, rows);
  }
  rg_free(cluster);
  return status;
}

/* False when every cell coincides with its neighbours: which ones those are, and so any
 * cluster of them, is then chance. */
static bool tells_apart(rg_comm *comm, const rg_knn *knn)
{
  bool apart = false;
  for (int64_t k = 0; k < knn->rows * knn->k; k++)
    apart = apart || (knn->index[k] >= 0 && knn->distance[k] > 0);
  return rg_any(comm, apart);
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_status status = RG_OK;
  double best_nmi = -1, best_ari = 0, best = 0;
  bool apart = tells_apart(comm, scored->knn);
  rg_pace_begin("clusters", 20, "resolutions");
  for (int k = 1; k <= 20; k++) {
    rg_pace_at(k - 1, NULL);
    double nmi = 0, ari = 0; /* of one cluster */
    if (apart)
      RG_TRY(at_resolution(comm, scored, k / 10.0, &nmi, &ari));
    if (nmi > best_nmi) {
      best_nmi = nmi;
      best_ari = ari;
      best = k / 10.0;
    }
    if (k == 10) {
      rg_score_add(scores, n, "nmi", nmi);
      rg_score_add(scores, n, "ari", ari);
    }
  }
  rg_score_add(scores, n, "nmi_best_resolution", best_nmi);
  rg_score_add(scores, n, "ari_best_resolution", best_ari);
  rg_score_add(scores, n, "best_resolution", best);
out:
  rg_pace_end();
  return status;
}

const rg_metric rg_metric_clusters = {
    .name = "clusters",
    .cite = "Hubert, Arabie 1985; Luecken et al. 2022 (theislab/scib), arithmetic NMI",
    .help = "NMI and ARI of Leiden clusters with the labels, at resolution 1 and where the "
            "NMI is best (label-aware: compare only with numbers chosen alike)",
    .needs = RG_NEEDS_LABELS,
    .higher_is_better = true,
    .compute = compute};
