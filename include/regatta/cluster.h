/** cluster: communities of the distributed graph. Numbers of clusters rise as their sizes
 *  fall, as leidenalg's do. */
#ifndef REGATTA_CLUSTER_H
#define REGATTA_CLUSTER_H

#include "regatta/graph.h"

typedef struct rg_leiden_options {
  double resolution; /* of the modularity */
  int iterations;    /* -1: until nothing improves */
  uint64_t seed;
} rg_leiden_options;

/** Leiden (Traag, Waltman, van Eck 2019) for modularity with a resolution on a symmetric
 *  weighted graph spread over ranks (global columns). label[i] for this rank's rows. The
 *  result depends on the seed but not on the number of ranks. Communities are connected.
 *  Collective. */
rg_status rg_leiden(rg_comm *comm, const rg_csr *graph, const rg_leiden_options *options,
                    int32_t *label, int *n_clusters, double *modularity);
/** Modularity of a labelling. Collective. */
double rg_modularity(rg_comm *comm, const rg_csr *graph, const int32_t *label,
                     double resolution);

typedef struct rg_umap_options {
  double min_distance, spread;
  int epochs;    /* 0: 500 below 10,000 cells, else 200 */
  int negatives; /* per positive sample */
  uint64_t seed;
} rg_umap_options;
/** Constants of the layout: the curve 1 / (1 + a d^(2b)) nearest to 1 up to min_distance
 *  and exp((min_distance - d) / spread) beyond. Not collective. */
void rg_umap_curve(double min_distance, double spread, double *a, double *b);
/** UMAP layout (McInnes, Healy, Melville 2018) of the connectivities: xy gets two columns
 *  for this rank's rows; start is the spectral embedding (scaled, with noise) or, where
 *  given, the first two columns of `start`. Cells without edges get NaN. The same on any
 *  number of ranks. xy is owned by the caller. Collective. RG_EUSAGE; RG_EINPUT when a
 *  weight is negative or not finite. */
rg_status rg_umap(rg_comm *comm, const rg_csr *connectivities, const rg_mat *start,
                  const rg_umap_options *options, rg_mat *xy);

#endif
