/* ref_bernoulli_row: the twins of bernoulli_row, plainly and in double. */
#include "regatta/kernels.h"

#include <math.h>

static double softplus(double x)
{
  return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}

static double sigmoid(double x)
{
  return 1.0 / (1.0 + exp(-x));
}

double rg_ref_bernoulli_row_pass(int64_t n, const float *x, const float *y,
                                 float one_weight, float *by_y)
{
  double sum = 0.0;
  for (int64_t j = 0; j < n; j++) {
    double one = (double)one_weight * (double)x[j], zero = 1.0 - (double)x[j];
    sum += zero * softplus((double)y[j]) + one * softplus(-(double)y[j]);
    by_y[j] = (float)(zero * sigmoid((double)y[j]) - one * sigmoid(-(double)y[j]));
  }
  return sum;
}

double rg_ref_product_row_pass(rg_product_row *row)
{
  double sum = 0.0, by_level = 0.0;
  for (int64_t j = 0; j < row->n; j++) {
    double x = (double)row->x[j], y = (double)row->y[j], f = (double)row->factor[j];
    double b = softplus(-y) + softplus(-f) + (double)row->level;
    double g = b < 1e-30 ? 0.0 : x - (1.0 - x) / expm1(b);
    b = fmax(b, 1e-30);
    sum += x * b - (1.0 - x) * log(-expm1(-b));
    by_level += g;
    row->by_y[j] = (float)(-g * sigmoid(-y));
    row->by_factor[j] = (float)(-g * sigmoid(-f));
  }
  row->by_level = (float)by_level;
  return sum;
}
