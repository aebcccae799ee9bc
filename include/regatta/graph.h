/** graph: the distributed k-nearest-neighbour graph of cells and what is made of it.
 *  Rows are spread as rg_part; column numbers are global. */
#ifndef REGATTA_GRAPH_H
#define REGATTA_GRAPH_H

#include "regatta/comm.h"

typedef enum rg_metric_kind { RG_EUCLIDEAN, RG_COSINE } rg_metric_kind;

typedef struct rg_knn_options {
  int k;               /* neighbours, self excluded */
  rg_metric_kind metric;
  bool exact;          /* blocked products against every cell; else overlapping buckets */
  int leaders;         /* approximate: leaders in all, 0 chooses */
  int fan_out;         /* approximate: buckets a cell is put into, 0 chooses */
  uint64_t seed;
} rg_knn_options;

/** k nearest neighbours of this rank's rows: index[i * k + j] global cell, falling
 *  nearness, ties by the lower index; distance alike. Fewer than k when there are fewer
 *  cells: index -1. Owned. */
typedef struct rg_knn {
  int64_t rows;
  int k;
  int64_t *index;
  float *distance;
} rg_knn;
/** Not collective. */
void rg_knn_fini(rg_knn *knn);

/** Neighbours of every cell of x (this rank's rows, rg_part) among all cells. Exact: ring
 *  of blocked products; the same on any number of ranks. Approximate: sampled leaders,
 *  fan-out, bucket pairs by products, merge. Cells with a NaN row have no neighbours and
 *  are nobody's. Collective. */
rg_status rg_knn_graph(rg_comm *comm, const rg_mat *x, const rg_knn_options *options,
                       rg_knn *knn);
/** Neighbours of the rows of `query` among the rows of `x` (both spread over ranks);
 *  exact, self is not excluded. Collective. */
rg_status rg_knn_query(rg_comm *comm, const rg_mat *query, const rg_mat *x, int k,
                       rg_metric_kind metric, rg_knn *knn);

/** Fuzzy simplicial connectivities as umap-learn and scanpy make them (smooth kNN
 *  distances, probabilistic t-conorm): symmetric CSR, this rank's rows; and the distances
 *  as CSR. `n_neighbors` counts the cell itself, as scanpy does. Collective. Owned. */
rg_status rg_connectivities(rg_comm *comm, const rg_knn *knn, rg_csr *connectivities,
                            rg_csr *distances);
/** Shared-nearest-neighbour weights (Jaccard) of the kNN graph, symmetric. Collective. */
rg_status rg_snn(rg_comm *comm, const rg_knn *knn, rg_csr *weights);
/** Symmetrise (a + a^T) a distributed CSR: this rank's rows. Collective. Owned. */
rg_status rg_symmetrise(rg_comm *comm, const rg_csr *a, rg_csr *sum);

#endif
