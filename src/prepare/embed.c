/* Embeddings of single modalities: principal components of genes and proteins; latent
 * semantic indexing or spectral embedding of peaks. Cells that lack the modality take no
 * part and get NaN. */
#include "src/prepare/inner.h"

#include <math.h>
#include <string.h>

enum { OVERSAMPLING = 10 };
static const double target = 1e4; /* counts that a cell is scaled to */

/* U S of the decomposition from axis `first` on. */
static rg_status decompose(rg_comm *comm, const rg_prepare_options *options,
                           const rg_csr *x, int axes, int first, bool centre,
                           rg_mat *out, double *explained)
{
  rg_status status = RG_OK;
  rg_svd svd = {0};
  rg_svd_options how = {.rank = axes + first,
                        .oversampling = OVERSAMPLING,
                        .iterations = (int)options->iterations,
                        .centre = centre,
                        .scalapack = strcmp(options->linear_algebra, "scalapack") == 0,
                        .seed = (uint64_t)options->seed};
  RG_TRY(rg_svd_sparse(comm, x, &how, &svd));
  *out = rg_mat_new(x->rows, axes);
  for (int64_t i = 0; i < x->rows; i++)
    for (int j = 0; j < axes; j++)
      rg_mat_row(out, i)[j] =
          (float)(rg_mat_row(&svd.u, i)[first + j] * svd.s[first + j]);
  memcpy(explained, svd.explained + first, (size_t)axes * sizeof *explained);
out:
  rg_svd_fini(&svd);
  return status;
}

/* The rows of cells that have the modality. Owned. */
static rg_csr present_rows(const rg_prepared_modality *m, bool binary)
{
  rg_csr x = rg_copy_csr(&m->counts);
  rg_csr_keep_rows(&x, m->present);
  for (int64_t e = 0; binary && e < rg_csr_nnz(&x); e++)
    x.values[e] = 1;
  return x;
}

/* Rows of the cells present back among all; the others are NaN. */
static void place_rows(rg_prepared_modality *m, rg_mat *found)
{
  m->embedding = rg_mat_new(m->counts.rows, found->cols);
  int64_t next = 0;
  for (int64_t i = 0; i < m->counts.rows; i++)
    for (int64_t j = 0, from = m->present[i] ? next++ : -1; j < found->cols; j++)
      rg_mat_row(&m->embedding, i)[j] = from >= 0 ? rg_mat_row(found, from)[j] : NAN;
  rg_mat_fini(found);
}

/* As many axes as wanted and as the matrix has, less `spare`. */
static int count_axes(int64_t wanted, int64_t cells, int64_t features, int64_t spare)
{
  int64_t most = (cells < features ? cells : features) - spare;
  return (int)(wanted < most ? wanted : most < 1 ? 1 : most);
}

static rg_status embed_peaks(rg_comm *comm, const rg_prepare_options *options,
                             int64_t cells, rg_csr *x, rg_prepared_modality *m,
                             rg_mat *found)
{
  rg_status status = RG_OK;
  bool spectral = strcmp(options->atac_embedding, "spectral") == 0;
  bool idf = strcmp(options->atac_embedding, "idf") == 0;
  int axes = count_axes(options->atac_axes, cells, x->cols, 2);
  m->embedding_name = spectral ? "X_spectral" : "X_lsi";
  if (spectral)
    return rg_spectral(comm, x, axes, (uint64_t)options->seed, found);
  m->explained = RG_NEW(double, axes);
  RG_TRY(rg_tfidf(comm, x, idf ? RG_IDF_BINARY : RG_TFIDF_LOG));
  RG_TRY(decompose(comm, options, x, axes, 1, false, found, m->explained));
out:
  return status;
}

static rg_status embed_centred(rg_comm *comm, const rg_prepare_options *options,
                               int64_t cells, rg_kind kind, bool log_ratio, rg_csr *x,
                               rg_prepared_modality *m, rg_mat *found)
{
  rg_status status = RG_OK;
  double *factor = RG_NEW(double, x->rows);
  int axes = count_axes(options->axes, cells, x->cols, 1);
  m->embedding_name = "X_pca";
  m->explained = RG_NEW(double, axes);
  if (kind == RG_KIND_PROTEIN && log_ratio) {
    rg_csr ratio = rg_centred_log_ratio(x);
    rg_csr_fini(x);
    *x = ratio;
  } else if (kind == RG_KIND_COUNTS) {
    /* depth over all genes of the file, not over those that were chosen */
    for (int64_t i = 0, to = 0; i < m->counts.rows; i++)
      if (m->present[i])
        factor[to++] = m->depth[i] > 0 ? m->depth[i] / target : 1;
    rg_scale_log(x, factor);
  }
  RG_TRY(decompose(comm, options, x, axes, 0, true, found, m->explained));
out:
  rg_free(factor);
  return status;
}

rg_status rg_embed_modality(rg_comm *comm, const rg_prepare_options *options,
                            rg_kind kind, bool log_ratio, rg_prepared_modality *m)
{
  rg_status status = RG_OK;
  rg_mat found = {0};
  rg_csr x = present_rows(m, kind == RG_KIND_PEAKS);
  int64_t cells = x.rows;
  rg_sum_i64(comm, &cells, 1);
  if (cells < 2) {
    status = rg_fail(RG_EINPUT, "modality %s: %lld cells are too few to embed", m->name,
                     (long long)cells);
    goto out;
  }
  if (kind == RG_KIND_PEAKS)
    RG_TRY(embed_peaks(comm, options, cells, &x, m, &found));
  else
    RG_TRY(embed_centred(comm, options, cells, kind, log_ratio, &x, m, &found));
  place_rows(m, &found);
  double share = 0;
  for (int64_t j = 0; j < m->embedding.cols && m->explained; j++)
    share += m->explained[j];
  if (m->explained)
    rg_info("prepare: %s: embedded in %lld axes (%s) with %.2f%% of the variance", m->name,
            (long long)m->embedding.cols, m->embedding_name + 2, 100 * share);
  else
    rg_info("prepare: %s: embedded in %lld axes (%s)", m->name,
            (long long)m->embedding.cols, m->embedding_name + 2);
out:
  rg_csr_fini(&x);
  return status;
}

static int64_t count_present(rg_comm *comm, const rg_prepared_modality *m)
{
  int64_t cells = 0;
  for (int64_t i = 0; i < m->counts.rows; i++)
    cells += m->present[i];
  rg_sum_i64(comm, &cells, 1);
  return cells;
}

rg_status rg_dataset_embed(rg_comm *comm, const rg_prepare_options *options,
                           rg_dataset *dataset)
{
  rg_status status = RG_OK;
  for (int k = 0; k < dataset->n_modalities; k++) {
    rg_prepared_modality *m = &dataset->modality[k];
    bool counts = m->values == RG_VALUES_COUNTS;
    if (count_present(comm, m) < 2)
      continue;
    rg_mat_fini(&m->embedding);
    RG_TRY(rg_embed_modality(
        comm, options, rg_kind_of(m->name, m->chromosome != NULL, counts), counts, m));
  }
out:
  return status;
}
