/* Inputs that are means over nearest neighbours: "smooth:K:NAME". */
#include "internal.h"

#include "regatta/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SMOOTH "smooth:"

const char *rg_smooth_of(const char *name, int *neighbours)
{
  if (strncmp(name, SMOOTH, strlen(SMOOTH)) != 0)
    return NULL;
  char *rest = NULL;
  *neighbours = (int)strtol(name + strlen(SMOOTH), &rest, 10);
  return *rest == ':' ? rest + 1 : NULL;
}

/* Rows that are all zero are those of cells without the modality. */
static rg_mat known_rows(const rg_mat *x)
{
  rg_mat out = rg_mat_new(x->rows, x->cols);
  for (int64_t i = 0; i < x->rows; i++) {
    bool known = false;
    for (int64_t j = 0; j < x->cols; j++)
      known = known || rg_mat_row(x, i)[j] < 0 || rg_mat_row(x, i)[j] > 0;
    for (int64_t j = 0; j < x->cols; j++)
      rg_mat_row(&out, i)[j] = known ? rg_mat_row(x, i)[j] : NAN;
  }
  return out;
}

/* (x_i + sum_j w_ij x_j) / (1 + sum_j w_ij), w the connectivities */
static void mix(rg_comm *comm, const rg_csr *w, const rg_mat *x, rg_mat *out)
{
  int64_t n = rg_csr_nnz(w), total = x->rows;
  rg_sum_i64(comm, &total, 1);
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = w->indices[e];
  float *rows = RG_NEW(float, n * x->cols);
  rg_fetch(comm, x->data, total, x->cols * (int64_t)sizeof *rows, ids, n, rows);
  for (int64_t i = 0; i < x->rows; i++) {
    double weight = 1;
    for (int64_t e = w->indptr[i]; e < w->indptr[i + 1]; e++)
      weight += (double)w->values[e];
    for (int64_t j = 0; j < x->cols; j++) {
      double sum = (double)rg_mat_row(x, i)[j];
      for (int64_t e = w->indptr[i]; e < w->indptr[i + 1]; e++)
        sum += (double)w->values[e] * (double)rows[e * x->cols + j];
      rg_mat_row(out, i)[j] = (float)(sum / weight);
    }
  }
  rg_free(rows);
  rg_free(ids);
}

rg_status rg_smooth_input(rg_comm *comm, const char *name, const rg_mat *x, int neighbours,
                          rg_covariates *covariates)
{
  rg_status status = RG_OK;
  rg_knn knn = {0};
  rg_csr connectivities = {0}, distances = {0};
  rg_knn_options options = {.k = neighbours, .exact = true};
  rg_mat known = known_rows(x);
  RG_TRY(rg_knn_graph(comm, &known, &options, &knn));
  RG_TRY(rg_connectivities(comm, &knn, &connectivities, &distances));
  mix(comm, &connectivities, x, rg_covariates_add(covariates, name, x->rows, x->cols));
out:
  rg_mat_fini(&known);
  rg_knn_fini(&knn);
  rg_csr_fini(&connectivities);
  rg_csr_fini(&distances);
  return status;
}
