/* Ramps of weights and rates over a training. */
#include "regatta/optim.h"

#include <math.h>

double rg_ramp_linear(double t, double period)
{
  return fmin(t / period, 1);
}

double rg_ramp_cyclic(double t, double period, bool rounded)
{
  double in_period = t - period * floor(t / period);
  double ramp = fmin(2 * in_period / period, 1);
  return rounded ? round(ramp * 1000) / 1000 : ramp;
}

double rg_ramp_burn_in(double t, double period)
{
  return fmax(1 - t / period, 0);
}

double rg_ramp_sigmoid(double t, double middle)
{
  return 1 / (1 + exp(-0.1 * (t - middle)));
}

double rg_ramp_cosine(double t, double period)
{
  return 0.5 * (1 + cos(3.14159265358979323846 * fmin(t / period, 1)));
}
