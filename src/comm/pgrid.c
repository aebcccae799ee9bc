/* Process grids and block-cyclic matrices: ScaLAPACK's way to spread a matrix. Element
 * (i, j) lies on process (i / block mod rows, j / block mod cols) of the grid. */
#include "pgrid.h"

#include <stdlib.h>

static const int zero = 0;
static bool blacs_used;

static int min_int(int a, int b)
{
  return a < b ? a : b;
}

/* The most square grid among those of at most `ranks` processes that use the most of
 * them, at most `rows` x `cols`. */
static void choose(rg_pgrid *grid, int ranks, int rows, int cols)
{
  grid->rows = grid->cols = 1;
  for (int r = 1; r <= min_int(ranks, rows); r++) {
    int c = min_int(ranks / r, cols), used = grid->rows * grid->cols;
    bool squarer = abs(r - c) < abs(grid->rows - grid->cols);
    if (r * c > used || (r * c == used && squarer)) {
      grid->rows = r;
      grid->cols = c;
    }
  }
}

/* ScaLAPACK's QR (2.2) chooses how broadcasts travel and does not put it back, in a setting
 * of the process rather than of the grid. Ranks that were not in its grid would then wait,
 * in a later one, for messages that go another way. */
static void reset_topologies(const rg_pgrid *grid)
{
  static const char *const operations[] = {"Broadcast", "Combine"};
  static const char *const scopes[] = {"Rowwise", "Columnwise", "All"};
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 3; j++)
      pb_topset_(&grid->context, operations[i], scopes[j], " ", 1, 1, 1);
}

rg_pgrid rg_pgrid_open(rg_comm *comm, int m, int n, int block, bool tall)
{
  rg_pgrid grid = {.comm = comm, .block = block, .row = -1, .col = -1};
  int row_blocks = (m + block - 1) / block, col_blocks = (n + block - 1) / block;
  choose(&grid, comm->size, row_blocks, tall ? 1 : col_blocks);
  grid.handle = Csys2blacs_handle(comm->mpi);
  grid.context = grid.handle;
  Cblacs_gridinit(&grid.context, "Row", grid.rows, grid.cols);
  blacs_used = true;
  if (comm->rank < grid.rows * grid.cols) {
    int rows, cols;
    Cblacs_gridinfo(grid.context, &rows, &cols, &grid.row, &grid.col);
    RG_ASSERT(grid.row == comm->rank / grid.cols && grid.col == comm->rank % grid.cols);
    reset_topologies(&grid);
  }
  return grid;
}

void rg_pgrid_close(rg_pgrid *grid)
{
  if (rg_pgrid_inside(grid))
    Cblacs_gridexit(grid->context);
  Cfree_blacs_system_handle(grid->handle);
}

void rg_pgrid_stop(void)
{
  if (blacs_used)
    Cblacs_exit(1);
  blacs_used = false;
}

rg_pmat rg_pmat_new(const rg_pgrid *grid, int m, int n)
{
  rg_pmat a = {.m = m, .n = n, .lld = 1};
  if (!rg_pgrid_inside(grid))
    return a;
  int block = grid->block, info;
  a.local_m = numroc_(&m, &block, &grid->row, &zero, &grid->rows);
  a.local_n = numroc_(&n, &block, &grid->col, &zero, &grid->cols);
  a.lld = a.local_m > 1 ? a.local_m : 1;
  descinit_(a.desc, &m, &n, &block, &block, &zero, &zero, &grid->context, &a.lld, &info);
  RG_ASSERT(info == 0);
  a.data = RG_NEW(double, (int64_t)a.lld *(a.local_n > 1 ? a.local_n : 1));
  return a;
}

void rg_pmat_fini(rg_pmat *a)
{
  rg_free(a->data);
  *a = (rg_pmat){0};
}

void rg_pmat_spread(const rg_pgrid *grid, rg_pmat *a, const double *full)
{
  for (int j = 0; j < a->local_n; j++) {
    int col = rg_pgrid_global(grid, j, grid->col, grid->cols);
    for (int i = 0; i < a->local_m; i++) {
      int row = rg_pgrid_global(grid, i, grid->row, grid->rows);
      a->data[i + (int64_t)j * a->lld] = full[(int64_t)row * a->n + col];
    }
  }
}

/* Put the local part of process (row, col), local_m x local_n without padding, in its
 * place; returns the numbers used. */
static int64_t place(const rg_pgrid *grid, int row, int col, int m, int n,
                     const double *part, double *full)
{
  int block = grid->block;
  int local_m = numroc_(&m, &block, &row, &zero, &grid->rows);
  int local_n = numroc_(&n, &block, &col, &zero, &grid->cols);
  for (int j = 0; j < local_n; j++)
    for (int i = 0; i < local_m; i++)
      full[(int64_t)rg_pgrid_global(grid, i, row, grid->rows) * n +
           rg_pgrid_global(grid, j, col, grid->cols)] = part[i + (int64_t)j * local_m];
  return (int64_t)local_m * local_n;
}

void rg_pmat_gather(const rg_pgrid *grid, const rg_pmat *a, int m, double *full)
{
  int local_m = 0;
  if (rg_pgrid_inside(grid))
    local_m = numroc_(&m, &grid->block, &grid->row, &zero, &grid->rows);
  double *mine = RG_NEW(double, (int64_t)local_m *a->local_n);
  for (int j = 0; j < a->local_n; j++)
    for (int i = 0; i < local_m; i++)
      mine[i + (int64_t)j * local_m] = a->data[i + (int64_t)j * a->lld];
  int64_t total, size = (int64_t)local_m * a->local_n * (int64_t)sizeof *mine;
  double *all = rg_gather_all(grid->comm, mine, size, NULL, &total), *at = all;
  for (int r = 0; r < grid->rows; r++)
    for (int c = 0; c < grid->cols; c++)
      at += place(grid, r, c, m, a->n, at, full);
  rg_free(all);
  rg_free(mine);
}
