/** eval: scores of embeddings, partitions and matchings, each beside its controls. A metric
 *  is one file src/eval/metric_NAME.c that exports rg_metric_NAME; the evaluate command
 *  and the reference are made from the records. Definitions follow scib and scikit-learn
 *  (METHODS of each record's citation). */
#ifndef REGATTA_EVAL_H
#define REGATTA_EVAL_H

#include "regatta/cluster.h"
#include "regatta/io.h"

/** What a metric may look at; rows are this rank's cells (rg_part of the cells that have a
 *  label and a finite embedding). Unused members are empty. Borrowed. */
typedef struct rg_scored {
  const rg_mat *embedding;
  const rg_mat *second;       /* rows of the other modality, for cross-modality scores:
                                 as many columns; NaN where a cell lacks it */
  const int32_t *label;       /* 0..n_labels-1 */
  int n_labels;
  const int32_t *batch;       /* NULL: no batches */
  int n_batches;
  const int32_t *cluster;     /* a given clustering, -1: none; NULL: not given */
  int n_clusters;
  const double *depth;        /* log depth, NULL: unknown */
  const rg_knn *knn;          /* k = 15, Euclidean, exact */
  const rg_csr *connectivities;
  uint64_t seed;
} rg_scored;

/** A named number; several per metric are fine. */
typedef struct rg_score {
  char name[48];
  double value; /* NaN: not defined here */
} rg_score;

typedef struct rg_metric {
  const char *name;
  const char *cite;
  const char *help;
  unsigned needs; /* RG_NEEDS_* */
  bool higher_is_better;
  /** Append to scores (room for 8), return their number in *n. Collective. */
  rg_status (*compute)(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n);
} rg_metric;

enum { RG_NEEDS_LABELS = 1, RG_NEEDS_BATCH = 2, RG_NEEDS_DEPTH = 4, RG_NEEDS_SECOND = 8,
       RG_NEEDS_CLUSTERS = 16 };

extern const rg_metric *const rg_metrics[]; /* generated; NULL-terminated */

/* ---- partition agreement: plain functions of two labellings of this rank's cells - */

/** Adjusted Rand index. Collective. */
double rg_ari(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
              int64_t rows);
/** Normalised mutual information, arithmetic mean of the entropies (geometric when
 *  `geometric`). Collective. */
double rg_nmi(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
              int64_t rows, bool geometric);
/** Adjusted mutual information (hypergeometric expectation). Collective. */
double rg_ami(rg_comm *comm, const int32_t *a, int n_a, const int32_t *b, int n_b,
              int64_t rows);

/* ---- a match matrix against the truth -------------------------------------------- */

/** How well weights of rg_match find the true partners, over the cells that have one:
 *  partner[i] is the row of b that is row i of a here, -1 where there is none. */
typedef struct rg_match_scores {
  int64_t cells;
  double score; /* mean weight of the partner, rows scaled to sum 1 (Lance et al. 2022) */
  double top1;  /* share of cells whose partner weighs most; one of n equal ones counts
                   1 / n */
} rg_match_scores;
/** Collective. The same bits on any number of ranks. */
rg_match_scores rg_match_score(rg_comm *comm, const rg_csr *weights,
                               const int64_t *partner);

/** Labels that were found against the true ones. */
typedef struct rg_agreement {
  int64_t cells;   /* that have a true label */
  double accuracy; /* share where it was found; NaN without cells */
  double macro_f1; /* mean of F1 over the labels that are true or found somewhere */
} rg_agreement;
/** Labels are 0..n_labels-1; cells of true label -1 are left out, a cell of found label -1
 *  is wrong. Collective. */
rg_agreement rg_compare_labels(rg_comm *comm, const int32_t *truth, const int32_t *found,
                               int n_labels, int64_t rows);

/* ---- predictions of one modality from another ------------------------------------ */

/** What a prediction is compared with, and how, feature by feature over cells. */
typedef enum rg_target {
  RG_TARGET_LOG,   /* log1p(1e4 x / depth): Pearson correlation (genes) */
  RG_TARGET_RATIO, /* log1p(x) less its mean over the features of the cell: the same */
  RG_TARGET_OPEN,  /* x > 0: area under the ROC curve (peaks) */
  RG_TARGET_REAL   /* x as it is, where it is no count: Pearson correlation */
} rg_target;
/** By the name of the modality: atac, adt, others. Not collective. */
rg_target rg_target_of(const char *modality);

/** Cells of the modality that is read: this rank's rows. Borrowed. */
typedef struct rg_origin {
  const rg_csr *counts; /* the same features on both sides */
  const double *depth;  /* sum over all features of the file */
} rg_origin;
/** Axes fitted on the training cells, applied to both: principal components of genes
 *  (RG_TARGET_LOG), of proteins (RG_TARGET_RATIO) and of values as they are
 *  (RG_TARGET_REAL); of peaks (RG_TARGET_OPEN) the axes from the second on of idf-weighted
 *  rows of unit length. Owned. The same bits on any number of ranks. Collective.
 *  RG_EINPUT. */
rg_status rg_origin_axes(rg_comm *comm, rg_target kind, const rg_origin *train,
                         const rg_origin *test, int axes, uint64_t seed,
                         rg_mat *train_axes, rg_mat *test_axes);

/** Cells with what was measured: this rank's rows. Borrowed; what controls need may be
 *  NULL. */
typedef struct rg_translated {
  const rg_csr *counts;  /* cells x features that are scored */
  const double *scale;   /* per cell, over all features of the file: depth / 1e4 (LOG),
                            mean of log1p(x) (RATIO), else not looked at */
  const int32_t *label;  /* -1: none */
  const rg_mat *axes;    /* of the modality that is read */
  const double *depth;   /* log1p of the counts that are read */
} rg_translated;

typedef struct rg_translation {
  rg_target target;
  rg_translated test, train;     /* train.counts NULL: no training cells */
  const rg_mat *predicted;       /* test cells x features */
  const double *predicted_scale; /* per cell, as scale; NULL: on the scale of the scores */
  int n_labels;
  int neighbours;                /* of the kNN control */
  double ridge;                  /* penalty of the ridge control */
  int64_t positives;             /* peaks open in fewer test cells are not scored */
} rg_translation;

/** Scores of the prediction and of its controls, by features: replicated, NaN for features
 *  that are not scored (constant, or of too few positives). A control that cannot be made
 *  has n = 0 features. Owned. */
enum { RG_TRANSLATORS = 5 };
typedef struct rg_translation_scores {
  int64_t features;
  struct rg_translator {
    const char *name; /* "predicted", "depth", "type_mean", "knn", "ridge" */
    int64_t n;
    double mean, median;
    double *score; /* per feature */
  } by[RG_TRANSLATORS];
} rg_translation_scores;
/** Controls: the depth of the modality that is read; the mean of the cell's type in the
 *  training cells (without these: in the other test cells); the mean of its nearest
 *  training cells by axes; ridge regression on the axes and the depth. The same bits on any
 *  number of ranks. All cells of a feature are gathered at its owner, what controls need of
 *  cells on every rank: meant for up to some 100,000 cells. Collective. RG_EFAIL. */
rg_status rg_score_translation(rg_comm *comm, const rg_translation *translation,
                               rg_translation_scores *scores);
void rg_translation_scores_fini(rg_translation_scores *scores);

#endif
