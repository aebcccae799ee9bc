/* RNA: log-normal levels, programs of genes that mark one type or a group of types,
   negative binomial counts. */

#include "plan.h"

#include <math.h>

#define LOG_LEVEL_MEAN -1.0
#define LOG_LEVEL_SD 1.2
#define SHARE_MARKERS 0.12  /* genes that mark one type */
#define SHARE_PROGRAMS 0.20 /* genes on in about half of the types */
#define LOG_EFFECT 1.3
#define LOG_EFFECT_SD 0.4
#define LOG_BATCH_SD 0.15
#define THETA 3.0

/* Log factor of a gene in a type. */
static double effect(const rg_simulation *options, int number, int64_t gene,
                     int64_t type)
{
  rg_key mark = rg_sim_key(options, number, STREAM_MARK);
  rg_key strength = rg_sim_key(options, number, STREAM_EFFECT);
  double kind = rg_uniform(&mark, (uint64_t)gene, 0);
  double height = LOG_EFFECT + LOG_EFFECT_SD * rg_normal(&strength, (uint64_t)gene, 0);
  if (kind < SHARE_MARKERS) {
    int64_t marked =
        (int64_t)(rg_uniform(&mark, (uint64_t)gene, 1) * (double)options->types);
    return type == marked ? height : 0;
  }
  if (kind < SHARE_MARKERS + SHARE_PROGRAMS)
    return rg_uniform(&mark, (uint64_t)gene, (uint64_t)(2 + type)) < 0.5 ? height / 2
                                                                         : 0;
  return 0;
}

static void plan(const rg_simulation *options, int number, rg_assay *assay)
{
  int64_t n = options->genes;
  rg_assay_init(assay, options, n);
  rg_assay_batches(assay, options, number, LOG_BATCH_SD);
  assay->depth_power = 1;
  assay->depth_noise = 0.05;
  assay->theta = RG_NEW(float, n);
  rg_key level = rg_sim_key(options, number, STREAM_LEVEL);
  rg_key theta = rg_sim_key(options, number, STREAM_THETA);
  for (int64_t j = 0; j < n; j++) {
    double base = LOG_LEVEL_MEAN + LOG_LEVEL_SD * rg_normal(&level, 0, (uint64_t)j);
    assay->theta[j] = (float)(THETA * exp(0.5 * rg_normal(&theta, 0, (uint64_t)j)));
    for (int64_t t = 0; t < options->types; t++)
      assay->mean[t * n + j] = (float)exp(base + effect(options, number, j, t));
    char name[32];
    snprintf(name, sizeof name, "GENE%lld", (long long)(j + 1));
    rg_strings_add(&assay->features, name, -1);
  }
}

const rg_assay_kind rg_assay_rna = {"rna", offsetof(rg_simulation, genes), plan};
