/** Values drawn from likelihoods, keyed by (key, cell, feature): the same wherever the cell
 *  lives. For src/loss only. */
#ifndef REGATTA_LOSS_DRAW_H
#define REGATTA_LOSS_DRAW_H

#include "src/nn/op_internal.h"

/** A negative binomial count of mean m and inverse dispersion t. */
double rg_draw_count(const rg_key *key, uint64_t cell, uint64_t feature, double m,
                     double t);
/** Put 0 or 1 in the place of probabilities: rows of the run's cells, `width` columns that
 *  are features first.. of the modality. */
void rg_draw_bits(const rg_run *run, const rg_key *key, const int64_t *number,
                  int64_t first, int64_t width, float *values);

#endif
