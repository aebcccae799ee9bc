/* Small files for tests of the readers, written with plain HDF5. The value of cell i in
 * feature j is given by a function, so that every rank knows what to expect. */
#ifndef RG_TESTS_IO_FILES_H
#define RG_TESTS_IO_FILES_H

#include "regatta/base.h"

#include <hdf5.h>
#include <string.h>

/* About a third is not zero. */
static inline int io_count(int64_t cell, int64_t feature)
{
  uint64_t x = (uint64_t)(cell * 131 + feature * 17 + 7);
  x = (x ^ x >> 3) * 0x9e3779b97f4a7c15u >> 40;
  return x % 3 == 0 ? (int)(x % 11) + 1 : 0;
}

static inline void io_put_text(hid_t where, const char *name, const char *text)
{
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text) + 1);
  hid_t id = H5Acreate2(where, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(id, type, text);
  H5Aclose(id);
  H5Sclose(space);
  H5Tclose(type);
}

static inline void io_put_shape(hid_t where, int64_t rows, int64_t cols)
{
  int64_t shape[2] = {rows, cols};
  hid_t space = H5Screate_simple(1, &(hsize_t){2}, NULL);
  hid_t id = H5Acreate2(where, "shape", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(id, H5T_NATIVE_INT64, shape);
  H5Aclose(id);
  H5Sclose(space);
}

/* A list (cols 0) or a matrix; gz with chunks of 16 rows when `packed`. */
static inline void io_put_array(hid_t where, const char *name, hid_t stored,
                                hid_t memory, int64_t rows, int64_t cols, bool packed,
                                const void *x)
{
  hsize_t dims[2] = {(hsize_t)rows, (hsize_t)cols};
  hsize_t chunk[2] = {rows < 16 ? (hsize_t)(rows > 0 ? rows : 1) : 16,
                      (hsize_t)(cols > 0 ? cols : 1)};
  int rank = cols > 0 ? 2 : 1;
  hid_t space = H5Screate_simple(rank, dims, NULL);
  hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  if (packed) {
    H5Pset_chunk(creation, rank, chunk);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 4);
  }
  hid_t id = H5Dcreate2(where, name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
  H5Dclose(id);
  H5Pclose(creation);
  H5Sclose(space);
}

/* A table of `prefix`<number[i]> and, when `column` is given, a column of numbers. */
static inline void io_put_frame(hid_t where, const char *name, const char *prefix,
                                int64_t n, const int64_t *number, const char *column)
{
  enum { LENGTH = 32 };
  hid_t group = H5Gcreate2(where, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  char *text = RG_NEW(char, n * LENGTH);
  double *x = RG_NEW(double, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t k = number ? number[i] : i;
    snprintf(text + i * LENGTH, LENGTH, "%s%lld", prefix, (long long)k);
    x[i] = (double)k / 2;
  }
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, LENGTH);
  io_put_array(group, "_index", type, type, n, 0, false, text);
  if (column)
    io_put_array(group, column, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, n, 0, true, x);
  io_put_text(group, "_index", "_index");
  H5Tclose(type);
  H5Gclose(group);
  rg_free(text);
  rg_free(x);
}

/* The matrix of cells number[0..n) (NULL: 0..n-1) as "csr", "csc" or "dense". */
static inline void io_put_matrix(hid_t where, const char *name, const char *layout,
                                 int64_t n, const int64_t *number, int64_t features)
{
  float *dense = RG_NEW(float, n * features), *values = RG_NEW(float, n * features);
  int32_t *indices = RG_NEW(int32_t, n * features);
  int64_t *indptr = RG_NEW(int64_t, n + features + 1);
  bool rows = strcmp(layout, "csr") == 0;
  int64_t lines = rows ? n : features, across = rows ? features : n, nnz = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < features; j++)
      dense[i * features + j] = (float)io_count(number ? number[i] : i, j);
  for (int64_t a = 0; a < lines; a++) {
    for (int64_t b = 0; b < across; b++) {
      float x = rows ? dense[a * features + b] : dense[b * features + a];
      if (x == 0)
        continue;
      indices[nnz] = (int32_t)b;
      values[nnz++] = x;
    }
    indptr[a + 1] = nnz;
  }
  if (strcmp(layout, "dense") == 0) {
    io_put_array(where, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, n, features, true,
                 dense);
  } else {
    hid_t group = H5Gcreate2(where, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    io_put_text(group, "encoding-type", rows ? "csr_matrix" : "csc_matrix");
    io_put_shape(group, n, features);
    io_put_array(group, "data", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, nnz, 0, true, values);
    io_put_array(group, "indices", H5T_STD_I32LE, H5T_NATIVE_INT32, nnz, 0, true,
                 indices);
    io_put_array(group, "indptr", H5T_STD_I64LE, H5T_NATIVE_INT64, lines + 1, 0, false,
                 indptr);
    H5Gclose(group);
  }
  rg_free(dense);
  rg_free(values);
  rg_free(indices);
  rg_free(indptr);
}

/* obs with a column "half", var, X and an embedding of two columns (cell, -cell). */
static inline void io_put_anndata(hid_t where, const char *layout, int64_t n,
                                  const int64_t *number, int64_t features)
{
  io_put_frame(where, "obs", "cell", n, number, "half");
  io_put_frame(where, "var", "gene", features, NULL, NULL);
  io_put_matrix(where, "X", layout, n, number, features);
  hid_t obsm = H5Gcreate2(where, "obsm", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  float *x = RG_NEW(float, 2 * n);
  for (int64_t i = 0; i < n; i++) {
    x[2 * i] = (float)(number ? number[i] : i);
    x[2 * i + 1] = -x[2 * i];
  }
  io_put_array(obsm, "X_pca", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, n, 2, false, x);
  rg_free(x);
  H5Gclose(obsm);
}

static inline void io_write_h5ad(const char *path, const char *layout, int64_t n,
                                 int64_t features)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  io_put_anndata(file, layout, n, NULL, features);
  H5Fclose(file);
}

/* Overwrite one float of a list. */
static inline void io_spoil(const char *path, const char *array, int64_t at, float x)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t id = H5Dopen2(file, array, H5P_DEFAULT), space = H5Dget_space(id);
  hsize_t start = (hsize_t)at, one = 1;
  hid_t memory = H5Screate_simple(1, &one, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &one, NULL);
  H5Dwrite(id, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, &x);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(id);
  H5Fclose(file);
}

#endif
