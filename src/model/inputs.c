/* Standard inputs: what any recipe may ask for by name. */
#include "regatta/model.h"

#include <math.h>
#include <string.h>

bool rg_has_counts(const rg_prepared_modality *modality, int64_t row)
{
  return modality && modality->present[row] &&
         modality->counts.indptr[row + 1] > modality->counts.indptr[row];
}

/* What a standard input is made from. */
typedef struct request {
  rg_comm *comm;
  const rg_dataset *dataset;
  const char *name;
  const char *of; /* what follows the colon */
  bool fit;
  const bool *trains; /* per cell; NULL: all */
  rg_constants *constants;
  rg_mat *out; /* zeroed */
} request;

/* ---- categories ---- */

static rg_status one_hot(const rg_column *column, rg_mat *out)
{
  for (int64_t i = 0; i < out->rows && i < column->n; i++) {
    int32_t code = column->code[i];
    if (code >= 0 && code < out->cols)
      rg_mat_row(out, i)[code] = 1;
  }
  return RG_OK;
}

static rg_status batch(const request *r)
{
  return one_hot(&r->dataset->batch, r->out);
}

static rg_status label(const request *r)
{
  return one_hot(&r->dataset->label, r->out);
}

static rg_status labelled(const request *r)
{
  const rg_column *column = &r->dataset->label;
  for (int64_t i = 0; i < r->out->rows && i < column->n; i++)
    r->out->data[i] = column->code[i] >= 0;
  return RG_OK;
}

/* ---- modalities ---- */

static rg_status has(const request *r)
{
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, r->of);
  for (int64_t i = 0; i < r->out->rows; i++)
    r->out->data[i] = rg_has_counts(modality, i);
  return RG_OK;
}

/* Of "M,N": M. */
static void first_of(const char *pair, char first[32])
{
  const char *comma = strchr(pair, ',');
  RG_ASSERT(comma);
  snprintf(first, 32, "%.*s", (int)(comma - pair), pair);
}

static rg_status both(const request *r)
{
  char first[32];
  first_of(r->of, first);
  const rg_prepared_modality *a = rg_dataset_modality(r->dataset, first);
  const rg_prepared_modality *b =
      rg_dataset_modality(r->dataset, strchr(r->of, ',') + 1);
  for (int64_t i = 0; i < r->out->rows; i++)
    r->out->data[i] = rg_has_counts(a, i) && rg_has_counts(b, i);
  return RG_OK;
}

static rg_status is(const request *r)
{
  for (int m = 0; m < r->dataset->n_modalities && m < r->out->cols; m++)
    if (strcmp(r->dataset->modality[m].name, r->of) == 0)
      for (int64_t i = 0; i < r->out->rows; i++)
        rg_mat_row(r->out, i)[m] = 1;
  return RG_OK;
}

static rg_status library(const request *r)
{
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, r->of);
  if (!modality)
    return RG_OK;
  double *sums = RG_NEW(double, r->out->rows);
  rg_row_sums(&modality->counts, sums);
  for (int64_t i = 0; i < r->out->rows; i++)
    r->out->data[i] = (float)sums[i];
  rg_free(sums);
  return RG_OK;
}

/* ---- depth ---- */

/* Mean and standard deviation of log(1 + library) over the cells that train. Sums are
 * taken as integers of 2^-30, so that they do not depend on the number of ranks. */
static const double *depth_moments(const request *r, const double *sums)
{
  char name[64];
  snprintf(name, sizeof name, "depth:%.48s", r->of);
  double *moments = rg_constants_get(r->constants, name, 2);
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, r->of);
  if (!r->fit || !modality || moments[1] > 0)
    return moments;
  const double unit = 1073741824.0;
  int64_t totals[3] = {0};
  for (int64_t i = 0; i < r->out->rows; i++) {
    if ((r->trains && !r->trains[i]) || !rg_has_counts(modality, i))
      continue;
    double l = log1p(fmax(sums[i], 0));
    totals[0]++;
    totals[1] += llround(l * unit);
    totals[2] += llround(l * l * unit);
  }
  rg_sum_i64(r->comm, totals, 3);
  double n = fmax((double)totals[0], 1);
  moments[0] = (double)totals[1] / unit / n;
  double variance = (double)totals[2] / unit / n - moments[0] * moments[0];
  moments[1] = variance > 1e-12 ? sqrt(variance) : 1;
  return moments;
}

static double *libraries(const request *r)
{
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, r->of);
  double *sums = RG_NEW(double, r->out->rows);
  if (modality)
    rg_row_sums(&modality->counts, sums);
  return sums;
}

static rg_status depth(const request *r)
{
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, r->of);
  double *sums = libraries(r);
  const double *moments = depth_moments(r, sums);
  for (int64_t i = 0; i < r->out->rows; i++)
    if (rg_has_counts(modality, i))
      r->out->data[i] = (float)((log1p(fmax(sums[i], 0)) - moments[0]) / moments[1]);
  rg_free(sums);
  return RG_OK;
}

static rg_status typical(const request *r)
{
  double *sums = libraries(r);
  const double *moments = depth_moments(r, sums);
  for (int64_t i = 0; i < r->out->rows; i++)
    r->out->data[i] = (float)expm1(moments[0]);
  rg_free(sums);
  return RG_OK;
}

/* ---- sizes ---- */

/* Mean library over the cells that train: integers are summed. */
static double mean_size(const request *r, const char *of)
{
  char name[64];
  snprintf(name, sizeof name, "size:%.48s", of);
  double *mean = rg_constants_get(r->constants, name, 1);
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, of);
  if (!r->fit || !modality || *mean > 0)
    return *mean;
  double *sums = RG_NEW(double, r->out->rows);
  rg_row_sums(&modality->counts, sums);
  int64_t totals[2] = {0};
  for (int64_t i = 0; i < r->out->rows; i++)
    if ((!r->trains || r->trains[i]) && rg_has_counts(modality, i)) {
      totals[0]++;
      totals[1] += llround(sums[i]);
    }
  rg_free(sums);
  rg_sum_i64(r->comm, totals, 2);
  *mean = totals[1] > 0 ? (double)totals[1] / (double)totals[0] : 1;
  return *mean;
}

/* "expected:M,N": the library of N that is to be expected by that of M. */
static rg_status expected(const request *r)
{
  char first[32];
  first_of(r->of, first);
  double share = mean_size(r, strchr(r->of, ',') + 1) / mean_size(r, first);
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, first);
  if (!modality)
    return RG_OK;
  double *sums = RG_NEW(double, r->out->rows);
  rg_row_sums(&modality->counts, sums);
  for (int64_t i = 0; i < r->out->rows; i++)
    r->out->data[i] = (float)(sums[i] * share);
  rg_free(sums);
  return RG_OK;
}

/* ---- projections ---- */

/* The constant of the input's name, fitted unless it is there already. */
static rg_status fit_projection(const request *r, rg_project_kind kind,
                                const rg_prepared_modality *modality)
{
  rg_status status = RG_OK;
  rg_projection fitted = {0};
  if (!r->fit || !modality || rg_constants_length(r->constants, r->name) > 0)
    return RG_OK;
  RG_TRY(rg_project_fit(r->comm, modality, r->trains, kind, (int)r->out->cols, 0, &fitted));
  double *packed = rg_constants_get(r->constants, r->name, fitted.n_packed);
  memcpy(packed, fitted.packed, (size_t)fitted.n_packed * sizeof *packed);
out:
  rg_projection_fini(&fitted);
  return status;
}

static rg_status project(const request *r, rg_project_kind kind)
{
  rg_status status = RG_OK;
  const rg_prepared_modality *modality = rg_dataset_modality(r->dataset, r->of);
  rg_projection projection = {0};
  rg_mat scores = {0};
  RG_TRY(fit_projection(r, kind, modality));
  int64_t n = rg_constants_length(r->constants, r->name);
  if (n == 0)
    return rg_fail(RG_EINPUT, "the input %s was not fitted: the data lack the modality",
                   r->name);
  if (!modality)
    return RG_OK;
  RG_TRY(
      rg_projection_unpack(rg_constants_get(r->constants, r->name, 0), n, &projection));
  RG_TRY(rg_project_apply(&projection, modality, &scores));
  rg_mat_fini(r->out);
  *r->out = scores;
out:
  return status;
}

static rg_status components(const request *r)
{
  return project(r, RG_PROJECT_ZSCORE);
}

static rg_status semantic_index(const request *r)
{
  return project(r, RG_PROJECT_LSI);
}

/* ---- by name ---- */

static const struct maker {
  const char *name; /* up to and with the colon */
  rg_status (*make)(const request *r);
} makers[] = {{"batch", batch},        {"label", label},     {"labelled", labelled},
              {"has:", has},           {"both:", both},      {"is:", is},
              {"library:", library},   {"depth:", depth},    {"typical:", typical},
              {"expected:", expected}, {"pca:", components}, {"lsi:", semantic_index}};

static const struct maker *find_maker(const char *name)
{
  const char *colon = strchr(name, ':');
  size_t n = colon ? (size_t)(colon - name) + 1 : strlen(name);
  for (size_t k = 0; k < sizeof makers / sizeof *makers; k++)
    if (strlen(makers[k].name) == n && strncmp(makers[k].name, name, n) == 0)
      return &makers[k];
  return NULL;
}

rg_status rg_standard_input(rg_comm *comm, const rg_dataset *dataset, const char *name,
                            int64_t cols, bool fit, const bool *trains,
                            rg_constants *constants, rg_covariates *covariates)
{
  const struct maker *maker = find_maker(name);
  if (!maker)
    return rg_fail(RG_EFAIL, "no covariate fills the input %s", name);
  const char *colon = strchr(name, ':');
  request r = {.comm = comm,
               .dataset = dataset,
               .name = name,
               .of = colon ? colon + 1 : "",
               .fit = fit,
               .trains = trains,
               .constants = constants,
               .out = rg_covariates_add(covariates, name, rg_range_n(dataset->rows), cols)};
  return maker->make(&r);
}
