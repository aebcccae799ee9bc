/** matrix: one stored matrix of cells x features in any of its layouts, read as CSR.
 *  Values are as stored: sorting, merging and checks of values come later (source.c). */
#ifndef REGATTA_IO_MATRIX_H
#define REGATTA_IO_MATRIX_H

#include "h5.h"
#include "regatta/tensor.h"

typedef enum rg_layout {
  RG_BY_ROWS,    /* csr; 10x files are csr of cells x features */
  RG_BY_COLUMNS, /* csc */
  RG_DENSE,      /* cells x features */
  RG_DENSE_T,    /* features x cells (loom) */
  RG_MARKET      /* MatrixMarket, features x cells */
} rg_layout;

typedef struct rg_matrix {
  rg_layout layout;
  int64_t rows, cols;                /* cells, features */
  int64_t nnz;                       /* stored entries */
  const rg_h5 *h5;                   /* borrowed; NULL for text */
  char *path;                        /* in the file; of the file for text */
  rg_h5_array data, indices, indptr; /* dense: data alone */
  int64_t text_start;                /* where the entries of a text begin */
} rg_matrix;

/** Open an element of an anndata file: a dense dataset or a sparse group of any
 *  generation. Not collective. */
rg_status rg_matrix_open(const rg_h5 *h5, const char *path, rg_matrix *matrix);
/** Open a 10x group of data, indices, indptr and shape = (features, barcodes). */
rg_status rg_matrix_open_tenx(const rg_h5 *h5, const char *group, rg_matrix *matrix);
/** Open a dense matrix of features x cells. */
rg_status rg_matrix_open_loom(const rg_h5 *h5, const char *path, rg_matrix *matrix);
/** Open a MatrixMarket file, plain or gz, features x cells. */
rg_status rg_matrix_open_text(const char *path, rg_matrix *matrix);
void rg_matrix_close(rg_matrix *matrix);
const char *rg_matrix_layout(const rg_matrix *matrix);
const char *rg_matrix_type(const rg_matrix *matrix);

/** True when rows can be read without reading all of the matrix. */
bool rg_matrix_has_rows(const rg_matrix *matrix);
/** Rows [low, high) of a matrix that has rows. Local work; owned by the caller. */
rg_status rg_matrix_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                         rg_csr *csr);
/** This rank's part (rg_part of the rows) of a matrix of any layout. Collective. */
rg_status rg_matrix_part(rg_comm *comm, const rg_matrix *matrix, rg_csr *csr);

/* ---- inside: the layouts --------------------------------------------------------- */

rg_status rg_sparse_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                         rg_csr *csr);
rg_status rg_dense_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                        rg_csr *csr);
rg_status rg_columns_part(rg_comm *comm, const rg_matrix *matrix, rg_csr *csr);
rg_status rg_text_part(rg_comm *comm, const rg_matrix *matrix, rg_csr *csr);

/** One entry on its way to the rank that holds its row. */
typedef struct rg_entry {
  int64_t row;
  int32_t col;
  float value;
} rg_entry;
/** Entries that arrive at this rank for its part of the rows. */
typedef struct rg_route {
  rg_comm *comm;
  int64_t rows;
  rg_range part;
  rg_entry *kept;
  int64_t n;
} rg_route;
void rg_route_init(rg_route *route, rg_comm *comm, int64_t rows);
/** Send n entries to the owners of their rows. Collective. */
void rg_route_send(rg_route *route, const rg_entry *entries, int64_t n);
/** What arrived, as CSR in order of arrival within a row; frees the route. */
void rg_route_finish(rg_route *route, int64_t cols, rg_csr *csr);
void rg_route_fini(rg_route *route);

#endif
