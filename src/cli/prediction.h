/** A file of predictions (regatta translate, impute), read. */
#ifndef RG_CLI_PREDICTION_H
#define RG_CLI_PREDICTION_H

#include "regatta/eval.h"
#include "regatta/io.h"

/** Rows are this rank's cells of the file. Owned. */
typedef struct rg_prediction {
  rg_file *file;
  rg_csr x;
  bool *finite;  /* per cell: predicted; the others are NaN */
  double *scale; /* per cell, see rg_row_scale */
  bool negative; /* some value on some rank */
} rg_prediction;

/** Read X of a file with one modality. Collective. RG_EINPUT. */
rg_status rg_prediction_read(rg_comm *comm, const char *path, rg_prediction *p);
/** Settle what the values are: `asked` is "counts" (means of counts, to be transformed like
 *  the truth), "scores" (as they are), or "auto": counts unless some are negative. Sets
 *  *as_is and the scale. Not collective; the same on every rank. RG_EUSAGE. */
rg_status rg_prediction_scale(rg_prediction *p, const char *asked, rg_target target,
                              bool *as_is);
void rg_prediction_fini(rg_prediction *p);

/** What the transform of a target needs of every row: sum / 1e4, or the mean of log1p(x)
 *  for RG_TARGET_RATIO. Not collective. Owned. */
double *rg_row_scale(const rg_csr *x, rg_target target);

#endif
