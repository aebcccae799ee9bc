/* Tables of all generations of anndata, and plain groups of arrays. */
#include "frame.h"

#include <math.h>
#include <string.h>

/* ---- opening --------------------------------------------------------------------- */

static rg_status open_compound(rg_frame *frame)
{
  rg_h5_array table;
  rg_status status = rg_h5_array_open(frame->h5, frame->path, &table);
  if (status != RG_OK)
    return status;
  rg_strings fields = {0};
  frame->form = RG_FRAME_COMPOUND;
  frame->n = table.dims[0];
  RG_TRY(rg_h5_fields(&table, &fields, &frame->classes, &frame->widths));
  for (int64_t i = 0; i < fields.n; i++) {
    const char *name = rg_strings_at(&fields, i);
    if (i == 0 && (strcmp(name, "index") == 0 || strcmp(name, "_index") == 0))
      frame->index = rg_strdup(name);
    else
      rg_strings_add(&frame->columns, name, -1);
  }
out:
  rg_strings_fini(&fields);
  rg_h5_array_close(&table);
  return status;
}

static bool has_member(const rg_frame *frame, const char *name)
{
  char *path = rg_h5_path(frame->path, name);
  rg_h5_kind kind = rg_h5_what(frame->h5, path);
  rg_free(path);
  return kind == RG_H5_ARRAY || kind == RG_H5_GROUP;
}

/* column-order names the columns; what else lies in the group is not a column. */
static rg_status open_group(rg_frame *frame)
{
  rg_status status = RG_OK;
  rg_strings order = {0};
  char *path = NULL;
  frame->form = RG_FRAME_GROUP;
  frame->index = rg_h5_text_attribute(frame->h5, frame->path, "_index");
  if (!frame->index && rg_h5_has_attribute(frame->h5, frame->path, "_index"))
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: the attribute '_index' is not a string",
                   frame->h5->path, frame->path));
  if (!frame->index && has_member(frame, "_index"))
    frame->index = rg_strdup("_index");
  if (!frame->index && has_member(frame, "index"))
    frame->index = rg_strdup("index");
  if (!frame->index)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has no index: the attribute '_index' is missing",
                   frame->h5->path, frame->path));
  path = rg_h5_path(frame->path, frame->index);
  RG_TRY(rg_element_length(frame->h5, path, &frame->n));
  if (rg_h5_has_attribute(frame->h5, frame->path, "column-order"))
    RG_TRY(rg_h5_strings_attribute(frame->h5, frame->path, "column-order", &order));
  else
    RG_TRY(rg_h5_list(frame->h5, frame->path, &order));
  for (int64_t i = 0; i < order.n; i++) {
    const char *name = rg_strings_at(&order, i);
    if (strcmp(name, frame->index) != 0 && strcmp(name, "__categories") != 0 &&
        has_member(frame, name))
      rg_strings_add(&frame->columns, name, -1);
  }
out:
  rg_strings_fini(&order);
  rg_free(path);
  return status;
}

rg_status rg_frame_open(const rg_h5 *h5, const char *path, rg_frame *frame)
{
  *frame = (rg_frame){.h5 = h5, .path = rg_strdup(path)};
  rg_status status;
  if (rg_h5_what(h5, path) == RG_H5_ARRAY)
    status = open_compound(frame);
  else if ((status = rg_h5_expect(h5, path, RG_H5_GROUP)) == RG_OK)
    status = open_group(frame);
  if (status != RG_OK)
    rg_frame_fini(frame);
  return status;
}

rg_status rg_frame_open_plain(const rg_h5 *h5, const char *path, const char *index,
                              int64_t n, rg_frame *frame)
{
  rg_status status = RG_OK;
  rg_strings members = {0};
  *frame =
      (rg_frame){.h5 = h5, .path = rg_strdup(path), .form = RG_FRAME_GROUP, .n = n};
  RG_TRY(rg_h5_list(h5, path, &members));
  for (int64_t i = 0; i < members.n; i++) {
    const char *name = rg_strings_at(&members, i);
    if (index && strcmp(name, index) == 0) {
      frame->index = rg_strdup(name);
      continue;
    }
    char *member = rg_h5_path(path, name);
    rg_h5_array array;
    if (rg_h5_what(h5, member) == RG_H5_ARRAY &&
        rg_h5_array_open(h5, member, &array) == RG_OK) {
      if (array.rank == 1 && array.dims[0] == n && array.class <= RG_H5_STRING)
        rg_strings_add(&frame->columns, name, -1);
      rg_h5_array_close(&array);
    }
    rg_free(member);
  }
out:
  rg_strings_fini(&members);
  if (status != RG_OK)
    rg_frame_fini(frame);
  return status;
}

void rg_frame_fini(rg_frame *frame)
{
  rg_free(frame->path);
  rg_free(frame->index);
  rg_strings_fini(&frame->columns);
  rg_free(frame->classes);
  rg_free(frame->widths);
  *frame = (rg_frame){0};
}

bool rg_frame_has(const rg_frame *frame, const char *column)
{
  return rg_strings_find(&frame->columns, column) >= 0;
}

/* ---- names ----------------------------------------------------------------------- */

rg_status rg_frame_names(const rg_frame *frame, int64_t low, int64_t high,
                         rg_strings *names)
{
  if (!frame->index) {
    for (int64_t i = low; i < high; i++) {
      char text[24];
      rg_strings_add(names, text, snprintf(text, sizeof text, "%lld", (long long)i));
    }
    return RG_OK;
  }
  if (frame->form == RG_FRAME_GROUP) {
    char *path = rg_h5_path(frame->path, frame->index);
    rg_status status = rg_element_strings(frame->h5, path, low, high, names);
    rg_free(path);
    return status;
  }
  rg_h5_array table;
  rg_status status = rg_h5_array_open(frame->h5, frame->path, &table);
  if (status == RG_OK)
    status = rg_h5_read_field_strings(&table, frame->index, low, high, names);
  rg_h5_array_close(&table);
  return status;
}

/* ---- columns --------------------------------------------------------------------- */

static void set_bool_categories(rg_column *column)
{
  rg_strings_add(&column->categories, "False", -1);
  rg_strings_add(&column->categories, "True", -1);
  column->type = RG_COLUMN_CATEGORY;
}

/* Codes of an open array become the column's. */
static rg_status take_codes(const rg_h5_array *codes, int64_t low, int64_t high,
                            rg_column *column)
{
  column->type = RG_COLUMN_CATEGORY;
  column->code = RG_NEW(int32_t, high - low);
  rg_status status = rg_h5_read_i32(codes, low, high, column->code);
  for (int64_t i = 0; status == RG_OK && i < high - low; i++) {
    if (column->code[i] >= column->categories.n)
      status = rg_fail(RG_EINPUT, "%s:%s[%lld]: code %d, but there are %lld categories",
                       codes->h5->path, codes->path, (long long)(low + i),
                       column->code[i], (long long)column->categories.n);
    else if (column->code[i] < 0)
      column->code[i] = -1;
  }
  return status;
}

static rg_status read_categories(const rg_h5 *h5, const char *path, rg_column *column)
{
  int64_t n;
  rg_status status = rg_element_length(h5, path, &n);
  if (status == RG_OK && n > INT32_MAX)
    status = rg_fail(RG_EINPUT, "%s:%s: %lld categories are too many", h5->path, path,
                     (long long)n);
  return status != RG_OK ? status
                         : rg_element_strings(h5, path, 0, n, &column->categories);
}

/* A dataset: numbers, strings, booleans, or the codes of a 0.7 category. */
static rg_status column_of_array(const rg_frame *frame, const char *name,
                                 const char *path, int64_t low, int64_t high,
                                 rg_column *column)
{
  rg_status status = RG_OK;
  rg_h5_array array;
  char *group = rg_h5_path(frame->path, "__categories");
  char *categories = rg_h5_path(group, name);
  RG_TRY(rg_h5_array_open(frame->h5, path, &array));
  if (array.dims[0] != frame->n || array.dims[1] != 1)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has %lld rows, but the table has %lld",
                   frame->h5->path, path, (long long)array.dims[0],
                   (long long)frame->n));
  if (rg_h5_has_attribute(frame->h5, path, "categories")) {
    RG_TRY(read_categories(frame->h5, categories, column));
    RG_TRY(take_codes(&array, low, high, column));
  } else if (array.class == RG_H5_BOOL) {
    set_bool_categories(column);
    RG_TRY(take_codes(&array, low, high, column));
  } else if (rg_h5_is_number(&array)) {
    column->type = RG_COLUMN_NUMBER;
    column->number = RG_NEW(double, high - low);
    RG_TRY(rg_h5_read_f64(&array, low, high, column->number));
  } else {
    column->type = RG_COLUMN_STRING;
    RG_TRY(rg_h5_read_strings(&array, low, high, &column->text));
  }
out:
  rg_h5_array_close(&array);
  rg_free(group);
  rg_free(categories);
  return status;
}

/* values and mask of numbers or booleans. */
static rg_status column_of_nullable(const rg_frame *frame, const char *path,
                                    int64_t low, int64_t high, rg_column *column)
{
  rg_status status = RG_OK;
  int64_t n = high - low;
  rg_h5_array values = {0}, mask = {0};
  int32_t *masked = RG_NEW(int32_t, n);
  char *values_path = rg_h5_path(path, "values"), *mask_path = rg_h5_path(path, "mask");
  RG_TRY(rg_h5_array_open(frame->h5, values_path, &values));
  RG_TRY(rg_h5_array_open(frame->h5, mask_path, &mask));
  RG_TRY(rg_h5_read_i32(&mask, low, high, masked));
  if (values.class == RG_H5_BOOL) {
    set_bool_categories(column);
    RG_TRY(take_codes(&values, low, high, column));
    for (int64_t i = 0; i < n; i++)
      column->code[i] = masked[i] ? -1 : column->code[i];
  } else {
    column->type = RG_COLUMN_NUMBER;
    column->number = RG_NEW(double, n);
    RG_TRY(rg_h5_read_f64(&values, low, high, column->number));
    for (int64_t i = 0; i < n; i++)
      column->number[i] = masked[i] ? NAN : column->number[i];
  }
out:
  rg_h5_array_close(&values);
  rg_h5_array_close(&mask);
  rg_free(masked);
  rg_free(values_path);
  rg_free(mask_path);
  return status;
}

static bool values_are_strings(const rg_frame *frame, const char *path)
{
  char *values = rg_h5_path(path, "values");
  rg_h5_array array;
  bool strings = rg_h5_array_open(frame->h5, values, &array) == RG_OK &&
                 array.class == RG_H5_STRING;
  rg_h5_array_close(&array);
  rg_free(values);
  return strings;
}

/* A group: categorical, or a nullable array. */
static rg_status column_of_group(const rg_frame *frame, const char *path, int64_t low,
                                 int64_t high, rg_column *column)
{
  rg_status status = RG_OK;
  rg_h5_array codes = {0};
  char *codes_path = rg_h5_path(path, "codes");
  char *categories = rg_h5_path(path, "categories");
  int64_t rows;
  RG_TRY(rg_element_length(frame->h5, path, &rows));
  if (rows != frame->n)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has %lld rows, but the table has %lld",
                   frame->h5->path, path, (long long)rows, (long long)frame->n));
  if (rg_h5_what(frame->h5, codes_path) == RG_H5_ARRAY) {
    RG_TRY(read_categories(frame->h5, categories, column));
    RG_TRY(rg_h5_array_open(frame->h5, codes_path, &codes));
    RG_TRY(take_codes(&codes, low, high, column));
  } else if (values_are_strings(frame, path)) {
    column->type = RG_COLUMN_STRING;
    RG_TRY(rg_element_strings(frame->h5, path, low, high, &column->text));
  } else {
    RG_TRY(column_of_nullable(frame, path, low, high, column));
  }
out:
  rg_h5_array_close(&codes);
  rg_free(codes_path);
  rg_free(categories);
  return status;
}

/* A field of a compound; labels of a category lie in /uns/<name>_categories. */
static rg_status column_of_field(const rg_frame *frame, const char *name, int64_t low,
                                 int64_t high, rg_column *column)
{
  rg_status status = RG_OK;
  int64_t n = high - low;
  rg_h5_array table = {0};
  double *x = RG_NEW(double, n);
  char *categories = rg_format("/uns/%s_categories", name);
  int64_t field = rg_strings_find(&frame->columns, name) + (frame->index != NULL);
  rg_h5_class class = frame->classes[field];
  RG_TRY(rg_h5_array_open(frame->h5, frame->path, &table));
  if (class == RG_H5_STRING) {
    column->type = RG_COLUMN_STRING;
    RG_TRY(rg_h5_read_field_strings(&table, name, low, high, &column->text));
    goto out;
  }
  RG_TRY(rg_h5_read_field_f64(&table, name, 1, low, high, x));
  bool labelled =
      class != RG_H5_FLOAT && rg_h5_what(frame->h5, categories) == RG_H5_ARRAY;
  if (labelled || class == RG_H5_BOOL) {
    if (labelled)
      RG_TRY(read_categories(frame->h5, categories, column));
    else
      set_bool_categories(column);
    column->type = RG_COLUMN_CATEGORY;
    column->code = RG_NEW(int32_t, n);
    for (int64_t i = 0; i < n; i++) {
      if (x[i] >= (double)column->categories.n)
        RG_TRY(rg_fail(RG_EINPUT,
                       "%s:%s[%lld]: code %g of '%s', but there are %lld "
                       "categories",
                       frame->h5->path, frame->path, (long long)(low + i), x[i], name,
                       (long long)column->categories.n));
      column->code[i] = x[i] < 0 ? -1 : (int32_t)x[i];
    }
  } else {
    column->type = RG_COLUMN_NUMBER;
    column->number = x;
    x = NULL;
  }
out:
  rg_h5_array_close(&table);
  rg_free(categories);
  rg_free(x);
  return status;
}

rg_status rg_frame_column(const rg_frame *frame, const char *name, int64_t low,
                          int64_t high, rg_column *column)
{
  *column = (rg_column){.name = rg_strdup(name), .n = high - low};
  char *path = rg_h5_path(frame->path, name);
  rg_status status;
  if (frame->form == RG_FRAME_COMPOUND)
    status = column_of_field(frame, name, low, high, column);
  else if (rg_h5_what(frame->h5, path) == RG_H5_GROUP)
    status = column_of_group(frame, path, low, high, column);
  else
    status = column_of_array(frame, name, path, low, high, column);
  if (status != RG_OK)
    rg_column_fini(column);
  rg_free(path);
  return status;
}

rg_status rg_frame_text(const rg_frame *frame, const char *name, int64_t low,
                        int64_t high, rg_strings *list)
{
  rg_column column;
  rg_status status = rg_frame_column(frame, name, low, high, &column);
  if (status != RG_OK)
    return status;
  for (int64_t i = 0; i < high - low; i++) {
    char number[40];
    const char *text = "";
    if (column.type == RG_COLUMN_STRING)
      text = rg_strings_at(&column.text, i);
    else if (column.type == RG_COLUMN_CATEGORY && column.code[i] >= 0)
      text = rg_strings_at(&column.categories, column.code[i]);
    else if (column.type == RG_COLUMN_NUMBER && !isnan(column.number[i])) {
      snprintf(number, sizeof number, "%.17g", column.number[i]);
      text = number;
    }
    rg_strings_add(list, text, -1);
  }
  rg_column_fini(&column);
  return RG_OK;
}
