/* eval: scores of predictions, and their controls, on tiny data known by hand. */
#include "regatta/eval.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 6 };

/* Two features of six cells; what lies in the members of rg_translation. */
typedef struct example {
  rg_csr counts, train;
  rg_mat predicted, axes, train_axes;
  double scale[N], depth[N], train_scale[N];
  int32_t label[N];
} example;

static rg_csr dense(const float *x, int64_t rows, int64_t cols)
{
  rg_csr csr = rg_csr_new(rows, cols, rows * cols);
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t f = 0; f < cols; f++) {
      csr.indices[i * cols + f] = (int32_t)f;
      csr.values[i * cols + f] = x[i * cols + f];
    }
    csr.indptr[i + 1] = (i + 1) * cols;
  }
  return csr;
}

static rg_mat matrix(const float *x, int64_t rows, int64_t cols)
{
  rg_mat mat = rg_mat_new(rows, cols);
  memcpy(mat.data, x, sizeof *x * (size_t)(rows * cols));
  return mat;
}

static void example_fini(example *e)
{
  rg_csr_fini(&e->counts);
  rg_csr_fini(&e->train);
  rg_mat_fini(&e->predicted);
  rg_mat_fini(&e->axes);
  rg_mat_fini(&e->train_axes);
  cr_assert_eq(rg_memory_alive(), 0);
}

static const struct rg_translator *by(const rg_translation_scores *s, const char *name)
{
  for (int k = 0; k < RG_TRANSLATORS; k++)
    if (strcmp(s->by[k].name, name) == 0)
      return &s->by[k];
  cr_assert_fail("no %s", name);
  return NULL;
}

Test(translation, area_under_the_curve_by_hand)
{
  /* the second feature is open everywhere, the third too seldom */
  const float counts[N * 3] = {1, 1, 0, 0, 2, 0, 3, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0};
  const float guess[N * 3] = {.9F, 0, 0, .5F, 0, 0, .5F, 0, 0, .1F, 0, 0, .2F, 0, 0, .3F};
  example e = {.counts = dense(counts, N, 3), .predicted = matrix(guess, N, 3)};
  for (int i = 0; i < N; i++)
    e.depth[i] = i;
  rg_translation t = {.target = RG_TARGET_OPEN, .predicted = &e.predicted, .positives = 2};
  t.test = (rg_translated){.counts = &e.counts, .depth = e.depth};
  rg_translation_scores s;
  cr_assert_eq(rg_score_translation(rg_comm_self(), &t, &s), RG_OK);
  /* cells 0, 2 and 4 are open: 0.9 beats all three, 0.5 two and ties, 0.2 one */
  cr_assert_float_eq(by(&s, "predicted")->score[0], (3 + 2.5 + 1) / 9, 1e-12);
  cr_assert_float_eq(by(&s, "depth")->score[0], (0 + 1 + 2) / 9.0, 1e-12);
  cr_assert(isnan(s.by[0].score[1]) && isnan(s.by[0].score[2]));
  cr_assert(s.features == 3 && s.by[0].n == 1 && s.by[0].mean == s.by[0].median);
  cr_assert(by(&s, "knn")->n == 0 && by(&s, "type_mean")->n == 0);
  rg_translation_scores_fini(&s);
  example_fini(&e);
}

Test(translation, predictions_are_transformed_like_the_truth)
{
  const float counts[N * 2] = {1, 9, 4, 6, 0, 10, 8, 2, 5, 5, 3, 7};
  const float guess[N * 2] = {2, 18, 4, 6, 0, 1, 80, 20, 5, 5, 6, 14};
  example e = {.counts = dense(counts, N, 2), .predicted = matrix(guess, N, 2)};
  double sums[N] = {20, 10, 1, 100, 10, 20};
  for (int i = 0; i < N; i++) {
    e.scale[i] = 10 / 1e4;
    sums[i] /= 1e4;
  }
  rg_translation t = {.target = RG_TARGET_LOG, .predicted = &e.predicted,
                      .predicted_scale = sums};
  t.test = (rg_translated){.counts = &e.counts, .scale = e.scale};
  rg_translation_scores s;
  cr_assert_eq(rg_score_translation(rg_comm_self(), &t, &s), RG_OK);
  cr_assert_float_eq(s.by[0].mean, 1, 1e-6); /* the same shares */
  rg_translation_scores_fini(&s);
  t.predicted_scale = NULL; /* as they are */
  cr_assert_eq(rg_score_translation(rg_comm_self(), &t, &s), RG_OK);
  cr_assert_lt(s.by[0].mean, 0.9);
  rg_translation_scores_fini(&s);
  example_fini(&e);
}

/* A straight line in one axis: ridge with hardly a penalty follows it, one neighbour finds
 * the training cell at the same place. */
Test(translation, controls_by_hand)
{
  const float counts[N] = {1, 2, 3, 4, 5, 6}, axes[N] = {1, 2, 3, 4, 5, 6}, none[N] = {0};
  example e = {.counts = dense(counts, N, 1), .train = dense(counts, N, 1),
               .predicted = matrix(none, N, 1), .axes = matrix(axes, N, 1),
               .train_axes = matrix(axes, N, 1)};
  for (int i = 0; i < N; i++) {
    e.label[i] = i / 3;
    e.scale[i] = e.train_scale[i] = log1p(counts[i]) - counts[i]; /* the value is x */
  }
  rg_translation t = {.target = RG_TARGET_RATIO, .predicted = &e.predicted, .n_labels = 2,
                      .neighbours = 1, .ridge = 1e-9};
  t.test = (rg_translated){&e.counts, e.scale, e.label, &e.axes, NULL};
  t.train = (rg_translated){&e.train, e.train_scale, e.label, &e.train_axes, NULL};
  rg_translation_scores s;
  cr_assert_eq(rg_score_translation(rg_comm_self(), &t, &s), RG_OK);
  cr_assert_eq(s.by[0].mean, 0, "constant");
  cr_assert_float_eq(by(&s, "knn")->mean, 1, 1e-12);
  cr_assert_float_eq(by(&s, "ridge")->mean, 1, 1e-9);
  /* means 2 and 5 against 1..6 */
  cr_assert_float_eq(by(&s, "type_mean")->mean, 13.5 / sqrt(17.5 * 13.5), 1e-9);
  rg_translation_scores_fini(&s);
  t.train = (rg_translated){0}; /* its own type, without itself: 2.5 2 1.5 5.5 5 4.5 */
  cr_assert_eq(rg_score_translation(rg_comm_self(), &t, &s), RG_OK);
  cr_assert_float_eq(by(&s, "type_mean")->mean, 11.5 / sqrt(17.5 * 14.5), 1e-9);
  rg_translation_scores_fini(&s);
  example_fini(&e);
}

Test(must_fail, translation)
{
  const float counts[N] = {1, 2, 3, 4, 5, 6};
  rg_csr x = dense(counts, N, 1);
  rg_mat same = matrix(counts, N, 1);
  double scale[N] = {0};
  rg_translation t = {.target = RG_TARGET_RATIO, .predicted = &same};
  t.test = (rg_translated){.counts = &x, .scale = scale};
  rg_translation_scores s;
  rg_score_translation(rg_comm_self(), &t, &s);
  cr_assert_lt(s.by[0].mean, 0);
}
