/* Ridge regression, many targets one after another. */
#include "translation.h"

#include <math.h>

/* The axes and, where both sides have it, the depth as columns. */
static double *columns(const all_cells *c, int p, const double *mean)
{
  double *x = RG_NEW(double, c->n * p);
  for (int64_t i = 0; i < c->n; i++)
    for (int j = 0; j < p; j++) {
      double value = j < c->axes ? (double)c->x[i * c->axes + j] : c->depth[i];
      x[i * p + j] = value - (mean ? mean[j] : 0);
    }
  return x;
}

/* inverse of x^T x + penalty */
static rg_status invert(const double *x, int64_t n, int p, double penalty,
                        double *inverse)
{
  double *gram = RG_NEW(double, (int64_t)p * p);
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < p; j++)
      for (int k = 0; k < p; k++)
        gram[j * p + k] += x[i * p + j] * x[i * p + k];
  for (int j = 0; j < p; j++) {
    gram[j * p + j] += penalty;
    inverse[j * p + j] = 1;
  }
  rg_status status = rg_solve_spd(rg_comm_self(), gram, p, inverse, p);
  rg_free(gram);
  return status;
}

rg_status rg_ridge_new(const all_cells *train, const all_cells *test, double penalty,
                       rg_ridge *ridge)
{
  int p = (int)train->axes + (train->depth && test->depth);
  *ridge = (rg_ridge){.n_train = train->n, .n_test = test->n, .p = p};
  double *mean = RG_NEW(double, p);
  double *raw = columns(train, p, NULL);
  for (int64_t i = 0; i < train->n; i++)
    for (int j = 0; j < p; j++)
      mean[j] += raw[i * p + j] / (double)train->n;
  ridge->train = columns(train, p, mean);
  ridge->test = columns(test, p, mean);
  ridge->inverse = RG_NEW(double, (int64_t)p * p);
  rg_status status = invert(ridge->train, train->n, p, penalty, ridge->inverse);
  rg_free(raw);
  rg_free(mean);
  return status;
}

void rg_ridge_guess(const rg_ridge *r, const double *train, double *out)
{
  int p = r->p;
  double *moment = RG_NEW(double, p), *weight = RG_NEW(double, p), mean = 0;
  for (int64_t i = 0; i < r->n_train; i++)
    mean += train[i] / (double)r->n_train;
  for (int64_t i = 0; i < r->n_train; i++)
    for (int j = 0; j < p; j++)
      moment[j] += r->train[i * p + j] * (train[i] - mean);
  for (int j = 0; j < p; j++)
    for (int k = 0; k < p; k++)
      weight[j] += r->inverse[j * p + k] * moment[k];
  for (int64_t i = 0; i < r->n_test; i++) {
    out[i] = mean;
    for (int j = 0; j < p; j++)
      out[i] += r->test[i * p + j] * weight[j];
  }
  rg_free(moment);
  rg_free(weight);
}

void rg_ridge_fini(rg_ridge *ridge)
{
  rg_free(ridge->train);
  rg_free(ridge->test);
  rg_free(ridge->inverse);
  *ridge = (rg_ridge){0};
}
