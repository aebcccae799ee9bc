/* How many threads there will be: counted, for OpenMP's own limits may lower them. */
#include "regatta/base.h"

int rg_threads(void)
{
  int threads = 0;
#pragma omp parallel reduction(+ : threads)
  threads += 1;
  return threads;
}
