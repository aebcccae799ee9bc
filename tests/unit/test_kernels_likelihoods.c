/* kernels: likelihoods of a row against their twins, the twins against known values. */
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define MOST 1500

/* a row, and room for what two passes write */
typedef struct row {
  int n;
  float x[MOST], y[MOST], r[MOST], logit[MOST];
  float scratch[2][MOST], by_y[2][MOST], by_r[2][MOST], by_logit[2][MOST];
} row;

static void fill(float *x, int n, uint64_t stream, float middle, float spread)
{
  const rg_key key = {.seed = 4, .purpose = RG_FOR_TEST};
  rg_normals(&key, stream, n, x);
  for (int j = 0; j < n; j++)
    x[j] = middle + spread * x[j];
}

/* Counts of which some are 0, some not whole and a few large. */
static row *row_new(int n)
{
  row *t = RG_NEW(row, 1);
  const rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};
  t->n = n;
  fill(t->y, n, 1, 0.0f, 2.0f);
  fill(t->r, n, 2, 0.5f, 2.0f);
  fill(t->logit, n, 3, -1.0f, 3.0f);
  rg_uniforms(&key, 0, n, t->x);
  for (int j = 0; j < n; j++)
    t->x[j] = t->x[j] < 0.6f ? 0.0f
              : j % 7 == 0   ? 9.0f * t->x[j]
                             : floorf(expf(8.0f * t->x[j]) / 60.0f);
  return t;
}

static rg_nb_row nb_of(row *t, int which, bool softmax, bool zeros)
{
  return (rg_nb_row){.n = t->n,
                     .x = t->x,
                     .y = t->y,
                     .softmax = softmax,
                     .library = 300.0f,
                     .r = t->r,
                     .logit = zeros ? t->logit : NULL,
                     .scratch = t->scratch[which],
                     .by_y = t->by_y[which],
                     .by_r = t->by_r[which],
                     .by_logit = t->by_logit[which]};
}

/* largest difference over the largest number */
static double difference(const float *x, const float *y, int n)
{
  double most = 0.0, size = 0.0;
  for (int j = 0; j < n; j++) {
    most = fmax(most, fabs((double)x[j] - (double)y[j]));
    size = fmax(size, fabs((double)y[j]));
    if (isnan(x[j]) || isnan(y[j]))
      return INFINITY;
  }
  return size > 0 ? most / size : most;
}

static void check_nb(row *t, bool softmax, bool zeros, double allowed)
{
  rg_nb_row fast = nb_of(t, 0, softmax, zeros), plain = nb_of(t, 1, softmax, zeros);
  double value = rg_nb_row_pass(&fast), exact = rg_ref_nb_row_pass(&plain);
  cr_expect_leq(fabs(value - exact) / fabs(exact), allowed, "%d columns: %g for %g", t->n,
                value, exact);
  cr_expect_leq(difference(t->by_y[0], t->by_y[1], t->n), allowed);
  cr_expect_leq(difference(t->by_r[0], t->by_r[1], t->n), allowed);
  if (zeros)
    cr_expect_leq(difference(t->by_logit[0], t->by_logit[1], t->n), allowed);
  if (softmax)
    cr_expect_float_eq(fast.by_library, plain.by_library,
                       allowed * (1.0 + fabs((double)plain.by_library)));
}

static void exponential(row *t)
{
  for (int j = 0; j < t->n; j++)
    t->y[j] = expf(t->y[j]);
}

static const int sizes[] = {1, 3, 15, 16, 17, 33, 511, 512, 513, 1500};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

Test(likelihoods, nb_as_its_twin)
{
  for (int i = 0; i < SIZES; i++)
    for (int zeros = 0; zeros < 2; zeros++) {
      row *t = row_new(sizes[i]);
      check_nb(t, true, zeros, 3e-6);
      exponential(t);
      check_nb(t, false, zeros, 3e-6);
      rg_free(t);
    }
}

/* means and dispersions at their bounds and beyond */
Test(likelihoods, nb_at_its_bounds)
{
  static const float edge[] = {-60.0f, -49.0f, -12.0f, 15.9f, 16.1f, 80.0f};
  static const float mean[] = {0.0f, 1e-9f, 1e-7f, 1e-3f, 1.0f, 1e5f, -1.0f};
  row *t = row_new(42);
  for (int j = 0; j < 42; j++) {
    t->r[j] = edge[j % 6];
    t->y[j] = mean[j % 7];
  }
  check_nb(t, false, false, 3e-6);
  check_nb(t, false, true, 3e-6);
  for (int j = 0; j < 42; j++)
    cr_expect(mean[j % 7] >= 1e-8f || t->by_y[0][j] == 0.0f);
  rg_free(t);
}

/* minus log probabilities by SciPy 1.10 (nbinom.logpmf) */
Test(likelihoods, nb_known_values)
{
  static const double known[][4] = {
      {0, 1.5, 0.3, 1.008708255}, {1, 1.5, 0.3, 1.350512592},
      {7, 0.02, -2, 17.99472414}, {40, 55, 3, 3.968548839},
      {3, 3, 14, 1.495923852},    {1000, 900, 1, 7.374160804}};
  row *t = row_new(1);
  for (int i = 0; i < 6; i++) {
    t->x[0] = (float)known[i][0], t->y[0] = (float)known[i][1];
    t->r[0] = (float)known[i][2];
    rg_nb_row fast = nb_of(t, 0, false, false);
    cr_expect_float_eq(rg_nb_row_pass(&fast), known[i][3], 2e-6 * known[i][3]);
  }
  rg_free(t);
}

Test(likelihoods, zinb_known_values)
{
  static const double known[][5] = {{0, 2, 0.5, -1, 0.7630253426},
                                    {0, 2, 0.5, 3, 0.03523933278},
                                    {4, 2, 0.5, -1, 2.90089381}};
  row *t = row_new(1);
  for (int i = 0; i < 3; i++) {
    t->x[0] = (float)known[i][0], t->y[0] = (float)known[i][1];
    t->r[0] = (float)known[i][2], t->logit[0] = (float)known[i][3];
    rg_nb_row fast = nb_of(t, 0, false, true);
    cr_expect_float_eq(rg_nb_row_pass(&fast), known[i][4], 1e-6 * (1 + known[i][4]));
  }
  rg_free(t);
}

/* a number that is none may not vanish, wherever it stands */
Test(likelihoods, nb_keeps_what_is_no_number)
{
  for (int j = 0; j < 40; j += 13)
    for (int kind = 0; kind < 2; kind++) {
      row *t = row_new(40);
      t->x[j] = kind ? 3.0f : 0.0f;
      t->y[j] = NAN;
      rg_nb_row given = nb_of(t, 0, false, false), logits = nb_of(t, 0, true, true);
      cr_expect(isnan(rg_nb_row_pass(&given)));
      cr_expect(isnan(rg_nb_row_pass(&logits)));
      rg_free(t);
    }
}

Test(likelihoods, softmax)
{
  for (int i = 0; i < SIZES; i++) {
    row *t = row_new(sizes[i]);
    double sum = 0.0, most = 0.0;
    for (int j = 0; j < t->n; j++)
      sum += exp((double)t->y[j]);
    cr_expect_float_eq(rg_softmax_row(t->n, t->y, 2.0f, t->scratch[0]), log(sum), 1e-5);
    for (int j = 0; j < t->n; j++)
      most = fmax(most, fabs((double)t->scratch[0][j] - 2 * exp((double)t->y[j]) / sum));
    cr_expect_leq(most, 1e-6);
    rg_free(t);
  }
}

/* ---- zeros and ones -------------------------------------------------------------- */

static row *ones_new(int n, float spread)
{
  row *t = row_new(n);
  for (int j = 0; j < n; j++) {
    t->x[j] = j % 5 == 3 ? 0.3f : (float)(t->x[j] > 0.0f);
    t->y[j] *= spread;
    t->r[j] *= spread;
  }
  return t;
}

Test(likelihoods, bernoulli_as_its_twin)
{
  for (int i = 0; i < SIZES; i++)
    for (int far = 0; far < 2; far++) {
      row *t = ones_new(sizes[i], far ? 20.0f : 1.0f);
      double value = rg_bernoulli_row_pass(t->n, t->x, t->y, 3.0f, t->by_y[0]);
      double exact = rg_ref_bernoulli_row_pass(t->n, t->x, t->y, 3.0f, t->by_y[1]);
      cr_expect_float_eq(value, exact, 1e-6 * exact);
      cr_expect_leq(difference(t->by_y[0], t->by_y[1], t->n), 1e-6);
      rg_free(t);
    }
}

static void check_product(row *t, float level, double allowed)
{
  rg_product_row fast = {t->n, t->x, t->y, t->r, level, t->by_y[0], t->by_r[0], 0.0f};
  rg_product_row plain = {t->n, t->x, t->y, t->r, level, t->by_y[1], t->by_r[1], 0.0f};
  double value = rg_product_row_pass(&fast), exact = rg_ref_product_row_pass(&plain);
  cr_expect_float_eq(value, exact, allowed * fabs(exact));
  cr_expect_leq(difference(t->by_y[0], t->by_y[1], t->n), allowed);
  cr_expect_leq(difference(t->by_r[0], t->by_r[1], t->n), allowed);
  cr_expect_float_eq(fast.by_level, plain.by_level,
                     allowed * (1.0 + fabs((double)plain.by_level)));
}

/* from probabilities of 1e-40 to those that are 1 in float */
Test(likelihoods, product_as_its_twin)
{
  static const float levels[] = {0.0f, 1e-8f, 0.3f, 5.0f, 60.0f};
  for (int i = 0; i < SIZES; i++)
    for (int far = 0; far < 2; far++)
      for (int l = 0; l < 5; l++) {
        row *t = ones_new(sizes[i], far ? 10.0f : 1.0f);
        check_product(t, levels[l], 1e-5);
        rg_free(t);
      }
}

Test(must_fail, likelihoods)
{
  row *t = row_new(100);
  exponential(t);
  check_nb(t, false, false, 1e-12);
  rg_free(t);
}
