/* What the assays share, and the draw of values. */

#include "plan.h"

#include <math.h>

void rg_assay_init(rg_assay *assay, const rg_simulation *options, int64_t n)
{
  assay->n = n;
  assay->mean = RG_NEW(float, options->types * n);
  assay->factor = RG_NEW(float, options->batches * n);
  for (int64_t i = 0; i < options->batches * n; i++)
    assay->factor[i] = 1;
}

void rg_assay_batches(rg_assay *assay, const rg_simulation *options, int number,
                      double sd)
{
  rg_key key = rg_sim_key(options, number, STREAM_BATCH);
  for (int64_t b = 0; b < options->batches && options->batches > 1; b++)
    for (int64_t j = 0; j < assay->n; j++)
      assay->factor[b * assay->n + j] =
          (float)exp(sd * rg_normal(&key, (uint64_t)b, (uint64_t)j));
}
