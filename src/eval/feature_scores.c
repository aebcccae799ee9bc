/* How well guesses of one feature follow the truth over cells. */
#include "translation.h"

#include <math.h>
#include <stdlib.h>

double rg_pearson(const double *truth, const double *guess, int64_t n)
{
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int64_t i = 0; i < n; i++) {
    x += truth[i] / (double)n;
    y += guess[i] / (double)n;
  }
  for (int64_t i = 0; i < n; i++) {
    double a = truth[i] - x, b = guess[i] - y;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  double smallest = 1e-20 * (double)n; /* rounding of a constant */
  if (xx <= smallest * (1 + x * x))
    return NAN;
  return yy <= smallest * (1 + y * y) ? 0 : xy / sqrt(xx * yy);
}

typedef struct guess {
  double value;
  bool positive;
} guess;

static int rising(const void *x, const void *y)
{
  double a = ((const guess *)x)->value, b = ((const guess *)y)->value;
  return (a > b) - (a < b);
}

double rg_auroc(const double *truth, const double *guesses, int64_t n, int64_t least)
{
  int64_t positives = 0;
  for (int64_t i = 0; i < n; i++)
    positives += truth[i] > 0;
  if (positives < least || positives == 0 || positives == n)
    return NAN;
  guess *sorted = RG_NEW(guess, n);
  for (int64_t i = 0; i < n; i++)
    sorted[i] = (guess){guesses[i], truth[i] > 0};
  qsort(sorted, (size_t)n, sizeof *sorted, rising);
  double won = 0; /* negatives below a positive, equal ones by half */
  int64_t below = 0;
  for (int64_t low = 0, high; low < n; low = high) {
    int64_t mine = 0;
    for (high = low; high < n && sorted[high].value == sorted[low].value; high++)
      mine += sorted[high].positive;
    int64_t equal = high - low - mine;
    won += (double)mine * ((double)below + (double)equal / 2);
    below += equal;
  }
  rg_free(sorted);
  return won / ((double)positives * (double)(n - positives));
}
