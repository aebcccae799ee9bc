/* What the files of prepare share: layouts of rows over ranks, sums in fixed point, the
 * sparse matrix with both of its products, the eigensolver. */
#ifndef RG_PREPARE_INNER_H
#define RG_PREPARE_INNER_H

#include "regatta/prepare.h"

/* ---- layouts: rows cut over ranks in order --------------------------------------- */

/** Rank r holds rows [bound[r], bound[r + 1]). Owned array of size + 1. */
typedef struct rg_layout {
  int64_t *bound;
} rg_layout;
/** The layout in which this rank holds `rows` rows. Collective. */
rg_layout rg_layout_of(rg_comm *comm, int64_t rows);
/** `n` rows cut into blocks, block b starting at first[b] (first[blocks] = n), blocks cut
 *  over ranks as rg_part(blocks). Not collective. */
rg_layout rg_layout_blocks(rg_comm *comm, int64_t blocks, const int64_t *first);
void rg_layout_fini(rg_layout *layout);
/** Not collective. */
bool rg_layout_same(rg_comm *comm, const rg_layout *a, const rg_layout *b);
/** Rows of row_bytes each from one layout to another; returns this rank's (owned).
 *  Collective. */
void *rg_relayout(rg_comm *comm, const rg_layout *from, const rg_layout *to,
                  const void *mine, int64_t row_bytes);
/** The same for the rows of a CSR. Collective. Owned. */
rg_csr rg_relayout_csr(rg_comm *comm, const rg_layout *from, const rg_layout *to,
                       const rg_csr *mine);

/** The same for strings, codes and the like. Collective. Owned. */
rg_strings rg_relayout_strings(rg_comm *comm, const rg_layout *from,
                               const rg_layout *to, const rg_strings *mine);

/* ---- exact sums ------------------------------------------------------------------ */

/** Sums over cells per (group, feature) in 64-bit fixed point: the same bits for any number
 *  of ranks and threads. Arrays groups x features, replicated, owned. Values on the grid
 *  of the point (integers always are) are summed exactly. */
typedef struct rg_group_sums {
  int64_t *count; /* nonzero entries, or entries above the limit */
  double *sum, *square;
} rg_group_sums;
/** group[i] per row in [0, groups), other rows are left out; NULL: all in group 0. With
 *  `limit` (groups x features), entries above it are counted instead of summed.
 *  Collective. */
rg_group_sums rg_sum_groups(rg_comm *comm, const rg_csr *counts, const int32_t *group,
                            int groups, const double *limit);
void rg_group_sums_fini(rg_group_sums *sums);

/** Local regression of degree 2 of y on x at the points themselves, as cloess with
 *  surface="interpolate" fits it: local fits at the vertices of a k-d tree, cubic
 *  blending between them (Cleveland, Grosse 1991). fitted[n]. Not collective. */
void rg_loess(int64_t n, const double *x, const double *y, double span, double *fitted);

/* ---- a distributed sparse matrix and its products -------------------------------- */

typedef struct rg_spread rg_spread;
/** `a` (this rank's rows) is borrowed; `mean` (cols, replicated, borrowed) is subtracted
 *  from every row implicitly, or NULL. Collective. */
rg_spread *rg_spread_new(rg_comm *comm, const rg_csr *a, const double *mean);
void rg_spread_free(rg_spread *spread);
/** y (this rank's rows x width) = a b, with b cols x width replicated. Not collective. */
void rg_spread_times(const rg_spread *spread, const float *b, int width, float *y);
/** z (cols x width, replicated) = a^T y; the same bits for any number of ranks.
 *  Collective. */
void rg_spread_transposed(const rg_spread *spread, const float *y, int width, float *z);

/* ---- a few leading eigenvectors -------------------------------------------------- */

/** A symmetric matrix by its product: y = matrix x for this rank's rows
 *  (rg_eigen_layout) of n, `width` columns. Collective. */
typedef struct rg_symmetric {
  int64_t n;
  void (*times)(void *self, const float *x, int width, float *y);
  void *self;
} rg_symmetric;
typedef struct rg_eigen_options {
  int width; /* columns of a block: at least the number wanted, best a multiple of 16 */
  int iterations; /* blocks beyond the first */
  bool scalapack; /* QR and eigenproblem by the ranks together instead of replicated */
  uint64_t seed;
} rg_eigen_options;
/** How the eigensolver cuts n rows over ranks. Not collective. Owned. */
rg_layout rg_eigen_layout(rg_comm *comm, int64_t n);
/** Block Krylov iteration with full orthogonalisation (Musco, Musco 2015): the `wanted`
 *  largest eigenvalues, falling, and vectors (this rank's rows x wanted). The same bits for
 *  any number of ranks unless `scalapack`. Collective. */
rg_status rg_eigen_leading(rg_comm *comm, const rg_symmetric *matrix,
                           const rg_eigen_options *options, int wanted, double *values,
                           rg_mat *vectors);
/** c (wa x wb, replicated) = a^T b over all ranks' rows in the eigensolver's layout.
 *  Collective. */
void rg_eigen_gram(rg_comm *comm, int64_t n, const float *a, int wa, const float *b,
                   int wb, double *c);

/* ---- modalities of the pipeline -------------------------------------------------- */

typedef enum rg_kind { RG_KIND_COUNTS, RG_KIND_PEAKS, RG_KIND_PROTEIN } rg_kind;
/** How a modality is treated: by its name, else by its features and values. */
rg_kind rg_kind_of(const char *name, bool has_chromosomes, bool are_counts);

/** A modality on its way through the pipeline. Rows of counts, present and depth are this
 *  rank's cells. Owned but for the source. */
typedef struct rg_draft {
  const rg_modality *source;
  rg_kind kind;
  bool are_counts; /* non-negative integers */
  bool negative;   /* some value is below zero */
  rg_csr counts;
  bool *present;
  double *depth;
  int64_t n_features;
  int32_t *feature; /* per column: number in the source, -1 when the source lacks it */
  bool *highly_variable; /* or NULL */
} rg_draft;
/** Choose and order the features of a draft: filters, variable genes, accessible peaks,
 *  chromosomes. Collective. */
rg_status rg_select_features(rg_comm *comm, const rg_prepare_options *options,
                             const rg_column *batch, rg_draft *draft);
/** Take the features of `like` by name. Collective; RG_EINPUT when fewer than half are
 *  there. */
rg_status rg_match_features(rg_comm *comm, const char *path,
                            const rg_prepared_modality *like, rg_draft *draft);
/** Chromosomes of the features of `like` in the order of peaks: names in natural order and
 *  one for unknown ones at the end. Not collective. */
void rg_number_chromosomes(const rg_draft *draft, rg_prepared_modality *out);
/** The embedding of a modality. Collective. */
rg_status rg_embed_modality(rg_comm *comm, const rg_prepare_options *options,
                            rg_kind kind, bool log_ratio,
                            rg_prepared_modality *modality);

#endif
