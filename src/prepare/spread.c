/* A sparse matrix whose rows lie over ranks, and its two products with a narrow dense
 * matrix. The sum over cells in the transposed product must not depend on where ranks are
 * cut, so cells are cut into panels by their number and the number of nonzeros alone;
 * panels are handed to ranks whole, and their sums are added along the tree. Rows of the
 * dense factor move to the owner of their panel: only those near the ends of a rank's
 * part. */
#include "src/prepare/inner.h"

#include "regatta/kernels.h"

struct rg_spread {
  rg_comm *comm;
  const rg_csr *a;
  const double *mean;
  int64_t n_panels;
  rg_range mine;     /* panels of this rank */
  rg_layout at_home; /* as the caller holds the rows */
  rg_layout in_panels;
  bool stays; /* the two are the same: nothing moves */
  rg_panels panels;
};

/* A power of two, so that a power of two of ranks each holds one whole subtree. */
static int64_t count_panels(rg_comm *comm, int64_t rows, const rg_csr *a)
{
  enum { FEWEST_ROWS = 256, MOST_ROWS = 1536 };
  int64_t nonzeros = rg_csr_nnz(a), panels = 1;
  rg_sum_i64(comm, &nonzeros, 1);
  while (rows > panels * MOST_ROWS)
    panels *= 2;
  /* fewer where the sums of a panel would cost more than its products */
  while (panels > 1 && nonzeros < 2 * panels * a->cols && rows / panels < 32768)
    panels /= 2;
  while (panels > 1 && rows / panels < FEWEST_ROWS)
    panels /= 2;
  return panels;
}

rg_spread *rg_spread_new(rg_comm *comm, const rg_csr *a, const double *mean)
{
  rg_spread *s = RG_NEW(rg_spread, 1);
  *s = (rg_spread){.comm = comm, .a = a, .mean = mean};
  s->at_home = rg_layout_of(comm, a->rows);
  int64_t rows = s->at_home.bound[rg_size(comm)];
  s->n_panels = count_panels(comm, rows, a);
  s->mine = rg_part(s->n_panels, rg_rank(comm), rg_size(comm));

  int64_t *first = RG_NEW(int64_t, s->n_panels + 1);
  /* so that a power of two of ranks with even parts, as a rule, moves nothing */
  for (int64_t i = 1; i <= s->n_panels; i++)
    first[i] = (i * rows + s->n_panels - 1) / s->n_panels;
  s->in_panels = rg_layout_blocks(comm, s->n_panels, first);
  s->stays = rg_layout_same(comm, &s->at_home, &s->in_panels);
  rg_csr moved = {0};
  if (!s->stays)
    moved = rg_relayout_csr(comm, &s->at_home, &s->in_panels, a);
  int64_t offset = first[s->mine.low];
  for (int64_t i = s->mine.low; i <= s->mine.high; i++)
    first[i] -= offset;
  s->panels =
      rg_panels_new(s->stays ? a : &moved, rg_range_n(s->mine), first + s->mine.low);
  rg_csr_fini(&moved);
  rg_free(first);
  return s;
}

void rg_spread_free(rg_spread *s)
{
  if (!s)
    return;
  rg_layout_fini(&s->at_home);
  rg_layout_fini(&s->in_panels);
  rg_panels_fini(&s->panels);
  rg_free(s);
}

void rg_spread_times(const rg_spread *s, const float *b, int width, float *y)
{
  rg_spmm(s->a, b, width, y);
  if (!s->mean)
    return;
  double *shift = RG_NEW(double, width);
  for (int64_t c = 0; c < s->a->cols; c++)
    for (int j = 0; j < width; j++)
      shift[j] += s->mean[c] * b[c * width + j];
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < s->a->rows; i++)
    for (int j = 0; j < width; j++)
      y[i * width + j] = (float)(y[i * width + j] - shift[j]);
  rg_free(shift);
}

/* Sums of the rows of y of every subtree of panels: n_slots x width. */
static void sum_rows(const rg_spread *s, int n_slots, const rg_range *slots,
                     const float *y, int width, double *out)
{
  int64_t n = rg_range_n(s->mine);
  double *part = RG_NEW(double, n * width);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    for (int64_t r = s->panels.first[i]; r < s->panels.first[i + 1]; r++)
      for (int j = 0; j < width; j++)
        part[i * width + j] += y[r * width + j];
  for (int k = 0; k < n_slots; k++)
    rg_tree_sum_f64(part + (slots[k].low - s->mine.low) * width, rg_range_n(slots[k]),
                    width, width, out + k * width);
  rg_free(part);
}

/* z -= mean (sum of the rows of y): what centring takes off the transposed product. */
static void centre(const rg_spread *s, int n_slots, const rg_range *slots,
                   const float *y, int width, float *z)
{
  double *part = RG_NEW(double, n_slots * width), *total = RG_NEW(double, width);
  sum_rows(s, n_slots, slots, y, width, part);
  rg_tree_reduce_f64(s->comm, s->n_panels, s->mine, part, width, total);
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < s->a->cols; c++)
    for (int j = 0; j < width; j++)
      z[c * width + j] = (float)(z[c * width + j] - s->mean[c] * total[j]);
  rg_free(part);
  rg_free(total);
}

void rg_spread_transposed(const rg_spread *s, const float *y, int width, float *z)
{
  int64_t size = s->a->cols * width;
  float *moved = NULL;
  if (!s->stays)
    moved = rg_relayout(s->comm, &s->at_home, &s->in_panels, y,
                        (int64_t)(width * sizeof *y));
  const float *in_panels = s->stays ? y : moved;
  rg_range slots[RG_TREE_SLOTS];
  int n_slots = rg_tree_cover(s->n_panels, s->mine, slots);
  float *part = RG_NEW(float, n_slots * size);
  for (int k = 0; k < n_slots; k++) {
    rg_range here = {slots[k].low - s->mine.low, slots[k].high - s->mine.low};
    rg_panels_times(&s->panels, here, in_panels, width, part + k * size);
  }
  rg_tree_reduce_f32(s->comm, s->n_panels, s->mine, part, size, z);
  rg_free(part);
  if (s->mean)
    centre(s, n_slots, slots, in_panels, width, z);
  rg_free(moved);
}
