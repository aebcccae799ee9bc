/* All pairs of two sets of rows, by tiles: -2 x y^T from sgemm, then one scan that
 * compares each entry with what the lists of its row and of its column still want.
 *
 * The product only rules out. Its rounding error is at most 4 gamma (|x|^2 + |y|^2)
 * with gamma = (dim + 5) 2^-24, the norms' and rg_dist2's own included (Higham 2002,
 * section 3.1), and the limits are widened by that much; every survivor is measured by
 * rg_dist2. So lists hold exactly the nearest, in any tiling and with any number of
 * threads. */
#include "regatta/kernels.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { LANES = 16, ROWS = 128, COLS = 512, CHUNK = 64 };

rg_points rg_points_new(int64_t n, int dim)
{
  rg_points points = {.n = n, .dim = dim, .ld = (dim + LANES - 1) / LANES * LANES};
  points.x = RG_NEW(float, n * points.ld);
  points.norm = RG_NEW(float, n);
  points.id = RG_NEW(int64_t, n);
  points.list = RG_NEW(int64_t, n);
  for (int64_t i = 0; i < n; i++)
    points.list[i] = i;
  return points;
}

void rg_points_set(rg_points *points, int64_t i, const float *x, int64_t id)
{
  float *row = points->x + i * points->ld;
  memcpy(row, x, (size_t)points->dim * sizeof(float));
  double sum = 0;
  for (int j = 0; j < points->dim; j++)
    sum += (double)row[j] * row[j];
  points->norm[i] = (float)sum;
  points->id[i] = id;
}

void rg_points_fini(rg_points *points)
{
  rg_free(points->x);
  rg_free(points->norm);
  rg_free(points->id);
  rg_free(points->list);
  *points = (rg_points){0};
}

float rg_dist2(const float *restrict x, const float *restrict y, int ld)
{
  float lane[LANES] = {0};
  for (int j = 0; j < ld; j += LANES)
    for (int l = 0; l < LANES; l++) {
      float d = x[j + l] - y[j + l];
      lane[l] += d * d;
    }
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int l = 0; l < width; l++)
      lane[l] += lane[l + width];
  return lane[0];
}

/* A tile of pairs: rows a[a0..a0+na) against b[b0..b0+nb). b_lists NULL: one side only.
 * `upper`: the sets are the same and only pairs with b after a count. */
typedef struct tile {
  const rg_points *a, *b;
  rg_topk *a_lists, *b_lists;
  int64_t a0, b0;
  int na, nb;
  bool upper;
} tile;

/* Scratch of one thread. Entries of a column beyond nb never pass. */
typedef struct scratch {
  float product[ROWS * COLS];
  float norm[COLS]; /* of b's rows */
  float want[COLS]; /* limit of b's lists, less b's norm, plus the margin */
} scratch;

static float largest(const float *x, int64_t n)
{
  float most = 0;
  for (int64_t i = 0; i < n; i++)
    most = x[i] > most ? x[i] : most;
  return most;
}

static inline bool any_passes(const float *restrict g, const float *restrict norm,
                              const float *restrict want, float a_want, float a_norm,
                              int n)
{
  int any = 0;
  for (int j = 0; j < n; j++) {
    float by_a = a_want - norm[j], by_b = want[j] - a_norm;
    any |= g[j] <= (by_a > by_b ? by_a : by_b);
  }
  return any;
}

/* Measure the pairs of row i with the LANES columns from j that pass; returns the new
 * a_want. */
static float measure(const tile *t, scratch *s, int i, int j, float a_want,
                     float margin)
{
  const rg_points *a = t->a, *b = t->b;
  int64_t ia = t->a0 + i;
  const float *g = s->product + (int64_t)i * COLS;
  for (int end = j + LANES < t->nb ? j + LANES : t->nb; j < end; j++) {
    int64_t ib = t->b0 + j;
    bool for_a = g[j] <= a_want - s->norm[j];
    bool for_b = g[j] <= s->want[j] - a->norm[ia];
    if (!(for_a || for_b) || (t->upper && ib <= ia))
      continue;
    float d = rg_dist2(a->x + ia * a->ld, b->x + ib * b->ld, a->ld);
    if (for_a)
      a_want =
          rg_topk_offer(t->a_lists, a->list[ia], d, b->id[ib]) - a->norm[ia] + margin;
    if (for_b)
      s->want[j] =
          rg_topk_offer(t->b_lists, b->list[ib], d, a->id[ia]) - b->norm[ib] + margin;
  }
  return a_want;
}

static void do_tile(const tile *t, scratch *s)
{
  const rg_points *a = t->a, *b = t->b;
  const float *x = a->x + t->a0 * a->ld, *y = b->x + t->b0 * b->ld;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, t->na, t->nb, a->dim, -2, x,
              a->ld, y, b->ld, 0, s->product, COLS);
  double gamma = (a->dim + 5) * 0x1p-24;
  float margin = (float)(4 * gamma *
                         ((double)largest(a->norm + t->a0, t->na) +
                          largest(b->norm + t->b0, t->nb)));
  for (int j = 0; j < COLS; j++) {
    bool real = j < t->nb;
    int64_t ib = t->b0 + j;
    s->norm[j] = real ? b->norm[ib] : INFINITY;
    s->want[j] = real && t->b_lists
                     ? rg_topk_limit(t->b_lists, b->list[ib]) - b->norm[ib] + margin
                     : -INFINITY;
  }
  for (int i = 0; i < t->na; i++) {
    int64_t ia = t->a0 + i;
    float a_norm = a->norm[ia];
    float a_want = rg_topk_limit(t->a_lists, a->list[ia]) - a_norm + margin;
    const float *g = s->product + (int64_t)i * COLS;
    int first = t->upper && ia >= t->b0 ? (int)((ia - t->b0) / CHUNK * CHUNK) : 0;
    for (int j = first; j < t->nb; j += CHUNK) {
      if (!any_passes(g + j, s->norm + j, s->want + j, a_want, a_norm, CHUNK))
        continue;
      for (int l = j; l < j + CHUNK; l += LANES)
        if (any_passes(g + l, s->norm + l, s->want + l, a_want, a_norm, LANES))
          a_want = measure(t, s, i, l, a_want, margin);
    }
  }
}

/* Tiles of a x b numbered by rows, then columns. */
static tile make_tile(const rg_points *a, rg_topk *a_lists, const rg_points *b,
                      rg_topk *b_lists, bool upper, int64_t row, int64_t col)
{
  tile t = {.a = a, .b = b, .a_lists = a_lists, .b_lists = b_lists, .upper = upper};
  t.a0 = row * ROWS;
  t.b0 = col * COLS;
  t.na = (int)(a->n - t.a0 < ROWS ? a->n - t.a0 : ROWS);
  t.nb = (int)(b->n - t.b0 < COLS ? b->n - t.b0 : COLS);
  return t;
}

static int64_t pieces(int64_t n, int64_t size)
{
  return (n + size - 1) / size;
}

/* Rows of tiles that have work in a column of them. */
static int64_t rows_of(int64_t rows, int64_t col, bool upper)
{
  int64_t n = pieces((col + 1) * COLS, ROWS);
  return upper && n < rows ? n : rows;
}

/* Tiles with work before each column, and in all; owned. */
static int64_t *tiles_before(int64_t rows, int64_t cols, bool upper)
{
  int64_t *before = RG_NEW(int64_t, cols + 1);
  for (int64_t col = 0; col < cols; col++)
    before[col + 1] = before[col] + rows_of(rows, col, upper);
  return before;
}

/* Columns outermost: a thread's run of tiles shares them. */
static void all_tiles(const rg_points *a, rg_topk *a_lists, const rg_points *b,
                      rg_topk *b_lists, bool upper)
{
  int64_t rows = pieces(a->n, ROWS), cols = pieces(b->n, COLS);
  int64_t *before = tiles_before(rows, cols, upper);
  rg_pace_begin("neighbours", before[cols], "tiles");
#pragma omp parallel
  {
    scratch *s = RG_NEW(scratch, 1);
#pragma omp for schedule(dynamic, 1)
    for (int64_t k = 0; k < rows * cols; k++) {
      int64_t row = k % rows, col = k / rows;
      if (row >= rows_of(rows, col, upper))
        continue;
      rg_pace_at(before[col] + row, NULL);
      tile t = make_tile(a, a_lists, b, b_lists, upper, row, col);
      do_tile(&t, s);
    }
    rg_free(s);
  }
  rg_pace_end();
  rg_free(before);
}

void rg_pairs_self(const rg_points *points, rg_topk *lists)
{
  all_tiles(points, lists, points, lists, true);
}

void rg_pairs_cross(const rg_points *a, rg_topk *a_lists, const rg_points *b,
                    rg_topk *b_lists)
{
  RG_ASSERT(a->dim == b->dim);
  all_tiles(a, a_lists, b, b_lists, false);
}

/* Rows of one bucket, side by side. */
static void gather_bucket(const rg_points *points, const int32_t *member, int64_t n,
                          rg_points *bucket)
{
  bucket->n = n;
  for (int64_t i = 0; i < n; i++) {
    int64_t from = member[i];
    memcpy(bucket->x + i * bucket->ld, points->x + from * points->ld,
           (size_t)points->ld * sizeof(float));
    bucket->norm[i] = points->norm[from];
    bucket->id[i] = points->id[from];
    bucket->list[i] = points->list[from];
  }
}

void rg_pairs_buckets(const rg_points *points, int64_t n_buckets, const int64_t *offset,
                      const int32_t *member, rg_topk *lists)
{
  int64_t most = 0;
  for (int64_t b = 0; b < n_buckets; b++)
    most = offset[b + 1] - offset[b] > most ? offset[b + 1] - offset[b] : most;
  rg_pace_begin("neighbours", n_buckets, "buckets");
#pragma omp parallel
  {
    scratch *s = RG_NEW(scratch, 1);
    rg_points bucket = rg_points_new(most, points->dim);
#pragma omp for schedule(dynamic, 1)
    for (int64_t b = 0; b < n_buckets; b++) {
      rg_pace_at(b, NULL);
      gather_bucket(points, member + offset[b], offset[b + 1] - offset[b], &bucket);
      for (int64_t col = 0; col < pieces(bucket.n, COLS); col++)
        for (int64_t row = 0; row * ROWS < (col + 1) * COLS && row * ROWS < bucket.n;
             row++) {
          tile t = make_tile(&bucket, lists, &bucket, lists, true, row, col);
          do_tile(&t, s);
        }
    }
    rg_points_fini(&bucket);
    rg_free(s);
  }
  rg_pace_end();
}

void rg_ref_pairs_cross(const rg_points *a, rg_topk *a_lists, const rg_points *b,
                        rg_topk *b_lists)
{
  for (int64_t i = 0; i < a->n; i++)
    for (int64_t j = 0; j < b->n; j++) {
      float d = 0;
      for (int c = 0; c < a->dim; c++) {
        float diff = a->x[i * a->ld + c] - b->x[j * b->ld + c];
        d += diff * diff;
      }
      rg_topk_offer(a_lists, a->list[i], d, b->id[j]);
      if (b_lists)
        rg_topk_offer(b_lists, b->list[j], d, a->id[i]);
    }
}
