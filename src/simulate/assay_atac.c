/* ATAC: peaks along chromosomes of falling size; a share of them is open in some types
   and nearly closed in the others; a peak is seen or not. */

#include "plan.h"

#include <math.h>

#define LOG_LEVEL_SD 0.8
#define SHARE_SPECIFIC 0.30 /* peaks open in about a third of the types */
#define OPEN 2.5            /* factor where open, */
#define CLOSED 0.35         /* and where not */
#define LOG_BATCH_SD 0.2
#define PEAK_WIDTH 500
#define CHROMOSOME_BASES 248e6 /* of the first */
#define CHROMOSOME_LAST 0.2    /* size of the last, as a share of the first */

static double effect(const rg_simulation *options, int number, int64_t peak,
                     int64_t type)
{
  rg_key mark = rg_sim_key(options, number, STREAM_MARK);
  if (rg_uniform(&mark, (uint64_t)peak, 0) >= SHARE_SPECIFIC)
    return 1;
  bool open = rg_uniform(&mark, (uint64_t)peak, (uint64_t)(1 + type)) < 1.0 / 3;
  return open ? OPEN : CLOSED;
}

static double chromosome_share(int64_t chromosome, int64_t n)
{
  return n == 1 ? 1 : 1 - (1 - CHROMOSOME_LAST) * (double)chromosome / (double)(n - 1);
}

/* Peaks in rising order along each chromosome, as many as its size asks for. */
static void place_peaks(const rg_simulation *options, int number, rg_assay *assay)
{
  int64_t n = options->peaks, chromosomes = options->chromosomes;
  rg_key key = rg_sim_key(options, number, STREAM_PLACE);
  assay->chromosome = RG_NEW(int32_t, n);
  assay->start = RG_NEW(int64_t, n);
  assay->end = RG_NEW(int64_t, n);
  double all = 0, before = 0;
  for (int64_t c = 0; c < chromosomes; c++)
    all += chromosome_share(c, chromosomes);
  for (int64_t c = 0; c < chromosomes; c++) {
    double share = chromosome_share(c, chromosomes);
    int64_t low = (int64_t)((double)n * before / all);
    before += share;
    int64_t high = c == chromosomes - 1 ? n : (int64_t)((double)n * before / all);
    double step = share * CHROMOSOME_BASES / (double)(high - low + 1);
    char name[64];
    snprintf(name, sizeof name, "chr%lld", (long long)(c + 1));
    rg_strings_add(&assay->chromosomes, name, -1);
    for (int64_t j = low; j < high; j++) {
      /* Jitter that keeps the order and lets no two peaks touch. */
      double jitter = rg_uniform(&key, 0, (uint64_t)j) * (step - 2 * PEAK_WIDTH);
      assay->chromosome[j] = (int32_t)c;
      assay->start[j] = (int64_t)((double)(j - low) * step + jitter) + 10000;
      assay->end[j] = assay->start[j] + PEAK_WIDTH;
      snprintf(name, sizeof name, "chr%lld:%lld-%lld", (long long)(c + 1),
               (long long)assay->start[j], (long long)assay->end[j]);
      rg_strings_add(&assay->features, name, -1);
    }
  }
}

static void plan(const rg_simulation *options, int number, rg_assay *assay)
{
  int64_t n = options->peaks;
  rg_assay_init(assay, options, n);
  rg_assay_batches(assay, options, number, LOG_BATCH_SD);
  place_peaks(options, number, assay);
  assay->depth_power = 0.6;
  assay->depth_noise = 0.8;
  rg_key level = rg_sim_key(options, number, STREAM_LEVEL);
  for (int64_t j = 0; j < n; j++) {
    double z = rg_normal(&level, 0, (uint64_t)j);
    double base =
        options->density * exp(LOG_LEVEL_SD * z - LOG_LEVEL_SD * LOG_LEVEL_SD / 2);
    for (int64_t t = 0; t < options->types; t++)
      assay->mean[t * n + j] = (float)(base * effect(options, number, j, t));
  }
}

const rg_assay_kind rg_assay_atac = {"atac", offsetof(rg_simulation, peaks), plan};
