/* Matching on any number of ranks: what one rank finds, bit for bit. */
#include "regatta/eval.h"
#include "regatta/graph.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { LEFT = 157, RIGHT = 131, DIMS = 5, BATCHES = 3 };

static rg_mat rows_of(int64_t n, uint64_t first)
{
  rg_mat x = rg_mat_new(n, DIMS);
  rg_key key = {.seed = 6, .purpose = RG_FOR_TEST};
  for (int64_t i = 0; i < n; i++)
    rg_normals(&key, first + (uint64_t)i, DIMS, rg_mat_row(&x, i));
  rg_mat_row(&x, n / 2)[1] = NAN;
  memcpy(rg_mat_row(&x, 9), rg_mat_row(&x, n - 2), DIMS * sizeof(float)); /* a tie */
  return x;
}

/* A large batch, one in the first cells only, a small one; some cells have none. */
static void batches_of(int64_t n, int32_t *batch)
{
  for (int64_t i = 0; i < n; i++)
    batch[i] = i < n / 4 ? 1 : i % 17 == 0 ? 2 : i % 23 == 0 ? -1 : 0;
}

static int64_t differences(rg_comm *comm, const rg_csr *mine, const rg_csr *all)
{
  rg_range rows = rg_part(all->rows, rg_rank(comm), rg_size(comm));
  int64_t n = 0, from = all->indptr[rows.low];
  if (mine->rows != rg_range_n(rows) || mine->cols != all->cols)
    return 1;
  for (int64_t i = 0; i <= mine->rows; i++)
    n += mine->indptr[i] + from != all->indptr[rows.low + i];
  for (int64_t e = 0; n == 0 && e < rg_csr_nnz(mine); e++)
    n += mine->indices[e] != all->indices[from + e] ||
         mine->values[e] != all->values[from + e];
  return n;
}

static void check(rg_comm *comm, int n_batches, rg_match_kind kind, int k)
{
  rg_mat a = rows_of(LEFT, 0), b = rows_of(RIGHT, 40);
  int32_t a_batch[LEFT], b_batch[RIGHT];
  int64_t partner[LEFT];
  batches_of(LEFT, a_batch);
  batches_of(RIGHT, b_batch);
  for (int64_t i = 0; i < LEFT; i++)
    partner[i] = i >= 40 && i % 5 ? i - 40 : -1;
  rg_range l = rg_part(LEFT, rg_rank(comm), rg_size(comm));
  rg_range r = rg_part(RIGHT, rg_rank(comm), rg_size(comm));
  rg_mat mine_a = {rg_range_n(l), DIMS, rg_mat_row(&a, l.low)};
  rg_mat mine_b = {rg_range_n(r), DIMS, rg_mat_row(&b, r.low)};
  rg_match_side left = {&mine_a, a_batch + l.low}, right = {&mine_b, b_batch + r.low};
  rg_match_side all_left = {&a, a_batch}, all_right = {&b, b_batch};
  rg_csr spread, alone;
  RG_CHECK(rg_match(comm, &left, &right, n_batches, kind, k, &spread) == RG_OK);
  RG_CHECK(rg_match(rg_comm_self(), &all_left, &all_right, n_batches, kind, k, &alone) ==
           RG_OK);
  RG_CHECK(rg_csr_nnz(&alone) > 20);
  RG_CHECK(differences(comm, &spread, &alone) == 0);
  rg_match_scores found = rg_match_score(comm, &spread, partner + l.low);
  rg_match_scores truth = rg_match_score(rg_comm_self(), &alone, partner);
  RG_CHECK(found.cells == truth.cells && found.score == truth.score &&
           found.top1 == truth.top1 && truth.score > 0);
  rg_csr_fini(&spread);
  rg_csr_fini(&alone);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
}

static void run(rg_comm *comm)
{
  for (int kind = RG_MATCH_SNN; kind <= RG_MATCH_MNN; kind++) {
    check(comm, 0, (rg_match_kind)kind, 1);
    check(comm, BATCHES, (rg_match_kind)kind, 4);
  }
}

const rg_case rg_case_match = {"match", run};
