/** The negative binomial of counts, plain or with extra zeros (rg_nb_row of kernels.h):
 *  what the losses nb and zinb share. Inputs in order: mean or logits; the target, dense
 *  or a sparse modality; (zinb) the logit of an extra zero; (mean=softmax) the library,
 *  one column; (dispersion=given) r, the log inverse dispersion; a mask. */
#ifndef REGATTA_LOSS_COUNTS_H
#define REGATTA_LOSS_COUNTS_H

#include "masked.h"

typedef struct rg_counts_options {
  char *mean;
  char *dispersion;
  char *reduction;
} rg_counts_options;

extern const rg_field rg_counts_fields[];

typedef struct rg_counts_state {
  float *target, *softmax;       /* [lane][feature] */
  float *by_y, *by_r, *by_logit; /* [cell][feature], slopes of -log likelihood */
  float *by_library;             /* [cell] */
} rg_counts_state;

/** The record of zinb; every other one of these has no extra zeros. */
extern const rg_op_type rg_loss_zinb;

/* what both records are made of; predict gives of zinb the means with the extra zeros,
 * (1 - sigmoid(p)) m */
rg_status rg_counts_shape(rg_graph *graph, rg_op *op);
void rg_counts_plan(rg_graph *graph, rg_op *op);
void rg_counts_forward(rg_run *run, rg_op *op);
void rg_counts_backward(rg_run *run, rg_op *op);
void rg_counts_predict(rg_run *run, rg_op *op, float *mean);
void rg_counts_draw(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
                    float *values);
bool rg_counts_probe(rg_graph *graph, int variant, const char *type);

#endif
