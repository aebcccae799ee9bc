/* wide: blocks of features cut into strips. */
#include "src/kernels/wide.h"

static int64_t strips_of(int64_t features, int64_t most)
{
  return (features + most - 1) / most;
}

int64_t rg_wide_strips(int n_blocks, const int64_t *offset, int64_t most)
{
  int64_t strips = 0;
  for (int b = 0; b < n_blocks; b++)
    strips += strips_of(offset[b + 1] - offset[b], most);
  return strips;
}

void rg_wide_cut(int n_blocks, const int64_t *offset, int64_t most, int64_t unit,
                 wide_strip *strips)
{
  for (int b = 0; b < n_blocks; b++) {
    int64_t features = offset[b + 1] - offset[b], units = (features + unit - 1) / unit;
    int64_t parts = strips_of(features, most), base = offset[b] - offset[0];
    for (int64_t p = 0; p < parts; p++) {
      int64_t high = p + 1 == parts ? features : (p + 1) * units / parts * unit;
      *strips++ = (wide_strip){b, base + p * units / parts * unit, base + high};
    }
  }
}
