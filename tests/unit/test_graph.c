/* graph: lists of the nearest, distances, the graphs made of them. */
#include "regatta/graph.h"
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const rg_key test_key = {.seed = 1, .purpose = RG_FOR_TEST};

static rg_mat random_rows(int64_t n, int dims, float offset)
{
  rg_mat x = rg_mat_new(n, dims);
  for (int64_t i = 0; i < n; i++) {
    rg_normals(&test_key, (uint64_t)i, dims, rg_mat_row(&x, i));
    for (int j = 0; j < dims; j++)
      rg_mat_row(&x, i)[j] += offset + (float)(i % 5);
  }
  return x;
}

/* ---- lists ----------------------------------------------------------------------- */

Test(topk, order_of_offers_does_not_matter)
{
  enum { OFFERS = 40, K = 6 };
  float distance[OFFERS];
  rg_topk lists = rg_topk_new(50, K);
  for (int j = 0; j < OFFERS; j++) /* with ties */
    distance[j] = floorf(10 * (float)rg_uniform(&test_key, 7, (uint64_t)j));
  for (int64_t i = 0; i < 50; i++) {
    rg_key key = {.seed = 2, .step = (uint64_t)i, .purpose = RG_FOR_TEST};
    for (int j = 0; j < OFFERS; j++) {
      int64_t p = rg_permuted(&key, OFFERS, j);
      rg_topk_offer(&lists, i, distance[p], p);
      rg_topk_offer(&lists, i, distance[p], p); /* again */
    }
    cr_assert_arr_eq(lists.id + i * K, lists.id, K * sizeof(int64_t));
    cr_assert_eq(rg_topk_limit(&lists, i), lists.distance[K - 1]);
  }
  for (int j = 1; j < K; j++)
    cr_assert(
        lists.distance[j - 1] < lists.distance[j] ||
        (lists.distance[j - 1] == lists.distance[j] && lists.id[j - 1] < lists.id[j]));
  rg_topk_fini(&lists);
  cr_assert_eq(rg_memory_alive(), 0);
}

/* ---- pairs ----------------------------------------------------------------------- */

static rg_points as_points(const rg_mat *x, int64_t first_id)
{
  rg_points points = rg_points_new(x->rows, (int)x->cols);
  for (int64_t i = 0; i < x->rows; i++)
    rg_points_set(&points, i, rg_mat_row(x, i), first_id + i);
  return points;
}

/* The fast kernel may order two cells otherwise than the twin when their distances
 * agree to rounding, never worse. */
static void assert_lists_alike(const rg_topk *fast, const rg_topk *twin)
{
  for (int64_t j = 0; j < fast->n * fast->k; j++) {
    float a = fast->distance[j], b = twin->distance[j];
    cr_assert(a == b || fabsf(a - b) <= 1e-5f * (1 + b), "%g and %g", a, b);
    cr_assert(fast->id[j] == twin->id[j] || fabsf(a - b) <= 1e-5f * (1 + b));
  }
}

static void compare_cross(int64_t n, int64_t m, int dims, int k, float offset)
{
  rg_mat x = random_rows(n + m, dims, offset);
  rg_mat y = {.rows = m, .cols = dims, .data = rg_mat_row(&x, n)};
  x.rows = n;
  rg_points a = as_points(&x, 0), b = as_points(&y, n);
  rg_topk lists[4] = {rg_topk_new(n, k), rg_topk_new(m, k), rg_topk_new(n, k),
                      rg_topk_new(m, k)};
  rg_pairs_cross(&a, &lists[0], &b, &lists[1]);
  rg_ref_pairs_cross(&a, &lists[2], &b, &lists[3]);
  assert_lists_alike(&lists[0], &lists[2]);
  assert_lists_alike(&lists[1], &lists[3]);
  for (int l = 0; l < 4; l++)
    rg_topk_fini(&lists[l]);
  rg_points_fini(&a);
  rg_points_fini(&b);
  rg_mat_fini(&x);
}

Test(pairs, cross_is_the_twin)
{
  compare_cross(0, 3, 5, 2, 0);
  compare_cross(1, 1, 1, 1, 0);
  compare_cross(130, 515, 17, 4, 0);
  compare_cross(129, 700, 50, 15, 3);
}

Test(pairs, far_from_the_origin_nothing_is_lost)
{
  compare_cross(150, 600, 16, 5, 1000);
}

Test(pairs, self_is_cross_without_itself)
{
  enum { N = 1100, K = 7 };
  rg_mat x = random_rows(N, 30, 0);
  memcpy(rg_mat_row(&x, 40), rg_mat_row(&x, 1000), 30 * sizeof(float));
  rg_points points = as_points(&x, 0);
  rg_topk self = rg_topk_new(N, K), cross = rg_topk_new(N, K + 1);
  rg_pairs_self(&points, &self);
  rg_pairs_cross(&points, &cross, &points, NULL);
  for (int64_t i = 0; i < N; i++) {
    int at = 0;
    for (int j = 0; j < K; j++, at++) {
      at += cross.id[i * (K + 1) + at] == i;
      cr_assert_eq(self.id[i * K + j], cross.id[i * (K + 1) + at]);
      cr_assert_eq(self.distance[i * K + j], cross.distance[i * (K + 1) + at]);
    }
  }
  cr_assert_eq(self.id[40 * K], 1000);
  cr_assert_eq(self.distance[40 * K], 0);
  rg_topk_fini(&self);
  rg_topk_fini(&cross);
  rg_points_fini(&points);
  rg_mat_fini(&x);
}

Test(pairs, bucket_of_all_is_exact)
{
  enum { N = 300, K = 5 };
  rg_mat x = random_rows(N, 12, 0);
  rg_points points = as_points(&x, 0);
  rg_topk exact = rg_topk_new(N, K), found = rg_topk_new(N, K);
  rg_pairs_self(&points, &exact);
  int32_t member[2 * N];
  for (int i = 0; i < N; i++)
    member[i] = member[N + i] = N - 1 - i;
  rg_pairs_buckets(&points, 3, (int64_t[]){0, N, N, 2 * N}, member, &found);
  cr_assert_arr_eq(found.id, exact.id, N * K * sizeof(int64_t));
  cr_assert_arr_eq(found.distance, exact.distance, N * K * sizeof(float));
  rg_topk_fini(&exact);
  rg_topk_fini(&found);
  rg_points_fini(&points);
  rg_mat_fini(&x);
}

/* ---- the graph ------------------------------------------------------------------- */

static rg_knn graph_of(const rg_mat *x, int k, rg_metric_kind metric, bool exact)
{
  rg_knn knn;
  rg_knn_options options = {
      .k = k, .metric = metric, .exact = exact, .fan_out = 8, .seed = 3};
  cr_assert_eq(rg_knn_graph(rg_comm_self(), x, &options, &knn), RG_OK);
  return knn;
}

Test(knn, missing_cells_are_nobodys)
{
  rg_mat x = random_rows(50, 4, 0);
  rg_mat_row(&x, 8)[1] = NAN;
  rg_knn knn = graph_of(&x, 60, RG_EUCLIDEAN, true);
  for (int64_t i = 0; i < 50; i++) {
    int n = 0;
    for (; n < 60 && knn.index[i * 60 + n] >= 0; n++)
      cr_assert(knn.index[i * 60 + n] != 8 && knn.index[i * 60 + n] != i);
    cr_assert_eq(n, i == 8 ? 0 : 48);
  }
  rg_knn_fini(&knn);
  rg_mat_fini(&x);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(knn, cosine)
{
  rg_mat x = rg_mat_new(4, 2);
  const float rows[8] = {1, 0, 2, 2, 0, 0, -3, 0};
  memcpy(x.data, rows, sizeof rows);
  rg_knn knn = graph_of(&x, 3, RG_COSINE, true);
  const int64_t nearest[3] = {1, 2, 3};
  cr_assert_arr_eq(knn.index, nearest, sizeof nearest);
  cr_assert_float_eq(knn.distance[0], 1 - sqrt(0.5), 1e-6);
  cr_assert_float_eq(knn.distance[1], 1, 1e-6); /* a zero row is at 1 of all */
  cr_assert_float_eq(knn.distance[2], 2, 1e-6);
  rg_knn_fini(&knn);
  rg_mat_fini(&x);
}

Test(knn, buckets_find_nearly_all)
{
  enum { N = 6000, K = 15 };
  rg_mat x = random_rows(N, 10, 0);
  rg_knn exact = graph_of(&x, K, RG_EUCLIDEAN, true);
  rg_knn found = graph_of(&x, K, RG_EUCLIDEAN, false);
  int64_t hits = 0;
  for (int64_t i = 0; i < N; i++)
    for (int j = 0; j < K; j++)
      hits += found.distance[i * K + j] <= exact.distance[(i + 1) * K - 1];
  cr_assert_gt((double)hits / (N * K), 0.99);
  rg_knn_fini(&exact);
  rg_knn_fini(&found);
  rg_mat_fini(&x);
}

/* cells that coincide fill one bucket, which is cut */
Test(knn, buckets_of_one_point)
{
  enum { N = 4500 };
  rg_mat x = rg_mat_new(N, 3);
  rg_knn found = graph_of(&x, 4, RG_EUCLIDEAN, false);
  for (int64_t j = 0; j < N * 4; j++)
    cr_assert(found.index[j] >= 0 && found.distance[j] == 0);
  rg_knn_fini(&found);
  rg_mat_fini(&x);
}

/* ---- weights --------------------------------------------------------------------- */

/* Three cells on a line at 0, 1, 3 with one neighbour each: rho is the distance of the
 * only neighbour, so each directed weight is 1, and so is their union. */
Test(weights, line_of_three)
{
  rg_mat x = rg_mat_new(3, 1);
  x.data[1] = 1;
  x.data[2] = 3;
  rg_knn knn = graph_of(&x, 1, RG_EUCLIDEAN, true);
  rg_csr weight, distance, snn;
  rg_connectivities(rg_comm_self(), &knn, &weight, &distance);
  cr_assert_eq(rg_csr_nnz(&weight), 4);
  cr_assert_eq(rg_csr_nnz(&distance), 3);
  for (int e = 0; e < 4; e++)
    cr_assert_eq(weight.values[e], 1);
  cr_assert_eq(distance.values[2], 2);
  rg_snn(rg_comm_self(), &knn, &snn); /* {0,1} and {0,1}: 1; {0,1} and {1,2}: 1/3 */
  cr_assert_eq(rg_csr_nnz(&snn), 4);
  cr_assert_eq(snn.values[0], 1);
  cr_assert_float_eq(snn.values[3], 1.0 / 3, 1e-6);
  rg_csr_fini(&weight);
  rg_csr_fini(&distance);
  rg_csr_fini(&snn);
  rg_knn_fini(&knn);
  rg_mat_fini(&x);
}

/* each row's memberships add up to log2(k + 1), before the union */
Test(weights, sums_of_memberships)
{
  enum { N = 400, K = 14 };
  rg_mat x = random_rows(N, 6, 0);
  rg_knn knn = graph_of(&x, K, RG_EUCLIDEAN, true);
  rg_csr weight, distance;
  rg_connectivities(rg_comm_self(), &knn, &weight, &distance);
  double total = 0;
  for (int64_t e = 0; e < rg_csr_nnz(&weight); e++) {
    cr_assert(weight.values[e] > 0 && weight.values[e] <= 1);
    total += weight.values[e];
  }
  cr_assert(total > N * log2(K + 1) && total < 2 * N * log2(K + 1));
  for (int64_t i = 0; i < N; i++)
    cr_assert_eq(distance.indptr[i + 1] - distance.indptr[i], K);
  rg_csr_fini(&weight);
  rg_csr_fini(&distance);
  rg_knn_fini(&knn);
  rg_mat_fini(&x);
}

Test(weights, of_missing_cells)
{
  rg_mat x = rg_mat_new(5, 2);
  for (int j = 0; j < 10; j++)
    x.data[j] = NAN;
  rg_knn knn = graph_of(&x, 2, RG_EUCLIDEAN, true);
  rg_csr weight, distance;
  rg_connectivities(rg_comm_self(), &knn, &weight, &distance);
  cr_assert_eq(rg_csr_nnz(&weight), 0);
  cr_assert_eq(rg_csr_nnz(&distance), 0);
  rg_csr_fini(&weight);
  rg_csr_fini(&distance);
  rg_knn_fini(&knn);
  rg_mat_fini(&x);
}

Test(must_fail, a_cell_is_its_own_neighbour)
{
  rg_mat x = random_rows(20, 4, 0);
  rg_knn knn = graph_of(&x, 1, RG_EUCLIDEAN, true);
  cr_assert_eq(knn.index[0], 0);
}
