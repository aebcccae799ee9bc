/* ref_sparse: the wide sparse layer, plainly. */
#include "src/kernels/ref_wide.h"

void rg_ref_wide_deliver(const rg_wide_gradient *gradient, const float *lane_sums,
                         int64_t at, int64_t n, float *w)
{
  float *sum = RG_NEW(float, n);
  if (gradient->update) {
    rg_tree_sum_f32(lane_sums, gradient->lanes, n, n, sum);
    rg_update_apply(gradient->update, gradient->decay_factor, n, w + at, sum,
                    gradient->m + at, gradient->v ? gradient->v + at : NULL);
  } else {
    for (int s = 0; s < gradient->n_slots; s++)
      rg_tree_sum_f32(lane_sums + gradient->slots[s].low * n,
                      rg_range_n(gradient->slots[s]), n, n,
                      gradient->dw + s * gradient->stride + at);
  }
  rg_free(sum);
}

static float value_of(const rg_csr *matrix, int64_t entry)
{
  return matrix->values ? matrix->values[entry] : 1.0f;
}

void rg_ref_sparse_forward(const rg_csr *rows, int n_blocks, const int64_t *offset,
                           const float *w, int width, float *y)
{
  for (int b = 0; b < n_blocks; b++)
    for (int64_t cell = 0; cell < rows->rows; cell++)
      for (int j = 0; j < width; j++) {
        double sum = 0.0;
        for (int64_t e = rows->indptr[cell]; e < rows->indptr[cell + 1]; e++) {
          int64_t f = rows->indices[e];
          if (f >= offset[b] - offset[0] && f < offset[b + 1] - offset[0])
            sum += (double)value_of(rows, e) * (double)w[f * width + j];
        }
        y[(b * rows->rows + cell) * width + j] = (float)sum;
      }
}

void rg_ref_sparse_backward(const rg_csr *columns, int n_blocks, const int64_t *offset,
                            const float *dy, int width, float *w,
                            const rg_wide_gradient *gradient)
{
  int64_t lanes = gradient->lanes, cells = lanes * gradient->lane_cells;
  float *lane_sums = RG_NEW(float, lanes * width);
  for (int b = 0; b < n_blocks; b++)
    for (int64_t f = offset[b] - offset[0]; f < offset[b + 1] - offset[0]; f++) {
      for (int64_t lane = 0; lane < lanes; lane++)
        for (int j = 0; j < width; j++) {
          double sum = 0.0;
          for (int64_t e = columns->indptr[f]; e < columns->indptr[f + 1]; e++) {
            int64_t cell = columns->indices[e];
            if (cell / gradient->lane_cells == lane)
              sum += (double)value_of(columns, e) *
                     (double)dy[(b * cells + cell) * width + j];
          }
          lane_sums[lane * width + j] = (float)sum;
        }
      rg_ref_wide_deliver(gradient, lane_sums, f * width, width, w);
    }
  rg_free(lane_sums);
}
