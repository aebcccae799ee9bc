/* Values drawn from likelihoods. */
#include "draw.h"

#include <math.h>

/* The count at a uniform quantile; where P(0) is no number, from a gamma variate (Wilson,
 * Hilferty 1931) and the normal limit of the Poisson. */
double rg_draw_count(const rg_key *key, uint64_t cell, uint64_t feature, double m, double t)
{
  enum { MOST = 1 << 24 };
  if (m <= 0)
    return 0;
  double p = exp(-t * log1p(m / t));
  if (p < 1e-290) {
    double a = 1 / (9 * t), g = 1 - a + sqrt(a) * rg_normal(key, cell, 2 * feature);
    double mean = fmax(m * g * g * g, 0);
    return round(fmax(mean + sqrt(mean) * rg_normal(key, cell, 2 * feature + 1), 0));
  }
  double u = rg_uniform(key, cell, 2 * feature), sum = p, ratio = m / (m + t);
  int k = 0;
  for (; u > sum && k < MOST; k++) {
    p *= ratio * (k + t) / (k + 1);
    sum += p;
    if (k > m && p < 1e-18)
      break;
  }
  return k;
}

void rg_draw_bits(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
                  float *values)
{
  const rg_node *in = op->in[0];
  const int64_t *offset = in->blocks ? my_offsets(in->blocks) : NULL;
  int64_t first = offset ? offset[0] : 0;
  int64_t width = offset ? offset[in->parts] - first : in->width;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++)
    for (int64_t j = 0; j < width; j++) {
      float *x = values + i * width + j;
      uint64_t feature = (uint64_t)(first + j);
      *x = rg_uniform(key, (uint64_t)number[i], 2 * feature) < (double)*x ? 1 : 0;
    }
}
