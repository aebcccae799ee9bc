/* Weights of a match matrix beside the truth. */
#include "internal.h"

#include <math.h>

/* What row i gives to its partner: its share of the row, and whether it is the greatest. */
static void row_scores(const rg_csr *weights, int64_t i, int64_t partner, double *share,
                       double *top)
{
  double sum = 0, own = 0, most = 0;
  int64_t as_much = 0;
  for (int64_t e = weights->indptr[i]; e < weights->indptr[i + 1]; e++) {
    double w = (double)weights->values[e];
    sum += w;
    own = weights->indices[e] == partner ? w : own;
    as_much = w > most ? 1 : as_much + (w == most);
    most = w > most ? w : most;
  }
  *share = sum > 0 ? own / sum : 0;
  *top = own > 0 && own == most ? 1 / (double)as_much : 0;
}

rg_match_scores rg_match_score(rg_comm *comm, const rg_csr *weights,
                               const int64_t *partner)
{
  double *row = RG_NEW(double, 2 * weights->rows), sum[2];
  int64_t cells = 0;
  for (int64_t i = 0; i < weights->rows; i++) {
    if (partner[i] < 0)
      continue;
    row_scores(weights, i, partner[i], &row[2 * i], &row[2 * i + 1]);
    cells++;
  }
  rg_sum_i64(comm, &cells, 1);
  rg_sum_rows_f64(comm, row, weights->rows, 2, sum);
  rg_free(row);
  double n = cells > 0 ? (double)cells : NAN;
  return (rg_match_scores){cells, sum[0] / n, sum[1] / n};
}
