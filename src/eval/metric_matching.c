/* Weight that nearest neighbours across two modalities give to the true pairs. */
#include "internal.h"

#include "regatta/graph.h"

#include <math.h>

/* How often each of this rank's cells is named in to[0..n) of any rank. Owned. */
static int64_t *times_named(rg_comm *comm, const int64_t *to, int64_t n, int64_t total)
{
  int *owner = RG_NEW(int, n);
  int64_t *named = RG_NEW(int64_t, n), sent = 0, received = 0;
  for (int64_t i = 0; i < n; i++)
    if (to[i] >= 0) {
      owner[sent] = rg_part_owner(total, rg_size(comm), to[i]);
      named[sent++] = to[i];
    }
  int64_t *in = rg_scatter(comm, named, sent, sizeof *named, owner, &received);
  int64_t first = rg_prefix_i64(comm, n, NULL), *times = RG_NEW(int64_t, n);
  for (int64_t k = 0; k < received; k++)
    times[in[k] - first]++;
  rg_free(in);
  rg_free(named);
  rg_free(owner);
  return times;
}

/* The nearest row of the second for each row, the nearest row of the first for each of the
 * second's, and of it what `back` says of the former. */
typedef struct nearest {
  rg_knn there, back;
  int64_t *back_of_there; /* owned */
} nearest;

static rg_status find(rg_comm *comm, const rg_scored *scored, int64_t total, nearest *out)
{
  rg_status status = RG_OK;
  const rg_mat *a = scored->embedding, *b = scored->second;
  int64_t *ids = NULL;
  RG_TRY(rg_knn_query(comm, a, b, 1, RG_COSINE, &out->there));
  RG_TRY(rg_knn_query(comm, b, a, 1, RG_COSINE, &out->back));
  ids = RG_NEW(int64_t, a->rows);
  out->back_of_there = RG_NEW(int64_t, a->rows);
  for (int64_t i = 0; i < a->rows; i++)
    ids[i] = out->there.index[i] < 0 ? 0 : out->there.index[i];
  rg_fetch(comm, out->back.index, total, sizeof(int64_t), ids, a->rows,
           out->back_of_there);
out:
  rg_free(ids);
  return status;
}

/* Rows of the match matrix: 1 for mutual neighbours, 1/3 for one-sided ones. */
static double true_share(const nearest *found, const int64_t *times, int64_t i, int64_t me)
{
  int64_t there = found->there.index[i];
  bool chosen = there == me, chosen_back = found->back.index[i] == me;
  bool mutual = there >= 0 && found->back_of_there[i] == me;
  double one_sided = (double)(times[i] - mutual) + (there >= 0 && !mutual);
  double sum = mutual + one_sided / 3;
  double own = chosen && chosen_back ? 1 : chosen || chosen_back ? 1.0 / 3 : 0;
  return sum > 0 ? own / sum : 0;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_status status = RG_OK;
  nearest found = {0};
  int64_t rows = scored->embedding->rows, total, cells = 0;
  int64_t first = rg_prefix_i64(comm, rows, &total), *times = NULL;
  double *share = NULL;
  int64_t bytes;
  RG_TRY(find(comm, scored, total, &found));
  times = times_named(comm, found.back.index, rows, total);
  share = RG_NEW(double, rows);
  for (int64_t i = 0; i < rows; i++)
    share[i] = found.there.index[i] < 0 || found.back.index[i] < 0
                   ? NAN /* lacks a modality */
                   : true_share(&found, times, i, first + i);
  double *all = rg_gather_all(comm, share, rows * (int64_t)sizeof *share, NULL, &bytes);
  double sum = 0;
  for (int64_t i = 0; i < total; i++)
    if (isfinite(all[i])) {
      sum += all[i];
      cells++;
    }
  rg_free(all);
  rg_score_add(scores, n, "matching_score", cells > 0 ? sum / (double)cells : NAN);
out:
  rg_free(share);
  rg_free(times);
  rg_free(found.back_of_there);
  rg_knn_fini(&found.there);
  rg_knn_fini(&found.back);
  return status;
}

const rg_metric rg_metric_matching = {
    .name = "matching",
    .cite = "Lance et al. 2022 (NeurIPS 2021 multimodal challenge), match matrix of CLUE "
            "(Tu et al. 2022) with one neighbour",
    .help = "mean weight of the true pair in a row of the match matrix: mutual nearest "
            "neighbours (cosine) weigh 1, one-sided ones 1/3, rows sum to 1; 1 best, 1 / "
            "cells is chance",
    .needs = RG_NEEDS_SECOND,
    .higher_is_better = true,
    .compute = compute};
