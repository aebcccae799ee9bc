/** kernels: loops and BLAS on local memory, threaded with OpenMP. No ranks, no files.
 *  Every fast kernel has a plain reference twin (rg_ref_*) that the tests hold it to.
 *  Results do not depend on the number of threads: work is cut by output, and every
 *  output is summed in one fixed order. Nothing here is collective. */
#ifndef REGATTA_KERNELS_H
#define REGATTA_KERNELS_H

#include "regatta/tensor.h"

/* ---- this machine ---------------------------------------------------------------- */

/** `rounds` of fused multiply-adds on registers, on every thread; returns the number of
 *  floating-point operations. *sink keeps the compiler honest. Not collective. */
double rg_kernel_arithmetic(int64_t rounds, float *sink);

/* ---- dense ----------------------------------------------------------------------- */

/** c (m x n) = alpha op(a) op(b) + beta c; row-major with leading dimensions. One call is
 *  one BLAS call; inside a parallel region it is serial. */
void rg_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
             const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
             float *c, int64_t ldc);
void rg_ref_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float *a, int64_t lda, const float *b, int64_t ldb, float beta,
                 float *c, int64_t ldc);

/* ---- update of parameters -------------------------------------------------------- */

typedef enum rg_update_kind { RG_ADAM, RG_RMSPROP, RG_SGD } rg_update_kind;

/** Constants of one optimiser step; formulas as in PyTorch, g the gradient plus
 *  decay * w.
 *    RG_ADAM     m, v averages of g, g^2 (beta1, beta2);
 *                w -= rate m / correct1 / (sqrt(v / correct2) + epsilon)
 *    RG_RMSPROP  v average of g^2 (beta2); m = beta1 m + g / (sqrt(v) + epsilon);
 *                w -= rate m
 *    RG_SGD      m = beta1 m + g; w -= rate m; v is not touched */
typedef struct rg_update {
  rg_update_kind kind;
  double rate; /* learning rate of this step */
  double beta1, beta2, epsilon;
  double decay;
  double correct1, correct2; /* 1 - beta^t; RG_ADAM only */
  float *first, *second;    /* moments, the flat arrays that run beside the parameters */
} rg_update;
/** One step for n parameters; m and v are their moments (first and second are not looked
 *  at). decay_factor multiplies the decay. The arithmetic per element is the same inline
 *  function that the wide kernels apply in their tiles. */
void rg_update_apply(const rg_update *update, float decay_factor, int64_t n, float *w,
                     const float *g, float *m, float *v);

/* ---- wide layers: features in blocks --------------------------------------------- */

/* The features of a wide layer here are cut into n_blocks blocks: block b is the columns
 * offset[b] - offset[0] .. offset[b + 1] - offset[0] of the CSR. The dense side of every
 * block has the same width and lies as [block][cell][width]. One call does all blocks,
 * so that threads share the work however unequal the blocks are. w has one row of
 * `width` per column of the CSR. */

/** y[block][cell][j] = sum over the entries of the cell's row inside the block of
 *  value * w[feature][j], in the order of the row. */
void rg_sparse_forward(const rg_csr *rows, int n_blocks, const int64_t *offset,
                       const float *w, int width, float *y);
void rg_ref_sparse_forward(const rg_csr *rows, int n_blocks, const int64_t *offset,
                           const float *w, int width, float *y);

/** Where the gradient of a wide parameter goes. It is summed inside each lane
 *  (lane_cells consecutive cells, in order) and over lanes along the tree. With
 *  `update`, all lanes are here: the parameter and its moments are updated in place and
 *  nothing is stored. Else, for each of the n_slots subtrees of lanes, dw + slot *
 *  stride gets (is not added) the sum of that subtree. Both ways give the same bits. */
typedef struct rg_wide_gradient {
  int64_t lanes;            /* here */
  int64_t lane_cells;
  int n_slots;
  const rg_range *slots;    /* local lane ranges, each a whole subtree */
  const rg_update *update;  /* NULL: store */
  float decay_factor;
  float *dw;
  int64_t stride;
  float *m, *v;             /* moments beside the parameter */
} rg_wide_gradient;

/** dw[feature][j] = sum over cells of value * dy[block of the feature][cell][j], as
 *  rg_wide_gradient says; `columns` is the transpose (features x cells), w is read and
 *  written by an update only. */
void rg_sparse_backward(const rg_csr *columns, int n_blocks, const int64_t *offset,
                        const float *dy, int width, float *w,
                        const rg_wide_gradient *gradient);
void rg_ref_sparse_backward(const rg_csr *columns, int n_blocks, const int64_t *offset,
                            const float *dy, int width, float *w,
                            const rg_wide_gradient *gradient);

/** A wide Bernoulli output with its likelihood and gradients, tile by tile: the logits
 *  never reach memory. logit[cell][f] = h[block of f][cell] . w[f] + bias[f]; the target
 *  x is 1 at the stored entries (values ignored), else 0.
 *    numerator[block][lane] = sum over cells, f of zero_weight (1-x) softplus(y)
 *                                                + one_weight x softplus(-y)
 *    dh[block][cell]        = scale * sum over f of dl/dy w[f]
 *    dw, dbias              as rg_wide_gradient, of scale * numerator
 *  A NaN anywhere in h, w or bias comes out as NaN in its numerators. */
typedef struct rg_wide_bernoulli {
  const rg_csr *columns;   /* targets: features x this rank's cells (the transpose) */
  int n_blocks;
  const int64_t *offset;
  int64_t lanes, lane_cells;
  int width;
  const float *h;          /* [block][cell][width] */
  float *w, *bias;         /* bias NULL: none */
  float one_weight, zero_weight;
  const float *cell_weight; /* [cell], of value and gradients; NULL: all 1 */
  float scale;             /* of the gradients */
  double *numerator;       /* [block][lane], written */
  float *dh;               /* [block][cell][width], written; NULL: value only */
  bool update_parameters;  /* false: dh only (frozen decoder) */
  rg_wide_gradient weight, shift; /* of w; of bias */
  float *scratch;          /* rg_wide_scratch floats; NULL: allocated for the call */
} rg_wide_bernoulli;
void rg_wide_bernoulli_pass(const rg_wide_bernoulli *pass);
void rg_ref_wide_bernoulli_pass(const rg_wide_bernoulli *pass);
/** Floats of scratch that a pass over these blocks uses, for the present number of
 *  threads. */
int64_t rg_wide_scratch(int n_blocks, const int64_t *offset, int64_t cells, int width);
/** mean[cell * stride + f] = sigmoid(logit) of all blocks; bias may be NULL. */
void rg_wide_bernoulli_mean(int n_blocks, const int64_t *offset, int64_t cells, int width,
                            const float *h, const float *w, const float *bias,
                            float *mean, int64_t stride);

/* ---- vector functions ------------------------------------------------------------ */

/** softplus, sigmoid, exp, log, lgamma, digamma of n floats; relative accuracy 2e-7 (exp,
 *  log, sigmoid, softplus) and 1e-6 (lgamma, digamma; absolute near their zeros). The
 *  same bits for an element wherever it stands in the vector. */
void rg_v_exp(int64_t n, const float *x, float *y);
void rg_v_log(int64_t n, const float *x, float *y);
void rg_v_sigmoid(int64_t n, const float *x, float *y);
void rg_v_softplus(int64_t n, const float *x, float *y);
void rg_v_lgamma(int64_t n, const float *x, float *y);
void rg_v_digamma(int64_t n, const float *x, float *y);

/* ---- probabilities --------------------------------------------------------------- */

/** Two-sided probability of a standard normal number beyond |z|, of Student's t with df > 0
 *  degrees of freedom beyond |t|, and one-sided of chi-square with df beyond chi2; relative
 *  accuracy 1e-10. */
double rg_normal_tails(double z);
double rg_student_tails(double t, double df);
double rg_chi2_tail(double chi2, double df);

/* ---- likelihoods of a row -------------------------------------------------------- */

/** The negative binomial of the counts of one cell, plain or with extra zeros. Mean m,
 *  inverse dispersion t = exp(r), softplus sp:
 *    log NB(x) = lgamma(x + t) - lgamma(t) - lgamma(x + 1) - t log(1 + m / t)
 *                + x (log m - log(t + m))
 *    with a logit p of an extra zero
 *    x = 0: sp(log NB(0) - p) - sp(-p);  x > 0: -p - sp(-p) + log NB(x)
 *  r is held in [-50, 16] and m at 1e-8 or more, with no slope outside. Counts need not
 *  be whole. Arrays are of n numbers; slopes are those of minus the log likelihood. */
typedef struct rg_nb_row {
  int64_t n;
  const float *x;         /* counts */
  const float *y;         /* the mean, or with `softmax` logits: m = library softmax(y) */
  bool softmax;
  float library;
  const float *r;
  const float *logit;     /* p; NULL: no extra zeros */
  float *scratch;         /* written when softmax */
  float *by_y, *by_r;     /* slopes, written */
  float *by_logit;        /* written when logit */
  float by_library;       /* written when softmax */
} rg_nb_row;
/** Minus the log likelihood, relative accuracy 1e-6; serial. Not collective. */
double rg_nb_row_pass(rg_nb_row *row);
double rg_ref_nb_row_pass(rg_nb_row *row);
/** Minus the log likelihood of targets x in [0, 1] under sigmoid(y), softplus sp:
 *    sum of (1 - x) sp(y) + one_weight x sp(-y)
 *  and its slopes by y, n numbers; serial. Not collective. */
double rg_bernoulli_row_pass(int64_t n, const float *x, const float *y, float one_weight,
                             float *by_y);
double rg_ref_bernoulli_row_pass(int64_t n, const float *x, const float *y,
                                 float one_weight, float *by_y);

/** The same under a product of three probabilities, sigmoid(y) of the feature and cell,
 *  sigmoid(factor) of the feature and exp(-level) of the cell. With
 *    b = sp(-y) + sp(-factor) + level, held at 1e-30 or more:
 *    sum of x b - (1 - x) log(1 - exp(-b)) */
typedef struct rg_product_row {
  int64_t n;
  const float *x, *y, *factor;
  float level;                 /* >= 0 */
  float *by_y, *by_factor;     /* slopes, written */
  float by_level;              /* written */
} rg_product_row;
double rg_product_row_pass(rg_product_row *row);
double rg_ref_product_row_pass(rg_product_row *row);

/** mean = factor softmax(y), n numbers; returns log sum exp(y). Serial, may be in place.
 *  Not collective. */
double rg_softmax_row(int64_t n, const float *y, float factor, float *mean);

/* ---- neighbours ------------------------------------------------------------------ */

/** Rows ready for distances: padded with zeros to ld floats (a multiple of 16). `id` is
 *  what lists call a row, `list` the place of its own list. Owned. */
typedef struct rg_points {
  int64_t n;
  int dim, ld;
  float *x;       /* n x ld */
  float *norm;    /* squared length */
  int64_t *id;
  int64_t *list;
} rg_points;
/** Zeroed points with list[i] = i. Not collective. */
rg_points rg_points_new(int64_t n, int dim);
/** Copy `dim` coordinates into row i and set its length and id. Not collective. */
void rg_points_set(rg_points *points, int64_t i, const float *x, int64_t id);
void rg_points_fini(rg_points *points);

/** The k nearest so far of n rows: squared distances rising, ties by the lower id;
 *  INFINITY and -1 where empty. The same pair may be offered again. Threads may offer at
 *  the same time: what a list holds in the end does not depend on the order. Owned. */
typedef struct rg_topk {
  int64_t n;
  int k;
  float *distance; /* n x k */
  int64_t *id;     /* n x k */
  unsigned char *busy;
} rg_topk;
rg_topk rg_topk_new(int64_t n, int k);
void rg_topk_fini(rg_topk *lists);
/** Offer a neighbour to list i; returns the largest distance still of use to it. */
float rg_topk_offer(rg_topk *lists, int64_t i, float distance, int64_t id);
/** Largest distance still of use to list i. */
float rg_topk_limit(const rg_topk *lists, int64_t i);

/** Squared distance of two padded rows, summed in a fixed order: symmetric, and the same
 *  wherever it is computed. Not collective. */
float rg_dist2(const float *x, const float *y, int ld);
/** Offer every pair of distinct rows of `points` to the lists of both. Products of tiles
 *  (sgemm) rule pairs out, with a bound on their rounding; what is left is measured by
 *  rg_dist2: so the lists are exact and do not depend on tiles or threads. */
void rg_pairs_self(const rg_points *points, rg_topk *lists);
/** The same for every pair of a row of a and a row of b: b's rows go to the lists of a;
 *  a's rows to those of b when b_lists is not NULL. */
void rg_pairs_cross(const rg_points *a, rg_topk *a_lists, const rg_points *b,
                    rg_topk *b_lists);
/** rg_pairs_self of each bucket: rows member[offset[b]..offset[b+1]) of points. */
void rg_pairs_buckets(const rg_points *points, int64_t n_buckets, const int64_t *offset,
                      const int32_t *member, rg_topk *lists);
/** Reference twins: plain loops. */
void rg_ref_pairs_cross(const rg_points *a, rg_topk *a_lists, const rg_points *b,
                        rg_topk *b_lists);

/* ---- sparse products ------------------------------------------------------------- */

/** y (rows x width) = a b, with b cols x width. Every row is summed in the order of its
 *  entries. Fastest when width is a multiple of 16. */
void rg_spmm(const rg_csr *a, const float *b, int width, float *y);
void rg_ref_spmm(const rg_csr *a, const float *b, int width, float *y);

/** A sparse matrix cut into panels of consecutive rows (65,536 at most), each stored by
 *  column: the layout of the transposed product. Owned. */
typedef struct rg_panels {
  int64_t rows, cols;
  int64_t n;       /* panels */
  int64_t *first;  /* n + 1: first row of each */
  int64_t *start;  /* n x (cols + 1): entries of column c of panel i are
                      start[i * (cols + 1) + c] up to the next */
  uint16_t *row;   /* per entry: row inside the panel */
  float *value;    /* NULL: all ones */
} rg_panels;
/** Cut a into n panels that start at rows first[0..n), first[n] = a->rows. */
rg_panels rg_panels_new(const rg_csr *a, int64_t n, const int64_t *first);
void rg_panels_fini(rg_panels *panels);
/** z (cols x width) = a^T y over the panels of `node` (not empty), y rows x width; the
 *  sums of the panels are added along the tree of tensor.h with panels as items. */
void rg_panels_times(const rg_panels *panels, rg_range node, const float *y, int width,
                     float *z);
void rg_ref_spmm_transposed(const rg_csr *a, const float *y, int width, float *z);

/* ---- tall products in double ----------------------------------------------------- */

/** c (wa x wb) = a^T b over `rows` rows of a (rows x wa) and b (rows x wb), summed in
 *  double inside blocks of RG_TALL_BLOCK rows and over blocks along the tree. */
#define RG_TALL_BLOCK 256
void rg_tall_gram(int64_t rows, const float *a, int wa, const float *b, int wb, double *c);
void rg_ref_tall_gram(int64_t rows, const float *a, int wa, const float *b, int wb,
                      double *c);
/** y (rows x wb) = beta y + a c, with a rows x wa and c wa x wb; y may not alias a. */
void rg_tall_times(int64_t rows, const float *a, int wa, const double *c, int wb,
                   double beta, float *y);
void rg_ref_tall_times(int64_t rows, const float *a, int wa, const double *c, int wb,
                       double beta, float *y);

#endif
