/* What the reference twins of the wide kernels share. */
#ifndef REGATTA_KERNELS_REF_WIDE_H
#define REGATTA_KERNELS_REF_WIDE_H

#include "regatta/kernels.h"

/** Store or apply the gradient of the n parameters at `at`, given its sum in every local
 *  lane: lane_sums[lane][n]. Not collective. */
void rg_ref_wide_deliver(const rg_wide_gradient *gradient, const float *lane_sums,
                         int64_t at, int64_t n, float *w);

#endif
