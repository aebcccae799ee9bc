/* cluster: Leiden against graphs with known answers and a plain twin; constants, start
 * and forces of the UMAP layout. One rank; several are in tests/ranks. */
#include "src/cluster/leiden.h"
#include "src/cluster/umap.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const rg_key test_key = {.seed = 1, .purpose = RG_FOR_TEST};

/* ---- graphs ---------------------------------------------------------------------- */

/* The graph of a symmetric n x n array. */
static rg_csr from_dense(int n, const float *w)
{
  rg_csr graph = rg_csr_new(n, n, (int64_t)n * n);
  int64_t at = 0;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++)
      if (w[i * n + j] != 0) {
        graph.indices[at] = j;
        graph.values[at++] = w[i * n + j];
      }
    graph.indptr[i + 1] = at;
  }
  return graph;
}

static void tie(float *w, int n, int i, int j, float weight)
{
  w[i * n + j] = w[j * n + i] = weight;
}

/* Rings of `cliques` cliques of `size`, each tied to the next by one edge. */
static float *ring_of_cliques(int cliques, int size)
{
  int n = cliques * size;
  float *w = RG_NEW(float, n *n);
  for (int c = 0; c < cliques; c++) {
    for (int i = 0; i < size; i++)
      for (int j = 0; j < i; j++)
        tie(w, n, c * size + i, c * size + j, 1);
    tie(w, n, c * size, (c + 1) % cliques * size + 1, 1);
  }
  return w;
}

/* Planted groups: a pair is tied with probability 0.3 inside and 0.03 across. */
static float *planted(int n, int groups)
{
  float *w = RG_NEW(float, n *n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      double u = rg_uniform(&test_key, (uint64_t)i, (uint64_t)(2 * j));
      double weight = rg_uniform(&test_key, (uint64_t)i, (uint64_t)(2 * j + 1));
      if (u < (i % groups == j % groups ? 0.3 : 0.03))
        tie(w, n, i, j, (float)(0.2 + weight));
    }
  return w;
}

/* ---- the twin: Louvain on a dense matrix, vertices in order ---------------------- */

static bool twin_sweep(int n, const double *w, const double *degree, double total,
                       int *label)
{
  bool moved = false;
  double *sum = RG_NEW(double, n), *to = RG_NEW(double, n);
  for (int i = 0; i < n; i++)
    sum[label[i]] += degree[i];
  for (int i = 0; i < n; i++) {
    int best = label[i];
    memset(to, 0, (size_t)n * sizeof *to);
    for (int j = 0; j < n; j++)
      if (j != i)
        to[label[j]] += w[i * n + j];
    sum[best] -= degree[i];
    double most = to[best] - degree[i] * sum[best] / total;
    for (int c = 0; c < n; c++) {
      double gain = to[c] - degree[i] * sum[c] / total;
      if (gain > most + 1e-9) {
        most = gain;
        best = c;
      }
    }
    sum[best] += degree[i];
    moved = moved || best != label[i];
    label[i] = best;
  }
  rg_free(to);
  rg_free(sum);
  return moved;
}

static void twin(int n, const double *w, double total, int *label)
{
  double *degree = RG_NEW(double, n), *coarse = RG_NEW(double, n *n);
  for (int i = 0; i < n; i++) {
    label[i] = i;
    for (int j = 0; j < n; j++)
      degree[i] += w[i * n + j];
  }
  bool moved = false;
  while (twin_sweep(n, w, degree, total, label))
    moved = true;
  if (moved) { /* communities as vertices, under their old numbers; others are empty */
    int *of = RG_NEW(int, n);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++)
        coarse[label[i] * n + label[j]] += w[i * n + j];
    twin(n, coarse, total, of);
    for (int i = 0; i < n; i++)
      label[i] = of[label[i]];
    rg_free(of);
  }
  rg_free(coarse);
  rg_free(degree);
}

static double twin_modularity(int n, const float *w)
{
  double *x = RG_NEW(double, n *n), total = 0;
  int *label = RG_NEW(int, n);
  int32_t *narrow = RG_NEW(int32_t, n);
  for (int j = 0; j < n * n; j++) {
    x[j] = w[j];
    total += x[j];
  }
  twin(n, x, total, label);
  for (int i = 0; i < n; i++)
    narrow[i] = label[i];
  rg_csr graph = from_dense(n, w);
  double modularity = rg_modularity(rg_comm_self(), &graph, narrow, 1);
  rg_csr_fini(&graph);
  rg_free(narrow);
  rg_free(label);
  rg_free(x);
  return modularity;
}

/* ---- Leiden ---------------------------------------------------------------------- */

static int leiden(int n, const float *w, double resolution, int64_t small,
                  int32_t *label, double *modularity)
{
  rg_csr graph = from_dense(n, w);
  rg_leiden_options options = {.resolution = resolution, .iterations = -1, .seed = 7};
  int found;
  cr_assert_eq(
      leiden_run(rg_comm_self(), &graph, &options, small, label, &found, modularity),
      RG_OK);
  cr_assert_float_eq(*modularity,
                     rg_modularity(rg_comm_self(), &graph, label, resolution), 1e-12);
  rg_csr_fini(&graph);
  return found;
}

Test(leiden, ring_of_cliques)
{
  enum { CLIQUES = 12, SIZE = 6, N = CLIQUES * SIZE };
  float *w = ring_of_cliques(CLIQUES, SIZE);
  for (int spread = 0; spread < 2; spread++) {
    int32_t label[N];
    double modularity;
    cr_assert_eq(leiden(N, w, 1, spread ? 0 : N * N, label, &modularity), CLIQUES);
    for (int i = 0; i < N; i++)
      cr_assert_eq(label[i], label[i / SIZE * SIZE]);
    /* 16 edges per clique, 15 of them inside */
    cr_assert_float_eq(modularity, 15.0 / 16 - 1.0 / CLIQUES, 1e-9);
  }
  rg_free(w);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(leiden, resolution_from_one_to_all)
{
  enum { N = 24 };
  float *w = ring_of_cliques(4, 6);
  for (int spread = 0; spread < 2; spread++) {
    int32_t label[N];
    double modularity;
    cr_assert_eq(leiden(N, w, 0, spread ? 0 : N * N, label, &modularity), 1);
    cr_assert_float_eq(modularity, 1, 1e-12);
    cr_assert_eq(leiden(N, w, 50, spread ? 0 : N * N, label, &modularity), N);
  }
  rg_free(w);
}

Test(leiden, as_good_as_the_twin)
{
  enum { N = 240, GROUPS = 6 };
  float *w = planted(N, GROUPS);
  double least = twin_modularity(N, w) - 0.0005;
  for (int spread = 0; spread < 2; spread++) {
    int32_t label[N];
    double modularity;
    cr_assert_eq(leiden(N, w, 1, spread ? 0 : N * N, label, &modularity), GROUPS);
    cr_assert_geq(modularity, least);
    int right = 0;
    for (int i = 0; i < N; i++)
      right += label[i] == label[i % GROUPS];
    cr_assert_gt(right, 0.95 * N);
  }
  rg_free(w);
}

/* Two triangles that meet only through a vertex which belongs elsewhere would be one
 * community in name only. */
Test(leiden, cuts_what_is_not_connected)
{
  enum { N = 6 };
  float w[N * N] = {0};
  tie(w, N, 0, 1, 1);
  tie(w, N, 1, 2, 1);
  tie(w, N, 3, 4, 1);
  tie(w, N, 4, 5, 1);
  tie(w, N, 2, 3, 1);
  rg_csr graph = from_dense(N, w);
  int64_t start[N + 1], column[N * N], weight[N * N], degree[N];
  memcpy(start, graph.indptr, sizeof start);
  for (int64_t e = 0; e < rg_csr_nnz(&graph); e++) {
    column[e] = graph.indices[e];
    weight[e] = 1;
  }
  for (int i = 0; i < N; i++)
    degree[i] = start[i + 1] - start[i];
  int64_t *owned[3] = {RG_NEW(int64_t, N + 1),
                              RG_NEW(int64_t, N *N), RG_NEW(int64_t, N)};
  memcpy(owned[0], start, sizeof start);
  memcpy(owned[1], weight, sizeof weight);
  memcpy(owned[2], degree, sizeof degree);
  leiden_level level =
      leiden_level_new(rg_comm_self(), N, owned[0], column, owned[1], owned[2]);
  int64_t label[N] = {0, 0, 4, 4, 0, 0}, wanted[N] = {0, 0, 2, 2, 4, 4};
  leiden_connect(&level, label);
  cr_assert_arr_eq(label, wanted, sizeof label);
  leiden_level_fini(&level);
  rg_csr_fini(&graph);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(leiden, modularity_by_hand)
{
  /* path 0 - 1 - 2 - 3 with a heavy middle; a loop does not count */
  float w[16] = {0};
  tie(w, 4, 0, 1, 1);
  tie(w, 4, 1, 2, 2);
  tie(w, 4, 2, 3, 1);
  w[0] = 9;
  rg_csr graph = from_dense(4, w);
  int32_t label[4] = {0, 0, 1, 1};
  double modularity = rg_modularity(rg_comm_self(), &graph, label, 1);
  cr_assert_float_eq(modularity, 4.0 / 8 - 2 * 0.25, 1e-9);
  modularity = rg_modularity(rg_comm_self(), &graph, label, 0.5);
  cr_assert_float_eq(modularity, 4.0 / 8 - 0.25, 1e-9);
  rg_csr_fini(&graph);
}

/* ---- tables ---------------------------------------------------------------------- */

Test(tables, index_and_bag)
{
  leiden_index index = {0};
  cr_assert_eq(leiden_index_find(&index, 3), -1);
  for (int32_t i = 0; i < 1000; i++)
    cr_assert_eq(leiden_index_add(&index, (int64_t)i * i * 977, i), i);
  for (int32_t i = 0; i < 1000; i++) {
    cr_assert_eq(leiden_index_find(&index, (int64_t)i * i * 977), i);
    cr_assert_eq(leiden_index_add(&index, (int64_t)i * i * 977, 5), i);
  }
  cr_assert_eq(leiden_index_find(&index, 1), -1);
  leiden_index_fini(&index);
  leiden_bag bag = {0};
  for (int round = 0; round < 3; round++) {
    leiden_bag_open(&bag, 100);
    for (int j = 0; j < 300; j++)
      leiden_bag_count(&bag, j % 100, j % 7);
    cr_assert_eq(bag.n, 100);
    int64_t sum = 0;
    for (int32_t j = 0; j < bag.n; j++)
      sum += bag.weight[bag.met[j]];
    cr_assert_eq(sum, 300 / 7 * 21 + 0 + 1 + 2 + 3 + 4 + 5);
  }
  leiden_bag_fini(&bag);
  cr_assert_eq(rg_memory_alive(), 0);
}

/* ---- UMAP ------------------------------------------------------------------------ */

/* Values of umap-learn's find_ab_params. */
Test(umap, constants)
{
  double a, b;
  rg_umap_curve(0.1, 1, &a, &b);
  cr_assert_float_eq(a, 1.5769434, 1e-4);
  cr_assert_float_eq(b, 0.8950608, 1e-4);
  rg_umap_curve(0.5, 1, &a, &b);
  cr_assert_float_eq(a, 0.5830300, 1e-4);
  cr_assert_float_eq(b, 1.3341669, 1e-4);
}

/* The start of a path is its slowest wave: it rises along it, but for the flat ends. */
Test(umap, spectral_start_of_a_path)
{
  enum { N = 60 };
  float *w = RG_NEW(float, N *N);
  for (int i = 0; i + 1 < N; i++)
    tie(w, N, i, i + 1, 1);
  rg_csr graph = from_dense(N, w);
  rg_mat axes = umap_spectral(rg_comm_self(), &graph, 3);
  float sign = axes.data[2 * (N - 2)] > axes.data[2] ? 1 : -1;
  for (int i = 8; i < N - 8; i++)
    cr_assert_gt(sign * (axes.data[2 * i] - axes.data[2 * (i - 1)]), 0);
  rg_mat_fini(&axes);
  rg_csr_fini(&graph);
  rg_free(w);
  cr_assert_eq(rg_memory_alive(), 0);
}

static double apart(const rg_mat *xy, int64_t i, int64_t j)
{
  const float *a = rg_mat_row(xy, i), *b = rg_mat_row(xy, j);
  return hypot(a[0] - b[0], a[1] - b[1]);
}

/* Cliques stay together and apart from each other; a cell without edges has no
 * place. */
Test(umap, groups_come_apart)
{
  enum { CLIQUES = 4, SIZE = 20, N = CLIQUES * SIZE + 1 };
  float *w = RG_NEW(float, N *N);
  for (int i = 0; i + 1 < N; i++)
    for (int j = 0; j < i; j++)
      if (i % CLIQUES == j % CLIQUES)
        tie(w, N, i, j, 1);
  rg_csr graph = from_dense(N, w);
  rg_umap_options options = {
      .min_distance = 0.1, .spread = 1, .epochs = 200, .negatives = 5, .seed = 1};
  rg_mat xy;
  cr_assert_eq(rg_umap(rg_comm_self(), &graph, NULL, &options, &xy), RG_OK);
  double inside = 0, across = INFINITY;
  for (int i = 0; i + 1 < N; i++)
    for (int j = 0; j < i; j++)
      if (i % CLIQUES == j % CLIQUES)
        inside = fmax(inside, apart(&xy, i, j));
      else
        across = fmin(across, apart(&xy, i, j));
  cr_assert_lt(inside, across, "%g and %g", inside, across);
  cr_assert(isnan(rg_mat_row(&xy, N - 1)[0]) && isnan(rg_mat_row(&xy, N - 1)[1]));
  rg_mat_fini(&xy);
  rg_csr_fini(&graph);
  rg_free(w);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(umap, refuses_what_does_not_fit)
{
  rg_csr graph = rg_csr_new(0, 0, 0);
  rg_mat xy, narrow = rg_mat_new(0, 1);
  rg_umap_options options = {.min_distance = 5, .spread = 1};
  cr_assert_eq(rg_umap(rg_comm_self(), &graph, NULL, &options, &xy), RG_EUSAGE);
  options.min_distance = 0.1;
  cr_assert_eq(rg_umap(rg_comm_self(), &graph, &narrow, &options, &xy), RG_EUSAGE);
  cr_assert_eq(rg_umap(rg_comm_self(), &graph, NULL, &options, &xy), RG_OK);
}

Test(must_fail, cliques_are_one)
{
  float *w = ring_of_cliques(4, 6);
  int32_t label[24];
  double modularity;
  cr_assert_eq(leiden(24, w, 1, 0, label, &modularity), 1);
}
