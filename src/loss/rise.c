/* Differences of lgamma and digamma that do not cancel. */
#include "counts.h"

#include <math.h>

enum { SHORT = 32, SHIFT = 10 };

/* lgamma(x) - (x - 1/2) log x + x - log(2 pi)/2 and the same for digamma, x >= SHIFT:
 * Abramowitz and Stegun 6.1.40, 6.3.18 */
static double lgamma_tail(double x)
{
  double y = 1 / (x * x);
  return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y / 1680))) / x;
}

static double digamma_tail(double x)
{
  double y = 1 / (x * x);
  return -0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y / 240)));
}

/* With a, b = a + x both at least SHIFT: the large parts are joined by log1p. */
static void far_rise(double x, double a, double *value, double *slope)
{
  double b = a + x, ratio = log1p(x / a);
  *value = (a - 0.5) * ratio + x * log(b) - x + lgamma_tail(b) - lgamma_tail(a);
  *slope = ratio + digamma_tail(b) - digamma_tail(a);
}

void rg_lgamma_rise(double x, double t, double *value, double *slope)
{
  double sum = 0, product = 1;
  if (x <= SHORT && x == floor(x)) {
    for (int j = 0; j < (int)x; j++) {
      product *= t + j;
      sum += 1 / (t + j);
    }
    *value = log(product);
    *slope = sum;
    return;
  }
  /* Gamma(x + t) / Gamma(t) = far * prod (t + j) / (x + t + j) */
  int steps = t < SHIFT ? SHIFT : 0;
  for (int j = 0; j < steps; j++) {
    product *= (t + j) / (x + t + j);
    sum += 1 / (t + j) - 1 / (x + t + j);
  }
  far_rise(x, t + steps, value, slope);
  *value += log(product);
  *slope += sum;
}
