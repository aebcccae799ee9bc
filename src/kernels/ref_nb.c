/* ref_nb: the negative binomial of a row, plainly: one count after the other, in double. */
#include "regatta/kernels.h"

#include <math.h>
#include <string.h>

#define SMALLEST_MEAN 1e-8
#define LOWEST_R (-50)
#define HIGHEST_R 16

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

/* lgamma(x + t) - lgamma(t) and its slope in t, for x > 0, t > 0; no cancellation */
static void lgamma_rise(double x, double t, double *value, double *slope)
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

typedef struct slopes {
  double mean, r, logit;
} slopes;

/* -log NB(x) */
static double negative_binomial(double x, double given, float r, slopes *d)
{
  bool low = given < SMALLEST_MEAN, edge = r < LOWEST_R || r > HIGHEST_R;
  double m = low ? SMALLEST_MEAN : given;
  double t = exp(fmin(fmax((double)r, LOWEST_R), HIGHEST_R));
  double spread = log1p(m / t), value = -t * spread;
  double by_t = m / (t + m) - spread;
  if (x > 0) {
    double rise, slope;
    lgamma_rise(x, t, &rise, &slope);
    value += rise - lgamma(x + 1) + x * (log(m) - log(t + m));
    by_t += slope - x / (t + m);
  }
  d->mean = low ? 0 : -(x / m - (x + t) / (t + m));
  d->r = edge ? 0 : -t * by_t;
  d->logit = 0;
  return -value;
}

static double softplus(double x)
{
  return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* The same with an extra zero of logit p. */
static double with_extra_zeros(double x, double m, float r, double p, slopes *d)
{
  double plain = negative_binomial(x, m, r, d), no = 1 / (1 + exp(p));
  if (x > 0) {
    d->logit = 1 - no;
    return plain + p + softplus(-p);
  }
  double q = 1 / (1 + exp(plain + p)); /* the zero is one of the counts */
  d->mean *= q;
  d->r *= q;
  d->logit = q - no;
  return softplus(-p) - softplus(-plain - p);
}

/* m = library p with p = softmax(y): dy = m (g - p . g), dlibrary = p . g */
static void through_softmax(rg_nb_row *row)
{
  double along = 0;
  for (int64_t j = 0; j < row->n; j++)
    along += (double)row->scratch[j] * (double)row->by_y[j];
  for (int64_t j = 0; j < row->n; j++)
    row->by_y[j] = (float)((double)row->library * (double)row->scratch[j] *
                           ((double)row->by_y[j] - along));
  row->by_library = (float)along;
}

double rg_ref_nb_row_pass(rg_nb_row *row)
{
  double sum = 0;
  if (row->softmax)
    rg_softmax_row(row->n, row->y, 1, row->scratch);
  for (int64_t j = 0; j < row->n; j++) {
    slopes d;
    double mean = row->softmax ? (double)row->library * (double)row->scratch[j]
                               : (double)row->y[j];
    double x = (double)row->x[j];
    sum += row->logit ? with_extra_zeros(x, mean, row->r[j], (double)row->logit[j], &d)
                      : negative_binomial(x, mean, row->r[j], &d);
    row->by_y[j] = (float)d.mean;
    row->by_r[j] = (float)d.r;
    if (row->logit)
      row->by_logit[j] = (float)d.logit;
  }
  if (row->softmax)
    through_softmax(row);
  return sum;
}
