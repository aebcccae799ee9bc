/* Dense linear algebra shared inside comm. */
#ifndef RG_COMM_LINALG_H
#define RG_COMM_LINALG_H

#include "pgrid.h"

/** Matrices of more rows go to ScaLAPACK; 0 restores the default. Tests lower it. The
 *  same on every rank. Not collective. */
void rg_linalg_serial(int rows);

/** Singular value decomposition of a finite square replicated row-major matrix, n x n:
 *  a = u diag(s) vt, s falling, the largest entry of each row of vt positive. a is used
 *  up. Collective. */
rg_status rg_svd_square(rg_comm *comm, double *a, int n, double *u, double *s,
                        double *vt);

#endif
