/** kernels: loops and BLAS on local memory, threaded with OpenMP. No ranks, no files.
 *  Every fast kernel has a plain reference twin (rg_ref_*) that the tests hold it to.
 *  Results do not depend on the number of threads: work is cut by output, and every
 *  output is summed in one fixed order. Nothing here is collective. */
#ifndef REGATTA_KERNELS_H
#define REGATTA_KERNELS_H

#include "regatta/tensor.h"

/* ---- dense ------------------------------------------------------------------------- */

/** c (m x n) = alpha op(a) op(b) + beta c; row-major with leading dimensions. One call is
 *  one BLAS call; inside a parallel region it is serial. */
void rg_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
             const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
             float *c, int64_t ldc);
void rg_ref_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
                 float *c, int64_t ldc);

/* ---- update of parameters ------------------------------------------------------------- */

typedef enum rg_update_kind { RG_ADAM, RG_RMSPROP, RG_SGD } rg_update_kind;

/** Constants of one optimiser step. decay is L2 added to the gradient (PyTorch's Adam). */
typedef struct rg_update {
  rg_update_kind kind;
  float rate;       /* learning rate of this step */
  float beta1, beta2, epsilon;
  float decay;
  float correct1, correct2; /* 1 - beta^t */
  float *first, *second;    /* moments, the flat arrays that run beside the parameters */
} rg_update;
/** w -= step(g) for n parameters; m and v are their moments. The arithmetic per element
 *  is the same inline function that the wide kernels apply in their tiles. */
void rg_update_apply(const rg_update *update, float decay_factor, int64_t n, float *w,
                     const float *g, float *m, float *v);

/* ---- wide sparse input: many features, few nonzero ---------------------------------------- */

/** y[cell][j] = sum over the row's entries of value * w[feature][j], for columns
 *  [low, high) of the CSR (a block): w is (cols of the CSR) x width. In the fixed order
 *  of the row. */
void rg_sparse_forward(const rg_csr *rows, int64_t low, int64_t high, const float *w,
                       int width, float *y);
void rg_ref_sparse_forward(const rg_csr *rows, int64_t low, int64_t high, const float *w,
                           int width, float *y);
/** dw[feature][j] = sum over cells of value * dy[cell][j] for features [low, high), the
 *  sum taken inside each lane (lane_cells consecutive cells) and over lanes along the
 *  tree; `columns` is the transpose (features x cells). With `update`: w is updated in
 *  place and dw not written; else, for slot s of the n_slots subtrees of lanes, dw +
 *  s * stride gets that subtree's sum. m, v: moments beside w. */
typedef struct rg_wide_gradient {
  int64_t lanes;            /* here */
  int64_t lane_cells;
  int n_slots;
  const rg_range *slots;    /* local lane ranges, each a whole subtree */
  const rg_update *update;  /* NULL: store */
  float decay_factor;
  float *dw;
  int64_t stride;
  float *m, *v;
} rg_wide_gradient;
void rg_sparse_backward(const rg_csr *columns, int64_t low, int64_t high,
                        const float *dy, int width, float *w,
                        const rg_wide_gradient *gradient);
void rg_ref_sparse_backward(const rg_csr *columns, int64_t low, int64_t high,
                            const float *dy, int width, float *w,
                            const rg_wide_gradient *gradient);

/* ---- wide Bernoulli output: logits never reach memory ---------------------------------------- */

/** One block of a wide output with its likelihood and gradients, tile by tile:
 *  logit[cell][f] = h[cell] . w[f] + bias[f]; target x is 1 at the CSR's stored entries
 *  (values ignored), else 0.
 *    numerator[lane] += sum over cells, f of  zero_weight (1-x) softplus(y)
 *                                           + one_weight x softplus(-y)
 *    dh[cell]         = scale * sum over f of dl/dy w[f]      (written, tree over tiles)
 *    dw, dbias        as rg_wide_gradient, of scale * numerator
 *  h: cells x width; w: features x width; features [low, high) of the CSR's columns. */
typedef struct rg_wide_bernoulli {
  const rg_csr *rows;      /* this rank's cells x local features */
  const rg_csr *columns;   /* its transpose; NULL when only the value is wanted */
  int64_t low, high;       /* features of the block */
  int64_t lanes, lane_cells;
  int width;
  const float *h;
  float *w, *bias;         /* at feature `low` */
  float one_weight, zero_weight;
  float scale;             /* of the gradients */
  double *numerator;       /* per lane, written */
  float *dh;               /* cells x width, written; NULL: value only */
  rg_wide_gradient weight, offset; /* of w and of bias */
  bool update_parameters;  /* false: dh only (frozen decoder) */
} rg_wide_bernoulli;
void rg_wide_bernoulli_pass(const rg_wide_bernoulli *pass);
void rg_ref_wide_bernoulli_pass(const rg_wide_bernoulli *pass);
/** mean[cell * stride + f - low] = sigmoid(logit) for the block. */
void rg_wide_bernoulli_mean(const float *h, int64_t cells, int width, const float *w,
                            const float *bias, int64_t low, int64_t high, float *mean,
                            int64_t stride);

/* ---- vector functions ------------------------------------------------------------------------ */

/** softplus, sigmoid, exp, log, lgamma, digamma of n floats; relative accuracy 2e-7 (exp,
 *  log, sigmoid, softplus) and 1e-6 (lgamma, digamma; absolute near their zeros). The
 *  same bits for an element wherever it stands in the vector. */
void rg_v_exp(int64_t n, const float *x, float *y);
void rg_v_log(int64_t n, const float *x, float *y);
void rg_v_sigmoid(int64_t n, const float *x, float *y);
void rg_v_softplus(int64_t n, const float *x, float *y);
void rg_v_lgamma(int64_t n, const float *x, float *y);
void rg_v_digamma(int64_t n, const float *x, float *y);

/* ---- neighbours ------------------------------------------------------------------------------ */
/* ---- sparse products -------------------------------------------------------------------------- */

#endif
