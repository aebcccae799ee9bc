/* The two constants of a UMAP layout, by Levenberg and Marquardt's method. */
#include "regatta/cluster.h"

#include <math.h>

enum { POINTS = 300, STEPS = 200 };

static double target(double d, double min_distance, double spread)
{
  return d < min_distance ? 1 : exp((min_distance - d) / spread);
}

/* Squared error at (a, b); with normal equations where `h` is not NULL. */
static double error_at(double a, double b, double min_distance, double spread,
                       double h[3], double g[2])
{
  double sum = 0;
  for (int i = 0; i < POINTS; i++) {
    double d = 3 * spread * i / (POINTS - 1);
    double power = i > 0 ? pow(d, 2 * b) : 0, value = 1 / (1 + a * power);
    double off = target(d, min_distance, spread) - value;
    sum += off * off;
    if (!h)
      continue;
    double by_a = -power * value * value;
    double by_b = i > 0 ? by_a * a * 2 * log(d) : 0;
    h[0] += by_a * by_a;
    h[1] += by_a * by_b;
    h[2] += by_b * by_b;
    g[0] += by_a * off;
    g[1] += by_b * off;
  }
  return sum;
}

void rg_umap_curve(double min_distance, double spread, double *a, double *b)
{
  double damping = 1e-3;
  *a = *b = 1;
  for (int step = 0; step < STEPS; step++) {
    double h[3] = {0}, g[2] = {0};
    double now = error_at(*a, *b, min_distance, spread, h, g);
    double p = h[0] * (1 + damping), q = h[2] * (1 + damping);
    double det = p * q - h[1] * h[1];
    double da = (q * g[0] - h[1] * g[1]) / det, db = (p * g[1] - h[1] * g[0]) / det;
    bool better = *a + da > 0 && *b + db > 0 &&
                  error_at(*a + da, *b + db, min_distance, spread, NULL, NULL) < now;
    damping *= better ? 0.3 : 10;
    if (!better)
      continue;
    *a += da;
    *b += db;
    if (fabs(da) + fabs(db) < 1e-10)
      break;
  }
}
