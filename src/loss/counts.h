/** The negative binomial of dense counts, plain or with extra zeros: what the losses nb
 *  and zinb share. Mean m, inverse dispersion t = exp(r):
 *    log NB(x) = lgamma(x + t) - lgamma(t) - lgamma(x + 1) - t log(1 + m / t)
 *                + x (log m - log(t + m))
 *  With a logit p of an extra zero and softplus sp:
 *    x = 0: sp(log NB(0) - p) - sp(-p);  x > 0: -p - sp(-p) + log NB(x)
 *  Targets need not be whole numbers. Inputs in order: mean or logits; target; (zinb) p;
 *  (mean=softmax) the library, one column; (dispersion=given) r; a mask. */
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
  float *mean;                      /* [cell][feature] */
  float *by_mean, *by_r, *by_logit; /* slopes of -log likelihood */
} rg_counts_state;

rg_status rg_counts_shape(rg_op *op, rg_graph *graph, bool extra_zeros);
void rg_counts_plan(rg_graph *graph, rg_op *op, bool extra_zeros);
void rg_counts_forward(rg_run *run, rg_op *op, bool extra_zeros);
void rg_counts_backward(rg_run *run, rg_op *op, bool extra_zeros);
bool rg_counts_probe(rg_graph *graph, int variant, const char *type, bool extra_zeros);

/** lgamma(x + t) - lgamma(t) and its slope in t, for x > 0, t > 0; no cancellation. Not
 *  collective. */
void rg_lgamma_rise(double x, double t, double *value, double *slope);

#endif
