/* A given clustering against the labels. */
#include "internal.h"

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  int64_t rows = scored->embedding->rows;
  const int32_t *a = scored->label, *b = scored->cluster;
  int n_a = scored->n_labels, n_b = scored->n_clusters;
  rg_score_add(scores, n, "clusters_ari", rg_ari(comm, a, n_a, b, n_b, rows));
  rg_score_add(scores, n, "clusters_nmi", rg_nmi(comm, a, n_a, b, n_b, rows, false));
  rg_score_add(scores, n, "clusters_ami", rg_ami(comm, a, n_a, b, n_b, rows));
  return RG_OK;
}

const rg_metric rg_metric_partition = {
    .name = "partition",
    .cite = "Hubert, Arabie 1985; Vinh, Epps, Bailey 2010",
    .help = "ARI, NMI (arithmetic) and AMI of a column of clusters with the labels",
    .needs = RG_NEEDS_LABELS | RG_NEEDS_CLUSTERS,
    .higher_is_better = true,
    .compute = compute};
