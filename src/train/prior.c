/* Priors of like cells: rows in one space for the cells of all modalities. A cell of the
 * reference has the mean of its nearest neighbours there; a cell of another modality that
 * of what its nearest anchored neighbours are tied to: themselves, where both were
 * measured, or mutual nearest neighbours on features of one name. */
#include "internal.h"

#include "prior.h"
#include "regatta/graph.h"

#include <math.h>
#include <string.h>

enum { NEIGHBOURS = 20, ENOUGH = 50 }; /* cells measured in both */

/* ---- rows ---- */

static const rg_prepared_modality *modality_of(const rg_session *session, int k)
{
  return rg_dataset_modality(session->dataset, session->model.prior.modality[k]);
}

/* Components of modality k; rows of cells without are no numbers. Owned. */
static rg_mat components(const rg_session *session, const rg_covariates *all, int k)
{
  const rg_mat *x = rg_covariates_find(all, session->model.prior.input[k]);
  const rg_prepared_modality *m = modality_of(session, k);
  rg_mat rows = rg_mat_new(x->rows, x->cols);
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; j < x->cols; j++)
      rows.data[i * x->cols + j] = rg_has_counts(m, i) ? x->data[i * x->cols + j] : NAN;
  return rows;
}

static void unit_row(float *row, int64_t n, double length)
{
  double squares = 0;
  for (int64_t j = 0; j < n; j++)
    squares += (double)row[j] * (double)row[j];
  float factor = squares > 0 ? (float)(length / sqrt(squares)) : 0;
  for (int64_t j = 0; j < n; j++)
    row[j] *= factor;
}

/* out[i] = mean of the rows of `table` that the lists name; rows without any stay as they
 * are. */
static void mean_rows(rg_comm *comm, const rg_mat *table, const int64_t *index, int k,
                      rg_mat *out)
{
  int64_t n = out->rows * k, total = table->rows;
  rg_sum_i64(comm, &total, 1);
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = index[e] < 0 ? 0 : index[e];
  float *rows = RG_NEW(float, n * table->cols);
  rg_fetch(comm, table->data, total, table->cols * (int64_t)sizeof *rows, ids, n, rows);
  for (int64_t i = 0; i < out->rows; i++) {
    int found = 0;
    for (int e = 0; e < k; e++)
      found += index[i * k + e] >= 0;
    for (int64_t j = 0; found && j < table->cols; j++) {
      double sum = 0;
      for (int e = 0; e < k; e++)
        if (index[i * k + e] >= 0)
          sum += (double)rows[(i * k + e) * table->cols + j];
      out->data[i * table->cols + j] = (float)(sum / found);
    }
  }
  rg_free(rows);
  rg_free(ids);
}

/* Rows of `of` for every cell: mean over its nearest cells by `near` among those where
 * `near_these` has numbers. */
static rg_status smoothed(rg_comm *comm, const rg_mat *near, const rg_mat *near_these,
                          const rg_mat *of, rg_mat *out)
{
  rg_knn knn = {0};
  rg_status status = rg_knn_query(comm, near, near_these, NEIGHBOURS, RG_COSINE, &knn);
  if (status != RG_OK)
    return status;
  mean_rows(comm, of, knn.index, NEIGHBOURS, out);
  rg_knn_fini(&knn);
  return RG_OK;
}

/* ---- anchors ---- */

typedef struct tie {
  rg_session *session;
  const rg_mat *rows; /* of the reference */
  int k;
  rg_mat mine; /* components of modality k; those of cells without a tie become NaN */
  rg_mat tied; /* rows of the reference that a tied cell goes to */
} tie;

static void untie(tie *t, int64_t i)
{
  for (int64_t j = 0; j < t->mine.cols; j++)
    rg_mat_row(&t->mine, i)[j] = NAN;
}

static int64_t cells_with_both(const tie *t)
{
  const rg_session *session = t->session;
  const rg_prepared_modality *a = modality_of(session, session->model.prior.reference);
  const rg_prepared_modality *b = modality_of(session, t->k);
  int64_t n = 0;
  for (int64_t i = 0; i < t->mine.rows; i++)
    n += rg_has_counts(a, i) && rg_has_counts(b, i);
  rg_sum_i64(session->comm, &n, 1);
  return n;
}

static void tie_pairs(tie *t)
{
  const rg_prepared_modality *a =
      modality_of(t->session, t->session->model.prior.reference);
  for (int64_t i = 0; i < t->mine.rows; i++)
    if (rg_has_counts(a, i))
      memcpy(rg_mat_row(&t->tied, i), rg_mat_row(t->rows, i),
             sizeof(float) * (size_t)t->rows->cols);
    else
      untie(t, i);
}

/* tied = weights of the reference's cells, times their rows. */
static void weigh_rows(rg_comm *comm, const rg_csr *weights, const rg_mat *table,
                       rg_mat *tied)
{
  int64_t n = rg_csr_nnz(weights), total = table->rows;
  rg_sum_i64(comm, &total, 1);
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t e = 0; e < n; e++)
    ids[e] = weights->indices[e];
  float *rows = RG_NEW(float, n * table->cols);
  rg_fetch(comm, table->data, total, table->cols * (int64_t)sizeof *rows, ids, n, rows);
  for (int64_t i = 0; i < tied->rows; i++)
    for (int64_t e = weights->indptr[i]; e < weights->indptr[i + 1]; e++)
      for (int64_t j = 0; j < table->cols; j++)
        rg_mat_row(tied, i)[j] += weights->values[e] * rows[e * table->cols + j];
  rg_free(rows);
  rg_free(ids);
}

static rg_status tie_neighbours(tie *t)
{
  rg_status status = RG_OK;
  rg_session *session = t->session;
  rg_comm *comm = session->comm;
  rg_mat a = {0}, b = {0};
  rg_csr weights = {0};
  int64_t tied = 0;
  RG_TRY(rg_shared_features(comm, modality_of(session, session->model.prior.reference),
                            modality_of(session, t->k), &a, &b));
  rg_match_side from = {.x = &b}, to = {.x = &a};
  RG_TRY(rg_match(comm, &from, &to, 0, RG_MATCH_MNN, NEIGHBOURS, &weights));
  weigh_rows(comm, &weights, t->rows, &t->tied);
  for (int64_t i = 0; i < t->mine.rows; i++)
    if (weights.indptr[i + 1] > weights.indptr[i])
      tied++;
    else
      untie(t, i);
  rg_sum_i64(comm, &tied, 1);
  rg_info("prior: %lld cells of %s have mutual nearest neighbours on %lld features of one "
          "name", (long long)tied, session->model.prior.modality[t->k],
          (long long)a.cols);
out:
  rg_csr_fini(&weights);
  rg_mat_fini(&a);
  rg_mat_fini(&b);
  return status;
}

/* Which ties there can be. */
static rg_status choose(const tie *t, bool *pairs)
{
  const rg_session *session = t->session;
  const char *kind = session->model.prior.kind;
  const char *name = session->model.prior.modality[t->k];
  const char *reference =
      session->model.prior.modality[session->model.prior.reference];
  int64_t both = cells_with_both(t);
  int shared = rg_count_shared(modality_of(session, session->model.prior.reference),
                               modality_of(session, t->k));
  *pairs = kind[0] == 'p' || (kind[0] == 'a' && both >= ENOUGH);
  if (*pairs && both < ENOUGH)
    return rg_fail(RG_EINPUT, "prior=pairs: %lld cells have both %s and %s; at least %d "
                              "are needed", (long long)both, reference, name, ENOUGH);
  if (*pairs)
    rg_info("prior: %s and %s by %lld cells measured in both", reference, name,
            (long long)both);
  else if (shared < RG_LEAST_SHARED)
    return rg_fail(RG_EINPUT, "no prior of like cells of %s and %s: %lld cells have both, "
                              "%d features have one name; give prior=none, or gene "
                              "activity instead of peaks", reference, name,
                   (long long)both, shared);
  return RG_OK;
}

static rg_status tie_cells(tie *t)
{
  bool pairs = false;
  rg_status status = choose(t, &pairs);
  if (status != RG_OK)
    return status;
  if (pairs)
    tie_pairs(t);
  return pairs ? RG_OK : tie_neighbours(t);
}

/* ---- the inputs ---- */

static rg_status fill_other(rg_session *session, const rg_covariates *all, int k,
                            const rg_mat *rows, rg_mat *out)
{
  rg_status status = RG_OK;
  rg_mat near = components(session, all, k);
  tie t = {.session = session, .rows = rows, .k = k, .mine = components(session, all, k),
           .tied = rg_mat_new(rows->rows, rows->cols)};
  RG_TRY(tie_cells(&t));
  RG_TRY(smoothed(session->comm, &near, &t.mine, &t.tied, out));
out:
  rg_mat_fini(&near);
  rg_mat_fini(&t.mine);
  rg_mat_fini(&t.tied);
  return status;
}

static rg_status fill(rg_session *session, const rg_covariates *all, rg_mat **prior)
{
  rg_status status = RG_OK;
  const struct rg_prior *wish = &session->model.prior;
  rg_mat reference = components(session, all, wish->reference);
  rg_mat rows = rg_mat_new(reference.rows, reference.cols);
  for (int64_t i = 0; i < rows.rows; i++) {
    memcpy(rg_mat_row(&rows, i), rg_mat_row(&reference, i),
           sizeof(float) * (size_t)rows.cols);
    unit_row(rg_mat_row(&rows, i), rows.cols, 1);
  }
  RG_TRY(smoothed(session->comm, &reference, &reference, &rows, prior[wish->reference]));
  for (int k = 0; k < wish->n; k++)
    if (k != wish->reference)
      RG_TRY(fill_other(session, all, k, prior[wish->reference], prior[k]));
out:
  rg_mat_fini(&reference);
  rg_mat_fini(&rows);
  return status;
}

rg_status rg_prior_inputs(rg_session *session, bool fit, rg_covariates *all)
{
  rg_status status = RG_OK;
  const struct rg_prior *wish = &session->model.prior;
  rg_mat *prior[RG_MODALITIES], *anchored[RG_MODALITIES];
  int64_t rows = rg_range_n(session->dataset->rows);
  for (int k = 0; k < wish->n; k++) {
    char name[64];
    snprintf(name, sizeof name, "prior:%.32s", wish->modality[k]);
    prior[k] = rg_covariates_add(all, name, rows, wish->axes);
    snprintf(name, sizeof name, "anchored:%.32s", wish->modality[k]);
    anchored[k] = rg_covariates_add(all, name, rows, 1);
  }
  if (!fit || wish->n < 2)
    return RG_OK;
  RG_TRY(fill(session, all, prior));
  for (int k = 0; k < wish->n; k++)
    for (int64_t i = 0; i < rows; i++) {
      float *row = rg_mat_row(prior[k], i);
      if (!rg_has_counts(modality_of(session, k), i))
        memset(row, 0, sizeof *row * (size_t)wish->axes);
      unit_row(row, wish->axes, wish->length);
      for (int64_t j = 0; j < wish->axes; j++)
        anchored[k]->data[i] = row[j] < 0 || row[j] > 0 ? 1 : anchored[k]->data[i];
    }
out:
  return status;
}
