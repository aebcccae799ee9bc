/* kernels: vector functions against the C library, and the same bits wherever an
 * element stands. */
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

typedef void vector_function(int64_t n, const float *x, float *y);

#define POINTS 100003

static double relative_error(double got, double exact, double floor)
{
  return fabs(got - exact) / fmax(fabs(exact), floor);
}

/* largest relative error over points from low to high, and that a shifted call, or one
 * with another number of threads, gives the same bits; below `floor` errors are taken
 * against it */
static double worst(vector_function *f, double (*exact)(double), double low,
                    double high, bool logarithmic, double floor)
{
  float *x = RG_NEW(float, POINTS),
                    *y = RG_NEW(float, POINTS), *z = RG_NEW(float, POINTS);
  for (int i = 0; i < POINTS; i++) {
    double t = (double)i / (POINTS - 1);
    x[i] = (float)(logarithmic ? low * pow(high / low, t) : low + (high - low) * t);
  }
  omp_set_num_threads(2);
  f(POINTS, x, y);
  omp_set_num_threads(1);
  for (int i = 0, n = 1; i < POINTS; i += n, n = n % 61 + 1)
    f(i + n < POINTS ? n : POINTS - i, x + i, z + i);
  cr_assert_arr_eq(y, z, POINTS * sizeof *y);
  double most = 0.0;
  for (int i = 0; i < POINTS; i++)
    most = fmax(most, relative_error((double)y[i], exact((double)x[i]), floor));
  rg_free(x), rg_free(y), rg_free(z);
  return most;
}

static double one_over(double x)
{
  return 1.0 / (1.0 + exp(-x));
}
static double log_one(double x)
{
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double digamma(double x)
{
  double sum = 0.0;
  for (; x < 30.0; x += 1.0)
    sum -= 1.0 / x;
  double q = 1.0 / (x * x);
  return sum + log(x) - 0.5 / x - q * (1.0 / 12 - q * (1.0 / 120 - q / 252));
}

Test(special, exp)
{
  cr_assert_leq(worst(rg_v_exp, exp, -86.0, 88.5, false, 0.0), 2e-7);
  cr_assert_leq(worst(rg_v_exp, exp, -0.7, 0.7, false, 0.0), 2e-7);
  cr_assert_leq(worst(rg_v_exp, exp, -103.0, -87.4, false, FLT_MIN), 2e-7);
}

Test(special, log)
{
  cr_assert_leq(worst(rg_v_log, log, 1e-37, 3e38, true, 0.0), 2e-7);
  cr_assert_leq(worst(rg_v_log, log, 0.5, 2.0, false, 0.0), 2e-7);
  cr_assert_leq(worst(rg_v_log, log, 1e-44, 1e-38, true, 0.0), 2e-7);
}

Test(special, sigmoid)
{
  cr_assert_leq(worst(rg_v_sigmoid, one_over, -86.0, 40.0, false, 0.0), 2.5e-7);
}

Test(special, softplus)
{
  cr_assert_leq(worst(rg_v_softplus, log_one, -86.0, 100.0, false, 0.0), 2.5e-7);
  cr_assert_leq(worst(rg_v_softplus, log_one, -2.0, 2.0, false, 0.0), 2.5e-7);
}

Test(special, lgamma)
{
  cr_assert_leq(worst(rg_v_lgamma, lgamma, 1e-6, 1e8, true, 1e-6), 1e-6);
  cr_assert_leq(worst(rg_v_lgamma, lgamma, 0.5, 12.0, false, 1e-6), 1e-6);
}

Test(special, digamma)
{
  cr_assert_leq(worst(rg_v_digamma, digamma, 1e-6, 1e8, true, 1e-2), 1e-6);
  cr_assert_leq(worst(rg_v_digamma, digamma, 0.5, 12.0, false, 1e-2), 1e-6);
}

/* x, and the value there; a NaN for a NaN */
typedef struct edge {
  float x, y;
} edge;

static void at_edges(vector_function *f, const edge *edges, int n)
{
  for (int i = 0; i < n; i++) {
    float y;
    f(1, &edges[i].x, &y);
    cr_assert(isnan(edges[i].y) ? isnan(y) : y == edges[i].y, "%g gives %g",
              (double)edges[i].x, (double)y);
  }
}

Test(special, edges)
{
  at_edges(
      rg_v_exp,
      (edge[]){{-INFINITY, 0}, {INFINITY, INFINITY}, {0, 1}, {-1e9f, 0}, {NAN, NAN}},
      5);
  at_edges(
      rg_v_log,
      (edge[]){{0, -INFINITY}, {INFINITY, INFINITY}, {1, 0}, {-1, NAN}, {NAN, NAN}}, 5);
  at_edges(rg_v_sigmoid, (edge[]){{-INFINITY, 0}, {INFINITY, 1}, {0, 0.5f}, {NAN, NAN}},
           4);
  at_edges(rg_v_softplus, (edge[]){{-INFINITY, 0}, {INFINITY, INFINITY}, {NAN, NAN}},
           3);
  at_edges(rg_v_lgamma,
           (edge[]){{0, INFINITY}, {INFINITY, INFINITY}, {-1, NAN}, {NAN, NAN}}, 4);
  at_edges(rg_v_digamma,
           (edge[]){{0, -INFINITY}, {INFINITY, INFINITY}, {-1, NAN}, {NAN, NAN}}, 4);
}

Test(special, nothing_of_nothing)
{
  rg_v_exp(0, NULL, NULL);
  rg_v_lgamma(0, NULL, NULL);
}

Test(must_fail, special)
{
  cr_assert_leq(worst(rg_v_sigmoid, exp, -1.0, 1.0, false, 0.0), 1e-3);
}
