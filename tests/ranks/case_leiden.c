/* Leiden: on any number of ranks the labels of one rank; as good as by queues on one;
 * connected communities, numbered by size. */
#include "src/cluster/leiden.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { CELLS = 1500, DIMS = 8, TYPES = 6, SMALL = 600 };

static int type_of(int64_t i)
{
  return (int)(i * i % 31 % TYPES);
}

/* Shared neighbours of blobs; this rank's rows. */
static rg_csr blob_graph(rg_comm *comm, int64_t n)
{
  rg_range rows = rg_part(n, rg_rank(comm), rg_size(comm));
  rg_mat x = rg_mat_new(rg_range_n(rows), DIMS);
  rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};
  for (int64_t i = 0; i < x.rows; i++) {
    rg_normals(&key, (uint64_t)(rows.low + i), DIMS, rg_mat_row(&x, i));
    rg_mat_row(&x, i)[type_of(rows.low + i) % DIMS] += 4;
  }
  rg_knn_options options = {.k = 10, .exact = true};
  rg_knn knn;
  rg_csr graph;
  rg_knn_graph(comm, &x, &options, &knn);
  rg_snn(comm, &knn, &graph);
  rg_knn_fini(&knn);
  rg_mat_fini(&x);
  return graph;
}

/* Labels of all cells, by `comm`. */
static int32_t *cluster(rg_comm *comm, int64_t n, const rg_leiden_options *options,
                        int64_t small, int *n_clusters, double *modularity)
{
  rg_csr graph = blob_graph(comm, n);
  int32_t *mine = RG_NEW(int32_t, graph.rows);
  int64_t bytes;
  RG_CHECK(leiden_run(comm, &graph, options, small, mine, n_clusters, modularity) ==
           RG_OK);
  RG_CHECK(*modularity == rg_modularity(comm, &graph, mine, options->resolution));
  int32_t *all =
      rg_gather_all(comm, mine, graph.rows * (int64_t)sizeof *mine, NULL, &bytes);
  rg_free(mine);
  rg_csr_fini(&graph);
  return all;
}

/* Vertices reached from `from` inside its community. */
static int64_t reach(const rg_csr *graph, const int32_t *label, int64_t from,
                     bool *seen)
{
  int64_t *stack = RG_NEW(int64_t, graph->rows), depth = 1, n = 1;
  stack[0] = from;
  seen[from] = true;
  while (depth > 0) {
    int64_t v = stack[--depth];
    for (int64_t e = graph->indptr[v]; e < graph->indptr[v + 1]; e++) {
      int64_t u = graph->indices[e];
      if (seen[u] || label[u] != label[from])
        continue;
      seen[u] = true;
      stack[depth++] = u;
      n++;
    }
  }
  rg_free(stack);
  return n;
}

/* Every community is one piece, and sizes fall. */
static void check_communities(int64_t n, const int32_t *label, int n_clusters)
{
  rg_csr graph = blob_graph(rg_comm_self(), n);
  int64_t *size = RG_NEW(int64_t, n_clusters);
  bool *seen = RG_NEW(bool, n);
  for (int64_t v = 0; v < n; v++) {
    RG_CHECK(label[v] >= 0 && label[v] < n_clusters);
    size[label[v]]++;
  }
  for (int64_t v = 0; v < n; v++)
    if (!seen[v])
      RG_CHECK(reach(&graph, label, v, seen) == size[label[v]]);
  for (int c = 0; c < n_clusters; c++)
    RG_CHECK(size[c] > 0 && (c == 0 || size[c] <= size[c - 1]));
  rg_free(seen);
  rg_free(size);
  rg_csr_fini(&graph);
}

/* Adjusted Rand index with the planted types. */
static double agreement(int64_t n, const int32_t *label, int n_clusters)
{
  double *table = RG_NEW(double, n_clusters * TYPES), in_both = 0, rows = 0, cols = 0;
  for (int64_t i = 0; i < n; i++)
    table[label[i] * TYPES + type_of(i)]++;
  for (int c = 0; c < n_clusters; c++) {
    double sum = 0;
    for (int t = 0; t < TYPES; t++) {
      sum += table[c * TYPES + t];
      in_both += table[c * TYPES + t] * (table[c * TYPES + t] - 1) / 2;
    }
    rows += sum * (sum - 1) / 2;
  }
  for (int t = 0; t < TYPES; t++) {
    double sum = 0;
    for (int c = 0; c < n_clusters; c++)
      sum += table[c * TYPES + t];
    cols += sum * (sum - 1) / 2;
  }
  rg_free(table);
  double expected = rows * cols / ((double)n * (double)(n - 1) / 2);
  return (in_both - expected) / ((rows + cols) / 2 - expected);
}

static void check_settings(rg_comm *comm, int64_t n, rg_leiden_options options,
                           int64_t small)
{
  int found[2];
  double modularity[2];
  int32_t *spread = cluster(comm, n, &options, small, &found[0], &modularity[0]);
  int32_t *alone =
      cluster(rg_comm_self(), n, &options, small, &found[1], &modularity[1]);
  RG_CHECK(found[0] == found[1] && modularity[0] == modularity[1]);
  RG_CHECK(memcmp(spread, alone, (size_t)n * sizeof *spread) == 0);
  check_communities(n, alone, found[1]);
  rg_free(spread);
  rg_free(alone);
}

/* Spread levels end where queues on one rank do, give or take. */
static void check_quality(rg_comm *comm)
{
  double best[2] = {0, 0};
  for (uint64_t seed = 0; seed < 3; seed++)
    for (int kind = 0; kind < 2; kind++) {
      rg_leiden_options options = {.resolution = 1, .iterations = -1, .seed = seed};
      int found;
      double modularity;
      int32_t *label =
          cluster(comm, CELLS, &options, kind ? SMALL : INT64_MAX, &found, &modularity);
      RG_CHECK(agreement(CELLS, label, found) > 0.85);
      best[kind] = fmax(best[kind], modularity);
      rg_free(label);
    }
  RG_CHECK(best[1] > best[0] - 0.0005);
}

static void check_no_edges(rg_comm *comm)
{
  rg_range rows = rg_part(5, rg_rank(comm), rg_size(comm));
  rg_csr graph = rg_csr_new(rg_range_n(rows), 5, 0);
  int32_t label[5];
  int n_clusters;
  double modularity;
  rg_leiden_options options = {.resolution = 1, .iterations = 2};
  RG_CHECK(rg_leiden(comm, &graph, &options, label, &n_clusters, &modularity) == RG_OK);
  RG_CHECK(n_clusters == 5 && modularity == 0);
  for (int64_t i = 0; i < graph.rows; i++)
    RG_CHECK(label[i] == rows.low + i);
  rg_csr_fini(&graph);
}

static void check_bad_weight(rg_comm *comm)
{
  int last = rg_size(comm) - 1;
  rg_csr graph = rg_csr_new(rg_rank(comm) == last, 1, 1);
  if (rg_rank(comm) == last) {
    graph.values[0] = -1;
    graph.indptr[1] = 1;
  }
  int32_t label[1];
  int n_clusters;
  double modularity;
  rg_leiden_options options = {.resolution = 1, .iterations = 2};
  RG_CHECK(rg_leiden(comm, &graph, &options, label, &n_clusters, &modularity) ==
           RG_EINPUT);
  rg_csr_fini(&graph);
}

static void run(rg_comm *comm)
{
  check_settings(comm, CELLS, (rg_leiden_options){1, -1, 1}, SMALL);
  check_settings(comm, CELLS, (rg_leiden_options){1, 2, 9}, INT64_MAX);
  check_settings(comm, CELLS, (rg_leiden_options){8, 3, 2}, SMALL);
  check_settings(comm, CELLS, (rg_leiden_options){0.1, 1, 3}, 0);
  check_settings(comm, 13, (rg_leiden_options){1, -1, 4}, 0);
  check_quality(comm);
  check_no_edges(comm);
  check_bad_weight(comm);
}

const rg_case rg_case_leiden = {"leiden", run};
