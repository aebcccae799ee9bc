/* Labels that were found against the true ones. */
#include "regatta/eval.h"

#include <math.h>

rg_agreement rg_compare_labels(rg_comm *comm, const int32_t *truth, const int32_t *found,
                               int n_labels, int64_t rows)
{
  /* cells of the label, cells where it was found, cells where that is right */
  int64_t *n = RG_NEW(int64_t, 3 * (int64_t)n_labels);
  int64_t *is = n, *said = n + n_labels, *right = said + n_labels;
  for (int64_t i = 0; i < rows; i++) {
    if (truth[i] < 0)
      continue;
    is[truth[i]]++;
    if (found[i] >= 0)
      said[found[i]]++;
    right[truth[i]] += found[i] == truth[i];
  }
  rg_sum_i64(comm, n, 3 * (int64_t)n_labels);
  rg_agreement a = {0};
  int64_t labels = 0, correct = 0;
  for (int l = 0; l < n_labels; l++) {
    a.cells += is[l];
    correct += right[l];
    if (is[l] + said[l] > 0) {
      a.macro_f1 += 2 * (double)right[l] / (double)(is[l] + said[l]);
      labels++;
    }
  }
  a.accuracy = a.cells > 0 ? (double)correct / (double)a.cells : NAN;
  a.macro_f1 = labels > 0 ? a.macro_f1 / (double)labels : NAN;
  rg_free(n);
  return a;
}
