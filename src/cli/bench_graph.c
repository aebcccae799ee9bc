/* regatta bench graph: neighbours, weights, clusters and layout of a made-up embedding. */
#include "bench.h"

#include "regatta/cluster.h"

#include <math.h>

enum { DIMS = 50, TYPES = 25, NEIGHBOURS = 15, REPEATS = 3 };

/* Rows of this rank: a type's centre, with axes of falling length, and noise. */
static rg_mat embedding(rg_comm *comm, const rg_bench_options *o)
{
  rg_range rows = rg_part(o->cells, rg_rank(comm), rg_size(comm));
  rg_mat x = rg_mat_new(rg_range_n(rows), DIMS);
  rg_key cell = {(uint64_t)o->seed, 0, RG_FOR_TEST};
  rg_key type = {(uint64_t)o->seed, 1, RG_FOR_TEST};
  for (int64_t i = 0; i < x.rows; i++) {
    uint64_t global = (uint64_t)(rows.low + i);
    float centre[DIMS], *row = rg_mat_row(&x, i);
    rg_normals(&type, (uint64_t)(TYPES * rg_uniform(&cell, global, DIMS)), DIMS,
               centre);
    rg_normals(&cell, global, DIMS, row);
    for (int j = 0; j < DIMS; j++)
      row[j] = (6 * centre[j] + 2 * row[j]) / sqrtf(1 + (float)j);
  }
  return x;
}

/* What the measurements pass on. */
typedef struct bench {
  const rg_call *call;
  rg_mat x;
  rg_knn exact, knn;
  rg_csr weights, distances;
  int32_t *label;
  int clusters;
  double modularity;
} bench;

static rg_status search(bench *b, bool exact, rg_knn *knn)
{
  rg_knn_fini(knn);
  rg_knn_options options = {.k = NEIGHBOURS, .exact = exact, .seed = 1};
  return rg_knn_graph(b->call->comm, &b->x, &options, knn);
}

static rg_status search_exact(bench *b)
{
  return search(b, true, &b->exact);
}

static rg_status search_buckets(bench *b)
{
  return search(b, false, &b->knn);
}

static rg_status weigh_fuzzy(bench *b)
{
  rg_csr_fini(&b->weights);
  rg_csr_fini(&b->distances);
  return rg_connectivities(b->call->comm, &b->exact, &b->weights, &b->distances);
}

static rg_status weigh_shared(bench *b)
{
  rg_csr_fini(&b->weights);
  return rg_snn(b->call->comm, &b->exact, &b->weights);
}

static rg_status cluster(bench *b)
{
  rg_leiden_options options = {.resolution = 1, .iterations = 2, .seed = 1};
  return rg_leiden(b->call->comm, &b->weights, &options, b->label, &b->clusters,
                   &b->modularity);
}

static rg_status lay_out(bench *b)
{
  rg_umap_options options = {
      .min_distance = 0.5, .spread = 1, .epochs = 200, .negatives = 5, .seed = 1};
  rg_mat xy;
  rg_status status = rg_umap(b->call->comm, &b->weights, NULL, &options, &xy);
  rg_mat_fini(&xy);
  return status;
}

/* Time REPEATS calls. `flops` of one, 0 where they are not counted. Collective. */
static rg_status measure(bench *b, const char *name, rg_status (*run)(bench *b),
                         double flops)
{
  rg_status status = RG_OK;
  const rg_bench_options *o = b->call->options;
  rg_bench_time times[REPEATS];
  for (int r = 0; r < REPEATS; r++) {
    rg_barrier(b->call->comm);
    rg_bench_time start = rg_bench_now();
    RG_TRY(run(b));
    times[r] = rg_bench_since(start);
  }
  rg_bench_say(b->call, &(rg_bench_line){.name = name,
                                         .n = REPEATS,
                                         .times = times,
                                         .cells = (double)o->cells,
                                         .flops = flops});
out:
  return status;
}

/* Share of the exact neighbours that buckets found, ties counted. Collective. */
static double recall(const bench *b)
{
  int64_t count[2] = {0, b->exact.rows * NEIGHBOURS};
  for (int64_t i = 0; i < b->exact.rows; i++)
    for (int j = 0; j < NEIGHBOURS; j++)
      count[0] += b->knn.distance[i * NEIGHBOURS + j] <=
                  b->exact.distance[(i + 1) * NEIGHBOURS - 1];
  rg_sum_i64(b->call->comm, count, 2);
  return (double)count[0] / (double)count[1];
}

rg_status rg_bench_graph(const rg_call *call)
{
  rg_status status = RG_OK;
  const rg_bench_options *o = call->options;
  bench b = {.call = call, .x = embedding(call->comm, o)};
  b.label = RG_NEW(int32_t, b.x.rows);
  double pairs = (double)o->cells * (double)o->cells / 2;
  RG_TRY(measure(&b, "knn_exact", search_exact, 2.0 * DIMS * pairs));
  RG_TRY(measure(&b, "knn_buckets", search_buckets, 0));
  rg_info("recall of %d neighbours by buckets: %.4f", NEIGHBOURS, recall(&b));
  RG_TRY(measure(&b, "connectivities", weigh_fuzzy, 0));
  RG_TRY(measure(&b, "umap", lay_out, 0));
  RG_TRY(measure(&b, "snn", weigh_shared, 0));
  RG_TRY(measure(&b, "leiden", cluster, 0));
  rg_info("%d clusters, modularity %.5f", b.clusters, b.modularity);
out:
  rg_knn_fini(&b.exact);
  rg_knn_fini(&b.knn);
  rg_csr_fini(&b.weights);
  rg_csr_fini(&b.distances);
  rg_free(b.label);
  rg_mat_fini(&b.x);
  return status;
}
