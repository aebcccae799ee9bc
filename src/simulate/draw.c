/* Cells and values: functions of (seed, cell, feature). */

#include "plan.h"

#include <math.h>
#include <string.h>

enum { MOST_COUNTS = 1 << 20 };

/* Types have falling sizes: type t is met in proportion to 1 / (1 + 0.25 t). */
static int draw_type(const rg_simulation *options, double u)
{
  double all = 0, sum = 0;
  for (int64_t t = 0; t < options->types; t++)
    all += 1 / (1 + 0.25 * (double)t);
  for (int64_t t = 0; t < options->types - 1; t++) {
    sum += 1 / (1 + 0.25 * (double)t);
    if (u * all < sum)
      return (int)t;
  }
  return (int)options->types - 1;
}

/* Batches differ in depth: 1, 0.8, 1.25, and again. */
static double batch_depth(int batch)
{
  static const double depth[] = {1, 0.8, 1.25};
  return depth[batch % 3];
}

rg_simulated_cell rg_simulator_cell(const rg_simulator *simulator, int64_t cell)
{
  const rg_simulation *options = &simulator->options;
  rg_key key = rg_sim_key(options, -1, STREAM_CELL);
  rg_key depth = rg_sim_key(options, -1, STREAM_DEPTH);
  uint64_t c = (uint64_t)cell;
  rg_simulated_cell out = {
      .type = draw_type(options, rg_uniform(&key, c, 0)),
      .batch = (int)(rg_uniform(&key, c, 1) * (double)options->batches),
      .present = (1u << simulator->n_assays) - 1,
  };
  out.depth = batch_depth(out.batch) * exp(options->depth_sd * rg_normal(&depth, c, 0));
  if (simulator->n_assays > 1 && rg_uniform(&key, c, 2) >= options->paired) {
    unsigned one = 1u << (int)(rg_uniform(&key, c, 3) * simulator->n_assays);
    out.present = options->single ? one : out.present & ~one;
  }
  return out;
}

void rg_simulator_name(const rg_simulator *simulator, int64_t cell, char name[32])
{
  enum { LETTERS = 16 };
  rg_key key = rg_sim_key(&simulator->options, -1, STREAM_NAME);
  uint64_t code = (uint64_t)rg_permuted(&key, (int64_t)1 << (2 * LETTERS), cell);
  for (int i = 0; i < LETTERS; i++, code >>= 2)
    name[i] = "ACGT"[code & 3];
  int batch = rg_simulator_cell(simulator, cell).batch;
  snprintf(name + LETTERS, 32 - LETTERS, "-%d", batch + 1);
}

/* The negative binomial count at quantile u. */
static float quantile(float u, float mean, float theta)
{
  if (u < 1 - mean)
    return 0; /* P(0) >= 1 - mean */
  double ratio = mean / (mean + theta);
  double p = exp(-theta * log1p(mean / theta)), sum = p;
  int k = 0;
  for (; u > sum && k < MOST_COUNTS && p > 1e-12; k++) {
    p *= ratio * (k + theta) / (k + 1);
    sum += p;
  }
  return (float)k;
}

/* Values of one cell into a dense row. */
static void draw_row(const rg_simulator *simulator, int m, int64_t cell, float *row)
{
  const rg_assay *a = &simulator->assays[m];
  rg_simulated_cell truth = rg_simulator_cell(simulator, cell);
  int type = truth.type == 1 ? simulator->drawn_type[m] : truth.type;
  const float *mean = a->mean + (int64_t)type * a->n;
  const float *factor = a->factor + (int64_t)truth.batch * a->n;
  rg_key own = rg_sim_key(&simulator->options, m, STREAM_OWN_DEPTH);
  rg_key values = rg_sim_key(&simulator->options, m, STREAM_VALUES);
  double noise = a->depth_noise * simulator->options.depth_sd;
  float depth = (float)(pow(truth.depth, a->depth_power) *
                        exp(noise * rg_normal(&own, (uint64_t)cell, 0)));
  rg_uniforms(&values, (uint64_t)cell, (int)a->n, row);
  for (int64_t j = 0; j < a->n; j++) {
    float mu = mean[j] * factor[j] * depth, u = row[j];
    if (a->theta)
      row[j] = quantile(u, mu, a->theta[j]);
    else
      row[j] = u < mu && u < -expm1f(-mu); /* 1 - exp(-mu) < mu */
  }
}

/* Rows of some cells, one after another in growing arrays. */
static void append_row(rg_csr *csr, int64_t *room, const float *row)
{
  int64_t nnz = csr->indptr[csr->rows];
  for (int64_t j = 0; j < csr->cols; j++) {
    if (row[j] == 0)
      continue;
    if (nnz == *room) {
      int64_t more = *room + *room / 2 + 4096;
      csr->indices = rg_realloc(csr->indices, *room, more, sizeof *csr->indices);
      csr->values = rg_realloc(csr->values, *room, more, sizeof *csr->values);
      *room = more;
    }
    csr->indices[nnz] = (int32_t)j;
    csr->values[nnz++] = row[j];
  }
  csr->indptr[++csr->rows] = nnz;
}

rg_csr rg_simulator_rows(const rg_simulator *simulator, int m, rg_range cells,
                         const rg_simulator_watch *watch)
{
  enum { BLOCK = 64 };
  int64_t n = rg_range_n(cells), cols = simulator->assays[m].n, room = 0;
  rg_csr csr = {.cols = cols, .indptr = RG_NEW(int64_t, n + 1)};
  float *block = RG_NEW(float, BLOCK * cols);
  for (int64_t low = cells.low; low < cells.high; low += BLOCK) {
    int64_t high = low + BLOCK < cells.high ? low + BLOCK : cells.high;
#pragma omp parallel for schedule(dynamic)
    for (int64_t c = low; c < high; c++)
      if (rg_simulator_cell(simulator, c).present >> m & 1)
        draw_row(simulator, m, c, block + (c - low) * cols);
    for (int64_t c = low; c < high; c++)
      if (rg_simulator_cell(simulator, c).present >> m & 1)
        append_row(&csr, &room, block + (c - low) * cols);
    if (watch)
      watch->drawn(watch->self, high - low);
  }
  rg_free(block);
  if (!csr.indices) {
    csr.indices = RG_NEW(int32_t, 0);
    csr.values = RG_NEW(float, 0);
  }
  return csr;
}
