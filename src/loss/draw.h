/** Values drawn from likelihoods, keyed by (key, cell, feature): the same wherever the cell
 *  lives. For src/loss only. */
#ifndef REGATTA_LOSS_DRAW_H
#define REGATTA_LOSS_DRAW_H

#include "src/nn/op_internal.h"

/** A negative binomial count of mean m and inverse dispersion t. */
double rg_draw_count(const rg_key *key, uint64_t cell, uint64_t feature, double m,
                     double t);
/** rg_op_type.draw of likelihoods of zeros and ones: 0 or 1 in the place of the
 *  probabilities of the first input's columns, or of this rank's features where it is
 *  blocked. */
void rg_draw_bits(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
                  float *values);

#endif
