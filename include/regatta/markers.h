/** markers: features ranked by how they set a group of cells apart from the others. Cells
 *  lie over ranks; features are dealt out block by block, so that a rank has whole columns
 *  of a block. Zeros are never stored: they are one tie of ranks, and in sums they are
 *  counted. Definitions follow scanpy's rank_genes_groups (Wolf, Angerer, Theis 2018). */
#ifndef REGATTA_MARKERS_H
#define REGATTA_MARKERS_H

#include "regatta/comm.h"

typedef enum rg_marker_test {
  RG_WILCOXON, /* rank sum, normal approximation (Mann, Whitney 1947): score z */
  RG_WELCH     /* t with unequal variances (Welch 1947): score t */
} rg_marker_test;

typedef struct rg_marker_options {
  rg_marker_test test;
  bool tie_correct;  /* rank sum: the variance allows for ties */
  bool log1p;        /* values are log(1 + x): folds compare exp(mean) - 1, else means */
  int32_t reference; /* group that each is compared with, -1: all cells of other groups */
  int64_t top;       /* features kept of each group, 0: all */
  int64_t block;     /* entries that a rank holds of a block, 0: 2^25 */
} rg_marker_options;

typedef struct rg_marker {
  int64_t feature;        /* column; -1 in groups that are not ranked */
  double score;           /* above 0: higher in the group */
  double p, p_adjusted;   /* two-sided; Benjamini, Hochberg 1995 over features */
  double fold;            /* log2((group + 1e-9) / (reference + 1e-9)) */
  double share, share_reference; /* cells with a value other than 0 */
} rg_marker;

/** The same on every rank. Owned. */
typedef struct rg_markers {
  int n_groups;
  int64_t n;         /* features per group */
  int64_t *cells;    /* of each group */
  bool *ranked;      /* false: the reference, and groups of fewer than two cells */
  rg_marker *marker; /* of group g from g * n: falling score, ties by the lower column */
} rg_markers;
/** Not collective. */
void rg_markers_fini(rg_markers *markers);

/** Rank the columns of `values` (this rank's rows; none negative) for every group. group[i]
 *  is 0..n_groups-1, or -1: the cell is left out. The same bits on any number of ranks and
 *  threads. RG_EINPUT when no group can be ranked. Collective. */
rg_status rg_rank_features(rg_comm *comm, const rg_csr *values, const int32_t *group,
                           int n_groups, const rg_marker_options *options,
                           rg_markers *markers);

#endif
