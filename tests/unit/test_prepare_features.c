/* prepare: statistics, normalisation, loess, variable features, tf-idf. */
#include "src/prepare/inner.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const rg_key key = {.seed = 3, .purpose = RG_FOR_TEST};

/* Counts with a mean that differs between features; feature 0 is always zero. */
static rg_csr counts_of(int64_t rows, int64_t cols)
{
  rg_csr a = rg_csr_new(rows, cols, rows * cols);
  int64_t n = 0;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 1; j < cols; j++) {
      double u = rg_uniform(&key, (uint64_t)i, (uint64_t)j);
      double x = floor(-log(u) * (double)j / 10);
      if (x > 0) {
        a.indices[n] = (int32_t)j;
        a.values[n++] = (float)x;
      }
    }
    a.indptr[i + 1] = n;
  }
  return a;
}

static double at(const rg_csr *a, int64_t i, int64_t j)
{
  for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
    if (a->indices[e] == j)
      return a->values[e];
  return 0;
}

Test(statistics, as_defined)
{
  rg_csr a = counts_of(83, 17);
  rg_feature_stats s;
  cr_assert_eq(rg_feature_statistics(rg_comm_self(), &a, &s), RG_OK);
  cr_assert(s.n_cells == 83 && s.n_features == 17);
  for (int64_t j = 0; j < 17; j++) {
    double sum = 0, square = 0;
    int64_t cells = 0;
    for (int64_t i = 0; i < 83; i++) {
      double x = at(&a, i, j);
      sum += x;
      cells += x != 0;
    }
    for (int64_t i = 0; i < 83; i++)
      square += pow(at(&a, i, j) - sum / 83, 2);
    cr_assert_eq(s.cells[j], cells);
    cr_assert_eq(s.sum[j], sum);
    cr_assert_float_eq(s.mean[j], sum / 83, 1e-12);
    cr_assert_float_eq(s.variance[j], square / 82, 1e-9 * (1 + square));
  }
  rg_feature_stats_fini(&s);
  rg_csr_fini(&a);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(statistics, extreme_values_do_not_overflow)
{
  rg_csr a = rg_csr_new(3, 2, 4);
  float values[] = {3e38f, 1e-3f, -3e38f, 1e-3f};
  int32_t columns[] = {0, 1, 0, 1};
  memcpy(a.values, values, sizeof values);
  memcpy(a.indices, columns, sizeof columns);
  a.indptr[1] = 2;
  a.indptr[2] = a.indptr[3] = 4;
  rg_feature_stats s;
  cr_assert_eq(rg_feature_statistics(rg_comm_self(), &a, &s), RG_OK);
  cr_assert_eq(s.sum[0], 0);
  cr_assert(isfinite(s.variance[0]) && s.variance[0] > 1e76);
  rg_feature_stats_fini(&s);
  rg_csr_fini(&a);
}

Test(statistics, no_cells)
{
  rg_csr a = rg_csr_new(0, 3, 0);
  rg_feature_stats s;
  cr_assert_eq(rg_feature_statistics(rg_comm_self(), &a, &s), RG_OK);
  cr_assert(s.mean[2] == 0 && s.variance[2] == 0);
  rg_feature_stats_fini(&s);
  rg_csr_fini(&a);
}

Test(median, of_odd_even_and_none)
{
  double x[] = {4, 1, 3, 2, 1e-300};
  cr_assert_eq(rg_median(rg_comm_self(), x, 5), 2);
  cr_assert_eq(rg_median(rg_comm_self(), x, 4), 2.5);
  cr_assert_eq(rg_median(rg_comm_self(), x, 1), 4);
  cr_assert_eq(rg_median(rg_comm_self(), x, 0), 0);
}

Test(normalise, to_a_target_and_to_the_median)
{
  for (int pass = 0; pass < 2; pass++) {
    rg_csr a = counts_of(21, 9), raw = rg_copy_csr(&a);
    double sum[21], factor[21], positive[21];
    int64_t n = 0;
    rg_row_sums(&raw, sum);
    for (int i = 0; i < 21; i++)
      if (sum[i] > 0)
        positive[n++] = sum[i];
    double target = pass ? 1e4 : rg_median(rg_comm_self(), positive, n);
    cr_assert_eq(rg_normalise_log(rg_comm_self(), &a, pass ? 1e4 : 0, factor), RG_OK);
    for (int64_t i = 0; i < 21; i++)
      for (int64_t j = 0; j < 9; j++) {
        double x = sum[i] > 0 ? log1p(at(&raw, i, j) / sum[i] * target) : 0;
        cr_assert_float_eq(at(&a, i, j), x, 1e-6 * (1 + x));
      }
    rg_csr_fini(&a);
    rg_csr_fini(&raw);
  }
}

Test(normalise, log_ratio_sums_to_zero)
{
  rg_csr a = counts_of(12, 7), ratio = rg_centred_log_ratio(&a);
  for (int64_t i = 0; i < 12; i++) {
    double sum = 0, mean = 0;
    for (int64_t j = 0; j < 7; j++)
      mean += log1p(at(&a, i, j)) / 7;
    for (int64_t j = 0; j < 7; j++) {
      cr_assert_float_eq(at(&ratio, i, j), log1p(at(&a, i, j)) - mean, 1e-6);
      sum += at(&ratio, i, j);
    }
    cr_assert_float_eq(sum, 0, 1e-5);
  }
  rg_csr_fini(&a);
  rg_csr_fini(&ratio);
}

/* Fitted values of cloess (loess of skmisc, span 0.3, degree 2) on the same points. */
Test(loess, equals_cloess)
{
  static const double expected[24] = {
      0.0218478576883705, 1.50355795344615,   -0.0469606266991169, -0.726728751485654,
      1.31645307226769,   0.785359971192429,  -0.75180521402958,   0.207802988363648,
      1.39329968395759,   -0.278832022516654, -0.597225190134435,  1.60564999753047,
      0.540867921739625,  -0.798576778754875, 0.488538439452488,   1.28505422139571,
      -0.454579850267394, -0.394878390984891, 1.57486485105176,    0.260214630147485,
      -0.778223995824522, 0.815459826796525,  1.06857066632057,    -0.628882159682217};
  double x[24], y[24], fitted[24];
  for (int i = 0; i < 24; i++) {
    x[i] = (i * 7) % 24 * 0.25 + i % 3 * 0.01;
    y[i] = sin(x[i]) + 0.1 * ((i * 5) % 7);
  }
  rg_loess(24, x, y, 0.3, fitted);
  for (int i = 0; i < 24; i++)
    cr_assert_float_eq(fitted[i], expected[i], 1e-12);
}

Test(loess, few_points_and_ties)
{
  double x[400], y[400], fitted[400];
  for (int n = 1; n <= 12; n++) {
    for (int i = 0; i < n; i++)
      x[i] = y[i] = i;
    rg_loess(n, x, y, 0.3, fitted);
    for (int i = 0; i < n; i++)
      cr_assert_float_eq(fitted[i], y[i], 1e-3, "%d of %d: %g", i, n, fitted[i]);
  }
  for (int i = 0; i < 400; i++) { /* most points share one place */
    x[i] = i < 300 ? 0 : 1 + i % 5;
    y[i] = 2 * x[i] + 1;
  }
  rg_loess(400, x, y, 0.3, fitted);
  for (int i = 0; i < 400; i++)
    cr_assert_float_eq(fitted[i], y[i], 1e-6);
}

/* Scores by the definition, with a loop instead of sums of clipped counts. */
Test(variable, scores_as_defined)
{
  enum { CELLS = 120, GENES = 60 };
  rg_csr a = counts_of(CELLS, GENES);
  bool highly[GENES];
  double score[GENES], x[GENES], y[GENES], fitted[GENES];
  int rank[GENES], chosen = 0;
  cr_assert_eq(rg_highly_variable(rg_comm_self(), &a, NULL, 0, 10, highly, score, rank),
               RG_OK);
  rg_feature_stats s;
  rg_feature_statistics(rg_comm_self(), &a, &s);
  int n = 0;
  for (int f = 0; f < GENES; f++)
    if (s.variance[f] > 0) {
      x[n] = log10(s.mean[f]);
      y[n++] = log10(s.variance[f]);
    }
  rg_loess(n, x, y, 0.3, fitted);
  n = 0;
  for (int f = 0; f < GENES; f++) {
    double deviation = s.variance[f] > 0 ? sqrt(pow(10, fitted[n++])) : 1, sum = 0;
    for (int64_t i = 0; i < CELLS; i++) {
      double z = fmin(at(&a, i, f), s.mean[f] + sqrt(CELLS) * deviation);
      sum += pow((z - s.mean[f]) / deviation, 2) / (CELLS - 1);
    }
    cr_assert_float_eq(score[f], sum, 1e-9 * (1 + sum), "%d: %g %g", f, score[f], sum);
    chosen += highly[f];
    cr_assert_eq(highly[f], rank[f] < 10);
    for (int g = 0; g < GENES; g++)
      cr_assert(score[f] <= score[g] || rank[f] < rank[g] || rank[g] >= 10);
  }
  cr_assert_eq(chosen, 10);
  rg_feature_stats_fini(&s);
  rg_csr_fini(&a);
  cr_assert_eq(rg_memory_alive(), 0);
}

/* Cells outside of any batch, and batches of one cell, have no say. */
Test(variable, batches)
{
  enum { CELLS = 90, GENES = 40 };
  rg_csr a = counts_of(CELLS, GENES), half = counts_of(CELLS / 2, GENES);
  int32_t batch[CELLS];
  bool highly[GENES], alone[GENES];
  double score[GENES], score_alone[GENES];
  for (int i = 0; i < CELLS; i++)
    batch[i] = i < CELLS / 2 ? 1 : i == CELLS / 2 ? 0 : -1;
  rg_highly_variable(rg_comm_self(), &a, batch, 2, 8, highly, score, NULL);
  rg_highly_variable(rg_comm_self(), &half, NULL, 0, 8, alone, score_alone, NULL);
  cr_assert_arr_eq(score, score_alone, sizeof score);
  cr_assert_arr_eq(highly, alone, sizeof highly);
  for (int i = 0; i < CELLS; i++)
    batch[i] = i % 3;
  rg_highly_variable(rg_comm_self(), &a, batch, 3, 8, highly, NULL, NULL);
  int n = 0;
  for (int f = 0; f < GENES; f++)
    n += highly[f];
  cr_assert_eq(n, 8);
  rg_csr_fini(&a);
  rg_csr_fini(&half);
}

Test(tfidf, both_kinds)
{
  rg_csr raw = counts_of(31, 11), log_kind = rg_copy_csr(&raw),
         binary = rg_copy_csr(&raw);
  rg_feature_stats s;
  double depth[31];
  rg_feature_statistics(rg_comm_self(), &raw, &s);
  rg_row_sums(&raw, depth);
  cr_assert_eq(rg_tfidf(rg_comm_self(), &log_kind, RG_TFIDF_LOG), RG_OK);
  cr_assert_eq(rg_tfidf(rg_comm_self(), &binary, RG_IDF_BINARY), RG_OK);
  for (int64_t i = 0; i < 31; i++) {
    double square = 0;
    for (int64_t j = 0; j < 11; j++) {
      double x = at(&raw, i, j);
      double expected = x > 0 ? log1p(x / depth[i] * 31 / s.sum[j] * 1e4) : 0;
      cr_assert_float_eq(at(&log_kind, i, j), expected, 1e-5);
      square += pow(at(&binary, i, j), 2);
    }
    cr_assert_float_eq(square, depth[i] > 0 ? 1 : 0, 1e-5);
  }
  rg_feature_stats_fini(&s);
  rg_csr_fini(&raw);
  rg_csr_fini(&log_kind);
  rg_csr_fini(&binary);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(columns, arranged_in_any_order)
{
  rg_csr a = counts_of(15, 8), b = rg_copy_csr(&a);
  int32_t new_of_old[] = {-1, 3, 0, -1, 5, 1, 4, 2};
  bool keep[15];
  rg_csr_arrange_columns(&b, new_of_old, 6);
  cr_assert_eq(b.cols, 6);
  for (int64_t i = 0; i < 15; i++) {
    for (int64_t j = 0; j < 8; j++)
      if (new_of_old[j] >= 0)
        cr_assert_eq(at(&b, i, new_of_old[j]), at(&a, i, j));
    for (int64_t e = b.indptr[i] + 1; e < b.indptr[i + 1]; e++)
      cr_assert_lt(b.indices[e - 1], b.indices[e]);
    keep[i] = i % 4 == 1;
  }
  rg_csr_keep_rows(&b, keep);
  cr_assert_eq(b.rows, 4);
  for (int64_t i = 0; i < 4; i++)
    cr_assert_eq(at(&b, i, 3), at(&a, 4 * i + 1, 1));
  rg_csr_fini(&a);
  rg_csr_fini(&b);
}

Test(must_fail, prepare_features)
{
  rg_csr a = counts_of(5, 5);
  cr_assert_eq(at(&a, 0, 4), -1);
}
