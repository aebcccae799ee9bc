/* Labels by the vote of neighbours, labels against true ones, and the two scores that are
 * made of neighbours' labels and batches: by hand. */
#include "regatta/eval.h"

#include <criterion/criterion.h>
#include <math.h>

extern const rg_metric rg_metric_kbet, rg_metric_transfer;

static void near(double value, double expected, const char *what)
{
  cr_expect(fabs(value - expected) <= 1e-12, "%s: %.15g is not %.15g", what, value,
            expected);
}

Test(labels, votes)
{
  int64_t index[] = {0, 1, 2, 3, 4, -1, 2, 4, 0, -1, -1, -1};
  float distance[] = {1, 2, 4, 0, 0, INFINITY, 3, 3, 3, INFINITY, INFINITY, INFINITY};
  const int32_t given[] = {1, 0, 0, 2, -1};
  rg_knn knn = {.rows = 4, .k = 3, .index = index, .distance = distance};
  int32_t label[4];
  double share[4], w[] = {exp(-2 / 16.0), exp(-0.5), exp(-2)};
  rg_knn_vote(rg_comm_self(), &knn, given, 5, 3, false, label, share);
  cr_expect_eq(label[0], 0);
  near(share[0], 2 / 3.0, "two of three");
  cr_expect_eq(label[1], 2, "a neighbour without a label does not vote");
  near(share[1], 1, "alone");
  cr_expect_eq(label[2], 0, "ties go to the lower label");
  near(share[2], 0.5, "one of two");
  cr_expect(label[3] == -1 && share[3] == 0, "nobody votes");
  rg_knn_vote(rg_comm_self(), &knn, given, 5, 3, true, label, share);
  cr_expect_eq(label[0], 1, "the nearest weighs more than two that are far");
  near(share[0], w[0] / (w[0] + w[1] + w[2]), "weights");
  near(share[1], 1, "at no distance");
}

Test(labels, agreement)
{
  const int32_t truth[] = {0, 0, 0, 1, 1, -1}, found[] = {0, 0, 1, 1, -1, 2};
  rg_agreement a = rg_compare_labels(rg_comm_self(), truth, found, 4, 6);
  cr_expect_eq(a.cells, 5);
  near(a.accuracy, 0.6, "accuracy");
  near(a.macro_f1, (4 / 5.0 + 2 / 4.0) / 2, "macro F1");
  a = rg_compare_labels(rg_comm_self(), truth, found, 4, 0);
  cr_expect(isnan(a.accuracy) && isnan(a.macro_f1) && a.cells == 0);
}

/* ---- scores ---------------------------------------------------------------------- */

enum { CELLS = 400 };

/* Two labels of two batches; batches lie `apart` along an axis of their own. */
static rg_mat blobs(float apart, int32_t *label, int32_t *batch)
{
  rg_mat x = rg_mat_new(CELLS, 3);
  rg_key key = {.seed = 6, .purpose = RG_FOR_TEST};
  for (int i = 0; i < CELLS; i++) {
    rg_normals(&key, (uint64_t)i, 3, rg_mat_row(&x, i));
    label[i] = i % 2;
    batch[i] = i / 2 % 2;
    rg_mat_row(&x, i)[0] += 20 * (float)label[i];
    rg_mat_row(&x, i)[1] += apart * (float)batch[i];
  }
  return x;
}

static double kbet(float apart, int batches)
{
  int32_t label[CELLS], batch[CELLS];
  rg_mat x = blobs(apart, label, batch);
  for (int i = 0; i < CELLS && batches == 1; i++)
    batch[i] = label[i];
  rg_scored scored = {.embedding = &x, .label = label, .n_labels = 2, .batch = batch,
                      .n_batches = 2};
  rg_score score[8];
  int n = 0;
  cr_assert_eq(rg_metric_kbet.compute(rg_comm_self(), &scored, score, &n), RG_OK);
  cr_assert_eq(n, 1);
  rg_mat_fini(&x);
  return score[0].value;
}

Test(labels, kbet_of_batches_mixed_and_apart)
{
  cr_expect(kbet(0, 2) > 0.8, "mixed: %g", kbet(0, 2));
  near(kbet(50, 2), 0, "batches apart");
  cr_expect(kbet(1, 2) > 0 && kbet(1, 2) < kbet(0, 2));
  cr_expect(isnan(kbet(0, 1)), "a label of one batch has no score");
}

Test(labels, transfer_to_a_copy_and_to_strangers)
{
  int32_t label[CELLS], batch[CELLS];
  rg_mat x = blobs(0, label, batch), y = blobs(0, label, batch);
  rg_mat_row(&y, 3)[0] = NAN;
  rg_scored scored = {.embedding = &x, .second = &y, .label = label, .n_labels = 2};
  rg_score score[8];
  int n = 0;
  rg_metric_transfer.compute(rg_comm_self(), &scored, score, &n);
  cr_assert_eq(n, 2);
  near(score[0].value, 1, "accuracy of a copy");
  near(score[1].value, 1, "macro F1 of a copy");
  for (int i = 0; i < CELLS; i++)
    rg_mat_row(&y, i)[0] = 20 - rg_mat_row(&y, i)[0];
  n = 0;
  rg_metric_transfer.compute(rg_comm_self(), &scored, score, &n);
  near(score[0].value, 0, "accuracy of labels exchanged");
  rg_mat_fini(&x);
  rg_mat_fini(&y);
}

Test(must_fail, labels)
{
  near(kbet(50, 2), 1, "batches apart");
}
