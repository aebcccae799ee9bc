/* The block distribution of n items over ranks. */
#include "regatta/comm.h"

rg_range rg_part(int64_t n, int rank, int size)
{
  RG_ASSERT(n >= 0 && rank >= 0 && rank < size);
  int64_t even = n / size, more = n % size;
  int64_t low = even * rank + (rank < more ? rank : more);
  return (rg_range){low, low + even + (rank < more)};
}

int rg_part_owner(int64_t n, int size, int64_t i)
{
  RG_ASSERT(i >= 0 && i < n);
  int64_t even = n / size, more = n % size, cut = (even + 1) * more;
  return (int)(i < cut ? i / (even + 1) : more + (i - cut) / even);
}
