/* What the exact and the approximate search share. */
#ifndef REGATTA_GRAPH_KNN_H
#define REGATTA_GRAPH_KNN_H

#include "regatta/graph.h"
#include "regatta/kernels.h"

/* Points of the rows that are finite, ids from the global number of row 0. Cosine
 * distance is half the squared distance of unit vectors; one more coordinate holds 1
 * for a zero row, which is thus at distance 1 from all others. Collective. */
rg_points rg_knn_points(rg_comm *comm, const rg_mat *x, rg_metric_kind metric,
                        int64_t *n_total);
/* Lists of the points of rg_knn_points as a graph over all rows. Not collective. */
void rg_knn_from_lists(const rg_points *points, const rg_topk *lists, int64_t rows,
                       int64_t first, rg_metric_kind metric, rg_knn *knn);
/* Fill the lists of this rank's points by overlapping buckets. Collective. */
void rg_knn_buckets(rg_comm *comm, const rg_points *mine, const rg_knn_options *options,
                    int64_t n_total, rg_topk *lists);

#endif
