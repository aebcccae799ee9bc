/* Process grids and the block-cyclic matrices of ScaLAPACK; private to comm. */
#ifndef RG_COMM_PGRID_H
#define RG_COMM_PGRID_H

#include "lapack.h"
#include "private.h"

/** A grid of processes over the first rows * cols ranks of a communicator, row by row.
 *  A rank outside of it has row == -1: it calls no ScaLAPACK, but takes part in
 *  everything here. */
typedef struct rg_pgrid {
  rg_comm *comm;
  int block; /* rows and columns of a block */
  int rows, cols, row, col;
  int handle, context;
} rg_pgrid;

/** Collective. A grid no larger than the blocks of an m x n matrix can feed, as square
 *  as can be; with `tall` a column of processes. */
rg_pgrid rg_pgrid_open(rg_comm *comm, int m, int n, int block, bool tall);
void rg_pgrid_close(rg_pgrid *grid);
static inline bool rg_pgrid_inside(const rg_pgrid *grid)
{
  return grid->row >= 0;
}

/** A matrix on a grid; this rank holds local_m x local_n of it, column-major, with
 *  leading dimension lld. */
typedef struct rg_pmat {
  int m, n;
  int local_m, local_n, lld;
  int desc[9];
  double *data;
} rg_pmat;

/** A zeroed matrix. Not collective. */
rg_pmat rg_pmat_new(const rg_pgrid *grid, int m, int n);
void rg_pmat_fini(rg_pmat *a);
/** Fill from a replicated row-major matrix. Not collective. */
void rg_pmat_spread(const rg_pgrid *grid, rg_pmat *a, const double *full);
/** The first m rows as a replicated row-major matrix. Collective. */
void rg_pmat_gather(const rg_pgrid *grid, const rg_pmat *a, int m, double *full);
/** Global number of a local row or column: `mine` of `processes`. */
static inline int rg_pgrid_global(const rg_pgrid *grid, int local, int mine,
                                  int processes)
{
  return (local / grid->block * processes + mine) * grid->block + local % grid->block;
}
/** Release what BLACS holds; at the end of the program. Not collective. */
void rg_pgrid_stop(void);

#endif
