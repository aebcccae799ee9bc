/* The teacher's rows: centred in every batch, smoothed over nearest neighbours and scaled,
 * as the model wants. */
#include "internal.h"

#include "regatta/graph.h"

#include <math.h>
#include <string.h>

static bool taught_row(const rg_mat *x, int64_t i)
{
  return isfinite(x->data[i * x->cols]);
}

/* Take the mean of its batch from every row. Sums are integers of 2^-20, so that they do
 * not depend on the number of ranks. */
static void centre(rg_comm *comm, const rg_column *batch, rg_mat *x)
{
  const double unit = 1048576.0;
  int64_t batches = batch->categories.n, width = x->cols + 1;
  int64_t *sums = RG_NEW(int64_t, batches * width);
  for (int64_t i = 0; i < x->rows; i++) {
    if (!taught_row(x, i) || batch->code[i] < 0)
      continue;
    int64_t *sum = sums + batch->code[i] * width;
    for (int64_t j = 0; j < x->cols; j++)
      sum[j] += llround((double)x->data[i * x->cols + j] * unit);
    sum[x->cols]++;
  }
  rg_sum_i64(comm, sums, batches * width);
  for (int64_t i = 0; i < x->rows; i++) {
    if (!taught_row(x, i) || batch->code[i] < 0)
      continue;
    const int64_t *sum = sums + batch->code[i] * width;
    for (int64_t j = 0; j < x->cols; j++)
      x->data[i * x->cols + j] -= (float)((double)sum[j] / unit / (double)sum[x->cols]);
  }
  rg_free(sums);
}

/* Mean of the rows of each cell's nearest neighbours by cosine, wherever they live. */
static rg_status smooth(rg_comm *comm, const rg_mat *x, int neighbours, rg_mat *mean)
{
  rg_status status = RG_OK;
  rg_knn knn = {0};
  rg_knn_options options = {.k = neighbours, .metric = RG_COSINE, .exact = true};
  RG_TRY(rg_knn_graph(comm, x, &options, &knn));
  int64_t total = x->rows, n = x->rows * neighbours;
  rg_sum_i64(comm, &total, 1);
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t k = 0; k < n; k++)
    ids[k] = knn.index[k] < 0 ? 0 : knn.index[k];
  float *rows = RG_NEW(float, n * x->cols);
  rg_fetch(comm, x->data, total, x->cols * (int64_t)sizeof *rows, ids, n, rows);
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; j < x->cols; j++) {
      double sum = 0;
      int found = 0;
      for (int k = 0; k < neighbours; k++)
        if (knn.index[i * neighbours + k] >= 0) {
          sum += (double)rows[(i * neighbours + k) * x->cols + j];
          found++;
        }
      mean->data[i * x->cols + j] =
          found ? (float)(sum / found) : x->data[i * x->cols + j];
    }
  rg_free(rows);
  rg_free(ids);
  rg_knn_fini(&knn);
out:
  return status;
}

static void scale_rows(rg_mat *x, double length)
{
  for (int64_t i = 0; i < x->rows; i++) {
    float *row = rg_mat_row(x, i);
    double squares = 0;
    for (int64_t j = 0; j < x->cols; j++)
      squares += (double)row[j] * (double)row[j];
    float factor = squares > 0 ? (float)(length / sqrt(squares)) : 0;
    for (int64_t j = 0; j < x->cols; j++)
      row[j] *= factor;
  }
}

rg_status rg_teacher_covariates(rg_comm *comm, const rg_model *model,
                                const rg_column *batch, const rg_mat *embedding,
                                rg_covariates *covariates)
{
  rg_status status = RG_OK;
  rg_mat *teacher =
      rg_covariates_add(covariates, "teacher", embedding->rows, embedding->cols);
  rg_mat *taught = rg_covariates_add(covariates, "taught", embedding->rows, 1);
  rg_mat given = rg_mat_new(embedding->rows, embedding->cols);
  size_t bytes = sizeof(float) * (size_t)(embedding->rows * embedding->cols);
  memcpy(given.data, embedding->data, bytes);
  if (model->teacher_centred && batch->categories.n > 1)
    centre(comm, batch, &given);
  if (model->teacher_neighbours > 0)
    RG_TRY(smooth(comm, &given, model->teacher_neighbours, teacher));
  else
    memcpy(teacher->data, given.data, bytes);
  for (int64_t i = 0; i < embedding->rows; i++) {
    taught->data[i] = taught_row(embedding, i) ? 1 : 0;
    if (taught->data[i] < 1)
      memset(rg_mat_row(teacher, i), 0, sizeof(float) * (size_t)teacher->cols);
  }
  if (model->teacher_length > 0)
    scale_rows(teacher, model->teacher_length);
out:
  rg_mat_fini(&given);
  return status;
}
