/* Means and deviations of sparse inputs over the training cells. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* Rows of the training cells that have the modality, as the input weighs them. Owned. */
static rg_csr weighed_rows(const struct rg_sparse_input *input,
                           const rg_prepared_modality *modality, const uint8_t *role,
                           rg_constants *constants)
{
  const rg_csr *counts = &modality->counts;
  int64_t rows = 0, entries = 0;
  for (int64_t i = 0; i < counts->rows; i++)
    if (role[i] == RG_TRAINS && rg_has_counts(modality, i)) {
      rows++;
      entries += counts->indptr[i + 1] - counts->indptr[i];
    }
  rg_csr x = rg_csr_new(rows, counts->cols, entries);
  int64_t to = 0;
  for (int64_t i = 0; i < counts->rows; i++)
    if (role[i] == RG_TRAINS && rg_has_counts(modality, i)) {
      int64_t at = x.indptr[to], n = counts->indptr[i + 1] - counts->indptr[i];
      memcpy(x.indices + at, counts->indices + counts->indptr[i],
             (size_t)n * sizeof *x.indices);
      rg_weigh_row(input, constants, counts, i, x.values + at);
      x.indptr[++to] = at + n;
    }
  return x;
}

static void fill(const rg_model *model, const char *param, const char *suffix,
                 const double *value)
{
  char name[128];
  snprintf(name, sizeof name, "%s.%s", param, suffix);
  const rg_param *buffer = rg_graph_find_param(model->graph, name);
  RG_ASSERT(buffer);
  float *x = rg_param_value(model->graph, buffer);
  for (int64_t f = 0; f < buffer->cols; f++)
    x[f] = (float)value[f];
}

rg_status rg_start_moments(rg_comm *comm, const rg_dataset *dataset, const rg_model *model,
                           const uint8_t *role, rg_constants *constants)
{
  rg_status status = RG_OK;
  for (int k = 0; k < model->n_moments; k++) {
    const struct rg_sparse_input *input = &model->sparse[model->moments[k].slot];
    rg_feature_stats stats = {0};
    rg_csr x = weighed_rows(input, rg_dataset_modality(dataset, input->modality), role,
                            constants);
    RG_TRY(rg_feature_statistics(comm, &x, &stats));
    for (int64_t f = 0; f < x.cols; f++)
      stats.variance[f] = stats.variance[f] > 0 ? sqrt(stats.variance[f]) : 1;
    fill(model, model->moments[k].param, "mean", stats.mean);
    fill(model, model->moments[k].param, "deviation", stats.variance);
    rg_feature_stats_fini(&stats);
    rg_csr_fini(&x);
  }
out:
  return status;
}
