/** prepare: from raw counts to what training needs: filters, size factors, variable
 *  features, normalisation, tf-idf, PCA, LSI and the spectral embedding. Matrices stay
 *  sparse; centring is implicit; rows stay where they are (rg_part of the cells). */
#ifndef REGATTA_PREPARE_H
#define REGATTA_PREPARE_H

#include "regatta/io.h"

/* ---- building blocks: each works on this rank's rows of a distributed matrix ----- */

/** Per feature over all cells: cells with a nonzero, sum, mean, variance (n - 1).
 *  Owned arrays of cols entries, replicated. Collective. */
typedef struct rg_feature_stats {
  int64_t n_cells, n_features;
  int64_t *cells;
  double *sum, *mean, *variance;
} rg_feature_stats;
rg_status rg_feature_statistics(rg_comm *comm, const rg_csr *counts,
                                rg_feature_stats *stats);
void rg_feature_stats_fini(rg_feature_stats *stats);
/** Row sums. Not collective. */
void rg_row_sums(const rg_csr *counts, double *sums);
/** The middle of n numbers per rank (mean of the two middle ones of an even number), the
 *  same bits for any number of ranks; numbers have to be finite and not negative. 0 when
 *  there are none. Collective. */
double rg_median(rg_comm *comm, const double *x, int64_t n);
/** Scale every row to `target` counts (0: the median of the row sums over all cells),
 *  then log1p, in place; factor[i] gets what row i was divided by. Collective. */
rg_status rg_normalise_log(rg_comm *comm, rg_csr *counts, double target, double *factor);
/** Keep the rows with keep[i], in place. Not collective. */
void rg_csr_keep_rows(rg_csr *csr, const bool *keep);
/** Keep columns with new_of_old[c] >= 0 under their new number, in any order, in place;
 *  rows stay sorted. Not collective. */
void rg_csr_arrange_columns(rg_csr *csr, const int32_t *new_of_old, int64_t new_cols);
/** Deep copy; ones become explicit. Not collective. Owned. */
rg_csr rg_copy_csr(const rg_csr *csr);
/** x = log1p(x / factor[row]) in place. Not collective. */
void rg_scale_log(rg_csr *counts, const double *factor);
/** Centred log ratio per cell, log1p(x) less its mean over all features: a full matrix in
 *  CSR form. Not collective. Owned. */
rg_csr rg_centred_log_ratio(const rg_csr *counts);
/** Highly variable features as scanpy's seurat_v3 (loess of log variance on log mean,
 *  clipped standardised variance; per batch, median rank): highly[f] true for `n` of
 *  them; rank, norm variance optional (may be NULL). batch[i] per row or NULL.
 *  Collective. */
rg_status rg_highly_variable(rg_comm *comm, const rg_csr *counts, const int32_t *batch,
                             int n_batches, int n, bool *highly, double *variance_norm,
                             int *rank);
typedef enum rg_idf {
  RG_TFIDF_LOG,   /* log1p(tf x idf x 1e4): muon, Signac */
  RG_IDF_BINARY,  /* binary x log(n / cells), rows to unit length: SnapATAC2 */
} rg_idf;
/** tf-idf weighting in place. Collective. */
rg_status rg_tfidf(rg_comm *comm, rg_csr *counts, rg_idf kind);

typedef struct rg_svd_options {
  int rank;          /* axes wanted */
  int oversampling;  /* default 10 */
  int iterations;    /* blocks of the Krylov space beyond the first, default 6 */
  bool centre;       /* subtract column means implicitly */
  bool scalapack;    /* orthogonalise and diagonalise over all ranks together (pdgeqrf,
                        pdsyevd): equal over rank counts to rounding, not bit for bit */
  uint64_t seed;
} rg_svd_options;
/** Truncated singular value decomposition of a distributed sparse matrix by randomised
 *  block Krylov iteration (Halko, Martinsson, Tropp 2011; Musco, Musco 2015); the same bits
 *  for any number of ranks and threads unless `scalapack`. Takes columns x (rank +
 *  oversampling) x (iterations + 1) floats over all ranks together. u: this rank's
 *  rows x rank (unit columns), s falling, v: cols x rank replicated; signs
 *  fixed so that the largest entry of each v column is positive. Owned. Collective. */
typedef struct rg_svd {
  int rank;
  rg_mat u, v;
  double *s;
  double *explained; /* variance share of each axis */
} rg_svd;
rg_status rg_svd_sparse(rg_comm *comm, const rg_csr *a, const rg_svd_options *options,
                        rg_svd *svd);
void rg_svd_fini(rg_svd *svd);
/** Spectral embedding of cells by cosine similarity (SnapATAC2: Zhang et al. 2024), matrix
 *  free: `rank` axes of the normalised similarity, trivial one dropped. Collective. */
rg_status rg_spectral(rg_comm *comm, const rg_csr *counts, int rank, uint64_t seed,
                      rg_mat *embedding);

/* ---- the pipeline ---------------------------------------------------------------- */

/** Section `prepare` of the configuration. */
typedef struct rg_prepare_options {
  int64_t min_features_per_cell; /* in each modality that a cell has */
  int64_t min_cells_per_feature; /* of genes and peaks */
  double max_cells_share;        /* peaks open in more cells than this share go */
  int64_t top_genes;             /* highly variable features kept of rna; 0 all */
  int64_t top_peaks;             /* most accessible peaks kept; 0 all */
  int64_t axes;                  /* of the principal components of rna and adt */
  int64_t atac_axes;             /* of the embedding of atac */
  char *atac_embedding;          /* "idf|lsi|spectral" */
  int64_t iterations;            /* of the decomposition */
  char *linear_algebra;          /* "replicated|scalapack" */
  int64_t seed;
} rg_prepare_options;
extern const rg_field rg_prepare_fields[];

/** What the values of a modality are. */
typedef enum rg_value_kind {
  RG_VALUES_COUNTS, /* whole numbers, none negative */
  RG_VALUES_REAL,   /* normalised by somebody else; may be negative */
} rg_value_kind;

/** A modality after preparation: this rank's cells x kept features, raw counts (or values
 *  as they are in the file, where those are no counts; zeros are not stored). */
typedef struct rg_prepared_modality {
  char *name;
  rg_value_kind values;
  rg_csr counts;
  rg_strings features;
  rg_strings chromosomes;  /* of peaks, in natural order, "unknown" last; else n == 0 */
  int32_t *chromosome;     /* per kept peak, peaks sorted by (chromosome, start); or NULL */
  bool *highly_variable;   /* per kept feature, or NULL */
  bool *present;           /* per cell */
  double *depth;           /* per cell: sum of raw counts over all features of the file */
  rg_mat embedding;        /* PCA of rna and adt, the chosen one of atac; cells x axes;
                              NaN rows where absent; no columns when not computed */
  const char *embedding_name; /* "X_pca", "X_lsi", "X_spectral" */
  double *explained;       /* share of variance per axis; NULL for X_spectral */
} rg_prepared_modality;

/** The data set that training, embedding and evaluation work on: the cells kept, spread
 *  as rg_part(n_cells). Owned. */
typedef struct rg_dataset {
  int64_t n_cells;
  rg_range rows;
  rg_strings names;
  int64_t *source; /* per cell: its number in the file */
  int n_modalities;
  rg_prepared_modality *modality;
  rg_column batch;  /* category; n == 0 when none was asked for */
  rg_column label;
  bool *held_out;  /* per cell: left out of training; NULL: none */
  bool *validates; /* per cell: left out for validation; NULL: a share that is drawn */
} rg_dataset;
/** Read, filter, select, embed; logs what was kept, a line per step. `batch` and `label`
 *  name columns of obs or are NULL. `keep_features` (may be NULL) is a dataset whose
 *  features are to be used instead of a selection (encoding new cells): matched by name,
 *  features that the file lacks read as zero; no cell is dropped and nothing is embedded.
 *  No modality in common, fewer than half the features of one, or values of one that are
 *  no counts where those of keep_features are: RG_EINPUT. The same
 *  bits for any number of ranks and threads (with linear_algebra replicated).
 *  Collective. */
rg_status rg_prepare(rg_file *file, const rg_prepare_options *options, const char *batch,
                     const char *label, const rg_dataset *keep_features,
                     rg_dataset *dataset);
/** Embed the modalities of a data set that was prepared with the features of another, as
 *  rg_prepare does without; those of fewer than two cells have none. Collective. */
rg_status rg_dataset_embed(rg_comm *comm, const rg_prepare_options *options,
                           rg_dataset *dataset);
void rg_dataset_fini(rg_dataset *dataset);
/** The dataset's modality by name, or NULL. Not collective. */
const rg_prepared_modality *rg_dataset_modality(const rg_dataset *dataset,
                                                const char *name);
/** Write and read RUN/prepared (a vault): features, embeddings, factors and names, not the
 *  counts, nor which cells are held out or validate. Collective. */
rg_status rg_dataset_write(rg_comm *comm, const rg_dataset *dataset, const char *path);
rg_status rg_dataset_read(rg_comm *comm, const char *path, rg_dataset *dataset);
/** Fill in the counts of a dataset that was read, from the file it was prepared from;
 *  RG_EINPUT when cells or features are not those. Collective. */
rg_status rg_dataset_fill(rg_file *file, rg_dataset *dataset);

/* ---- projections: fitted on some cells, kept with a model, applied to any -------- */

typedef enum rg_project_kind {
  /** Principal components of standardised values: log1p(1e4 x / depth) of genes, the
   *  centred log ratio of protein counts, other values as they are; less the mean and over
   *  the standard deviation (n - 1) of the training cells, cut to +-10, centred. Inputs of
   *  CLUE, UnitedNet and scCross (CLUE: Tu et al. 2022). */
  RG_PROJECT_ZSCORE,
  /** Latent semantic indexing: x idf with idf = cells / sum of the feature, rows scaled to
   *  1e4, log1p, scores x V / S; then every cell less its mean and over its standard
   *  deviation (n - 1) across the axes. Input of GLUE and CLUE for peaks. */
  RG_PROJECT_LSI
} rg_project_kind;

/** A fitted projection, the same on every rank. Everything lies in one array of doubles,
 *  `packed`, which can be kept elsewhere. */
typedef struct rg_projection {
  rg_project_kind kind;
  int transform;          /* of the values, chosen by the modality that was fitted */
  int axes;
  int64_t features;
  const double *mean;     /* per feature; LSI: its idf */
  const double *scale;    /* per feature: standard deviation, 1 where it is zero */
  const double *loadings; /* features x axes; zero columns beyond the rank of the data */
  const double *singular; /* per axis */
  const double *offset;   /* per axis: the score of a cell whose values are all zero */
  int64_t n_packed;
  const double *packed;
  double *own;            /* packed, when this projection owns it; else NULL */
} rg_projection;
/** Axes of a projection of `n_features`, of which `wanted` are wanted: at most
 *  n_features - 1, at least 1. Where cells are too few for so many, the last are zero. Not
 *  collective. */
int rg_projection_axes(int64_t wanted, int64_t n_features);
/** Fit on the cells that have counts of the modality and are `allowed` (per cell of this
 *  rank; NULL: all). The same bits for any number of ranks and threads. Takes 10 x features
 *  x (axes + 10) floats over all ranks together while it runs, features x axes doubles for
 *  good. RG_EINPUT with fewer than two cells, or LSI of values that are no counts.
 *  Collective. Owned. */
rg_status rg_project_fit(rg_comm *comm, const rg_prepared_modality *modality,
                         const bool *allowed, rg_project_kind kind, int axes,
                         uint64_t seed, rg_projection *projection);
/** This rank's cells x axes; zeros where a cell has no counts of the modality. RG_EINPUT
 *  when its features are not as many as were fitted. Not collective. Owned. */
rg_status rg_project_apply(const rg_projection *projection,
                           const rg_prepared_modality *modality, rg_mat *scores);
/** A projection on `packed` numbers that somebody keeps; borrowed. RG_EINPUT when they are
 *  none. Not collective. */
rg_status rg_projection_unpack(const double *packed, int64_t n,
                               rg_projection *projection);
void rg_projection_fini(rg_projection *projection);

#endif
