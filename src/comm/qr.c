/* QR of a tall matrix whose rows lie over the ranks (communication-avoiding QR: Demmel,
 * Grigori, Hoemmen, Langou, SIAM J. Sci. Comput. 34, A206, 2012).
 *
 * A rank cuts its rows into leaves that fit the cache, factors each with LAPACK, stacks
 * the k x k factors and goes on with the stack until one factor is left (levels). The
 * factors of all ranks, stacked, are one small matrix, which ScaLAPACK factors; a
 * rank with fewer than k rows puts in its rows themselves. Then the way back down:
 * each level's Q is multiplied by its block of the level above.
 *
 * A row-major matrix is its transpose in LAPACK's column-major eyes, so a QR here is an
 * LQ there: nothing is copied or transposed. */
#include "linalg.h"

#include <string.h>

enum {
  BLOCK = 32,             /* of the block-cyclic layout of the stack */
  LEAF_BYTES = 256 << 10, /* of the rows of a leaf: half of a second-level cache */
  LEAF_WIDTHS = 4,        /* a leaf has at least this times k rows */
  LEVELS = 24
};

static const int one = 1, query = -1;

/* ---- local levels ---------------------------------------------------------------- */

typedef struct level {
  double *a; /* rows x k; its Q after `descend` */
  int64_t rows;
  int leaves;
} level;

typedef struct local {
  int k, n;
  level levels[LEVELS]; /* the first is the caller's matrix, the others are owned */
  double *r; /* height x k: this rank's contribution to the stack */
  int height;
} local;

static int count_leaves(int64_t rows, int k)
{
  int64_t leaf = LEAF_BYTES / (int64_t)sizeof(double) / k;
  if (leaf < (int64_t)LEAF_WIDTHS * k)
    leaf = (int64_t)LEAF_WIDTHS * k;
  return rows > leaf ? (int)(rows / leaf) : 1;
}

/* a (rows x k, rows >= k) becomes its Q, r (k x k) gets the upper triangle R. */
static void factor_leaf(double *a, int rows, int k, double *r)
{
  int info, length = 64 * k;
  double *tau = RG_NEW(double, 65 * (int64_t)k), *work = tau + k;
  dgelqf_(&k, &rows, a, &k, tau, work, &length, &info);
  for (int i = 0; i < k; i++)
    for (int j = i; j < k; j++)
      r[(int64_t)i * k + j] = a[(int64_t)i * k + j];
  dorglq_(&k, &rows, &k, a, &k, tau, work, &length, &info);
  rg_free(tau);
}

static void factor_level(const level *l, int k, double *stack)
{
#pragma omp parallel for schedule(dynamic)
  for (int leaf = 0; leaf < l->leaves; leaf++) {
    rg_range part = rg_part(l->rows, leaf, l->leaves);
    factor_leaf(l->a + part.low * k, (int)rg_range_n(part), k,
                stack + (int64_t)leaf * k * k);
  }
}

/* Factor this rank's rows, level by level. */
static void descend(local *qr, double *a, int64_t rows, int k)
{
  *qr = (local){.k = k, .height = rows < k ? (int)rows : k};
  if (rows < k) {
    qr->r = RG_NEW(double, rows *k);
    if (rows > 0)
      memcpy(qr->r, a, (size_t)(rows * k) * sizeof *a);
    return;
  }
  for (int leaves = 2; leaves > 1; rows = (int64_t)leaves * k) {
    leaves = count_leaves(rows, k);
    RG_ASSERT(qr->n < LEVELS);
    double *stack = RG_NEW(double, (int64_t)leaves *k *k);
    level *l = &qr->levels[qr->n++];
    *l = (level){.a = a, .rows = rows, .leaves = leaves};
    factor_level(l, k, stack);
    a = stack;
  }
  qr->r = a;
}

/* a (rows x k) := a b, b k x k, all row-major; `room` has space for a. */
static void multiply(double *a, int rows, int k, const double *b, double *room)
{
  const double yes = 1, no = 0;
  dgemm_("N", "N", &k, &rows, &k, &yes, b, &k, a, &k, &no, room, &k, 1, 1);
  memcpy(a, room, (size_t)rows * (size_t)k * sizeof *a);
}

static void multiply_level(const level *l, int k, const double *above)
{
#pragma omp parallel for schedule(dynamic)
  for (int leaf = 0; leaf < l->leaves; leaf++) {
    rg_range part = rg_part(l->rows, leaf, l->leaves);
    double *room = RG_NEW(double, rg_range_n(part) * k);
    multiply(l->a + part.low * k, (int)rg_range_n(part), k, above + (int64_t)leaf * k * k,
             room);
    rg_free(room);
  }
}

/* qr->r now holds this rank's block of the stack's Q: make a the Q of the whole. */
static void ascend(local *qr, double *a)
{
  if (qr->n == 0 && qr->height > 0)
    memcpy(a, qr->r, (size_t)qr->height * (size_t)qr->k * sizeof *a);
  const double *above = qr->r;
  for (int i = qr->n - 1; i >= 0; i--) {
    multiply_level(&qr->levels[i], qr->k, above);
    above = qr->levels[i].a;
  }
}

static void local_fini(local *qr)
{
  for (int i = 1; i < qr->n; i++)
    rg_free(qr->levels[i].a);
  rg_free(qr->r);
}

/* ---- the stack over ranks -------------------------------------------------------- */

/* Copy between received rows (row-major) and the local part (column-major). */
static void rows_to_columns(const double *rows, rg_pmat *a)
{
  for (int i = 0; i < a->local_m; i++)
    for (int j = 0; j < a->n; j++)
      a->data[i + (int64_t)j * a->lld] = rows[(int64_t)i * a->n + j];
}

static void columns_to_rows(const rg_pmat *a, double *rows)
{
  for (int i = 0; i < a->local_m; i++)
    for (int j = 0; j < a->n; j++)
      rows[(int64_t)i * a->n + j] = a->data[i + (int64_t)j * a->lld];
}

static void stack_qr(const rg_pgrid *grid, rg_pmat *a, double *r)
{
  double size, *tau = RG_NEW(double, a->n), *work = NULL;
  int info, length;
  if (rg_pgrid_inside(grid)) {
    pdgeqrf_(&a->m, &a->n, a->data, &one, &one, a->desc, tau, &size, &query, &info);
    length = (int)size;
    work = RG_NEW(double, length);
    rg_watch_begin();
    pdgeqrf_(&a->m, &a->n, a->data, &one, &one, a->desc, tau, work, &length, &info);
    rg_watch_end();
    RG_ASSERT(info == 0);
    rg_free(work);
  }
  rg_pmat_gather(grid, a, a->n, r);
  if (rg_pgrid_inside(grid)) {
    pdorgqr_(&a->m, &a->n, &a->n, a->data, &one, &one, a->desc, tau, &size, &query,
             &info);
    length = (int)size;
    work = RG_NEW(double, length);
    rg_watch_begin();
    pdorgqr_(&a->m, &a->n, &a->n, a->data, &one, &one, a->desc, tau, work, &length,
             &info);
    rg_watch_end();
    RG_ASSERT(info == 0);
    rg_free(work);
  }
  rg_free(tau);
}

/* The rank that holds row i of the block-cyclic stack. */
static int holder(const rg_pgrid *grid, int64_t i)
{
  return (int)(i / grid->block % grid->rows);
}

/* The rows of the stack that rank r put in start at first[r]. */
static int64_t *stack_starts(rg_comm *comm, int height)
{
  int64_t *first = RG_NEW(int64_t, comm->size + 1), total;
  int64_t mine = height, *heights = rg_gather_all(comm, &mine, sizeof mine, NULL, &total);
  for (int r = 0; r < comm->size; r++)
    first[r + 1] = first[r] + heights[r];
  rg_free(heights);
  return first;
}

/* Send the rows of the block-cyclic part back to the ranks that put them in; they come
 * grouped by holder, each group in rising order. */
static void send_back(const rg_pgrid *grid, const rg_pmat *a, const int64_t *first,
                      double *out)
{
  rg_comm *comm = grid->comm;
  int64_t row = a->n * (int64_t)sizeof(double), n;
  double *rows = RG_NEW(double, (int64_t)a->local_m *a->n);
  columns_to_rows(a, rows);
  int *to = RG_NEW(int, a->local_m), owner = 0;
  for (int i = 0; i < a->local_m; i++) {
    while (rg_pgrid_global(grid, i, grid->row, grid->rows) >= first[owner + 1])
      owner++;
    to[i] = owner;
  }
  double *back = rg_scatter(comm, rows, a->local_m, row, to, &n), *at = back;
  for (int r = 0; r < grid->rows; r++)
    for (int64_t i = first[comm->rank]; i < first[comm->rank + 1]; i++)
      if (holder(grid, i) == r) {
        memcpy(out + (i - first[comm->rank]) * a->n, at, (size_t)row);
        at += a->n;
      }
  rg_free(back);
  rg_free(to);
  rg_free(rows);
}

/* Factor the stacked contributions of all ranks: `block` (height x k) becomes this
 * rank's rows of the stack's Q, r (k x k, replicated) its R, of which only the upper
 * triangle counts. */
static void combine(rg_comm *comm, double *block, int height, int k, double *r)
{
  int64_t *first = stack_starts(comm, height), n;
  rg_pgrid grid = rg_pgrid_open(comm, (int)first[comm->size], k, BLOCK, true);
  int *to = RG_NEW(int, height);
  for (int i = 0; i < height; i++)
    to[i] = holder(&grid, first[comm->rank] + i);
  double *rows =
      rg_scatter(comm, block, height, k * (int64_t)sizeof *block, to, &n);
  rg_pmat a = rg_pmat_new(&grid, (int)first[comm->size], k);
  RG_ASSERT(n == a.local_m);
  rows_to_columns(rows, &a);
  stack_qr(&grid, &a, r);
  send_back(&grid, &a, first, block);
  rg_pmat_fini(&a);
  rg_free(rows);
  rg_free(to);
  rg_pgrid_close(&grid);
  rg_free(first);
}

/* One rank: the last local factor is R, and the stack's Q is the identity. */
static void combine_alone(double *block, int k, double *r)
{
  memcpy(r, block, (size_t)k * (size_t)k * sizeof *r);
  memset(block, 0, (size_t)k * (size_t)k * sizeof *block);
  for (int i = 0; i < k; i++)
    block[(int64_t)i * k + i] = 1;
}

/* Make the diagonal of R positive, which makes the factors unique. */
static void fix_signs(double *block, int height, int k, double *r)
{
  for (int j = 0; j < k; j++) {
    for (int i = 0; i < j; i++)
      r[(int64_t)j * k + i] = 0;
    if (r[(int64_t)j * k + j] >= 0)
      continue;
    for (int i = j; i < k; i++)
      r[(int64_t)j * k + i] = -r[(int64_t)j * k + i];
    for (int i = 0; i < height; i++)
      block[(int64_t)i * k + j] = -block[(int64_t)i * k + j];
  }
}

/* ---- face ------------------------------------------------------------------------ */

static rg_status check_tall(rg_comm *comm, const double *a, int64_t rows, int k)
{
  rg_status status = RG_OK;
  RG_TRY_ALL(comm, rg_finite(a, rows * k, "orthogonalisation"));
  int64_t all = rows;
  rg_sum_i64(comm, &all, 1);
  if (all < k)
    return rg_fail(RG_EFAIL,
                   "a matrix of %lld rows cannot have %d orthogonal columns; ask for "
                   "fewer components",
                   (long long)all, k);
out:
  return status;
}

/* Leaves the local levels open, so that qr->r can be turned before it goes down. */
static void factor(rg_comm *comm, local *qr, double *a, int64_t rows, int k, double *r)
{
  descend(qr, a, rows, k);
  if (comm->size == 1)
    combine_alone(qr->r, k, r);
  else
    combine(comm, qr->r, qr->height, k, r);
  fix_signs(qr->r, qr->height, k, r);
}

rg_status rg_qr(rg_comm *comm, double *a, int64_t rows, int k)
{
  rg_status status = RG_OK;
  RG_TRY(check_tall(comm, a, rows, k));
  if (k == 0)
    return RG_OK;
  double *r = RG_NEW(double, (int64_t)k *k);
  local qr;
  factor(comm, &qr, a, rows, k, r);
  ascend(&qr, a);
  local_fini(&qr);
  rg_free(r);
out:
  return status;
}

rg_status rg_svd_tall(rg_comm *comm, double *a, int64_t rows, int k, double *s,
                      double *vt)
{
  rg_status status = RG_OK;
  RG_TRY(check_tall(comm, a, rows, k));
  if (k == 0)
    return RG_OK;
  double *r = RG_NEW(double, 3 * (int64_t)k *k), *u = r + (int64_t)k * k;
  local qr;
  factor(comm, &qr, a, rows, k, r);
  status = rg_svd_square(comm, r, k, u, s, vt);
  if (status == RG_OK) {
    multiply(qr.r, qr.height, k, u, u + (int64_t)k * k);
    ascend(&qr, a);
  }
  local_fini(&qr);
  rg_free(r);
out:
  return status;
}
