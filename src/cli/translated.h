/** Scores of PREDICTED.h5ad (regatta translate, impute) beside their controls. */
#ifndef RG_CLI_TRANSLATED_H
#define RG_CLI_TRANSLATED_H

#include "prediction.h"
#include "regatta/cli.h"

/** Options of evaluate that are about predictions; `truth` set asks for them. */
typedef struct rg_translated_options {
  char *truth, *train, *from, *layer, *scale, *table;
  int64_t genes, positives, nearest, axes, cells;
  double ridge;
} rg_translated_options;

/** What is scored and what it is compared with; rows are this rank's. Owned. */
typedef struct rg_translated_side {
  char *path;
  rg_file *file;
  int to, from;      /* modalities; from -1: none is read */
  bool *use;         /* per cell of the file */
  rg_csr counts;     /* cells in use x scored features */
  double *scale, *log_depth, *depth;
  int32_t *label;
  rg_csr origin;     /* what is read: cells in use x features of both files */
  rg_mat axes;
} rg_translated_side;

typedef struct rg_translated_data {
  const char *path;  /* of the prediction */
  char *modality;    /* that is predicted */
  rg_target target;
  rg_translated_side test, train; /* train.file NULL: no training cells */
  rg_strings features;
  int n_labels;
  rg_mat predicted;  /* test cells in use x features */
  double *predicted_scale;
  bool as_is;        /* predictions are on the scale of the scores */
} rg_translated_data;

/** Read the prediction, the truth and the training cells, bring cells and features
 *  together, choose what is scored. Collective. RG_EINPUT, RG_EUSAGE. */
rg_status rg_translated_read(rg_comm *comm, const char *path,
                             const rg_translated_options *options, const char *labels,
                             uint64_t seed, rg_translated_data *data);
void rg_translated_fini(rg_translated_data *data);

/** Read, score and report: a table or one JSON object, which also goes to `output`, and
 *  options->table with the score of every feature. Collective. */
rg_status rg_evaluate_translated(const rg_call *call, const rg_translated_options *options,
                                 const char *labels, uint64_t seed, bool json,
                                 const char *output);

#endif
