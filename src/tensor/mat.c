/* Dense matrices. */
#include "regatta/tensor.h"

#include <math.h>

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

void rg_mat_unit_rows(rg_mat *mat)
{
  for (int64_t i = 0; i < mat->rows; i++) {
    float *row = rg_mat_row(mat, i);
    double squares = 0;
    for (int64_t j = 0; j < mat->cols; j++)
      squares += (double)row[j] * (double)row[j];
    float length = (float)sqrt(squares);
    for (int64_t j = 0; squares > 0 && j < mat->cols; j++)
      row[j] /= length;
  }
}
