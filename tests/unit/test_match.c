/* graph: matching of cells across modalities, beside a dense reference. */
#include "regatta/eval.h"
#include "regatta/graph.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const rg_key test_key = {.seed = 9, .purpose = RG_FOR_TEST};

static rg_mat random_rows(int64_t n, int dims, uint64_t first)
{
  rg_mat x = rg_mat_new(n, dims);
  for (int64_t i = 0; i < n; i++)
    rg_normals(&test_key, first + (uint64_t)i, dims, rg_mat_row(&x, i));
  return x;
}

/* Rows of x, a little moved, of other lengths. */
static rg_mat noisy(const rg_mat *x, float noise)
{
  rg_mat y = random_rows(x->rows, (int)x->cols, 5000);
  for (int64_t i = 0; i < y.rows * y.cols; i++)
    y.data[i] = (1 + (float)(i / y.cols % 3)) * (x->data[i] + noise * y.data[i]);
  return y;
}

static rg_csr match(const rg_mat *a, const int32_t *a_batch, const rg_mat *b,
                    const int32_t *b_batch, int n_batches, rg_match_kind kind, int k)
{
  rg_match_side left = {a, a_batch}, right = {b, b_batch};
  rg_csr weights;
  cr_assert_eq(rg_match(rg_comm_self(), &left, &right, n_batches, kind, k, &weights),
               RG_OK);
  return weights;
}

static float entry(const rg_csr *m, int64_t i, int64_t j)
{
  for (int64_t e = m->indptr[i]; e < m->indptr[i + 1]; e++)
    if (m->indices[e] == j)
      return m->values[e];
  return 0;
}

/* ---- the reference: dense matrices in double ------------------------------------- */

static double distance2(const rg_mat *a, int64_t i, const rg_mat *b, int64_t j)
{
  double ab = 0, aa = 0, bb = 0;
  for (int64_t d = 0; d < a->cols; d++) {
    double x = (double)rg_mat_row(a, i)[d], y = (double)rg_mat_row(b, j)[d];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return 2 - 2 * ab / sqrt(aa * bb);
}

/* One for the k nearest of each row, a->rows x b->rows. Owned. */
static double *nearest(const rg_mat *a, const rg_mat *b, int k)
{
  double *m = RG_NEW(double, a->rows * b->rows);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t j = 0; j < b->rows; j++) {
      int closer = 0;
      for (int64_t l = 0; l < b->rows; l++)
        closer += distance2(a, i, b, l) < distance2(a, i, b, j);
      m[i * b->rows + j] = closer < k;
    }
  return m;
}

static void divide_rows(double *m, int64_t rows, int64_t cols)
{
  for (int64_t i = 0; i < rows; i++) {
    double sum = 0;
    for (int64_t j = 0; j < cols; j++)
      sum += m[i * cols + j];
    for (int64_t j = 0; sum > 0 && j < cols; j++)
      m[i * cols + j] /= sum;
  }
}

static double *reference_snn(const rg_mat *a, const rg_mat *b, int k)
{
  double *ab = nearest(a, b, k), *ba = nearest(b, a, k), *aa = nearest(a, a, k),
         *bb = nearest(b, b, k), *m = RG_NEW(double, a->rows * b->rows);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t j = 0; j < b->rows; j++) {
      double shared = 0;
      for (int64_t l = 0; l < b->rows; l++)
        shared += ab[i * b->rows + l] * bb[j * b->rows + l];
      for (int64_t l = 0; l < a->rows; l++)
        shared += aa[i * a->rows + l] * ba[j * a->rows + l];
      m[i * b->rows + j] = shared / (4 * k - shared);
    }
  divide_rows(m, a->rows, b->rows);
  rg_free(ab);
  rg_free(ba);
  rg_free(aa);
  rg_free(bb);
  return m;
}

static double *reference_mnn(const rg_mat *a, const rg_mat *b, int k)
{
  double *ab = nearest(a, b, k), *ba = nearest(b, a, k);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t j = 0; j < b->rows; j++)
      ab[i * b->rows + j] *= ba[j * a->rows + i];
  divide_rows(ab, a->rows, b->rows);
  rg_free(ba);
  return ab;
}

static double *reference_knn(const rg_mat *a, const rg_mat *b, int k)
{
  double *ten = nearest(a, b, 10), *m = nearest(a, b, k), sigma = 0;
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t j = 0; j < b->rows; j++)
      sigma += ten[i * b->rows + j] * sqrt(distance2(a, i, b, j)) / 10 /
               (10 * (double)a->rows);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t j = 0; j < b->rows; j++)
      m[i * b->rows + j] *= exp(-distance2(a, i, b, j) / sigma / sigma);
  divide_rows(m, a->rows, b->rows);
  rg_free(ten);
  return m;
}

static void assert_matrix(const rg_csr *m, const double *reference)
{
  for (int64_t i = 0; i < m->rows; i++)
    for (int64_t j = 0; j < m->cols; j++)
      cr_assert_float_eq(entry(m, i, j), reference[i * m->cols + j], 1e-4,
                         "%lld %lld: %g, reference %g", (long long)i, (long long)j,
                         (double)entry(m, i, j), reference[i * m->cols + j]);
}

static void compare(rg_match_kind kind, int k,
                    double *(*reference)(const rg_mat *, const rg_mat *, int))
{
  rg_mat a = random_rows(37, 5, 0), b = random_rows(52, 5, 900);
  rg_csr m = match(&a, NULL, &b, NULL, 0, kind, k);
  double *slow = reference(&a, &b, k);
  assert_matrix(&m, slow);
  rg_free(slow);
  rg_csr_fini(&m);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(match, as_dense_matrices_say)
{
  compare(RG_MATCH_SNN, 1, reference_snn);
  compare(RG_MATCH_SNN, 4, reference_snn);
  compare(RG_MATCH_MNN, 1, reference_mnn);
  compare(RG_MATCH_MNN, 6, reference_mnn);
  compare(RG_MATCH_KNN, 1, reference_knn);
  compare(RG_MATCH_KNN, 12, reference_knn);
}

/* ---- properties ------------------------------------------------------------------ */

Test(match, mutual_pairs_weigh_three_times_one_sided_ones)
{
  /* on a circle: a at 0 and 90 degrees, b at 1, 5 and 80 */
  float angles[5] = {0, 90, 1, 5, 80};
  rg_mat a = rg_mat_new(2, 2), b = rg_mat_new(3, 2);
  for (int i = 0; i < 5; i++) {
    float *row = i < 2 ? rg_mat_row(&a, i) : rg_mat_row(&b, i - 2);
    row[0] = 3 * cosf(angles[i] * 0.0174533F);
    row[1] = 3 * sinf(angles[i] * 0.0174533F);
  }
  rg_csr m = match(&a, NULL, &b, NULL, 0, RG_MATCH_SNN, 1);
  cr_assert_float_eq(entry(&m, 0, 0), 0.75, 1e-6); /* 1 / (1 + 1/3) */
  cr_assert_float_eq(entry(&m, 0, 1), 0.25, 1e-6);
  cr_assert_eq(entry(&m, 1, 2), 1);
  cr_assert_eq(rg_csr_nnz(&m), 3);
  rg_csr_fini(&m);
  m = match(&a, NULL, &b, NULL, 0, RG_MATCH_MNN, 1);
  cr_assert_eq(rg_csr_nnz(&m), 2);
  rg_csr_fini(&m);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
}

static void assert_permuted(rg_match_kind kind, int k)
{
  enum { N = 60 };
  rg_mat a = random_rows(N, 6, 0), b = noisy(&a, 0.3F), a2 = rg_mat_new(N, 6),
         b2 = rg_mat_new(N, 6);
  rg_key other = {.seed = 3, .purpose = RG_FOR_TEST};
  for (int64_t i = 0; i < N; i++) {
    memcpy(rg_mat_row(&a2, rg_permuted(&test_key, N, i)), rg_mat_row(&a, i), 24);
    memcpy(rg_mat_row(&b2, rg_permuted(&other, N, i)), rg_mat_row(&b, i), 24);
  }
  rg_csr m = match(&a, NULL, &b, NULL, 0, kind, k);
  rg_csr moved = match(&a2, NULL, &b2, NULL, 0, kind, k);
  for (int64_t i = 0; i < N; i++)
    for (int64_t j = 0; j < N; j++)
      cr_assert_float_eq(
          entry(&m, i, j),
          entry(&moved, rg_permuted(&test_key, N, i), rg_permuted(&other, N, j)), 1e-6);
  rg_csr_fini(&m);
  rg_csr_fini(&moved);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
  rg_mat_fini(&a2);
  rg_mat_fini(&b2);
}

Test(match, permuted_rows_give_the_permuted_matrix)
{
  assert_permuted(RG_MATCH_SNN, 1);
  assert_permuted(RG_MATCH_SNN, 5);
  assert_permuted(RG_MATCH_KNN, 3);
  assert_permuted(RG_MATCH_MNN, 3);
}

Test(match, planted_pairs_are_found)
{
  enum { N = 200 };
  rg_mat a = random_rows(N, 20, 0), b = noisy(&a, 0.05F);
  int64_t partner[N];
  for (int64_t i = 0; i < N; i++)
    partner[i] = i % 10 ? i : -1;
  for (int kind = RG_MATCH_SNN; kind <= RG_MATCH_MNN; kind++) {
    rg_csr m = match(&a, NULL, &b, NULL, 0, (rg_match_kind)kind, 1);
    rg_match_scores s = rg_match_score(rg_comm_self(), &m, partner);
    cr_assert_eq(s.cells, 180);
    cr_assert_float_eq(s.score, 1, 1e-6);
    cr_assert_float_eq(s.top1, 1, 1e-6);
    rg_csr_fini(&m);
  }
  rg_mat_fini(&a);
  rg_mat_fini(&b);
}

Test(match, batches_are_apart_and_gaps_stay_gaps)
{
  enum { N = 40 };
  rg_mat a = random_rows(N, 4, 0), b = noisy(&a, 0.01F);
  int32_t left[N], right[N];
  for (int i = 0; i < N; i++)
    left[i] = right[i] = i % 3;
  left[7] = -1;
  right[10] = 2; /* was 1: its partner has to take another */
  rg_mat_row(&a, 3)[1] = NAN;
  rg_mat_row(&b, 5)[0] = INFINITY;
  rg_csr m = match(&a, left, &b, right, 3, RG_MATCH_SNN, 3);
  for (int64_t i = 0; i < N; i++) {
    double sum = 0;
    for (int64_t e = m.indptr[i]; e < m.indptr[i + 1]; e++) {
      cr_assert_eq(left[i], right[m.indices[e]]);
      cr_assert_neq(m.indices[e], 5);
      sum += (double)m.values[e];
    }
    cr_assert_float_eq(sum, i == 3 || i == 7 ? 0 : 1, 1e-6);
  }
  rg_csr_fini(&m);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
}

Test(match, few_cells_and_none)
{
  rg_mat a = random_rows(2, 3, 0), b = random_rows(1, 3, 50), none = rg_mat_new(0, 3);
  for (int kind = RG_MATCH_SNN; kind <= RG_MATCH_MNN; kind++) {
    rg_csr m = match(&a, NULL, &b, NULL, 0, (rg_match_kind)kind, 7);
    cr_assert(entry(&m, 0, 0) == 1 && entry(&m, 1, 0) == 1);
    rg_csr_fini(&m);
    m = match(&a, NULL, &none, NULL, 0, (rg_match_kind)kind, 7);
    cr_assert(m.rows == 2 && m.cols == 0 && rg_csr_nnz(&m) == 0);
    rg_csr_fini(&m);
  }
  rg_mat_fini(&a);
  rg_mat_fini(&b);
  rg_mat_fini(&none);
}

Test(match, nonsense_is_refused)
{
  rg_mat a = random_rows(2, 3, 0), b = random_rows(2, 4, 0);
  rg_match_side left = {.x = &a}, right = {.x = &b};
  rg_csr m;
  cr_assert_eq(rg_match(rg_comm_self(), &left, &right, 0, RG_MATCH_SNN, 1, &m),
               RG_EUSAGE);
  cr_assert(strstr(rg_error_text(), "3 columns, the other 4"));
  cr_assert_eq(rg_match(rg_comm_self(), &left, &left, 0, RG_MATCH_SNN, 0, &m),
               RG_EUSAGE);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
}

/* ---- scores ---------------------------------------------------------------------- */

Test(match, scores_by_hand)
{
  int64_t indptr[5] = {0, 2, 4, 5, 5}, partner[4] = {0, 2, 2, 1};
  int32_t indices[5] = {0, 1, 0, 2, 1};
  float values[5] = {0.75F, 0.25F, 2, 2, 1};
  rg_csr m = {4, 3, indptr, indices, values};
  rg_match_scores s = rg_match_score(rg_comm_self(), &m, partner);
  cr_assert_eq(s.cells, 4);
  cr_assert_float_eq(s.score, (0.75 + 0.5) / 4, 1e-9);
  cr_assert_float_eq(s.top1, (1 + 0.5) / 4, 1e-9);
  for (int i = 0; i < 4; i++)
    partner[i] = -1;
  cr_assert(isnan(rg_match_score(rg_comm_self(), &m, partner).score));
}

Test(must_fail, match)
{
  rg_mat a = random_rows(5, 3, 0);
  rg_csr m = match(&a, NULL, &a, NULL, 0, RG_MATCH_SNN, 1);
  cr_assert_eq(entry(&m, 0, 0), 0);
}
