/* A file of predictions. */
#include "prediction.h"

#include <math.h>
#include <string.h>

double *rg_row_scale(const rg_csr *x, rg_target target)
{
  double *scale = RG_NEW(double, x->rows);
  for (int64_t i = 0; i < x->rows; i++) {
    for (int64_t e = x->indptr[i]; e < x->indptr[i + 1]; e++)
      scale[i] += target == RG_TARGET_RATIO ? log1p((double)x->values[e])
                                            : (double)x->values[e];
    scale[i] /= target == RG_TARGET_RATIO ? (double)x->cols : 1e4;
  }
  return scale;
}

rg_status rg_prediction_read(rg_comm *comm, const char *path, rg_prediction *p)
{
  rg_open_options how = {.layer = "X", .quiet = true};
  rg_status status = RG_OK;
  RG_TRY(rg_open(comm, path, &how, &p->file));
  if (rg_file_modalities(p->file) != 1)
    RG_TRY(rg_fail(RG_EINPUT, "%s: has %d modalities; a prediction has one", path,
                   rg_file_modalities(p->file)));
  RG_TRY(rg_read_counts(p->file, 0, RG_FINITE_OR_NAN, &p->x));
  p->finite = RG_NEW(bool, p->x.rows);
  for (int64_t i = 0; i < p->x.rows; i++) {
    p->finite[i] = true;
    for (int64_t e = p->x.indptr[i]; e < p->x.indptr[i + 1]; e++) {
      p->finite[i] = p->finite[i] && isfinite(p->x.values[e]);
      p->negative = p->negative || p->x.values[e] < 0;
    }
  }
  p->negative = rg_any(comm, p->negative);
out:
  return status;
}

void rg_prediction_fini(rg_prediction *p)
{
  rg_csr_fini(&p->x);
  rg_free(p->finite);
  rg_free(p->scale);
  rg_close(p->file);
}

rg_status rg_prediction_scale(rg_prediction *p, const char *asked, rg_target target,
                              bool *as_is)
{
  bool chosen = strcmp(asked, "auto") != 0;
  *as_is = target == RG_TARGET_REAL ||
           (chosen ? strcmp(asked, "scores") == 0 : p->negative);
  if (!*as_is && p->negative && target != RG_TARGET_OPEN)
    return rg_fail(RG_EUSAGE, "%s: has negative values, which are no means of counts; "
                              "--scale scores takes them as they are",
                   rg_file_path(p->file));
  p->scale = *as_is ? RG_NEW(double, p->x.rows) : rg_row_scale(&p->x, target);
  return RG_OK;
}
