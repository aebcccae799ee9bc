/** optim: the update of parameters from gradients: Adam, RMSprop, SGD over the flat
 *  arrays, and the ramps and schedules of a training. Part of nn. Nothing here is
 *  collective. */
#ifndef REGATTA_OPTIM_H
#define REGATTA_OPTIM_H

#include "regatta/nn.h"

/** State of one optimiser: moments beside the flat parameters of a graph. */
typedef struct rg_optim {
  rg_update update; /* constants of the current step; moments are owned */
  int64_t steps;    /* taken so far */
} rg_optim;
/** Moments for `graph`, zeroed. Settings: kind, decay, betas as PyTorch's defaults;
 *  RMSprop has no momentum. */
rg_optim rg_optim_new(const rg_graph *graph, rg_update_kind kind, double decay);
void rg_optim_fini(rg_optim *optim);
/** Begin a step: sets the rate and the bias corrections. */
void rg_optim_begin(rg_optim *optim, double rate);
/** Update every parameter that the run's sequence updates, except those updated in their
 *  kernel. After rg_run_backward. */
void rg_optim_apply(rg_optim *optim, const rg_run *run);
/** Euclidean norm of the gradient of this rank's parameters, whole and blocked apart. */
void rg_gradient_norms(const rg_run *run, double *whole_squares,
                       double *blocked_squares);
/** Multiply the gradient of the updated parameters. */
void rg_gradient_scale(const rg_run *run, float factor);

/** Ramps: linear up min(t / T, 1); cyclic min(2 (t mod T) / T, 1) rounded to three
 *  decimals as the released SAILER does when `rounded`; burn-in max(1 - t / T, 0); sigmoid
 *  1 / (1 + exp(-0.1 (t - T))). */
double rg_ramp_linear(double t, double period);
double rg_ramp_cyclic(double t, double period, bool rounded);
double rg_ramp_burn_in(double t, double period);
double rg_ramp_sigmoid(double t, double middle);
/** Cosine from 1 to 0 over `period`. */
double rg_ramp_cosine(double t, double period);

#endif
