/* kernels: wide layers against their twins; the same bits for any number of threads, and
 * for gradients stored by subtree of lanes and for those applied at once. */
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <string.h>

static const rg_key test_key = {.seed = 3, .purpose = RG_FOR_TEST};

static float *normals(uint64_t stream, int64_t n, float scale)
{
  float *x = RG_NEW(float, n);
  rg_normals(&test_key, stream, (int)n, x);
  for (int64_t i = 0; i < n; i++)
    x[i] *= scale;
  return x;
}

static float *copy_of(const float *x, int64_t n)
{
  float *y = RG_NEW(float, n);
  memcpy(y, x, (size_t)n * sizeof *x);
  return y;
}

/* ---- a layer --------------------------------------------------------------------- */

typedef struct shape {
  int n_blocks;
  int64_t
      offset[5]; /* does not start at zero: the features of other ranks come before */
  int64_t lanes, lane_cells;
  int width;
  double density;
} shape;

static const shape shapes[] = {
    {1, {0, 1}, 1, 1, 1, 1.0},
    {1, {5, 5}, 2, 3, 4, 0.3},
    {2, {0, 7, 20}, 4, 5, 3, 0.3},
    {3, {11, 11, 300, 301}, 4, 13, 64, 0.03},
    {1, {0, 2100}, 8, 2, 16, 0.05},
    {4, {3, 100, 197, 1300, 1301}, 1, 50, 50, 0.1},
    {2, {0, 500, 1000}, 16, 3, 32, 0.02},
    {2, {0, 97, 200}, 3, 7, 130, 0.2},
    {1, {0, 400}, 4, 70, 64, 0.0},
    {1, {0, 90}, 2, 150, 20, 1.0},
};
#define SHAPES ((int)(sizeof shapes / sizeof shapes[0]))

typedef struct layer {
  shape of;
  int64_t features, cells, inner; /* inner: floats of the dense side */
  rg_csr rows, columns;
  float *w, *bias, *h;
} layer;

static layer layer_new(const shape *of, bool values)
{
  layer l = {.of = *of,
             .features = of->offset[of->n_blocks] - of->offset[0],
             .cells = of->lanes * of->lane_cells};
  l.inner = of->n_blocks * l.cells * of->width;
  l.rows = rg_csr_new(l.cells, l.features, l.cells * l.features);
  int64_t k = 0;
  for (int64_t c = 0; c < l.cells; c++) {
    for (int64_t f = 0; f < l.features; f++)
      /* every seventh cell is empty */
      if ((c % 7 != 6 || of->density == 1.0) &&
          rg_uniform(&test_key, (uint64_t)c, (uint64_t)f) < of->density) {
        l.rows.indices[k] = (int32_t)f;
        l.rows.values[k++] = (float)(1 + (c + f) % 3);
      }
    l.rows.indptr[c + 1] = k;
  }
  if (!values) {
    rg_free(l.rows.values);
    l.rows.values = NULL;
  }
  l.columns = rg_csr_transpose(&l.rows);
  l.w = normals(1, l.features * of->width, 0.3f);
  l.bias = normals(2, l.features, 1.0f);
  l.h = normals(3, l.inner, 1.0f);
  return l;
}

static void layer_fini(layer *l)
{
  rg_csr_fini(&l->rows);
  rg_csr_fini(&l->columns);
  rg_free(l->w);
  rg_free(l->bias);
  rg_free(l->h);
}

static void near(const float *x, const float *y, int64_t n, double tolerance,
                 const char *what, int which)
{
  for (int64_t i = 0; i < n; i++)
    cr_assert_leq(fabs((double)x[i] - (double)y[i]),
                  tolerance * (1.0 + fabs((double)y[i])),
                  "%s[%d] of shape %d: %g, not %g", what, (int)i, which, (double)x[i],
                  (double)y[i]);
}

static const rg_update adam = {.kind = RG_ADAM,
                               .rate = 1e-2,
                               .beta1 = 0.9,
                               .beta2 = 0.99,
                               .epsilon = 1e-8,
                               .decay = 5e-3,
                               .correct1 = 0.1,
                               .correct2 = 0.01};

/* ---- gradients that are stored, or applied --------------------------------------- */

/* A wide parameter with its moments and room for stored gradients. */
typedef struct target {
  int64_t n;
  float *w, *m, *v, *dw;
} target;

static target target_new(const float *w, int64_t n, int slots)
{
  target t = {n, copy_of(w, n), normals(11, n, 0.1f), normals(12, n, 0.1f),
              RG_NEW(float, n *slots)};
  for (int64_t i = 0; i < n; i++)
    t.v[i] *= t.v[i];
  return t;
}

static void target_fini(target *t)
{
  rg_free(t->w);
  rg_free(t->m);
  rg_free(t->v);
  rg_free(t->dw);
}

static rg_wide_gradient gradient_of(const target *t, const shape *of,
                                    const rg_range *slots, int n_slots,
                                    const rg_update *update)
{
  return (rg_wide_gradient){.lanes = of->lanes,
                            .lane_cells = of->lane_cells,
                            .n_slots = n_slots,
                            .slots = slots,
                            .update = update,
                            .decay_factor = 0.5f,
                            .dw = t->dw,
                            .stride = t->n,
                            .m = t->m,
                            .v = t->v};
}

/* what ranks would do with stored slots: join them along the tree, then update */
static void join(target *t, int n_slots)
{
  float *sum = RG_NEW(float, t->n);
  rg_tree_sum_f32(t->dw, n_slots, t->n, t->n, sum);
  rg_update_apply(&adam, 0.5f, t->n, t->w, sum, t->m, t->v);
  rg_free(sum);
}

static void same(const target *a, const target *b, const char *what, int which)
{
  size_t n = (size_t)a->n * sizeof(float);
  cr_assert_eq(memcmp(a->w, b->w, n), 0, "w of %s, shape %d", what, which);
  cr_assert_eq(memcmp(a->m, b->m, n), 0, "m of %s, shape %d", what, which);
  cr_assert_eq(memcmp(a->v, b->v, n), 0, "v of %s, shape %d", what, which);
}

/* The lanes of a shape as 1, 2, 4, ... slots of equal subtrees; returns their number, 0
 * when there are not so many. */
static int cut(const shape *of, int level, rg_range slots[RG_TREE_SLOTS])
{
  int64_t n = INT64_C(1) << level;
  if (n > of->lanes || of->lanes % n)
    return level ? 0 : 1;
  for (int64_t s = 0; s < n; s++)
    slots[s] = (rg_range){s * of->lanes / n, (s + 1) * of->lanes / n};
  return (int)n;
}

/* ---- sparse layer ---------------------------------------------------------------- */

Test(sparse, forward_as_the_twin)
{
  for (int i = 0; i < 2 * SHAPES; i++) {
    layer l = layer_new(&shapes[i / 2], i % 2);
    float *y = normals(4, l.inner, 1.0f), *z = normals(5, l.inner, 1.0f);
    rg_sparse_forward(&l.rows, l.of.n_blocks, l.of.offset, l.w, l.of.width, y);
    rg_ref_sparse_forward(&l.rows, l.of.n_blocks, l.of.offset, l.w, l.of.width, z);
    near(y, z, l.inner, 1e-5, "y", i / 2);
    omp_set_num_threads(3);
    rg_sparse_forward(&l.rows, l.of.n_blocks, l.of.offset, l.w, l.of.width, z);
    omp_set_num_threads(1);
    cr_assert_arr_eq(y, z, (size_t)l.inner * sizeof *y);
    rg_free(y), rg_free(z);
    layer_fini(&l);
  }
}

Test(sparse, backward_as_the_twin)
{
  for (int i = 0; i < 2 * SHAPES; i++) {
    layer l = layer_new(&shapes[i / 2], i % 2);
    rg_range slots[RG_TREE_SLOTS];
    for (int level = 0, n; (n = cut(&l.of, level, slots)) > 0; level++) {
      target a = target_new(l.w, l.features * l.of.width, n);
      target b = target_new(l.w, l.features * l.of.width, n);
      rg_wide_gradient to_a = gradient_of(&a, &l.of, slots, n, NULL);
      rg_wide_gradient to_b = gradient_of(&b, &l.of, slots, n, NULL);
      rg_sparse_backward(&l.columns, l.of.n_blocks, l.of.offset, l.h, l.of.width, a.w,
                         &to_a);
      rg_ref_sparse_backward(&l.columns, l.of.n_blocks, l.of.offset, l.h, l.of.width,
                             b.w, &to_b);
      near(a.dw, b.dw, n * a.n, 1e-4, "dw", i / 2);
      target_fini(&a);
      target_fini(&b);
    }
    layer_fini(&l);
  }
}

Test(sparse, stored_and_applied_are_the_same_bits)
{
  for (int i = 0; i < 2 * SHAPES; i++) {
    layer l = layer_new(&shapes[i / 2], i % 2);
    int64_t floats = l.features * l.of.width;
    rg_range slots[RG_TREE_SLOTS];
    target applied = target_new(l.w, floats, 1);
    rg_wide_gradient to = gradient_of(&applied, &l.of, NULL, 0, &adam);
    rg_sparse_backward(&l.columns, l.of.n_blocks, l.of.offset, l.h, l.of.width,
                       applied.w, &to);
    omp_set_num_threads(2);
    for (int level = 0, n; (n = cut(&l.of, level, slots)) > 0; level++) {
      target stored = target_new(l.w, floats, n);
      to = gradient_of(&stored, &l.of, slots, n, NULL);
      to.slots = n == 1 ? (rg_range[]){{0, l.of.lanes}} : slots;
      rg_sparse_backward(&l.columns, l.of.n_blocks, l.of.offset, l.h, l.of.width,
                         stored.w, &to);
      join(&stored, n);
      same(&applied, &stored, "a sparse layer", i / 2);
      target_fini(&stored);
    }
    omp_set_num_threads(1);
    target_fini(&applied);
    layer_fini(&l);
  }
}

/* ---- wide Bernoulli output ------------------------------------------------------- */

typedef struct outcome {
  double *numerator;
  float *dh;
  target w, bias;
} outcome;

static outcome outcome_new(const layer *l, int slots)
{
  return (outcome){RG_NEW(double, l->of.n_blocks *l->of.lanes),
                          RG_NEW(float, l->inner),
                                 target_new(l->w, l->features * l->of.width, slots),
                                 target_new(l->bias, l->features, slots)};
}

static void outcome_fini(outcome *o)
{
  rg_free(o->numerator);
  rg_free(o->dh);
  target_fini(&o->w);
  target_fini(&o->bias);
}

static rg_wide_bernoulli pass_of(const layer *l, outcome *o, const rg_range *slots,
                                 int n_slots, const rg_update *update)
{
  return (rg_wide_bernoulli){
      .columns = &l->columns,
      .n_blocks = l->of.n_blocks,
      .offset = l->of.offset,
      .lanes = l->of.lanes,
      .lane_cells = l->of.lane_cells,
      .width = l->of.width,
      .h = l->h,
      .w = o->w.w,
      .bias = o->bias.w,
      .one_weight = 2.0f,
      .zero_weight = 0.5f,
      .scale = 0.125f,
      .numerator = o->numerator,
      .dh = o->dh,
      .update_parameters = true,
      .weight = gradient_of(&o->w, &l->of, slots, n_slots, update),
      .shift = gradient_of(&o->bias, &l->of, slots, n_slots, update)};
}

static void numerators_near(const outcome *a, const outcome *b, int64_t n, int which)
{
  for (int64_t i = 0; i < n; i++)
    cr_assert_float_eq(a->numerator[i], b->numerator[i],
                       2e-6 * (1.0 + fabs(b->numerator[i])), "shape %d: %.9g, not %.9g",
                       which, a->numerator[i], b->numerator[i]);
}

Test(bernoulli, as_the_twin)
{
  for (int i = 0; i < 2 * SHAPES; i++) {
    layer l = layer_new(&shapes[i / 2], false);
    rg_range slots[RG_TREE_SLOTS] = {{0, l.of.lanes}};
    int n = i % 2 ? cut(&l.of, 1, slots) : 1;
    if (n == 0) {
      layer_fini(&l);
      continue;
    }
    outcome a = outcome_new(&l, n), b = outcome_new(&l, n);
    rg_wide_bernoulli fast = pass_of(&l, &a, slots, n, NULL);
    rg_wide_bernoulli twin = pass_of(&l, &b, slots, n, NULL);
    if (i % 4 == 3)
      fast.bias = twin.bias = NULL;
    float *weight = normals(4, l.cells, 1.0f);
    for (int64_t c = 0; c < l.cells; c++)
      weight[c] = weight[c] > 0 ? weight[c] : 0; /* about half of the cells count */
    if (i % 3 == 2)
      fast.cell_weight = twin.cell_weight = weight;
    rg_wide_bernoulli_pass(&fast);
    rg_ref_wide_bernoulli_pass(&twin);
    numerators_near(&a, &b, l.of.n_blocks * l.of.lanes, i / 2);
    near(a.dh, b.dh, l.inner, 1e-5, "dh", i / 2);
    near(a.w.dw, b.w.dw, n * a.w.n, 1e-5, "dw", i / 2);
    near(a.bias.dw, b.bias.dw, n * a.bias.n, 1e-5, "dbias", i / 2);
    rg_free(weight);
    outcome_fini(&a);
    outcome_fini(&b);
    layer_fini(&l);
  }
}

Test(bernoulli, stored_and_applied_are_the_same_bits)
{
  for (int i = 0; i < SHAPES; i++) {
    layer l = layer_new(&shapes[i], false);
    rg_range slots[RG_TREE_SLOTS] = {{0, l.of.lanes}};
    outcome applied = outcome_new(&l, 1);
    rg_wide_bernoulli pass = pass_of(&l, &applied, NULL, 0, &adam);
    rg_wide_bernoulli_pass(&pass);
    omp_set_num_threads(2);
    for (int level = 0, n; (n = cut(&l.of, level, slots)) > 0; level++) {
      outcome stored = outcome_new(&l, n);
      pass = pass_of(&l, &stored, slots, n, NULL);
      pass.scratch = RG_NEW(float, rg_wide_scratch(l.of.n_blocks, l.of.offset, l.cells,
                                                   l.of.width));
      rg_wide_bernoulli_pass(&pass);
      rg_free(pass.scratch);
      join(&stored.w, n);
      join(&stored.bias, n);
      same(&applied.w, &stored.w, "w", i);
      same(&applied.bias, &stored.bias, "bias", i);
      cr_assert_arr_eq(applied.dh, stored.dh, (size_t)l.inner * sizeof(float));
      cr_assert_arr_eq(applied.numerator, stored.numerator,
                       (size_t)(l.of.n_blocks * l.of.lanes) * sizeof(double));
      outcome_fini(&stored);
    }
    omp_set_num_threads(1);
    outcome_fini(&applied);
    layer_fini(&l);
  }
}

/* A rank that holds half of the lanes gets the bits that all lanes together get. */
Test(bernoulli, half_of_the_lanes_alone)
{
  shape whole = {2, {0, 150, 331}, 4, 11, 48, 0.1}, half = whole;
  half.lanes = 2;
  layer l = layer_new(&whole, false), part = layer_new(&half, false);
  rg_range slots[2] = {{0, 2}, {2, 4}}, all = {0, 2};
  outcome o = outcome_new(&l, 2), p = outcome_new(&part, 1);
  int64_t block = l.cells * whole.width, small = part.cells * whole.width;
  for (int b = 0; b < whole.n_blocks; b++) /* the first cells of every block */
    memcpy(part.h + b * small, l.h + b * block, (size_t)small * sizeof(float));
  rg_wide_bernoulli pass = pass_of(&l, &o, slots, 2, NULL);
  rg_wide_bernoulli_pass(&pass);
  pass = pass_of(&part, &p, &all, 1, NULL);
  rg_wide_bernoulli_pass(&pass);
  cr_assert_arr_eq(o.w.dw, p.w.dw, (size_t)p.w.n * sizeof(float));
  cr_assert_arr_eq(o.bias.dw, p.bias.dw, (size_t)p.bias.n * sizeof(float));
  for (int b = 0; b < whole.n_blocks; b++) {
    cr_assert_arr_eq(o.dh + b * block, p.dh + b * small, (size_t)small * sizeof(float));
    cr_assert_arr_eq(o.numerator + b * whole.lanes, p.numerator + b * half.lanes,
                     (size_t)half.lanes * sizeof(double));
  }
  outcome_fini(&o), outcome_fini(&p);
  layer_fini(&l), layer_fini(&part);
}

Test(bernoulli, value_only_and_frozen)
{
  layer l = layer_new(&shapes[3], false);
  rg_range all = {0, l.of.lanes};
  outcome a = outcome_new(&l, 1), b = outcome_new(&l, 1);
  rg_wide_bernoulli full = pass_of(&l, &a, &all, 1, NULL),
                    part = pass_of(&l, &b, &all, 1, NULL);
  rg_wide_bernoulli_pass(&full);
  part.update_parameters = false;
  rg_wide_bernoulli_pass(&part);
  int64_t numerators = l.of.n_blocks * l.of.lanes;
  cr_assert_arr_eq(a.dh, b.dh, (size_t)l.inner * sizeof(float));
  cr_assert_arr_eq(a.numerator, b.numerator, (size_t)numerators * sizeof(double));
  for (int64_t i = 0; i < b.w.n; i++)
    cr_assert_eq(b.w.dw[i], 0.0f);
  part.dh = NULL;
  memset(b.numerator, 0, (size_t)numerators * sizeof(double));
  rg_wide_bernoulli_pass(&part);
  cr_assert_arr_eq(a.numerator, b.numerator, (size_t)numerators * sizeof(double));
  outcome_fini(&a), outcome_fini(&b);
  layer_fini(&l);
}

Test(bernoulli, nan_is_seen)
{
  for (int where = 0; where < 3; where++) {
    layer l = layer_new(&shapes[2], false);
    rg_range all = {0, l.of.lanes};
    outcome o = outcome_new(&l, 1);
    rg_wide_bernoulli pass = pass_of(&l, &o, &all, 1, NULL);
    (where == 0 ? l.h : where == 1 ? o.w.w : o.bias.w)[0] = NAN;
    rg_wide_bernoulli_pass(&pass);
    cr_assert(isnan(o.numerator[0]));
    cr_assert(!isnan(o.numerator[l.of.n_blocks * l.of.lanes - 1]));
    outcome_fini(&o);
    layer_fini(&l);
  }
}

Test(bernoulli, mean)
{
  for (int i = 0; i < SHAPES; i++) {
    layer l = layer_new(&shapes[i], false);
    int64_t stride = l.features + 3;
    float *mean = RG_NEW(float, l.cells *stride);
    rg_wide_bernoulli_mean(l.of.n_blocks, l.of.offset, l.cells, l.of.width, l.h, l.w,
                           l.bias, mean, stride);
    for (int b = 0; b < l.of.n_blocks; b++)
      for (int64_t f = l.of.offset[b] - l.of.offset[0];
           f < l.of.offset[b + 1] - l.of.offset[0]; f++)
        for (int64_t c = 0; c < l.cells; c++) {
          double y = (double)l.bias[f];
          for (int j = 0; j < l.of.width; j++)
            y += (double)l.w[f * l.of.width + j] *
                 (double)l.h[(b * l.cells + c) * l.of.width + j];
          cr_assert_float_eq((double)mean[c * stride + f], 1.0 / (1.0 + exp(-y)), 1e-5);
        }
    rg_free(mean);
    layer_fini(&l);
  }
}

Test(must_fail, wide)
{
  layer l = layer_new(&shapes[2], true);
  float *y = RG_NEW(float, l.inner), *z = normals(5, l.inner, 1.0f);
  rg_sparse_forward(&l.rows, l.of.n_blocks, l.of.offset, l.w, l.of.width, y);
  near(y, z, l.inner, 1e-5, "y", 2);
}
