/* Nearest neighbours and the graphs made of them: on any number of ranks what one rank
 * finds, bit for bit. */
#include "regatta/graph.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { CELLS = 611, DIMS = 21, NEIGHBOURS = 9 };

/* Blobs; cell 5 repeats cell 400; cells 17 and 600 are missing. */
static rg_mat blobs(int64_t n, int dims)
{
  rg_mat x = rg_mat_new(n, dims);
  rg_key key = {.seed = 11, .purpose = RG_FOR_TEST};
  for (int64_t i = 0; i < n; i++) {
    rg_normals(&key, (uint64_t)i, dims, rg_mat_row(&x, i));
    rg_mat_row(&x, i)[i % 7 % dims] += 4;
  }
  if (n > 600) {
    memcpy(rg_mat_row(&x, 5), rg_mat_row(&x, 400), (size_t)dims * sizeof(float));
    rg_mat_row(&x, 17)[2] = NAN;
    rg_mat_row(&x, 600)[0] = INFINITY;
  }
  return x;
}

static rg_mat part_of(rg_comm *comm, const rg_mat *all)
{
  rg_range rows = rg_part(all->rows, rg_rank(comm), rg_size(comm));
  rg_mat mine = rg_mat_new(rg_range_n(rows), all->cols);
  memcpy(mine.data, rg_mat_row(all, rows.low),
         (size_t)(mine.rows * mine.cols) * sizeof(float));
  return mine;
}

static int64_t knn_differences(rg_comm *comm, const rg_knn *mine, const rg_knn *all)
{
  rg_range rows = rg_part(all->rows, rg_rank(comm), rg_size(comm));
  int64_t n = 0, from = rows.low * all->k;
  for (int64_t j = 0; j < mine->rows * mine->k; j++)
    n += mine->index[j] != all->index[from + j] ||
         mine->distance[j] != all->distance[from + j];
  return n + (mine->rows != rg_range_n(rows));
}

static int64_t csr_differences(rg_comm *comm, const rg_csr *mine, const rg_csr *all)
{
  rg_range rows = rg_part(all->rows, rg_rank(comm), rg_size(comm));
  int64_t n = 0, from = all->indptr[rows.low];
  for (int64_t i = 0; i <= mine->rows; i++)
    n += mine->indptr[i] + from != all->indptr[rows.low + i];
  for (int64_t e = 0; n == 0 && e < rg_csr_nnz(mine); e++)
    n += mine->indices[e] != all->indices[from + e] ||
         mine->values[e] != all->values[from + e];
  return n;
}

/* Entry (i, j) of a symmetric matrix all of whose rows are here. */
static float entry(const rg_csr *a, int64_t i, int64_t j)
{
  for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
    if (a->indices[e] == j)
      return a->values[e];
  return 0;
}

static bool symmetric(const rg_csr *a)
{
  bool same = true;
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t e = a->indptr[i]; e < a->indptr[i + 1]; e++)
      same = same && entry(a, a->indices[e], i) == a->values[e] && a->values[e] > 0;
  return same;
}

static void check_graphs(rg_comm *comm, const rg_knn *mine, const rg_knn *all)
{
  rg_csr made[6];
  rg_connectivities(comm, mine, &made[0], &made[1]);
  rg_connectivities(rg_comm_self(), all, &made[2], &made[3]);
  rg_snn(comm, mine, &made[4]);
  rg_snn(rg_comm_self(), all, &made[5]);
  RG_CHECK(csr_differences(comm, &made[0], &made[2]) == 0);
  RG_CHECK(csr_differences(comm, &made[1], &made[3]) == 0);
  RG_CHECK(csr_differences(comm, &made[4], &made[5]) == 0);
  RG_CHECK(symmetric(&made[2]) && symmetric(&made[5]));
  rg_csr sums[2];
  rg_symmetrise(comm, &made[1], &sums[0]);
  rg_symmetrise(rg_comm_self(), &made[3], &sums[1]);
  RG_CHECK(csr_differences(comm, &sums[0], &sums[1]) == 0);
  for (int m = 0; m < 6; m++)
    rg_csr_fini(&made[m]);
  rg_csr_fini(&sums[0]);
  rg_csr_fini(&sums[1]);
}

static void check_kind(rg_comm *comm, rg_metric_kind metric, bool exact, int64_t n,
                       int k)
{
  rg_mat all = blobs(n, DIMS), mine = part_of(comm, &all);
  rg_knn_options options = {.k = k, .metric = metric, .exact = exact, .seed = 4};
  rg_knn spread, alone;
  RG_CHECK(rg_knn_graph(comm, &mine, &options, &spread) == RG_OK);
  RG_CHECK(rg_knn_graph(rg_comm_self(), &all, &options, &alone) == RG_OK);
  RG_CHECK(knn_differences(comm, &spread, &alone) == 0);
  check_graphs(comm, &spread, &alone);
  rg_knn_fini(&spread);
  rg_knn_fini(&alone);
  rg_mat_fini(&mine);
  rg_mat_fini(&all);
}

static void check_query(rg_comm *comm)
{
  rg_mat all = blobs(CELLS, DIMS), some = blobs(100, DIMS);
  rg_mat mine = part_of(comm, &all), asking = part_of(comm, &some);
  rg_knn spread, alone;
  RG_CHECK(rg_knn_query(comm, &asking, &mine, 4, RG_EUCLIDEAN, &spread) == RG_OK);
  rg_knn_query(rg_comm_self(), &some, &all, 4, RG_EUCLIDEAN, &alone);
  RG_CHECK(knn_differences(comm, &spread, &alone) == 0);
  /* a cell finds itself, but for the two that are others among all */
  for (int64_t i = 0; i < 100; i++)
    RG_CHECK((alone.index[i * 4] == i) == (i != 5 && i != 17));
  rg_knn_fini(&spread);
  rg_knn_fini(&alone);
  rg_mat_fini(&mine);
  rg_mat_fini(&asking);
  rg_mat_fini(&all);
  rg_mat_fini(&some);
}

static void run(rg_comm *comm)
{
  check_kind(comm, RG_EUCLIDEAN, true, CELLS, NEIGHBOURS);
  check_kind(comm, RG_COSINE, true, CELLS, NEIGHBOURS);
  check_kind(comm, RG_EUCLIDEAN, false, CELLS, NEIGHBOURS);
  check_kind(comm, RG_COSINE, false, CELLS, NEIGHBOURS);
  check_kind(comm, RG_EUCLIDEAN, true, 3, NEIGHBOURS);
  check_kind(comm, RG_EUCLIDEAN, false, 3, 1);
  check_query(comm);
  rg_knn knn;
  rg_mat none = rg_mat_new(0, 2);
  rg_knn_options options = {.k = 0};
  RG_CHECK(rg_knn_graph(comm, &none, &options, &knn) == RG_EUSAGE);
  rg_mat_fini(&none);
}

const rg_case rg_case_knn = {"knn", run};
