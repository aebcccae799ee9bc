/* Axes of a modality that are fitted on some cells and applied to others: what controls of
 * translation read. Principal components of log-normalised genes or of the centred log
 * ratio of proteins; of peaks the axes of idf-weighted rows of unit length, the first
 * dropped. */
#include "internal.h"

#include "regatta/prepare.h"

#include <math.h>
#include <string.h>

enum { OVERSAMPLING = 10, ITERATIONS = 6 };

rg_target rg_target_of(const char *modality)
{
  return strcmp(modality, "atac") == 0  ? RG_TARGET_OPEN
         : strcmp(modality, "adt") == 0 ? RG_TARGET_RATIO
                                        : RG_TARGET_LOG;
}

/* Rows of idf, of unit length; a peak that is never open in training weighs nothing. */
static void weigh(rg_csr *x, const rg_feature_stats *train)
{
  for (int64_t i = 0; i < x->rows; i++) {
    double square = 0;
    for (int64_t e = x->indptr[i]; e < x->indptr[i + 1]; e++) {
      int64_t open = train->cells[x->indices[e]];
      double idf = open > 0 ? log((double)train->n_cells / (double)open) : 0;
      x->values[e] = (float)idf;
      square += idf * idf;
    }
    for (int64_t e = x->indptr[i]; e < x->indptr[i + 1] && square > 0; e++)
      x->values[e] = (float)((double)x->values[e] / sqrt(square));
  }
}

static rg_csr transformed(const rg_origin *origin, rg_target kind,
                          const rg_feature_stats *train)
{
  rg_csr x = rg_copy_csr(origin->counts);
  if (kind == RG_TARGET_OPEN)
    weigh(&x, train);
  if (kind == RG_TARGET_LOG) {
    double *factor = RG_NEW(double, x.rows);
    for (int64_t i = 0; i < x.rows; i++)
      factor[i] = origin->depth[i] > 0 ? origin->depth[i] / 1e4 : 1;
    rg_scale_log(&x, factor);
    rg_free(factor);
  }
  if (kind == RG_TARGET_RATIO) {
    rg_csr ratio = rg_centred_log_ratio(&x);
    rg_csr_fini(&x);
    x = ratio;
  }
  return x;
}

/* (x - mean) v from axis `first` on; `mean` NULL: none. */
static rg_mat project(const rg_csr *x, const double *mean, const rg_mat *v, int first)
{
  int64_t axes = v->cols - first;
  double *zero = RG_NEW(double, axes), *score = RG_NEW(double, axes);
  for (int64_t f = 0; mean && f < x->cols; f++)
    for (int64_t j = 0; j < axes; j++)
      zero[j] -= mean[f] * (double)rg_mat_row(v, f)[first + j];
  rg_mat out = rg_mat_new(x->rows, axes);
  for (int64_t i = 0; i < x->rows; i++) {
    memcpy(score, zero, sizeof *score * (size_t)axes);
    for (int64_t e = x->indptr[i]; e < x->indptr[i + 1]; e++)
      for (int64_t j = 0; j < axes; j++)
        score[j] += (double)x->values[e] *
                    (double)rg_mat_row(v, x->indices[e])[first + j];
    for (int64_t j = 0; j < axes; j++)
      rg_mat_row(&out, i)[j] = (float)score[j];
  }
  rg_free(zero);
  rg_free(score);
  return out;
}

rg_status rg_origin_axes(rg_comm *comm, rg_target kind, const rg_origin *train,
                         const rg_origin *test, int axes, uint64_t seed,
                         rg_mat *train_axes, rg_mat *test_axes)
{
  rg_status status = RG_OK;
  rg_feature_stats stats = {0};
  rg_svd svd = {0};
  rg_csr x = {0}, y = {0};
  bool centre = kind != RG_TARGET_OPEN;
  int first = centre ? 0 : 1;
  RG_TRY(rg_feature_statistics(comm, train->counts, &stats));
  x = transformed(train, kind, &stats);
  y = transformed(test, kind, &stats);
  int64_t most = stats.n_cells < x.cols ? stats.n_cells : x.cols;
  if (most < 3)
    RG_TRY(rg_fail(RG_EINPUT, "%lld cells with %lld features are too few for controls",
                   (long long)stats.n_cells, (long long)x.cols));
  rg_feature_stats_fini(&stats);
  RG_TRY(rg_feature_statistics(comm, &x, &stats));
  int64_t rank = axes + first < most - 1 ? axes + first : most - 1;
  rg_svd_options how = {.rank = (int)rank, .oversampling = OVERSAMPLING,
                        .iterations = ITERATIONS, .centre = centre, .seed = seed};
  RG_TRY(rg_svd_sparse(comm, &x, &how, &svd));
  *train_axes = project(&x, centre ? stats.mean : NULL, &svd.v, first);
  *test_axes = project(&y, centre ? stats.mean : NULL, &svd.v, first);
out:
  rg_csr_fini(&x);
  rg_csr_fini(&y);
  rg_svd_fini(&svd);
  rg_feature_stats_fini(&stats);
  return status;
}
