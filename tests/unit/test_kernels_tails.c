/* kernels: probabilities beyond test statistics, against scipy's. */
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>

static void near(double value, double expected, const char *what, double x)
{
  cr_expect(fabs(value - expected) <= 1e-10 * fmax(expected, 1e-290),
            "%s of %g: %.16g is not %.16g", what, x, value, expected);
}

Test(tails, normal)
{
  near(rg_normal_tails(0), 1, "normal", 0);
  near(rg_normal_tails(0.5), 0.6170750774519738, "normal", 0.5);
  near(rg_normal_tails(-2), 0.04550026389635839, "normal", -2);
  near(rg_normal_tails(8), 1.244192114854348e-15, "normal", 8);
  near(rg_normal_tails(30), 9.813427854295816e-198, "normal", 30);
}

Test(tails, student)
{
  const double known[][3] = {
      {0.1, 1, 0.9365489651388929},      {2.5, 3.7, 0.07182202291182675},
      {0.001, 12, 0.9992185475306494},   {4, 30.5, 0.0003733794502604033},
      {40, 7.2, 1.00820668293492e-09},   {3, 1e6, 0.002699862541421795},
      {12, 250.25, 1.654643653176687e-26}, {0.7, 1e4, 0.4839435881801164},
      {1.96, 99.9, 0.05278169710234058}, {1e-8, 5, 0.9999999924078662},
      {100, 1.5, 0.0007541098899248936}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    near(rg_student_tails(known[k][0], known[k][1]), known[k][2], "t", known[k][0]);
    near(rg_student_tails(-known[k][0], known[k][1]), known[k][2], "t", -known[k][0]);
  }
  near(rg_student_tails(0, 3), 1, "t", 0);
  near(rg_student_tails(INFINITY, 3), 0, "t", INFINITY);
  near(rg_student_tails(1.5, 1e300), rg_normal_tails(1.5), "t of many", 1.5);
  cr_expect(isnan(rg_student_tails(1, 0)) && isnan(rg_student_tails(NAN, 2)));
}

Test(tails, chi_square)
{
  const double known[][3] = {
      {0.5, 1, 0.4795001221869534},     {3.84, 1, 0.05004352124870519},
      {10, 4, 0.04042768199451279},     {0.001, 3, 0.9999915920809419},
      {200, 20, 1.125347396084281e-31}, {95, 100, 0.6225792918781736},
      {1, 70, 1},                       {1000, 900.5, 0.0113343236950017}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    near(rg_chi2_tail(known[k][0], known[k][1]), known[k][2], "chi2", known[k][0]);
  near(rg_chi2_tail(0, 3), 1, "chi2", 0);
  near(rg_chi2_tail(INFINITY, 3), 0, "chi2", INFINITY);
  cr_expect(isnan(rg_chi2_tail(1, 0)));
}

Test(must_fail, tails)
{
  near(rg_normal_tails(1.96), 0.05, "normal", 1.96);
}
