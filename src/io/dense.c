/* Dense matrices: read in blocks of whole chunks, kept without their zeros. */
#include "matrix.h"

#define BLOCK_VALUES ((int64_t)1 << 22)

/* The end of the block that starts at row `low`: about BLOCK_VALUES values, cut where
 * chunks end. */
static int64_t block_end(int64_t low, int64_t high, int64_t width, int64_t chunk)
{
  int64_t rows = BLOCK_VALUES / (width > 0 ? width : 1);
  int64_t end = low + (rows > 0 ? rows : 1);
  if (chunk > 0 && end - end % chunk > low)
    end -= end % chunk;
  else if (chunk > 0)
    end += chunk - end % chunk;
  return end < high ? end : high;
}

/* Add an entry to the row that is being filled: the last one. */
static void append(rg_csr *csr, int64_t *room, int32_t column, float value)
{
  int64_t at = csr->indptr[csr->rows]++;
  if (at == *room) {
    int64_t more = *room + *room / 2 + 4096;
    csr->indices = rg_realloc(csr->indices, *room, more, sizeof *csr->indices);
    csr->values = rg_realloc(csr->values, *room, more, sizeof *csr->values);
    *room = more;
  }
  csr->indices[at] = column;
  csr->values[at] = value;
}

/* A block's rows lie `across` apart and its columns `along` apart. */
static void append_rows(rg_csr *csr, int64_t *room, const float *x, int64_t rows,
                        int64_t cols, int64_t across, int64_t along)
{
  for (int64_t i = 0; i < rows; i++) {
    csr->rows++;
    csr->indptr[csr->rows] = csr->indptr[csr->rows - 1];
    for (int64_t j = 0; j < cols; j++) {
      float value = x[i * across + j * along];
      if (value != 0) /* NaN is kept: it is reported later */
        append(csr, room, (int32_t)j, value);
    }
  }
}

rg_status rg_dense_rows(const rg_matrix *matrix, int64_t low, int64_t high, rg_csr *csr)
{
  *csr = (rg_csr){0};
  rg_status status = RG_OK;
  bool turned = matrix->layout == RG_DENSE_T;
  int64_t cols = matrix->cols, chunk = matrix->data.chunk[turned ? 1 : 0], room = 0;
  int64_t most = 0;
  for (int64_t at = low; at < high;) {
    int64_t end = block_end(at, high, cols, chunk);
    most = end - at > most ? end - at : most;
    at = end;
  }
  float *x = RG_NEW(float, most * cols);
  rg_csr rows = {.cols = cols, .indptr = RG_NEW(int64_t, high - low + 1)};
  rows.indices = RG_NEW(int32_t, 0);
  rows.values = RG_NEW(float, 0);
  for (int64_t at = low; at < high;) {
    int64_t end = block_end(at, high, cols, chunk), n = end - at;
    if (turned)
      RG_TRY(rg_h5_read_block(&matrix->data, 0, cols, at, end, x));
    else
      RG_TRY(rg_h5_read_f32(&matrix->data, at, end, x));
    append_rows(&rows, &room, x, n, cols, turned ? 1 : cols, turned ? n : 1);
    at = end;
  }
  rg_free(x);
  *csr = rows;
  return RG_OK;
out:
  rg_free(x);
  rg_csr_fini(&rows);
  return status;
}
