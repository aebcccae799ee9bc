/* UMAP: on any number of ranks the layout of one rank, bit for bit. */
#include "regatta/cluster.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { CELLS = 160, DIMS = 5, TYPES = 4 };

/* Connectivities of blobs; cell 9 is missing. This rank's rows. */
static rg_csr blob_graph(rg_comm *comm, int64_t n, rg_mat *x)
{
  rg_range rows = rg_part(n, rg_rank(comm), rg_size(comm));
  *x = rg_mat_new(rg_range_n(rows), DIMS);
  rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};
  for (int64_t i = 0; i < x->rows; i++) {
    rg_normals(&key, (uint64_t)(rows.low + i), DIMS, rg_mat_row(x, i));
    rg_mat_row(x, i)[(rows.low + i) % TYPES] += 5;
    if (rows.low + i == 9)
      rg_mat_row(x, i)[0] = NAN;
  }
  rg_knn_options options = {.k = 8, .exact = true};
  rg_knn knn;
  rg_csr graph, distances;
  rg_knn_graph(comm, x, &options, &knn);
  rg_connectivities(comm, &knn, &graph, &distances);
  rg_csr_fini(&distances);
  rg_knn_fini(&knn);
  return graph;
}

static rg_mat layout(rg_comm *comm, int64_t n, bool from_start)
{
  rg_mat x, xy;
  rg_csr graph = blob_graph(comm, n, &x);
  rg_umap_options options = {
      .min_distance = 0.3, .spread = 1, .epochs = 60, .negatives = 3, .seed = 2};
  RG_CHECK(rg_umap(comm, &graph, from_start ? &x : NULL, &options, &xy) == RG_OK);
  rg_mat all = rg_gather_rows(comm, &xy);
  rg_mat_fini(&xy);
  rg_mat_fini(&x);
  rg_csr_fini(&graph);
  return all;
}

static bool same_bits(const rg_mat *a, const rg_mat *b)
{
  return a->rows == b->rows &&
         memcmp(a->data, b->data, (size_t)(a->rows * a->cols) * sizeof(float)) == 0;
}

static void check(rg_comm *comm, int64_t n, bool from_start)
{
  rg_mat spread = layout(comm, n, from_start);
  rg_mat alone = layout(rg_comm_self(), n, from_start);
  RG_CHECK(same_bits(&spread, &alone));
  for (int64_t i = 0; i < n; i++)
    RG_CHECK(isfinite(alone.data[2 * i]) == (n > 1 && i != 9));
  rg_mat_fini(&spread);
  rg_mat_fini(&alone);
}

/* A weight of one rank that is none is refused on all. */
static void check_weights(rg_comm *comm, float weight)
{
  rg_mat x, xy;
  rg_csr graph = blob_graph(comm, CELLS, &x);
  rg_umap_options options = {
      .min_distance = 0.3, .spread = 1, .epochs = 1, .negatives = 1, .seed = 2};
  if (rg_rank(comm) == rg_size(comm) - 1)
    graph.values[0] = weight;
  RG_CHECK(rg_umap(comm, &graph, NULL, &options, &xy) == RG_EINPUT);
  RG_CHECK(strstr(rg_error_text(), "weights must be finite and not negative"));
  rg_mat_fini(&x);
  rg_csr_fini(&graph);
}

static void run(rg_comm *comm)
{
  check_weights(comm, -1);
  check_weights(comm, NAN);
  check(comm, CELLS, false);
  check(comm, CELLS, true);
  check(comm, 3, false);
  check(comm, 1, true);
}

const rg_case rg_case_umap = {"umap", run};
