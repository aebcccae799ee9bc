/* Libraries of scCross: how many counts a cell has, or would have. */
#include "sccross_parts.h"

#include <math.h>

/* Mean counts of a cell that has the modality; sums of whole numbers are exact. */
static double mean_library(rg_comm *comm, const rg_prepared_modality *m,
                           const double *library)
{
  int64_t sums[2] = {0};
  for (int64_t i = 0; i < m->counts.rows; i++)
    if (rg_has_counts(m, i)) {
      sums[0] += llround(library[i]);
      sums[1]++;
    }
  rg_sum_i64(comm, sums, 2);
  return sums[1] > 0 ? fmax((double)sums[0] / (double)sums[1], 1) : 1;
}

typedef struct columns {
  const rg_prepared_modality *modality;
  rg_mat *library, *relative, *mean, *level;
} columns;

static rg_mat *add(rg_covariates *out, const char *what, const char *modality, int64_t rows)
{
  char name[64];
  snprintf(name, sizeof name, "%s:%.32s", what, modality);
  return rg_covariates_add(out, name, rows, 1);
}

static columns fill_own(rg_comm *comm, const rg_prepared_modality *m, bool fit,
                        rg_constants *constants, rg_covariates *out)
{
  int64_t rows = m->counts.rows;
  char name[64];
  columns c = {m, add(out, "library", m->name, rows), add(out, "relative", m->name, rows),
               add(out, "mean", m->name, rows), add(out, "level", m->name, rows)};
  bool counts = m->values == RG_VALUES_COUNTS;
  double *sums = RG_NEW(double, rows);
  rg_row_sums(&m->counts, sums);
  snprintf(name, sizeof name, "library:%.32s", m->name);
  bool fitted = rg_constants_length(constants, name) > 0;
  double *mean = rg_constants_get(constants, name, 1);
  if (fit && !fitted)
    *mean = counts ? mean_library(comm, m, sums) : 1;
  for (int64_t i = 0; i < rows; i++) {
    double library = counts && rg_has_counts(m, i) ? sums[i] : *mean;
    c.library->data[i] = (float)library;
    c.relative->data[i] = (float)(library / *mean);
    c.mean->data[i] = (float)*mean;
  }
  rg_free(sums);
  return c;
}

/* Mean of relative:* over what the cell has. */
static double relative_of(const columns *c, int n, int64_t row)
{
  double sum = 0;
  int found = 0;
  for (int k = 0; k < n; k++)
    if (rg_has_counts(c[k].modality, row)) {
      sum += (double)c[k].relative->data[row];
      found++;
    }
  return found ? sum / found : 1;
}

rg_status rg_sccross_covariates(rg_comm *comm, const rg_dataset *dataset,
                                const void *settings, bool fit, rg_constants *constants,
                                rg_covariates *out)
{
  (void)settings;
  columns c[RG_MODALITIES];
  int n = dataset->n_modalities < RG_SCCROSS_MODALITIES ? dataset->n_modalities
                                                        : RG_SCCROSS_MODALITIES;
  for (int k = 0; k < n; k++)
    c[k] = fill_own(comm, &dataset->modality[k], fit, constants, out);
  for (int64_t i = 0; i < rg_range_n(dataset->rows); i++) {
    double relative = relative_of(c, n, i);
    for (int k = 0; k < n; k++) {
      if (!rg_has_counts(c[k].modality, i))
        c[k].library->data[i] = (float)(relative * (double)c[k].mean->data[i]);
      c[k].level->data[i] =
          logf(fmaxf(c[k].library->data[i] / c[k].mean->data[i], 1e-6F));
    }
  }
  return RG_OK;
}
