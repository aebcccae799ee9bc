/** tensor: views of numbers. Rows are cells (or features), row-major; a CSR row lists the
 *  nonzeros of one cell in rising column order. Structs here own their arrays unless a
 *  function says "view". Nothing here is collective. */
#ifndef REGATTA_TENSOR_H
#define REGATTA_TENSOR_H

#include "regatta/base.h"

/** Dense matrix, rows x cols, row-major without padding. */
typedef struct rg_mat {
  int64_t rows;
  int64_t cols;
  float *data;
} rg_mat;
/** A zeroed matrix, owned by the caller. Not collective. */
rg_mat rg_mat_new(int64_t rows, int64_t cols);
void rg_mat_fini(rg_mat *mat);
/** Scale rows to unit length; rows of zeros stay. Not collective. */
void rg_mat_unit_rows(rg_mat *mat);
static inline float *rg_mat_row(const rg_mat *mat, int64_t i)
{
  return mat->data + i * mat->cols;
}

/** Sparse matrix, rows x cols. values may be NULL: all ones. */
typedef struct rg_csr {
  int64_t rows;
  int64_t cols;
  int64_t *indptr; /* rows + 1, from 0 */
  int32_t *indices;
  float *values;
} rg_csr;
/** A matrix with room for nnz entries; indptr zeroed. Owned by the caller. */
rg_csr rg_csr_new(int64_t rows, int64_t cols, int64_t nnz);
void rg_csr_fini(rg_csr *csr);
static inline int64_t rg_csr_nnz(const rg_csr *csr)
{
  return csr->indptr ? csr->indptr[csr->rows] : 0;
}
/** Transpose (columns become rows); owned by the caller. Stable: rising order. */
rg_csr rg_csr_transpose(const rg_csr *csr);
/** Keep columns with new_of_old[c] >= 0 under their new number (rising). */
void rg_csr_keep_columns(rg_csr *csr, const int32_t *new_of_old, int64_t new_cols);

/** A half-open range of 64-bit numbers. */
typedef struct rg_range {
  int64_t low, high;
} rg_range;
static inline int64_t rg_range_n(rg_range r)
{
  return r.high - r.low;
}

/** The fixed binary tree over items 0..n-1 that every ordered sum in the program takes:
 *  a node [low, high) splits after the largest power of two below its length. Because
 *  the tree depends on n alone, a sum over any partition of the items into ranks gives
 *  the same bits.
 *
 *  Maximal whole subtrees inside `part` of the tree over n items, in order; at most
 *  RG_TREE_SLOTS. Returns their number. Not collective. */
#define RG_TREE_SLOTS 64
int rg_tree_cover(int64_t n, rg_range part, rg_range slots[RG_TREE_SLOTS]);
/** The split point of a node with at least two items. */
int64_t rg_tree_split(rg_range node);
/** Sum x[0..n)[0..width) along the tree: out[j] = tree over i of x[i * stride + j]. */
void rg_tree_sum_f64(const double *x, int64_t n, int64_t width, int64_t stride,
                     double *out);
void rg_tree_sum_f32(const float *x, int64_t n, int64_t width, int64_t stride,
                     float *out);

#endif
