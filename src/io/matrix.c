/* Opening a stored matrix, and its layouts behind one face. */
#include "matrix.h"

#include <string.h>

static rg_status check_size(const rg_matrix *matrix)
{
  if (matrix->rows < 0 || matrix->cols < 0 || matrix->cols >= INT32_MAX)
    return rg_fail(RG_EINPUT,
                   "%s:%s: claims %lld x %lld values; at most 2^31 features "
                   "are possible",
                   matrix->h5->path, matrix->path, (long long)matrix->rows,
                   (long long)matrix->cols);
  return RG_OK;
}

/* The three arrays of a sparse group, and what their lengths have to be. */
static rg_status open_arrays(rg_matrix *matrix)
{
  rg_status status = RG_OK;
  const rg_h5 *h5 = matrix->h5;
  char *data = rg_h5_path(matrix->path, "data");
  char *indices = rg_h5_path(matrix->path, "indices");
  char *indptr = rg_h5_path(matrix->path, "indptr");
  int64_t ends[2] = {0, 0};
  RG_TRY(check_size(matrix));
  RG_TRY(rg_h5_array_open(h5, data, &matrix->data));
  RG_TRY(rg_h5_array_open(h5, indices, &matrix->indices));
  RG_TRY(rg_h5_array_open(h5, indptr, &matrix->indptr));
  matrix->nnz = matrix->data.dims[0];
  int64_t lines = matrix->layout == RG_BY_ROWS ? matrix->rows : matrix->cols;
  if (!rg_h5_is_number(&matrix->data) || matrix->data.rank != 1 ||
      matrix->indices.rank != 1 || matrix->indptr.rank != 1)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:%s: data, indices and indptr have to be lists of "
                   "numbers",
                   h5->path, matrix->path));
  if (matrix->indices.dims[0] != matrix->nnz)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:%s: holds %lld indices for %lld values: cut short; "
                   "write the file again",
                   h5->path, matrix->path, (long long)matrix->indices.dims[0],
                   (long long)matrix->nnz));
  if (matrix->indptr.dims[0] != lines + 1)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: holds %lld values where the shape asks for %lld",
                   h5->path, indptr, (long long)matrix->indptr.dims[0],
                   (long long)(lines + 1)));
  RG_TRY(rg_h5_read_i64(&matrix->indptr, 0, 1, &ends[0]));
  RG_TRY(rg_h5_read_i64(&matrix->indptr, lines, lines + 1, &ends[1]));
  if (ends[0] != 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s[0]: is %lld; the pointers have to start at 0",
                   h5->path, indptr, (long long)ends[0]));
  if (ends[1] != matrix->nnz)
    RG_TRY(rg_fail(
        RG_EINPUT, "%s:%s[%lld]: is %lld, but %lld values are stored%s", h5->path,
        indptr, (long long)lines, (long long)ends[1], (long long)matrix->nnz,
        ends[1] < 0 ? "; the program that wrote it overflowed 32 bits: write "
                      "it again with 64-bit pointers"
                    : "; the file is cut short or damaged"));
out:
  rg_free(data);
  rg_free(indices);
  rg_free(indptr);
  return status;
}

/* csr or csc, and the shape, in the words of either generation. */
static rg_status open_sparse(rg_matrix *matrix)
{
  const rg_h5 *h5 = matrix->h5;
  int64_t shape[2];
  bool old = rg_h5_has_attribute(h5, matrix->path, "h5sparse_format");
  char *format =
      rg_h5_text_attribute(h5, matrix->path, old ? "h5sparse_format" : "encoding-type");
  bool rows = format && strncmp(format, "csr", 3) == 0;
  bool columns = format && strncmp(format, "csc", 3) == 0;
  rg_status status = RG_OK;
  if (!rows && !columns)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:%s: is a group of encoding '%s'; a csr_matrix, a "
                   "csc_matrix or a dense array can be read",
                   h5->path, matrix->path, format ? format : "none"));
  RG_TRY(rg_h5_int_attribute(h5, matrix->path, old ? "h5sparse_shape" : "shape", 2,
                             shape));
  matrix->layout = rows ? RG_BY_ROWS : RG_BY_COLUMNS;
  matrix->rows = shape[0];
  matrix->cols = shape[1];
  RG_TRY(open_arrays(matrix));
out:
  rg_free(format);
  return status;
}

static rg_status open_dense(rg_matrix *matrix, rg_layout layout)
{
  rg_status status = RG_OK;
  RG_TRY(rg_h5_array_open(matrix->h5, matrix->path, &matrix->data));
  const rg_h5_array *data = &matrix->data;
  if (!rg_h5_is_number(data) || data->rank < 1)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:%s: holds %s values of %d dimensions; a matrix of "
                   "numbers was expected",
                   matrix->h5->path, matrix->path, rg_h5_type_name(data), data->rank));
  matrix->layout = layout;
  matrix->rows = data->dims[layout == RG_DENSE ? 0 : 1];
  matrix->cols = data->dims[layout == RG_DENSE ? 1 : 0];
  matrix->nnz = matrix->rows * matrix->cols;
  RG_TRY(check_size(matrix));
out:
  return status;
}

rg_status rg_matrix_open(const rg_h5 *h5, const char *path, rg_matrix *matrix)
{
  *matrix = (rg_matrix){.h5 = h5, .path = rg_strdup(path)};
  bool group = rg_h5_what(h5, path) == RG_H5_GROUP;
  rg_status status = group ? open_sparse(matrix) : open_dense(matrix, RG_DENSE);
  if (status != RG_OK)
    rg_matrix_close(matrix);
  return status;
}

rg_status rg_matrix_open_loom(const rg_h5 *h5, const char *path, rg_matrix *matrix)
{
  *matrix = (rg_matrix){.h5 = h5, .path = rg_strdup(path)};
  rg_status status = open_dense(matrix, RG_DENSE_T);
  if (status != RG_OK)
    rg_matrix_close(matrix);
  return status;
}

rg_status rg_matrix_open_tenx(const rg_h5 *h5, const char *group, rg_matrix *matrix)
{
  *matrix = (rg_matrix){.h5 = h5, .path = rg_strdup(group), .layout = RG_BY_ROWS};
  rg_status status = RG_OK;
  rg_h5_array shape = {0};
  int64_t size[2];
  char *path = rg_h5_path(group, "shape");
  RG_TRY(rg_h5_array_open(h5, path, &shape));
  if (shape.dims[0] != 2)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has to be two numbers", h5->path, path));
  RG_TRY(rg_h5_read_i64(&shape, 0, 2, size));
  matrix->rows = size[1];
  matrix->cols = size[0];
  RG_TRY(open_arrays(matrix));
out:
  rg_h5_array_close(&shape);
  rg_free(path);
  if (status != RG_OK)
    rg_matrix_close(matrix);
  return status;
}

void rg_matrix_close(rg_matrix *matrix)
{
  rg_h5_array_close(&matrix->data);
  rg_h5_array_close(&matrix->indices);
  rg_h5_array_close(&matrix->indptr);
  rg_free(matrix->path);
  *matrix = (rg_matrix){0};
}

const char *rg_matrix_layout(const rg_matrix *matrix)
{
  static const char *const names[] = {"csr", "csc", "dense", "dense transposed", "mtx"};
  return names[matrix->layout];
}

const char *rg_matrix_type(const rg_matrix *matrix)
{
  return matrix->layout == RG_MARKET ? "text" : rg_h5_type_name(&matrix->data);
}

bool rg_matrix_has_rows(const rg_matrix *matrix)
{
  return matrix->layout == RG_BY_ROWS || matrix->layout == RG_DENSE ||
         matrix->layout == RG_DENSE_T;
}

rg_status rg_matrix_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                         rg_csr *csr)
{
  RG_ASSERT(rg_matrix_has_rows(matrix));
  return matrix->layout == RG_BY_ROWS ? rg_sparse_rows(matrix, low, high, csr)
                                      : rg_dense_rows(matrix, low, high, csr);
}

rg_status rg_matrix_part(rg_comm *comm, const rg_matrix *matrix, rg_csr *csr)
{
  if (matrix->layout == RG_BY_COLUMNS)
    return rg_columns_part(comm, matrix, csr);
  if (matrix->layout == RG_MARKET)
    return rg_text_part(comm, matrix, csr);
  rg_range part = rg_part(matrix->rows, rg_rank(comm), rg_size(comm));
  rg_status status = rg_matrix_rows(matrix, part.low, part.high, csr);
  rg_status agreed = rg_agree(comm, status);
  if (status == RG_OK && agreed != RG_OK)
    rg_csr_fini(csr);
  return agreed;
}
