/* Weight that nearest neighbours across two modalities give to the true pairs. */
#include "internal.h"

#include "regatta/graph.h"

#include <math.h>

static bool is_finite(const rg_mat *x, int64_t i)
{
  for (int64_t j = 0; j < x->cols; j++)
    if (!isfinite(rg_mat_row(x, i)[j]))
      return false;
  return true;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  const rg_mat *a = scored->embedding, *b = scored->second;
  rg_match_side sides[2] = {{.x = a}, {.x = b}};
  rg_csr weights = {0};
  rg_status status = rg_match(comm, &sides[0], &sides[1], 0, RG_MATCH_SNN, 1, &weights);
  if (status != RG_OK)
    return status;
  int64_t first = rg_prefix_i64(comm, a->rows, NULL);
  int64_t *partner = RG_NEW(int64_t, a->rows);
  for (int64_t i = 0; i < a->rows; i++)
    partner[i] = is_finite(a, i) && is_finite(b, i) ? first + i : -1;
  rg_score_add(scores, n, "matching_score", rg_match_score(comm, &weights, partner).score);
  rg_free(partner);
  rg_csr_fini(&weights);
  return RG_OK;
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
