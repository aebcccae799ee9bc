/* ADT: every protein has a background; in some types it is expressed on top. */

#include "plan.h"

#include <math.h>

#define BACKGROUND 4.0
#define EXPRESSED 25.0
#define SHARE_EXPRESSED 0.4 /* of the types */
#define LOG_LEVEL_SD 0.5
#define LOG_BATCH_SD 0.2
#define THETA 4.0

static void plan(const rg_simulation *options, int number, rg_assay *assay)
{
  int64_t n = options->proteins;
  rg_assay_init(assay, options, n);
  rg_assay_batches(assay, options, number, LOG_BATCH_SD);
  assay->depth_power = 0.6;
  assay->depth_noise = 0.3;
  assay->theta = RG_NEW(float, n);
  rg_key level = rg_sim_key(options, number, STREAM_LEVEL);
  rg_key mark = rg_sim_key(options, number, STREAM_MARK);
  for (int64_t j = 0; j < n; j++) {
    double background =
        BACKGROUND * exp(LOG_LEVEL_SD * rg_normal(&level, 0, (uint64_t)j));
    double expressed =
        EXPRESSED * exp(LOG_LEVEL_SD * rg_normal(&level, 1, (uint64_t)j));
    assay->theta[j] = THETA;
    for (int64_t t = 0; t < options->types; t++) {
      bool on = rg_uniform(&mark, (uint64_t)j, (uint64_t)t) < SHARE_EXPRESSED;
      /* The first proteins tell the first two types apart whatever the draw. */
      if (j < 2 && t < 2)
        on = j == t;
      assay->mean[t * n + j] = (float)(background + (on ? expressed : 0));
    }
    char name[32];
    snprintf(name, sizeof name, "PROTEIN%lld", (long long)(j + 1));
    rg_strings_add(&assay->features, name, -1);
  }
}

const rg_assay_kind rg_assay_adt = {"adt", offsetof(rg_simulation, proteins), plan};
