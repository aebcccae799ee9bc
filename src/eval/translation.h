/* Inside the scores of predictions: columns, controls, scores of one feature. */
#ifndef REGATTA_EVAL_TRANSLATION_H
#define REGATTA_EVAL_TRANSLATION_H

#include "internal.h"

/* All cells of one side, on every rank, and of this rank's features their columns. */
typedef struct all_cells {
  int64_t n, axes;
  double *scale, *depth;
  int32_t *label;
  float *x;       /* n x axes */
  rg_csr columns; /* features here x n */
} all_cells;

/* Ridge regression of any target on the axes and the depth of the training cells. */
typedef struct rg_ridge {
  int64_t n_train, n_test;
  int p;
  double *train, *test; /* rows x p, less the mean of the training cells */
  double *inverse;      /* p x p: of train^T train + penalty */
} rg_ridge;

typedef struct work {
  const rg_translation *t;
  all_cells test, train;
  float *predicted;        /* features here x test cells */
  double *predicted_scale; /* per test cell, or NULL */
  int64_t *neighbour;      /* test cells x neighbours */
  int neighbours;
  rg_ridge ridge;
} work;

/* Values of one feature over all cells, on the scale of the scores. */
typedef struct guessed {
  int64_t feature;
  const double *truth, *train;
} guessed;

/* The columns `features` (this rank's rg_part) of a matrix whose rows lie over ranks, as
 * rows over all cells. Owned. Collective. */
rg_csr rg_columns_of(rg_comm *comm, const rg_csr *counts, rg_range features);
float *rg_columns_of_mat(rg_comm *comm, const rg_mat *x, rg_range features);

/* Not collective; the same bits wherever it is called. RG_EFAIL. */
rg_status rg_ridge_new(const all_cells *train, const all_cells *test, double penalty,
                       rg_ridge *ridge);
/* Guesses for the test cells from the values of the training cells. */
void rg_ridge_guess(const rg_ridge *ridge, const double *train, double *out);
void rg_ridge_fini(rg_ridge *ridge);

/* Correlation; 0 when the guess is constant, NaN when the truth is. */
double rg_pearson(const double *truth, const double *guess, int64_t n);
/* Area under the ROC curve, ties count one half; NaN with fewer than `positives` cells
 * whose truth is above 0, or with no other. */
double rg_auroc(const double *truth, const double *guess, int64_t n, int64_t positives);

#endif
