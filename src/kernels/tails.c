/* tails: probabilities beyond a test statistic. Formulas: Abramowitz, Stegun 1964, chapters
 * 6 and 26; continued fractions by Lentz's method (Thompson, Barnett 1986). */
#include "regatta/kernels.h"

#include <float.h>
#include <math.h>

enum { TERMS = 100000 };
#define TINY 1e-300

double rg_normal_tails(double z)
{
  return erfc(fabs(z) * M_SQRT1_2);
}

/* One turn of Lentz's method for b + a / (...): *c and *d are its ratios. Returns what the
 * fraction is multiplied by. */
static double turn(double a, double b, double *c, double *d)
{
  *d = b + a * *d;
  *d = 1 / (fabs(*d) < TINY ? TINY : *d);
  *c = b + a / *c;
  *c = fabs(*c) < TINY ? TINY : *c;
  return *c * *d;
}

/* ---- Student's t ----------------------------------------------------------------- */

/* log of gamma(a + 1/2) / gamma(a); the difference of two lgamma loses digits when a is
 * large. */
static double log_half_step(double a)
{
  int sign;
  if (a < 50)
    return lgamma_r(a + 0.5, &sign) - lgamma_r(a, &sign);
  double y = 1 / (a * a);
  return log(a) / 2 - (0.125 - y * (1.0 / 192 - y * (1.0 / 640 - y * 17 / 14336))) / a;
}

/* The continued fraction of the incomplete beta function. */
static double beta_fraction(double x, double a, double b)
{
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), f = d;
  for (int m = 1; m < TERMS; m++) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    f *= turn(even, 1, &c, &d);
    double change = turn(odd, 1, &c, &d);
    f *= change;
    if (fabs(change - 1) < DBL_EPSILON)
      break;
  }
  return f;
}

double rg_student_tails(double t, double df)
{
  if (isnan(t) || !(df > 0))
    return NAN;
  if (t == 0 || isinf(t))
    return t == 0 ? 1 : 0;
  if (isinf(df))
    return rg_normal_tails(t);
  /* the incomplete beta function at x = df / (df + t^2) of df / 2 and 1 / 2 */
  double a = df / 2, square = t * t, log_x = -log1p(square / df);
  double x = df / (df + square), rest = square / (df + square);
  double front = exp(a * log_x + log(rest) / 2 + log_half_step(a)) / sqrt(M_PI);
  if (x < (a + 1) / (a + 2.5))
    return fmin(1, front * beta_fraction(x, a, 0.5) / a);
  return fmax(0, 1 - front * beta_fraction(rest, 0.5, a) * 2);
}

/* ---- chi-square ------------------------------------------------------------------ */

/* Share of the gamma distribution below x, by its series. */
static double gamma_series(double a, double x)
{
  double term = 1 / a, sum = term;
  for (int n = 1; n < TERMS && term > sum * DBL_EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

static double gamma_fraction(double a, double x)
{
  double b = x + 1 - a, d = 1 / (fabs(b) < TINY ? TINY : b), c = 1 / TINY, f = d;
  for (int n = 1; n < TERMS; n++) {
    b += 2;
    double change = turn(-n * (n - a), b, &c, &d);
    f *= change;
    if (fabs(change - 1) < DBL_EPSILON)
      break;
  }
  return f;
}

double rg_chi2_tail(double chi2, double df)
{
  if (isnan(chi2) || !(df > 0))
    return NAN;
  if (chi2 <= 0 || isinf(chi2))
    return chi2 <= 0 ? 1 : 0;
  double a = df / 2, x = chi2 / 2;
  int sign;
  double front = exp(a * log(x) - x - lgamma_r(a, &sign));
  return x < a + 1 ? fmax(0, 1 - front * gamma_series(a, x))
                   : fmin(1, front * gamma_fraction(a, x));
}
