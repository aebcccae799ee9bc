/* Columns of obs and matrices of obsm, for this rank's cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"

enum { BLOCK_ROWS = 1 << 16 };

/* ---- columns --------------------------------------------------------------------- */

rg_strings rg_file_columns(const rg_file *file)
{
  rg_strings list = {0};
  for (int64_t i = 0; i < file->obs.columns.n; i++)
    rg_strings_add(&list, rg_strings_at(&file->obs.columns, i), -1);
  for (int m = 0; m < file->n_sources; m++) {
    const rg_source *source = &file->sources[m];
    for (int64_t i = 0; i < source->obs.columns.n; i++) {
      char *name =
          rg_format("%s:%s", source->name, rg_strings_at(&source->obs.columns, i));
      if (rg_strings_find(&list, name) < 0)
        rg_strings_add(&list, name, -1);
      rg_free(name);
    }
  }
  return list;
}

/* Rows of a span become those of this rank's cells; absent cells miss theirs. */
static void pick_column(const rg_source *source, int64_t first, int64_t n,
                        rg_column *column)
{
  rg_column out = {.type = column->type, .n = n};
  if (column->type == RG_COLUMN_CATEGORY)
    out.code = RG_NEW(int32_t, n);
  if (column->type == RG_COLUMN_NUMBER)
    out.number = RG_NEW(double, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t row = source->row_of[i] < 0 ? -1 : source->row_of[i] - first;
    if (out.code)
      out.code[i] = row < 0 ? -1 : column->code[row];
    else if (out.number)
      out.number[i] = row < 0 ? NAN : column->number[row];
    else
      rg_strings_add(&out.text, row < 0 ? "" : rg_strings_at(&column->text, row), -1);
  }
  out.name = column->name;
  out.categories = column->categories;
  column->name = NULL;
  column->categories = (rg_strings){0};
  rg_column_fini(column);
  *column = out;
}

static rg_status column_of_source(const rg_file *file, const rg_source *source,
                                  const char *name, rg_column *column)
{
  rg_range span = rg_source_span(file, source);
  rg_status status = rg_frame_column(&source->obs, name, span.low, span.high, column);
  if (status == RG_OK && source->row_of)
    pick_column(source, span.low, rg_range_n(file->rows), column);
  return status;
}

/* The modality that "rna:cell_type" or "cell_type" means, with the column's own name. */
static const rg_source *source_with_column(const rg_file *file, const char *name,
                                           const char **own)
{
  const char *colon = strchr(name, ':');
  for (int m = 0; colon && m < file->n_sources; m++) {
    const rg_source *source = &file->sources[m];
    *own = colon + 1;
    if (strlen(source->name) == (size_t)(colon - name) &&
        strncmp(source->name, name, (size_t)(colon - name)) == 0 &&
        rg_frame_has(&source->obs, *own))
      return source;
  }
  *own = name;
  for (int m = 0; m < file->n_sources; m++)
    if (rg_frame_has(&file->sources[m].obs, name))
      return &file->sources[m];
  return NULL;
}

static rg_status unknown(const rg_file *file, const char *what, const char *name,
                         rg_strings list)
{
  const char **names = RG_NEW(const char *, list.n);
  for (int64_t i = 0; i < list.n; i++)
    names[i] = rg_strings_at(&list, i);
  const char *nearest = rg_nearest(name, names, (int)list.n);
  char *all = rg_strings_text(&list, 12);
  rg_status status;
  if (nearest)
    status = rg_fail(RG_EINPUT, "%s: there is no %s '%s'; did you mean '%s'?",
                     file->path, what, name, nearest);
  else
    status = rg_fail(RG_EINPUT, "%s: there is no %s '%s'; there are: %s", file->path, what,
                     name, *all ? all : "none");
  rg_free(all);
  rg_free(names);
  rg_strings_fini(&list);
  return status;
}

rg_status rg_read_column(rg_file *file, const char *name, rg_column *column)
{
  *column = (rg_column){0};
  const char *own;
  rg_status status;
  if (rg_frame_has(&file->obs, name)) {
    status = rg_frame_column(&file->obs, name, file->rows.low, file->rows.high, column);
  } else {
    const rg_source *source = source_with_column(file, name, &own);
    status = source ? column_of_source(file, source, own, column)
                    : unknown(file, "column", name, rg_file_columns(file));
  }
  rg_status agreed = rg_agree(file->comm, status);
  if (agreed != RG_OK)
    rg_column_fini(column);
  return agreed;
}

/* ---- obsm ------------------------------------------------------------------------ */

/* Masks of an h5mu lie in obsm under the names of the modalities. */
static bool is_mask(const rg_file *file, const char *name)
{
  char *path = rg_format("/mod/%s", name);
  bool mask = file->h5 && !*file->root && rg_is_h5mu(file->h5) &&
              rg_h5_what(file->h5, path) == RG_H5_GROUP;
  rg_free(path);
  return mask;
}

static bool is_matrix(const rg_file *file, const char *path)
{
  rg_matrix matrix;
  bool good = rg_matrix_open(file->h5, path, &matrix) == RG_OK;
  good = good && (matrix.layout == RG_BY_ROWS || matrix.data.rank == 2);
  rg_matrix_close(&matrix);
  return good;
}

/* Fields of the compound obsm of anndata before 0.7. */
static rg_status list_fields(const rg_file *file, const char *path, rg_strings *list)
{
  rg_h5_array table;
  rg_strings names = {0};
  rg_h5_class *classes = NULL;
  int64_t *widths = NULL;
  rg_status status = rg_h5_array_open(file->h5, path, &table);
  if (status == RG_OK)
    status = rg_h5_fields(&table, &names, &classes, &widths);
  for (int64_t i = 0; status == RG_OK && i < names.n; i++)
    if (classes[i] <= RG_H5_FLOAT && widths[i] > 0)
      rg_strings_add(list, rg_strings_at(&names, i), -1);
  rg_h5_array_close(&table);
  rg_strings_fini(&names);
  rg_free(classes);
  rg_free(widths);
  return status;
}

/* Keys under root/obsm that are matrices. */
static void list_obsm(const rg_file *file, const char *root, rg_strings *list)
{
  char *group = rg_format("%s/obsm", root);
  rg_strings names = {0};
  rg_h5_kind kind = rg_h5_what(file->h5, group);
  if (kind == RG_H5_ARRAY)
    list_fields(file, group, list);
  else if (kind == RG_H5_GROUP && rg_h5_list(file->h5, group, &names) == RG_OK)
    for (int64_t i = 0; i < names.n; i++) {
      const char *name = rg_strings_at(&names, i);
      char *path = rg_h5_path(group, name);
      if ((*root || !is_mask(file, name)) && is_matrix(file, path))
        rg_strings_add(list, name, -1);
      rg_free(path);
    }
  rg_strings_fini(&names);
  rg_free(group);
}

rg_strings rg_file_obsm(const rg_file *file)
{
  rg_strings list = {0};
  if (!file->h5)
    return list;
  list_obsm(file, file->root, &list);
  for (int m = 0; m < file->n_sources; m++) {
    const rg_source *source = &file->sources[m];
    if (source->obs.form == RG_FRAME_NONE)
      continue;
    rg_strings names = {0};
    list_obsm(file, source->group, &names);
    for (int64_t i = 0; i < names.n; i++) {
      char *key = rg_format("%s:%s", source->name, rg_strings_at(&names, i));
      rg_strings_add(&list, key, -1);
      rg_free(key);
    }
    rg_strings_fini(&names);
  }
  return list;
}

/* Rows [low, high) of a dense or CSR element. */
static rg_status element_rows(const rg_matrix *matrix, int64_t low, int64_t high,
                              float *x)
{
  if (matrix->layout == RG_DENSE)
    return rg_h5_read_f32(&matrix->data, low, high, x);
  rg_csr csr;
  rg_status status = rg_matrix_rows(matrix, low, high, &csr);
  if (status != RG_OK)
    return status;
  memset(x, 0, (size_t)((high - low) * matrix->cols) * sizeof *x);
  for (int64_t i = 0; i < csr.rows; i++)
    for (int64_t k = csr.indptr[i]; k < csr.indptr[i + 1]; k++)
      x[i * matrix->cols + csr.indices[k]] += csr.values[k];
  rg_csr_fini(&csr);
  return RG_OK;
}

/* Rows of a span, block by block, to this rank's cells. */
static rg_status element_of_cells(const rg_file *file, const rg_source *source,
                                  const rg_matrix *matrix, rg_mat *mat)
{
  rg_status status = RG_OK;
  int64_t n = rg_range_n(file->rows), cols = matrix->cols;
  *mat = rg_mat_new(n, cols);
  if (!source || !source->row_of)
    return element_rows(matrix, file->rows.low, file->rows.high, mat->data);
  for (int64_t i = 0; i < n * cols; i++)
    mat->data[i] = NAN;
  rg_range span = rg_source_span(file, source);
  float *block = RG_NEW(float, BLOCK_ROWS * cols);
  for (int64_t low = span.low; low < span.high; low += BLOCK_ROWS) {
    int64_t high = low + BLOCK_ROWS < span.high ? low + BLOCK_ROWS : span.high;
    RG_TRY(element_rows(matrix, low, high, block));
    for (int64_t i = 0; i < n; i++) {
      int64_t row = source->row_of[i];
      if (row >= low && row < high)
        memcpy(rg_mat_row(mat, i), block + (row - low) * cols,
               (size_t)cols * sizeof *block);
    }
  }
out:
  rg_free(block);
  return status;
}

static rg_status field_of_cells(const rg_file *file, const char *path,
                                const char *field, rg_mat *mat)
{
  rg_status status = RG_OK;
  rg_h5_array table = {0};
  rg_strings names = {0};
  rg_h5_class *classes = NULL;
  int64_t *widths = NULL;
  double *x = NULL;
  RG_TRY(rg_h5_array_open(file->h5, path, &table));
  RG_TRY(rg_h5_fields(&table, &names, &classes, &widths));
  int64_t at = rg_strings_find(&names, field), n = rg_range_n(file->rows);
  if (at < 0 || table.dims[0] != file->n_cells)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has not %lld rows of '%s'", file->path, path,
                   (long long)file->n_cells, field));
  x = RG_NEW(double, n * widths[at]);
  RG_TRY(rg_h5_read_field_f64(&table, field, widths[at], file->rows.low,
                              file->rows.high, x));
  *mat = rg_mat_new(n, widths[at]);
  for (int64_t i = 0; i < n * widths[at]; i++)
    mat->data[i] = (float)x[i];
out:
  rg_h5_array_close(&table);
  rg_strings_fini(&names);
  rg_free(classes);
  rg_free(widths);
  rg_free(x);
  return status;
}

/* Read root/obsm/key, which has a row per cell of the source (NULL: of the file). */
static rg_status read_obsm(const rg_file *file, const rg_source *source,
                           const char *root, const char *key, rg_mat *mat)
{
  rg_status status = RG_OK;
  rg_matrix matrix = {0};
  char *group = rg_format("%s/obsm", root), *path = rg_h5_path(group, key);
  if (rg_h5_what(file->h5, group) == RG_H5_ARRAY) {
    RG_TRY(field_of_cells(file, group, key, mat));
    goto out;
  }
  RG_TRY(rg_matrix_open(file->h5, path, &matrix));
  int64_t rows = source ? source->face.n_cells : file->n_cells;
  if (matrix.rows != rows)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has %lld rows for %lld cells", file->path, path,
                   (long long)matrix.rows, (long long)rows));
  RG_TRY(element_of_cells(file, source, &matrix, mat));
out:
  rg_matrix_close(&matrix);
  rg_free(group);
  rg_free(path);
  return status;
}

/* The modality that "rna:X_pca" or "X_pca" means, with the key's own name; *source is NULL
 * for the global ones. False when there is no such key. */
static bool find_obsm(const rg_file *file, const char *key, const rg_source **source,
                      const char **own)
{
  rg_strings keys = rg_file_obsm(file);
  bool listed = rg_strings_find(&keys, key) >= 0, found = false;
  *source = NULL;
  *own = key;
  for (int m = 0; m < file->n_sources && !found; m++) {
    const rg_source *candidate = &file->sources[m];
    size_t n = strlen(candidate->name);
    if (candidate->obs.form == RG_FRAME_NONE)
      continue;
    char *whole = rg_format("%s:%s", candidate->name, key);
    bool named = listed && strncmp(key, candidate->name, n) == 0 && key[n] == ':';
    found = named || (!listed && rg_strings_find(&keys, whole) >= 0);
    *source = found ? candidate : NULL;
    *own = named ? key + n + 1 : key;
    rg_free(whole);
  }
  rg_strings_fini(&keys);
  return found || listed;
}

rg_status rg_read_obsm(rg_file *file, const char *key, rg_mat *mat)
{
  *mat = (rg_mat){0};
  const rg_source *source;
  const char *own;
  rg_status status;
  if (find_obsm(file, key, &source, &own))
    status = read_obsm(file, source, source ? source->group : file->root, own, mat);
  else
    status = unknown(file, "obsm", key, rg_file_obsm(file));
  rg_status agreed = rg_agree(file->comm, status);
  if (agreed != RG_OK)
    rg_mat_fini(mat);
  return agreed;
}
