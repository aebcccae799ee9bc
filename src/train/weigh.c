/* Values of sparse inputs from counts. */
#include "internal.h"

#include <math.h>

static void constant_name(const struct rg_sparse_input *input, char *name, size_t n)
{
  snprintf(name, n, "idf:%s", input->modality);
}

/* Cells in which each feature is open, and last the cells that have the modality. Owned. */
static int64_t *open_cells(rg_comm *comm, const rg_prepared_modality *modality)
{
  int64_t features = modality->counts.cols;
  int64_t *cells = RG_NEW(int64_t, features + 1);
  for (int64_t i = 0; i < modality->counts.rows; i++)
    cells[features] += modality->present[i];
  for (int64_t k = 0; k < rg_csr_nnz(&modality->counts); k++)
    cells[modality->counts.indices[k]]++;
  rg_sum_i64(comm, cells, features + 1);
  return cells;
}

/* idf = ln(1 + N / (1 + cells with the feature)), N cells that have the modality */
static void fit_idf(rg_comm *comm, const rg_prepared_modality *modality, double *idf)
{
  int64_t features = modality->counts.cols;
  int64_t *cells = open_cells(comm, modality);
  for (int64_t f = 0; f < features; f++)
    idf[f] = log(1 + (double)cells[features] / (double)(1 + cells[f]));
  rg_free(cells);
}

void rg_start_biases(rg_comm *comm, const rg_dataset *dataset, const rg_model *model)
{
  for (int k = 0; k < model->n_starts; k++) {
    const rg_prepared_modality *modality =
        rg_dataset_modality(dataset, model->start[k].modality);
    const rg_param *bias = rg_graph_find_param(model->graph, model->start[k].param);
    RG_ASSERT(bias && bias->total_rows == modality->counts.cols);
    int64_t *cells = open_cells(comm, modality), n = cells[modality->counts.cols];
    float *value = rg_param_value(model->graph, bias);
    for (int64_t row = 0; row < bias->rows; row++) {
      double share = ((double)cells[bias->row_low + row] + 0.5) / ((double)n + 1);
      value[row] = (float)log(share / (1 - share));
    }
    rg_free(cells);
  }
}

void rg_weigh_fit(rg_comm *comm, const rg_dataset *dataset, const rg_model *model,
                  rg_constants *constants)
{
  for (int s = 0; s < model->n_sparse; s++) {
    const struct rg_sparse_input *input = &model->sparse[s];
    char name[64];
    constant_name(input, name, sizeof name);
    if (input->weigh != RG_WEIGH_IDF || rg_constants_length(constants, name) > 0)
      continue;
    const rg_prepared_modality *modality = rg_dataset_modality(dataset, input->modality);
    fit_idf(comm, modality, rg_constants_get(constants, name, modality->counts.cols));
  }
}

static void idf_row(const struct rg_sparse_input *input, const double *idf,
                    const int32_t *feature, int64_t n, float *values)
{
  double squares = 0;
  for (int64_t k = 0; k < n; k++) {
    double w = pow(idf[feature[k]], input->power);
    values[k] = (float)w;
    squares += w * w;
  }
  double factor = squares > 0 ? input->scale / sqrt(squares) : 0;
  for (int64_t k = 0; k < n; k++)
    values[k] = (float)(factor * (double)values[k]);
}

void rg_weigh_row(const struct rg_sparse_input *input, rg_constants *constants,
                  const rg_csr *counts, int64_t i, float *values)
{
  int64_t low = counts->indptr[i], n = counts->indptr[i + 1] - low;
  char name[64];
  constant_name(input, name, sizeof name);
  double sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += (double)counts->values[low + k];
  switch (input->weigh) {
  case RG_WEIGH_ONES:
    for (int64_t k = 0; k < n; k++)
      values[k] = 1;
    break;
  case RG_WEIGH_COUNTS:
    for (int64_t k = 0; k < n; k++)
      values[k] = counts->values[low + k];
    break;
  case RG_WEIGH_LOG:
    for (int64_t k = 0; k < n; k++)
      values[k] = (float)log1p(1e4 * (double)counts->values[low + k] / sum);
    break;
  case RG_WEIGH_IDF:
    idf_row(input, rg_constants_get(constants, name, 0), counts->indices + low, n, values);
    break;
  }
}
