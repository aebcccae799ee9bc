/* Projections of a modality on axes that were fitted on other cells. Standardised values
 * stay sparse: a row is what a row of zeros becomes plus a correction at its nonzeros, and
 * the part of the row of zeros is one offset per axis. */
#include "src/prepare/inner.h"

#include <math.h>
#include <string.h>

enum { HEAD = 5, OVERSAMPLING = 10, ITERATIONS = 6, MARK = 7211 };
static const double target = 1e4; /* counts that a cell is scaled to */
static const double most = 10;    /* standard deviations */

/* What is done to the values of a cell before they are standardised. */
typedef enum transform { AS_IS, LOG, LOG_RATIO, IDF, TRANSFORMS } transform;

int rg_projection_axes(int64_t wanted, int64_t n_features)
{
  int64_t limit = n_features > 2 ? n_features - 1 : 1;
  return (int)(wanted < limit ? wanted : limit);
}

/* ---- the packed numbers ---------------------------------------------------------- */

/* Points the fields at their places behind the head. */
static void lay_out(rg_projection *p, const double *packed)
{
  p->packed = packed;
  p->mean = packed + HEAD;
  p->scale = p->mean + p->features;
  p->loadings = p->scale + p->features;
  p->singular = p->loadings + p->features * p->axes;
  p->offset = p->singular + p->axes;
  p->n_packed = p->offset + p->axes - packed;
}

static rg_projection projection_new(rg_project_kind kind, transform how, int axes,
                                    int64_t features)
{
  rg_projection p = {.kind = kind, .transform = how, .axes = axes, .features = features};
  int64_t n = HEAD + features * (axes + 2) + 2 * axes;
  p.own = RG_NEW(double, n);
  const double head[HEAD] = {MARK, kind, how, axes, (double)features};
  memcpy(p.own, head, sizeof head);
  lay_out(&p, p.own);
  for (int64_t f = 0; f < features; f++)
    p.own[p.scale - p.own + f] = 1;
  return p;
}

/* The same place for writing. */
static double *mutable(rg_projection *p, const double *at)
{
  return p->own + (at - p->packed);
}

rg_status rg_projection_unpack(const double *packed, int64_t n, rg_projection *p)
{
  *p = (rg_projection){0};
  bool good = n >= HEAD && packed[0] == MARK && packed[1] >= RG_PROJECT_ZSCORE &&
              packed[1] <= RG_PROJECT_LSI && packed[2] >= 0 && packed[2] < TRANSFORMS &&
              packed[3] >= 1 && packed[4] >= 1 &&
              packed[4] * (packed[3] + 2) + 2 * packed[3] + HEAD == (double)n;
  if (!good)
    return rg_fail(RG_EINPUT, "%lld numbers are not a fitted projection", (long long)n);
  p->kind = (rg_project_kind)packed[1];
  p->transform = (int)packed[2];
  p->axes = (int)packed[3];
  p->features = (int64_t)packed[4];
  lay_out(p, packed);
  return RG_OK;
}

void rg_projection_fini(rg_projection *p)
{
  rg_free(p->own);
  *p = (rg_projection){0};
}

/* ---- values of a cell ------------------------------------------------------------ */

static bool has_counts(const rg_prepared_modality *m, int64_t i)
{
  return m->present[i] && m->counts.indptr[i + 1] > m->counts.indptr[i];
}

/* Entries that a cell has after the transform. */
static int64_t count_entries(const rg_projection *p, const rg_csr *x, int64_t i)
{
  return p->transform == LOG_RATIO ? p->features : x->indptr[i + 1] - x->indptr[i];
}

static double count_at(const float *count, int64_t k)
{
  return count ? (double)count[k] : 1;
}

static void log_ratio(const rg_projection *p, int64_t n, const int32_t *feature,
                      const float *count, int32_t *to, float *value)
{
  double sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += log1p(count_at(count, k));
  double mean = sum / (double)p->features;
  for (int64_t f = 0; f < p->features; f++) {
    to[f] = (int32_t)f;
    value[f] = (float)-mean;
  }
  for (int64_t k = 0; k < n; k++)
    value[feature[k]] = (float)(log1p(count_at(count, k)) - mean);
}

static void weigh_idf(const rg_projection *p, int64_t n, const int32_t *feature,
                      const float *count, float *value)
{
  double sum = 0;
  for (int64_t k = 0; k < n; k++)
    sum += count_at(count, k) * p->mean[feature[k]];
  for (int64_t k = 0; k < n; k++) {
    double x = count_at(count, k) * p->mean[feature[k]];
    value[k] = sum > 0 ? (float)log1p(target * x / sum) : 0;
  }
}

/* The transformed values of cell i: features (rising) and values, count_entries of them. */
static void transform_row(const rg_projection *p, const rg_prepared_modality *m,
                          int64_t i, int32_t *to, float *value)
{
  int64_t low = m->counts.indptr[i], n = m->counts.indptr[i + 1] - low;
  const int32_t *feature = m->counts.indices + low;
  const float *x = m->counts.values ? m->counts.values + low : NULL;
  if (p->transform == LOG_RATIO) {
    log_ratio(p, n, feature, x, to, value);
    return;
  }
  memcpy(to, feature, (size_t)n * sizeof *to);
  if (p->transform == IDF)
    weigh_idf(p, n, feature, x, value);
  for (int64_t k = 0; k < n && p->transform == LOG; k++)
    value[k] = (float)log1p(target * count_at(x, k) / m->depth[i]);
  for (int64_t k = 0; k < n && p->transform == AS_IS; k++)
    value[k] = (float)count_at(x, k);
}

static double standard(const rg_projection *p, int32_t feature, double x)
{
  double z = (x - p->mean[feature]) / p->scale[feature];
  return fmax(-most, fmin(most, z));
}

/* x becomes its standardised value less that of zero. */
static void standardise(const rg_projection *p, int64_t n, const int32_t *feature,
                        float *value)
{
  if (p->kind == RG_PROJECT_LSI)
    return;
  for (int64_t k = 0; k < n; k++)
    value[k] =
        (float)(standard(p, feature[k], value[k]) - standard(p, feature[k], 0));
}

/* ---- fitting --------------------------------------------------------------------- */

static transform choose_transform(const rg_prepared_modality *m, rg_project_kind kind)
{
  bool counts = m->values == RG_VALUES_COUNTS;
  if (kind == RG_PROJECT_LSI)
    return IDF;
  if (!counts)
    return AS_IS;
  bool protein = rg_kind_of(m->name, m->chromosome != NULL, counts) == RG_KIND_PROTEIN;
  return protein ? LOG_RATIO : LOG;
}

/* Cells to fit on get group 0, the others -1; returns how many over all ranks. */
static int64_t choose_cells(rg_comm *comm, const rg_prepared_modality *m,
                            const bool *allowed, int32_t *group)
{
  int64_t cells = 0;
  for (int64_t i = 0; i < m->counts.rows; i++) {
    bool fits = has_counts(m, i) && (!allowed || allowed[i]);
    group[i] = fits ? 0 : -1;
    cells += fits;
  }
  rg_sum_i64(comm, &cells, 1);
  return cells;
}

static void fit_idf(rg_comm *comm, const rg_prepared_modality *m, const int32_t *group,
                    int64_t cells, rg_projection *p)
{
  rg_group_sums sums = rg_sum_groups(comm, &m->counts, group, 1, NULL);
  double *idf = mutable(p, p->mean);
  for (int64_t f = 0; f < p->features; f++)
    idf[f] = sums.sum[f] > 0 ? (double)cells / sums.sum[f] : 0;
  rg_group_sums_fini(&sums);
}

static rg_csr transformed_rows(const rg_projection *p, const rg_prepared_modality *m,
                               const int32_t *group)
{
  int64_t rows = 0, entries = 0;
  for (int64_t i = 0; i < m->counts.rows; i++)
    if (group[i] == 0) {
      rows++;
      entries += count_entries(p, &m->counts, i);
    }
  rg_csr x = rg_csr_new(rows, p->features, entries);
  for (int64_t i = 0, to = 0; i < m->counts.rows; i++)
    if (group[i] == 0) {
      int64_t at = x.indptr[to];
      transform_row(p, m, i, x.indices + at, x.values + at);
      x.indptr[++to] = at + count_entries(p, &m->counts, i);
    }
  return x;
}

static rg_status fit_moments(rg_comm *comm, const rg_csr *x, rg_projection *p)
{
  rg_status status = RG_OK;
  rg_feature_stats stats = {0};
  RG_TRY(rg_feature_statistics(comm, x, &stats));
  double *mean = mutable(p, p->mean), *scale = mutable(p, p->scale);
  for (int64_t f = 0; f < p->features; f++) {
    mean[f] = stats.mean[f];
    scale[f] = stats.variance[f] > 0 ? sqrt(stats.variance[f]) : 1;
  }
out:
  rg_feature_stats_fini(&stats);
  return status;
}

/* offset = - mean of the columns . V */
static rg_status fit_offset(rg_comm *comm, const rg_csr *x, rg_projection *p)
{
  rg_status status = RG_OK;
  rg_feature_stats stats = {0};
  RG_TRY(rg_feature_statistics(comm, x, &stats));
  double *offset = mutable(p, p->offset);
  for (int64_t f = 0; f < p->features; f++)
    for (int j = 0; j < p->axes; j++)
      offset[j] -= stats.mean[f] * p->loadings[f * p->axes + j];
out:
  rg_feature_stats_fini(&stats);
  return status;
}

static rg_status fit_axes(rg_comm *comm, const rg_csr *x, int64_t cells, uint64_t seed,
                          rg_projection *p)
{
  rg_status status = RG_OK;
  bool centre = p->kind == RG_PROJECT_ZSCORE;
  int64_t limit = cells - centre < p->features ? cells - centre : p->features;
  rg_svd svd = {0};
  rg_svd_options how = {.rank = (int)(p->axes < limit ? p->axes : limit),
                        .oversampling = OVERSAMPLING,
                        .iterations = ITERATIONS,
                        .centre = centre,
                        .seed = seed};
  RG_TRY(rg_svd_sparse(comm, x, &how, &svd));
  double *loadings = mutable(p, p->loadings), *singular = mutable(p, p->singular);
  double share = 0;
  for (int j = 0; j < how.rank; j++) {
    singular[j] = svd.s[j];
    share += svd.explained[j];
    for (int64_t f = 0; f < p->features && svd.s[j] > 0; f++)
      loadings[f * p->axes + j] = rg_mat_row(&svd.v, f)[j];
  }
  if (centre)
    RG_TRY(fit_offset(comm, x, p));
  rg_info("projection: %d axes with %.2f%% of the variance, fitted on %lld cells", p->axes,
          100 * share, (long long)cells);
out:
  rg_svd_fini(&svd);
  return status;
}

rg_status rg_project_fit(rg_comm *comm, const rg_prepared_modality *m,
                         const bool *allowed, rg_project_kind kind, int axes,
                         uint64_t seed, rg_projection *p)
{
  rg_status status = RG_OK;
  rg_csr x = {0};
  int32_t *group = RG_NEW(int32_t, m->counts.rows);
  int64_t cells = choose_cells(comm, m, allowed, group);
  *p = projection_new(kind, choose_transform(m, kind), axes, m->counts.cols);
  rg_timer_start("project");
  if (cells < 2) {
    status = rg_fail(RG_EINPUT, "modality %s: %lld cells are too few for a projection",
                     m->name, (long long)cells);
    goto out;
  }
  if (kind == RG_PROJECT_LSI && m->values != RG_VALUES_COUNTS) {
    status = rg_fail(RG_EINPUT, "modality %s: latent semantic indexing needs counts",
                     m->name);
    goto out;
  }
  if (kind == RG_PROJECT_LSI)
    fit_idf(comm, m, group, cells, p);
  x = transformed_rows(p, m, group);
  if (kind == RG_PROJECT_ZSCORE) {
    RG_TRY(fit_moments(comm, &x, p));
    standardise(p, rg_csr_nnz(&x), x.indices, x.values);
  }
  RG_TRY(fit_axes(comm, &x, cells, seed, p));
out:
  if (status != RG_OK)
    rg_projection_fini(p);
  rg_csr_fini(&x);
  rg_free(group);
  rg_timer_stop("project");
  return status;
}

/* ---- applying -------------------------------------------------------------------- */

/* Scores over the singular values; less their mean and over their deviation. */
static void standardise_scores(const rg_projection *p, double *score)
{
  int n = 0;
  double sum = 0, squares = 0;
  for (int j = 0; j < p->axes; j++) {
    bool found = p->singular[j] > 0;
    score[j] = found ? score[j] / p->singular[j] : 0;
    sum += score[j];
    n += found;
  }
  double mean = n > 0 ? sum / n : 0;
  for (int j = 0; j < p->axes; j++)
    squares += p->singular[j] > 0 ? (score[j] - mean) * (score[j] - mean) : 0;
  double deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
  for (int j = 0; j < p->axes; j++)
    score[j] = p->singular[j] > 0 && deviation > 0 ? (score[j] - mean) / deviation : 0;
}

static void project_row(const rg_projection *p, int64_t n, const int32_t *feature,
                        const float *value, double *score, float *out)
{
  memcpy(score, p->offset, (size_t)p->axes * sizeof *score);
  for (int64_t k = 0; k < n; k++) {
    const double *v = p->loadings + feature[k] * (int64_t)p->axes;
    for (int j = 0; j < p->axes; j++)
      score[j] += (double)value[k] * v[j];
  }
  if (p->kind == RG_PROJECT_LSI)
    standardise_scores(p, score);
  for (int j = 0; j < p->axes; j++)
    out[j] = (float)score[j];
}

rg_status rg_project_apply(const rg_projection *p, const rg_prepared_modality *m,
                           rg_mat *scores)
{
  if (m->counts.cols != p->features)
    return rg_fail(RG_EINPUT,
                   "modality %s has %lld features, but the projection was fitted on %lld",
                   m->name, (long long)m->counts.cols, (long long)p->features);
  *scores = rg_mat_new(m->counts.rows, p->axes);
#pragma omp parallel
  {
    int32_t *feature = RG_NEW(int32_t, p->features);
    float *value = RG_NEW(float, p->features);
    double *score = RG_NEW(double, p->axes);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < m->counts.rows; i++) {
      if (!has_counts(m, i))
        continue;
      int64_t n = count_entries(p, &m->counts, i);
      transform_row(p, m, i, feature, value);
      standardise(p, n, feature, value);
      project_row(p, n, feature, value, score, rg_mat_row(scores, i));
    }
    rg_free(feature);
    rg_free(value);
    rg_free(score);
  }
  return RG_OK;
}
