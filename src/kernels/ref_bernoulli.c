/* ref_bernoulli: the wide Bernoulli output, plainly: one logit after the other. */
#include "src/kernels/ref_wide.h"

#include <math.h>

static double softplus(double y)
{
  return y > 0.0 ? y + log1p(exp(-y)) : log1p(exp(y));
}

/* weighted loss of one logit and its derivative */
static double loss_of(const rg_wide_bernoulli *pass, bool one, double y, double *slope)
{
  double s = 1.0 / (1.0 + exp(-y));
  *slope = one ? (double)pass->one_weight * (s - 1.0) : (double)pass->zero_weight * s;
  return one ? (double)pass->one_weight * softplus(-y)
             : (double)pass->zero_weight * softplus(y);
}

static bool stored(const rg_csr *columns, int64_t f, int64_t cell)
{
  for (int64_t e = columns->indptr[f]; e < columns->indptr[f + 1]; e++)
    if (columns->indices[e] == cell)
      return true;
  return false;
}

/* everything for one feature of block b; dh in double over the features of the block */
static void feature_pass(const rg_wide_bernoulli *pass, int b, int64_t f, double *dh)
{
  int64_t width = pass->width, cells = pass->lanes * pass->lane_cells;
  const float *h = pass->h + b * cells * width;
  float *dw = RG_NEW(float, pass->lanes * width), *dbias = RG_NEW(float, pass->lanes);
  double *sum = RG_NEW(double, width);
  for (int64_t lane = 0; lane < pass->lanes; lane++) {
    double shift = 0.0;
    for (int64_t j = 0; j < width; j++)
      sum[j] = 0.0;
    for (int64_t c = lane * pass->lane_cells; c < (lane + 1) * pass->lane_cells; c++) {
      double y = pass->bias ? (double)pass->bias[f] : 0.0, slope;
      for (int64_t j = 0; j < width; j++)
        y += (double)h[c * width + j] * (double)pass->w[f * width + j];
      double weight = pass->cell_weight ? (double)pass->cell_weight[c] : 1;
      pass->numerator[b * pass->lanes + lane] +=
          weight * loss_of(pass, stored(pass->columns, f, c), y, &slope);
      slope *= weight * (double)pass->scale;
      shift += slope;
      for (int64_t j = 0; j < width; j++) {
        sum[j] += slope * (double)h[c * width + j];
        dh[c * width + j] += slope * (double)pass->w[f * width + j];
      }
    }
    dbias[lane] = (float)shift;
    for (int64_t j = 0; j < width; j++)
      dw[lane * width + j] = (float)sum[j];
  }
  if (pass->dh && pass->update_parameters) {
    rg_ref_wide_deliver(&pass->weight, dw, f * width, width, pass->w);
    if (pass->bias)
      rg_ref_wide_deliver(&pass->shift, dbias, f, 1, pass->bias);
  }
  rg_free(dw);
  rg_free(dbias);
  rg_free(sum);
}

void rg_ref_wide_bernoulli_pass(const rg_wide_bernoulli *pass)
{
  int64_t inner = pass->lanes * pass->lane_cells * pass->width;
  double *dh = RG_NEW(double, inner);
  for (int b = 0; b < pass->n_blocks; b++) {
    for (int64_t lane = 0; lane < pass->lanes; lane++)
      pass->numerator[b * pass->lanes + lane] = 0.0;
    for (int64_t i = 0; i < inner; i++)
      dh[i] = 0.0;
    for (int64_t f = pass->offset[b]; f < pass->offset[b + 1]; f++)
      feature_pass(pass, b, f - pass->offset[0], dh);
    for (int64_t i = 0; pass->dh && i < inner; i++)
      pass->dh[b * inner + i] = (float)dh[i];
  }
  rg_free(dh);
}
