/* Frames, matrices and notes, as anndata 0.8 encodes them. */

#include "frame_write.h"

#include <string.h>

/* ---- columns --------------------------------------------------------------------- */

static void put_codes(rg_h5_writer *w, const char *path, const rg_column *column)
{
  int64_t k = column->categories.n;
  if (k > INT16_MAX) {
    rg_h5_put_rows(w, path, RG_H5_I32, column->code, column->n, 0);
  } else if (k > INT8_MAX) {
    int16_t *codes = RG_NEW(int16_t, column->n);
    for (int64_t i = 0; i < column->n; i++)
      codes[i] = (int16_t)column->code[i];
    rg_h5_put_rows(w, path, RG_H5_I16, codes, column->n, 0);
    rg_free(codes);
  } else {
    int8_t *codes = RG_NEW(int8_t, column->n);
    for (int64_t i = 0; i < column->n; i++)
      codes[i] = (int8_t)column->code[i];
    rg_h5_put_rows(w, path, RG_H5_I8, codes, column->n, 0);
    rg_free(codes);
  }
  rg_h5_put_encoding(w, path, "array", "0.2.0");
}

static void put_category(rg_h5_writer *w, const char *path, const rg_column *column)
{
  char *codes = rg_format("%s/codes", path);
  char *categories = rg_format("%s/categories", path);
  rg_h5_put_group(w, path, "categorical", "0.2.0");
  rg_h5_put_false_attribute(w, path, "ordered");
  rg_h5_put_list(w, categories, &column->categories);
  put_codes(w, codes, column);
  rg_free(codes);
  rg_free(categories);
}

void rg_frame_put_column(rg_h5_writer *w, const char *path, const rg_column *column)
{
  switch (column->type) {
  case RG_COLUMN_CATEGORY:
    put_category(w, path, column);
    break;
  case RG_COLUMN_NUMBER:
    rg_h5_put_rows(w, path, RG_H5_F64, column->number, column->n, 0);
    rg_h5_put_encoding(w, path, "array", "0.2.0");
    break;
  case RG_COLUMN_STRING:
    rg_h5_put_strings(w, path, &column->text);
    break;
  }
}

static void check_name(rg_h5_writer *w, const char *frame, const char *name)
{
  if (!*name || strchr(name, '/') || strcmp(name, "_index") == 0 ||
      strcmp(name, ".") == 0)
    rg_h5_writer_fail(
        w, rg_fail(RG_EUSAGE, "%s: '%s' cannot be the name of a column", frame, name));
}

void rg_frame_put(rg_h5_writer *w, const char *path, const rg_strings *index,
                  int n_columns, const rg_column *columns)
{
  rg_strings order = {0};
  for (int i = 0; i < n_columns; i++) {
    check_name(w, path, columns[i].name);
    rg_strings_add(&order, columns[i].name, -1);
  }
  rg_h5_put_group(w, path, "dataframe", "0.2.0");
  rg_h5_put_text_attribute(w, path, "_index", "_index");
  rg_h5_put_strings_attribute(w, path, "column-order", &order);
  char *name = rg_format("%s/_index", path);
  rg_h5_put_strings(w, name, index);
  rg_free(name);
  for (int i = 0; i < n_columns; i++) {
    name = rg_format("%s/%s", path, columns[i].name);
    rg_frame_put_column(w, name, &columns[i]);
    rg_free(name);
  }
  rg_strings_fini(&order);
}

/* ---- matrices -------------------------------------------------------------------- */

void rg_frame_put_mat(rg_h5_writer *w, const char *path, const rg_mat *mat)
{
  RG_ASSERT(mat->cols > 0);
  rg_h5_put_rows(w, path, RG_H5_F32, mat->data, mat->rows, mat->cols);
  rg_h5_put_encoding(w, path, "array", "0.2.0");
}

/* Where rows begin among all entries; the last rank adds the end of all. */
static void put_indptr(rg_h5_writer *w, const char *path, const rg_csr *csr,
                       bool last_rank)
{
  int64_t total;
  rg_range place = rg_h5_place(w, rg_csr_nnz(csr), &total);
  int64_t n = csr->rows + (last_rank ? 1 : 0);
  int64_t *wide = RG_NEW(int64_t, n);
  for (int64_t i = 0; i < n; i++)
    wide[i] = place.low + (csr->indptr ? csr->indptr[i] : 0);
  if (total <= INT32_MAX) {
    int32_t *narrow = RG_NEW(int32_t, n);
    for (int64_t i = 0; i < n; i++)
      narrow[i] = (int32_t)wide[i];
    rg_h5_put_rows(w, path, RG_H5_I32, narrow, n, 0);
    rg_free(narrow);
  } else {
    rg_h5_put_rows(w, path, RG_H5_I64, wide, n, 0);
  }
  rg_free(wide);
}

void rg_frame_put_csr(rg_h5_writer *w, const char *path, const rg_csr *csr,
                      int64_t n_cols)
{
  rg_comm *comm = rg_h5_writer_comm(w);
  int64_t nnz = rg_csr_nnz(csr), shape[2] = {0, n_cols};
  rg_h5_place(w, csr->rows, &shape[0]);
  rg_h5_put_group(w, path, "csr_matrix", "0.1.0");
  rg_h5_put_int_attribute(w, path, "shape", shape, 2);
  float *ones = NULL;
  if (!csr->values) {
    ones = RG_NEW(float, nnz);
    for (int64_t i = 0; i < nnz; i++)
      ones[i] = 1;
  }
  char *name = rg_format("%s/data", path);
  rg_h5_put_rows(w, name, RG_H5_F32, ones ? ones : csr->values, nnz, 0);
  rg_free(name);
  name = rg_format("%s/indices", path);
  rg_h5_put_rows(w, name, RG_H5_I32, csr->indices, nnz, 0);
  rg_free(name);
  name = rg_format("%s/indptr", path);
  put_indptr(w, name, csr, rg_rank(comm) == rg_size(comm) - 1);
  rg_free(name);
  rg_free(ones);
}

/* ---- notes ----------------------------------------------------------------------- */

static void put_scalar(rg_h5_writer *w, const char *path, const rg_note *note)
{
  if (note->is_bool) {
    int8_t x = note->number != 0;
    rg_h5_put_number(w, path, RG_H5_BOOL8, &x);
  } else if (note->is_integer) {
    int64_t x = (int64_t)note->number;
    rg_h5_put_number(w, path, RG_H5_I64, &x);
  } else {
    rg_h5_put_number(w, path, RG_H5_F64, &note->number);
  }
}

void rg_frame_put_note(rg_h5_writer *w, const char *uns, const rg_note *note)
{
  char *path = rg_format("%s/%s", uns, note->path);
  for (char *slash = path + strlen(uns) + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    rg_h5_put_group(w, path, "dict", "0.1.0");
    *slash = '/';
  }
  if (note->fields.n > 0) {
    int64_t n = note->array ? note->array_n : note->list.n;
    rg_h5_put_records(w, path, &note->fields, n / note->fields.n, &note->list,
                      note->array, note->is_single);
  } else if (note->text) {
    rg_h5_put_text(w, path, note->text);
  } else if (note->list.n > 0) {
    rg_h5_put_list(w, path, &note->list);
  } else if (note->array) {
    rg_h5_put_array(w, path, RG_H5_F64, note->array, note->array_n, 0);
    rg_h5_put_encoding(w, path, "array", "0.2.0");
  } else {
    put_scalar(w, path, note);
  }
  rg_free(path);
}
