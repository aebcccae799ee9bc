/* Values of sparse inputs from counts. */
#include "internal.h"

#include <math.h>

/* 64 characters hold every name: those of modalities are shorter than 32. */
typedef struct title {
  char text[64];
} title;

static title titled(const char *what, const struct rg_sparse_input *input)
{
  title t;
  snprintf(t.text, sizeof t.text, "%s:%s", what, input->modality);
  return t;
}

/* Entry k; counts that are all one may have no values. */
static double value_of(const rg_csr *counts, int64_t k)
{
  return counts->values ? (double)counts->values[k] : 1;
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

/* A feature's share of all counts, in integers so that it is the same on any number of
 * ranks; values that are no counts have none. Owned. */
static double *log_shares(rg_comm *comm, const rg_prepared_modality *modality)
{
  int64_t features = modality->counts.cols, all = 0;
  int64_t *sum = RG_NEW(int64_t, features);
  for (int64_t k = 0; k < rg_csr_nnz(&modality->counts); k++)
    sum[modality->counts.indices[k]] += llround(value_of(&modality->counts, k));
  rg_sum_i64(comm, sum, features);
  for (int64_t f = 0; f < features; f++)
    all += sum[f];
  double *share = RG_NEW(double, features);
  for (int64_t f = 0; f < features; f++)
    share[f] = log(((double)sum[f] + 0.5) / ((double)all + 0.5 * (double)features));
  rg_free(sum);
  return share;
}

/* Logits of how often the features are open. Owned. */
static double *open_logits(rg_comm *comm, const rg_prepared_modality *modality)
{
  int64_t features = modality->counts.cols;
  int64_t *cells = open_cells(comm, modality), n = cells[features];
  double *logit = RG_NEW(double, features);
  for (int64_t f = 0; f < features; f++) {
    double share = ((double)cells[f] + 0.5) / ((double)n + 1);
    logit[f] = log(share / (1 - share));
  }
  rg_free(cells);
  return logit;
}

void rg_start_biases(rg_comm *comm, const rg_dataset *dataset, const rg_model *model)
{
  for (int k = 0; k < model->n_starts; k++) {
    const rg_prepared_modality *modality =
        rg_dataset_modality(dataset, model->start[k].modality);
    const rg_param *bias = rg_graph_find_param(model->graph, model->start[k].param);
    RG_ASSERT(bias && bias->total_rows * bias->cols == modality->counts.cols);
    double *start = model->start[k].of_counts ? log_shares(comm, modality)
                                              : open_logits(comm, modality);
    float *value = rg_param_value(model->graph, bias);
    int64_t first = bias->row_low * bias->cols;
    for (int64_t i = 0; i < rg_param_size(bias); i++)
      value[i] = (float)start[first + i];
    rg_free(start);
  }
}

/* Median of the row sums of the cells with fits[i]. */
static double fit_size(rg_comm *comm, const rg_csr *counts, const bool *fits)
{
  double *sums = RG_NEW(double, counts->rows);
  int64_t n = 0;
  rg_row_sums(counts, sums);
  for (int64_t i = 0; i < counts->rows; i++)
    if (fits[i])
      sums[n++] = sums[i];
  double median = rg_median(comm, sums, n);
  rg_free(sums);
  return median;
}

static bool sized(const struct rg_sparse_input *input, const rg_prepared_modality *m)
{
  return input->weigh == RG_WEIGH_SIZE ||
         (input->weigh == RG_WEIGH_ZSCORE && m->values == RG_VALUES_COUNTS);
}

static rg_status check_values(const struct rg_sparse_input *input,
                              const rg_prepared_modality *m)
{
  rg_weigh w = input->weigh;
  if (m->values == RG_VALUES_COUNTS ||
      (w != RG_WEIGH_LOG && w != RG_WEIGH_IDF && w != RG_WEIGH_SIZE))
    return RG_OK;
  return rg_fail(RG_EINPUT,
                 "modality %s: the recipe needs counts, but its values are normalised; is "
                 "there a layer with counts (data.layer)?",
                 m->name);
}

static rg_status fit_input(rg_comm *comm, const struct rg_sparse_input *input,
                           const rg_prepared_modality *m, const uint8_t *role,
                           rg_constants *constants)
{
  rg_status status = RG_OK;
  title idf = titled("idf", input), size = titled("size", input);
  title scores = titled("zscore", input);
  bool *fits = RG_NEW(bool, m->counts.rows), any = false;
  for (int64_t i = 0; i < m->counts.rows; i++) {
    fits[i] = role[i] == RG_TRAINS && rg_has_counts(m, i);
    any = any || fits[i];
  }
  RG_TRY(check_values(input, m));
  if (!rg_any(comm, any)) {
    status = rg_fail(RG_EINPUT, "modality %s: no cell to train on has counts of it",
                     m->name);
    goto out;
  }
  if (input->weigh == RG_WEIGH_IDF && rg_constants_length(constants, idf.text) == 0)
    fit_idf(comm, m, rg_constants_get(constants, idf.text, m->counts.cols));
  if (sized(input, m) && rg_constants_length(constants, size.text) == 0)
    *rg_constants_get(constants, size.text, 1) = fit_size(comm, &m->counts, fits);
  if (input->weigh == RG_WEIGH_ZSCORE &&
      rg_constants_length(constants, scores.text) == 0) {
    const double *median = rg_constants_get(constants, size.text, 0);
    double *x = rg_constants_get(constants, scores.text, rg_zscore_doubles(m->counts.cols));
    RG_TRY(rg_zscore_fit(comm, input, &m->counts, fits, median ? *median : 0, x));
  }
out:
  rg_free(fits);
  return status;
}

rg_status rg_weigh_fit(rg_comm *comm, const rg_dataset *dataset, const rg_model *model,
                       const uint8_t *role, rg_constants *constants)
{
  rg_status status = RG_OK;
  for (int s = 0; s < model->n_sparse; s++) {
    const struct rg_sparse_input *input = &model->sparse[s];
    RG_TRY(fit_input(comm, input, rg_dataset_modality(dataset, input->modality), role,
                     constants));
  }
out:
  return status;
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

static double row_sum(const rg_csr *counts, int64_t i)
{
  double sum = 0;
  for (int64_t k = counts->indptr[i]; k < counts->indptr[i + 1]; k++)
    sum += value_of(counts, k);
  return sum;
}

/* times x / over, or log1p of that */
static void scale_row(const rg_csr *counts, int64_t i, double times, double over,
                      bool logarithm, float *values)
{
  int64_t low = counts->indptr[i], n = counts->indptr[i + 1] - low;
  for (int64_t k = 0; k < n; k++) {
    double x = times * value_of(counts, low + k) / over;
    values[k] = (float)(logarithm ? log1p(x) : x);
  }
}

void rg_weigh_row(const struct rg_sparse_input *input, rg_constants *constants,
                  const rg_csr *counts, int64_t i, float *values)
{
  int64_t low = counts->indptr[i], n = counts->indptr[i + 1] - low;
  const double *idf = rg_constants_get(constants, titled("idf", input).text, 0);
  const double *size = rg_constants_get(constants, titled("size", input).text, 0);
  const double *scores = rg_constants_get(constants, titled("zscore", input).text, 0);
  double sum = row_sum(counts, i);
  switch (input->weigh) {
  case RG_WEIGH_ONES:
    for (int64_t k = 0; k < n; k++)
      values[k] = 1;
    break;
  case RG_WEIGH_COUNTS:
    scale_row(counts, i, 1, 1, false, values);
    break;
  case RG_WEIGH_LOG:
    scale_row(counts, i, 1e4, sum, true, values);
    break;
  case RG_WEIGH_LOG_COUNTS:
    scale_row(counts, i, 1, 1, true, values);
    break;
  case RG_WEIGH_IDF:
    idf_row(input, idf, counts->indices + low, n, values);
    break;
  case RG_WEIGH_SIZE:
    scale_row(counts, i, *size, sum, false, values);
    break;
  case RG_WEIGH_ZSCORE:
    rg_zscore_row(scores, size ? *size : 0, counts, i, values);
    break;
  }
}
