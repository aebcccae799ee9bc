/* Labels of one modality's cells by the vote of the other's. */
#include "internal.h"

#include "regatta/graph.h"

#include <math.h>

enum { NEIGHBOURS = 15 };

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  int64_t rows = scored->embedding->rows;
  rg_knn knn = {0};
  rg_status status = rg_knn_query(comm, scored->second, scored->embedding, NEIGHBOURS,
                                  RG_EUCLIDEAN, &knn);
  if (status != RG_OK)
    return status;
  int32_t *found = RG_NEW(int32_t, rows), *truth = RG_NEW(int32_t, rows);
  double *share = RG_NEW(double, rows);
  rg_knn_vote(comm, &knn, scored->label, rows, scored->n_labels, false, found, share);
  for (int64_t i = 0; i < rows; i++)
    truth[i] = found[i] < 0 ? -1 : scored->label[i]; /* lacks the second */
  rg_agreement a = rg_compare_labels(comm, truth, found, scored->n_labels, rows);
  rg_score_add(scores, n, "label_transfer", a.accuracy);
  rg_score_add(scores, n, "label_transfer_f1", a.macro_f1);
  rg_free(share);
  rg_free(truth);
  rg_free(found);
  rg_knn_fini(&knn);
  return RG_OK;
}

const rg_metric rg_metric_transfer = {
    .name = "transfer",
    .cite = "as in Stuart et al. 2019; Cao, Gao 2022 (GLUE)",
    .help = "labels of the second embedding's cells by the majority of their 15 nearest in "
            "the first: accuracy and macro F1",
    .needs = RG_NEEDS_LABELS | RG_NEEDS_SECOND,
    .higher_is_better = true,
    .compute = compute};
