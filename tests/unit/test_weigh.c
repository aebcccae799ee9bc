/* train: values of sparse inputs against dense twins; fitted on training cells alone. */
#include "src/train/internal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 41, FITTED = 30, FEATURES = 13 };

static const rg_key key = {.seed = 3, .purpose = RG_FOR_TEST};

/* Cell 2 has no counts, cell 4 lacks the modality. */
static rg_dataset planted(bool real)
{
  rg_dataset d = {.n_cells = CELLS, .rows = {0, CELLS}, .n_modalities = 1};
  rg_prepared_modality *m = d.modality = RG_NEW(rg_prepared_modality, 1);
  m->name = rg_strdup("rna");
  m->values = real ? RG_VALUES_REAL : RG_VALUES_COUNTS;
  m->counts = rg_csr_new(CELLS, FEATURES, CELLS * FEATURES);
  m->present = RG_NEW(bool, CELLS);
  int64_t n = 0;
  for (int64_t i = 0; i < CELLS; i++) {
    m->present[i] = i != 4;
    for (int64_t j = 0; j < FEATURES && i != 2 && i != 4; j++) {
      double u = rg_uniform(&key, (uint64_t)i, (uint64_t)j);
      if (j == 1 || u < 0.5) /* nobody has feature 1 */
        continue;
      m->counts.indices[n] = (int32_t)j;
      m->counts.values[n++] = (float)(real ? 8 * u - 5.5 : floor(40 * u - 19));
    }
    m->counts.indptr[i + 1] = n;
  }
  return d;
}

static void planted_fini(rg_dataset *d)
{
  rg_free(d->modality[0].name);
  rg_csr_fini(&d->modality[0].counts);
  rg_free(d->modality[0].present);
  rg_free(d->modality);
}

static rg_model model_with(rg_weigh weigh, double power, double scale)
{
  rg_model model = {.n_sparse = 1};
  model.sparse[0] = (struct rg_sparse_input){
      .modality = "rna", .weigh = weigh, .power = power, .scale = scale};
  return model;
}

static rg_status fit(const rg_dataset *d, const rg_model *model, rg_constants *constants)
{
  uint8_t role[CELLS];
  for (int i = 0; i < CELLS; i++)
    role[i] = i < FITTED ? RG_TRAINS : RG_VALIDATES;
  return rg_weigh_fit(rg_comm_self(), d, model, role, constants);
}

/* The dense matrix, and whether a row was fitted on. */
static void dense(const rg_csr *x, double *out)
{
  memset(out, 0, sizeof(double) * CELLS * FEATURES);
  for (int64_t i = 0; i < CELLS; i++)
    for (int64_t e = x->indptr[i]; e < x->indptr[i + 1]; e++)
      out[i * FEATURES + x->indices[e]] = x->values[e];
}

static bool fitted(int64_t i)
{
  return i < FITTED && i != 2 && i != 4;
}

static int rising(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile_of(double *x, int64_t n, double share)
{
  qsort(x, (size_t)n, sizeof *x, rising);
  double at = share * (double)(n - 1);
  int64_t k = (int64_t)at;
  return x[k] + (at - (double)k) * (x[k + 1 < n ? k + 1 : k] - x[k]);
}

/* x / row sum x median of the row sums; returns the median */
static double scale_to_median(double *x)
{
  double sums[CELLS] = {0}, some[CELLS];
  int64_t n = 0;
  for (int64_t i = 0; i < CELLS; i++) {
    for (int64_t j = 0; j < FEATURES; j++)
      sums[i] += x[i * FEATURES + j];
    if (fitted(i))
      some[n++] = sums[i];
  }
  double median = quantile_of(some, n, 0.5);
  for (int64_t i = 0; i < CELLS; i++)
    for (int64_t j = 0; j < FEATURES && sums[i] != 0; j++)
      x[i * FEATURES + j] *= median / sums[i];
  return median;
}

static void to_scores(double *x, double share, double bound)
{
  double *all = RG_NEW(double, CELLS *FEATURES);
  int64_t n = 0;
  for (int64_t j = 0; j < FEATURES; j++) {
    double sum = 0, squares = 0, cells = 0;
    for (int64_t i = 0; i < CELLS; i++) {
      sum += fitted(i) ? x[i * FEATURES + j] : 0;
      cells += fitted(i);
    }
    for (int64_t i = 0; i < CELLS; i++)
      squares += fitted(i) ? pow(x[i * FEATURES + j] - sum / cells, 2) : 0;
    double sd = squares > 0 ? sqrt(squares / (cells - 1)) : 1;
    for (int64_t i = 0; i < CELLS; i++) {
      x[i * FEATURES + j] = (x[i * FEATURES + j] - sum / cells) / sd;
      if (fitted(i))
        all[n++] = x[i * FEATURES + j];
    }
  }
  double low = share > 0 ? quantile_of(all, n, share) : -bound;
  double high = share > 0 ? quantile_of(all, n, 1 - share) : bound;
  int64_t cut = 0;
  for (int64_t k = 0; k < CELLS * FEATURES; k++) {
    cut += x[k] < low || x[k] > high;
    x[k] = fmax(low, fmin(high, x[k]));
  }
  cr_assert_gt(cut, 0, "nothing is cut");
  rg_free(all);
}

/* Values of entries, plus `zero` of their feature, are those of the twin. */
static void compare(const rg_dataset *d, const rg_model *model, rg_constants *constants,
                    const double *twin, const double *zero)
{
  const rg_csr *counts = &d->modality[0].counts;
  for (int64_t i = 0; i < CELLS; i++) {
    float values[FEATURES];
    rg_weigh_row(&model->sparse[0], constants, counts, i, values);
    for (int64_t k = 0; k < counts->indptr[i + 1] - counts->indptr[i]; k++) {
      int32_t j = counts->indices[counts->indptr[i] + k];
      cr_assert_float_eq((double)values[k] + (zero ? zero[j] : 0), twin[i * FEATURES + j],
                         1e-4 * (1 + fabs(twin[i * FEATURES + j])));
    }
  }
}

Test(weigh, size)
{
  rg_dataset d = planted(false);
  rg_model model = model_with(RG_WEIGH_SIZE, 0, 0);
  rg_constants constants = {0};
  double x[CELLS * FEATURES];
  dense(&d.modality[0].counts, x);
  double median = scale_to_median(x);
  cr_assert_eq(fit(&d, &model, &constants), RG_OK);
  cr_assert_eq(*rg_constants_get(&constants, "size:rna", 0), median);
  compare(&d, &model, &constants, x, NULL);
  rg_constants_fini(&constants);
  planted_fini(&d);
}

static void check_scores(bool real, double share, double bound)
{
  rg_dataset d = planted(real);
  rg_model model = model_with(RG_WEIGH_ZSCORE, share, bound);
  rg_constants constants = {0};
  double x[CELLS * FEATURES];
  dense(&d.modality[0].counts, x);
  if (!real)
    scale_to_median(x);
  for (int64_t k = 0; k < CELLS * FEATURES && !real; k++)
    x[k] = log1p(x[k]);
  to_scores(x, share, bound);
  cr_assert_eq(fit(&d, &model, &constants), RG_OK);
  /* cell 2 has no entry: its scores are those of zeros */
  compare(&d, &model, &constants, x, x + (ptrdiff_t)2 * FEATURES);
  rg_constants_fini(&constants);
  planted_fini(&d);
}

Test(weigh, standard_scores)
{
  check_scores(false, 0.005, 0);
  check_scores(false, 0.2, 0);
  check_scores(false, 0, 1);
  check_scores(true, 0.03, 0);
}

/* Counts that are all one need no values. */
Test(weigh, ones)
{
  rg_dataset d = planted(false);
  rg_csr *counts = &d.modality[0].counts;
  rg_free(counts->values);
  counts->values = NULL;
  for (int w = RG_WEIGH_ONES; w <= RG_WEIGH_ZSCORE; w++) {
    rg_model model = model_with((rg_weigh)w, 0, 10);
    rg_constants constants = {0};
    float values[FEATURES] = {NAN};
    cr_assert_eq(fit(&d, &model, &constants), RG_OK);
    rg_weigh_row(&model.sparse[0], &constants, counts, 0, values);
    cr_assert(isfinite(values[0]));
    rg_constants_fini(&constants);
  }
  planted_fini(&d);
}

Test(weigh, normalised_values_are_no_counts)
{
  rg_dataset d = planted(true);
  rg_constants constants = {0};
  rg_model model = model_with(RG_WEIGH_SIZE, 0, 0);
  cr_assert_eq(fit(&d, &model, &constants), RG_EINPUT);
  model = model_with(RG_WEIGH_LOG, 0, 0);
  cr_assert_eq(fit(&d, &model, &constants), RG_EINPUT);
  model = model_with(RG_WEIGH_COUNTS, 0, 0);
  cr_assert_eq(fit(&d, &model, &constants), RG_OK);
  double x[CELLS * FEATURES];
  dense(&d.modality[0].counts, x);
  compare(&d, &model, &constants, x, NULL);
  planted_fini(&d);
}

Test(must_fail, weigh)
{
  rg_dataset d = planted(false);
  rg_model model = model_with(RG_WEIGH_SIZE, 0, 0);
  rg_constants constants = {0};
  double x[CELLS * FEATURES];
  dense(&d.modality[0].counts, x);
  cr_assert_eq(fit(&d, &model, &constants), RG_OK);
  compare(&d, &model, &constants, x, NULL); /* not scaled */
}
