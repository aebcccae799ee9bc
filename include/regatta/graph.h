/** graph: the distributed k-nearest-neighbour graph of cells and what is made of it.
 *  Rows are spread as rg_part; column numbers are global. */
#ifndef REGATTA_GRAPH_H
#define REGATTA_GRAPH_H

#include "regatta/comm.h"

typedef enum rg_metric_kind { RG_EUCLIDEAN, RG_COSINE } rg_metric_kind;

/** Up to here every pair of cells is looked at where nothing else is asked for. */
enum { RG_KNN_EXACT = 100000 };

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
/** What the neighbours of each row say: label[i] gets the label with the most weight among
 *  the neighbours in `knn`, ties by the lower one, share[i] its share of all weight; -1
 *  and 0 without a neighbour that has a label. `given` are labels 0..n_labels-1 of the
 *  rows that were searched, -1 for none, spread over ranks as rg_part. `gaussian`: a
 *  neighbour at d weighs exp(-2 (d / d_k)^2), d_k the distance of the farthest; else 1.
 *  Collective. */
void rg_knn_vote(rg_comm *comm, const rg_knn *knn, const int32_t *given, int64_t rows,
                 int n_labels, bool gaussian, int32_t *label, double *share);

/** Fuzzy simplicial connectivities as umap-learn and scanpy make them (smooth kNN
 *  distances, probabilistic t-conorm): symmetric CSR, this rank's rows; and the distances
 *  as CSR. `n_neighbors` counts the cell itself, as scanpy does. Collective. Owned. */
rg_status rg_connectivities(rg_comm *comm, const rg_knn *knn, rg_csr *connectivities,
                            rg_csr *distances);
/** Shared-nearest-neighbour weights (Jaccard) of the kNN graph, symmetric. Collective. */
rg_status rg_snn(rg_comm *comm, const rg_knn *knn, rg_csr *weights);
/** Symmetrise (a + a^T) a distributed CSR: this rank's rows. Collective. Owned. */
rg_status rg_symmetrise(rg_comm *comm, const rg_csr *a, rg_csr *sum);

/* ---- cells of one modality matched with those of another ------------------------- */

typedef enum rg_match_kind {
  RG_MATCH_SNN, /* shared nearest neighbours: Jaccard index of what i and j are near to,
                   J = A_ab A_bb^T + (A_ba A_aa^T)^T over 2 k_a + 2 k_b - J, a cell being
                   the first of its own; with k = 1 mutual nearest weigh 1, one-sided 1/3 */
  RG_MATCH_KNN, /* exp(-(d / sigma)^2) of the k nearest, sigma a tenth of the mean distance
                   of the ten nearest over the cells of the batch */
  RG_MATCH_MNN  /* 1 for those that are both among the k nearest of the other */
} rg_match_kind;

/** Cells of one modality: this rank's rows, spread as rg_part. Borrowed. */
typedef struct rg_match_side {
  const rg_mat *x;      /* a row that is not finite is not matched */
  const int32_t *batch; /* per row, -1: not matched; not looked at without batches */
} rg_match_side;

/** Weights of the rows of b for every row of a, as cells of CLUE are matched (Tu et al.
 *  2022): inside each of n_batches batches (0: all are one), on rows of unit length, by
 *  exact Euclidean neighbours; every row that has a weight then sums to 1. CSR, this rank's
 *  rows of a; columns are rows of b, rising. The same bits on any number of ranks.
 *  RG_EUSAGE when the columns differ or k < 1. Collective. Owned. */
rg_status rg_match(rg_comm *comm, const rg_match_side *a, const rg_match_side *b,
                   int n_batches, rg_match_kind kind, int k, rg_csr *weights);

#endif
