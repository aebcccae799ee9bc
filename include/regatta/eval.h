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

#endif
