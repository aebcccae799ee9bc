/* Dense matrices. */
#include "regatta/tensor.h"

rg_mat rg_mat_new(int64_t rows, int64_t cols)
{
  RG_ASSERT(rows >= 0 && cols >= 0 && (cols == 0 || rows <= INT64_MAX / 4 / cols));
  return (rg_mat){rows, cols, RG_NEW(float, rows * cols)};
}

void rg_mat_fini(rg_mat *mat)
{
  rg_free(mat->data);
  *mat = (rg_mat){0};
}
