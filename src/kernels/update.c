/* update: one optimiser step over flat arrays. */
#include "src/kernels/update_inline.h"

/* parameters of one piece of work */
#define PIECE 16384

void rg_update_apply(const rg_update *update, float decay_factor, int64_t n, float *w,
                     const float *g, float *m, float *v)
{
  const update_step step = update_prepare(update, decay_factor);
  int64_t pieces = (n + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 1)
  for (int64_t p = 0; p < pieces; p++) {
    int64_t low = p * PIECE, count = n - low < PIECE ? n - low : PIECE;
    update_span(&step, count, w + low, g + low, m + low, v ? v + low : NULL);
  }
}
