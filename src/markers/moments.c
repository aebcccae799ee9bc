/* Means and variances of groups in a column, and Welch's t. */
#include "contrast.h"

#include <math.h>

/* Moments of two sets together (Chan, Golub, LeVeque 1979). Equal means stay as they are:
 * a constant has no variance. */
static rg_moments together(rg_moments a, rg_moments b)
{
  if (a.n == 0 || b.n == 0)
    return a.n == 0 ? b : a;
  double n = (double)(a.n + b.n), difference = b.mean - a.mean;
  return (rg_moments){.n = a.n + b.n,
                      .nonzero = a.nonzero + b.nonzero,
                      .mean = a.mean + difference * ((double)b.n / n),
                      .squares = a.squares + b.squares +
                                 difference * difference *
                                     ((double)a.n * (double)b.n / n)};
}

/* Every group less a value it has (0 where it can): `mean` holds that value meanwhile. */
static void choose_origins(const rg_contrast *c, const rg_entry *column, int64_t n,
                           rg_moments *own)
{
  for (int g = 0; g < c->n_groups; g++)
    own[g] = (rg_moments){.n = c->cells[g]};
  for (int64_t e = 0; e < n; e++) {
    rg_moments *m = &own[column[e].group];
    m->nonzero++;
    m->mean = column[e].value;
  }
  for (int g = 0; g < c->n_groups; g++)
    if (own[g].nonzero < own[g].n)
      own[g].mean = 0;
}

static void of_groups(const rg_contrast *c, const rg_entry *column, int64_t n,
                      rg_moments *own, double *sum)
{
  choose_origins(c, column, n, own);
  for (int g = 0; g < c->n_groups; g++)
    sum[g] = 0;
  for (int64_t e = 0; e < n; e++)
    sum[column[e].group] += column[e].value - own[column[e].group].mean;
  for (int g = 0; g < c->n_groups; g++)
    own[g].mean += own[g].n > 0 ? sum[g] / (double)own[g].n : 0;
  for (int64_t e = 0; e < n; e++) {
    double d = column[e].value - own[column[e].group].mean;
    own[column[e].group].squares += d * d;
  }
  for (int g = 0; g < c->n_groups; g++)
    own[g].squares += (double)(own[g].n - own[g].nonzero) * own[g].mean * own[g].mean;
}

void rg_column_moments(const rg_contrast *c, const rg_entry *column, int64_t n,
                       rg_moments *own, rg_moments *against, double *sum)
{
  of_groups(c, column, n, own, sum);
  if (c->reference >= 0) {
    for (int g = 0; g < c->n_groups; g++)
      against[g] = own[c->reference];
    return;
  }
  /* the groups before and those behind, so that nothing is subtracted */
  rg_moments before = {0}, behind = {0};
  for (int g = 0; g < c->n_groups; g++) {
    against[g] = before;
    before = together(before, own[g]);
  }
  for (int g = c->n_groups - 1; g >= 0; g--) {
    against[g] = together(against[g], behind);
    behind = together(behind, own[g]);
  }
}

double rg_welch(const rg_moments *own, const rg_moments *against, double *df)
{
  double n = (double)own->n, m = (double)against->n;
  double a = own->squares / (n - 1) / n, b = against->squares / (m - 1) / m;
  double error = a + b;
  *df = 1;
  if (!(error > 0))
    return 0;
  *df = error * error / (a * a / (n - 1) + b * b / (m - 1));
  return (own->mean - against->mean) / sqrt(error);
}
