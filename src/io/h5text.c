/* Strings of arrays, and the fields of compound tables that anndata wrote before 0.7. */
#include <string.h>

#include "h5.h"

#define MAX_STRING (1 << 20)            /* bytes of one string */
#define MAX_STRINGS ((int64_t)4 << 30)  /* bytes of a list */
#define BLOCK_BYTES ((int64_t)16 << 20) /* read at a time */

static rg_status not_read(const rg_h5_array *array)
{
  return rg_fail(RG_EINPUT, "%s:%s: the strings cannot be read: damaged file",
                 array->h5->path, array->path);
}

/* Values [low, high) of a rank 0 or 1 array, as `memory`. */
static rg_status read_rows(const rg_h5_array *array, hid_t memory, int64_t low,
                           int64_t high, void *x)
{
  hid_t space = H5Dget_space(array->id);
  hid_t target = H5S_ALL;
  bool good = space >= 0 && array->rank <= 1;
  hsize_t start = (hsize_t)low, count = (hsize_t)(high - low);
  if (good && array->rank == 1) {
    good = H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0;
    target = H5Screate_simple(1, &count, NULL);
  }
  good = good && H5Dread(array->id, memory, target, array->rank ? space : H5S_ALL,
                         H5P_DEFAULT, x) >= 0;
  if (target != H5S_ALL)
    H5Sclose(target);
  if (space >= 0)
    H5Sclose(space);
  return good ? RG_OK : not_read(array);
}

/* Add n strings of a type that stand `stride` bytes apart. */
static rg_status add_strings(const rg_h5_array *array, hid_t type, const char *bytes,
                             int64_t n, int64_t stride, rg_strings *list)
{
  bool variable = H5Tis_variable_str(type) > 0;
  bool spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  size_t size = H5Tget_size(type);
  for (int64_t i = 0; i < n; i++) {
    const char *text = bytes + i * stride;
    size_t length;
    if (variable) {
      memcpy(&text, bytes + i * stride, sizeof text);
      length = text ? strlen(text) : 0;
    } else {
      length = strnlen(text, size);
      while (spaces && length > 0 && text[length - 1] == ' ')
        length--;
    }
    int64_t total = list->n > 0 ? list->offset[list->n] : 0;
    if (length > MAX_STRING || total > MAX_STRINGS)
      return rg_fail(RG_EINPUT,
                     "%s:%s: a string of %zu bytes, or more than 4 GiB of "
                     "strings: damaged file",
                     array->h5->path, array->path, length);
    rg_strings_add(list, text ? text : "", (int64_t)length);
  }
  return RG_OK;
}

/* How a stored string type is read: variable strings keep their character set. */
static hid_t string_memory(hid_t stored)
{
  if (H5Tis_variable_str(stored) <= 0)
    return H5Tcopy(stored);
  hid_t memory = H5Tcopy(H5T_C_S1);
  H5Tset_size(memory, H5T_VARIABLE);
  H5Tset_cset(memory, H5Tget_cset(stored));
  return memory;
}

/* Read strings as `memory`, in which they stand `stride` bytes apart. */
static rg_status read_strings(const rg_h5_array *array, hid_t memory, hid_t type,
                              int64_t stride, int64_t low, int64_t high,
                              rg_strings *list)
{
  rg_status status = RG_OK;
  bool variable = H5Tis_variable_str(type) > 0;
  if (stride <= 0 || stride > MAX_STRING)
    return rg_fail(RG_EINPUT, "%s:%s: strings of %lld bytes: damaged file",
                   array->h5->path, array->path, (long long)stride);
  int64_t block = BLOCK_BYTES / stride;
  block = block > high - low ? high - low : block;
  char *bytes = rg_alloc(block, (size_t)stride);
  for (int64_t row = low; row < high; row += block) {
    int64_t n = row + block < high ? block : high - row;
    memset(bytes, 0, (size_t)(n * stride));
    RG_TRY(read_rows(array, memory, row, row + n, bytes));
    status = add_strings(array, type, bytes, n, stride, list);
    for (int64_t i = 0; variable && i < n; i++) {
      void *text;
      memcpy(&text, bytes + i * stride, sizeof text);
      H5free_memory(text);
    }
    RG_TRY(status);
  }
out:
  rg_free(bytes);
  return status;
}

static rg_status print_numbers(const rg_h5_array *array, int64_t low, int64_t high,
                               rg_strings *list)
{
  rg_status status = RG_OK;
  bool whole = array->class != RG_H5_FLOAT;
  int64_t n = high - low;
  int64_t *integers = whole ? RG_NEW(int64_t, n) : NULL;
  double *reals = whole ? NULL : RG_NEW(double, n);
  RG_TRY(whole ? rg_h5_read_i64(array, low, high, integers)
               : rg_h5_read_f64(array, low, high, reals));
  for (int64_t i = 0; i < n; i++) {
    char text[40];
    int length;
    if (array->class == RG_H5_BOOL)
      length = snprintf(text, sizeof text, "%s", integers[i] ? "True" : "False");
    else if (whole)
      length = snprintf(text, sizeof text, "%lld", (long long)integers[i]);
    else
      length = snprintf(text, sizeof text, "%.9g", reals[i]);
    rg_strings_add(list, text, length);
  }
out:
  rg_free(integers);
  rg_free(reals);
  return status;
}

rg_status rg_h5_read_strings(const rg_h5_array *array, int64_t low, int64_t high,
                             rg_strings *list)
{
  if (low < 0 || high > array->dims[0] || array->rank > 1)
    return rg_fail(RG_EINPUT, "%s:%s: has not the shape of a list of %lld strings",
                   array->h5->path, array->path, (long long)high);
  if (rg_h5_is_number(array))
    return print_numbers(array, low, high, list);
  if (array->class != RG_H5_STRING)
    return rg_fail(RG_EINPUT, "%s:%s: holds %s values where strings were expected",
                   array->h5->path, array->path, rg_h5_type_name(array));
  hid_t memory = string_memory(array->type);
  rg_status status = read_strings(array, memory, memory, (int64_t)H5Tget_size(memory),
                                  low, high, list);
  H5Tclose(memory);
  return status;
}

/* ---- fields of compounds --------------------------------------------------------- */

/* A type in memory that holds one field alone; its own type in *field. */
static rg_status field_memory(const rg_h5_array *array, const char *name, hid_t *memory,
                              hid_t *field)
{
  int index =
      array->class == RG_H5_COMPOUND ? H5Tget_member_index(array->type, name) : -1;
  if (index < 0)
    return rg_fail(RG_EINPUT, "%s:%s: has no field '%s'", array->h5->path, array->path,
                   name);
  hid_t stored = H5Tget_member_type(array->type, (unsigned)index);
  bool text = H5Tget_class(stored) == H5T_STRING;
  *field = text ? string_memory(stored) : H5Tget_native_type(stored, H5T_DIR_ASCEND);
  H5Tclose(stored);
  *memory = *field >= 0 ? H5Tcreate(H5T_COMPOUND, H5Tget_size(*field)) : -1;
  if (*memory < 0 || H5Tinsert(*memory, name, 0, *field) < 0) {
    if (*memory >= 0)
      H5Tclose(*memory);
    if (*field >= 0)
      H5Tclose(*field);
    return rg_fail(RG_EINPUT, "%s:%s: the field '%s' is of a type that cannot be read",
                   array->h5->path, array->path, name);
  }
  return RG_OK;
}

rg_status rg_h5_read_field_strings(const rg_h5_array *array, const char *field,
                                   int64_t low, int64_t high, rg_strings *list)
{
  hid_t memory = -1, type = -1;
  rg_status status = field_memory(array, field, &memory, &type);
  if (status != RG_OK)
    return status;
  if (H5Tget_class(type) == H5T_STRING)
    status =
        read_strings(array, memory, type, (int64_t)H5Tget_size(type), low, high, list);
  else
    status = rg_fail(RG_EINPUT, "%s:%s: the field '%s' does not hold strings",
                     array->h5->path, array->path, field);
  H5Tclose(type);
  H5Tclose(memory);
  return status;
}

/* One number in memory, of an HDF5 class and size. */
static double number_at(const char *bytes, H5T_class_t class, size_t size, bool plus)
{
  if (class == H5T_FLOAT && size == 8)
    return *(const double *)(const void *)bytes;
  if (class == H5T_FLOAT)
    return *(const float *)(const void *)bytes;
  switch (size) {
  case 1:
    return plus ? (double)*(const uint8_t *)bytes : (double)*(const int8_t *)bytes;
  case 2:
    return plus ? (double)*(const uint16_t *)(const void *)bytes
                : (double)*(const int16_t *)(const void *)bytes;
  case 4:
    return plus ? (double)*(const uint32_t *)(const void *)bytes
                : (double)*(const int32_t *)(const void *)bytes;
  default:
    return plus ? (double)*(const uint64_t *)(const void *)bytes
                : (double)*(const int64_t *)(const void *)bytes;
  }
}

rg_status rg_h5_read_field_f64(const rg_h5_array *array, const char *field,
                               int64_t width, int64_t low, int64_t high, double *x)
{
  rg_status status = RG_OK;
  hid_t memory = -1, type = -1, base = -1;
  char *bytes = NULL;
  status = field_memory(array, field, &memory, &type);
  if (status != RG_OK)
    return status;
  base = H5Tget_class(type) == H5T_ARRAY ? H5Tget_super(type) : H5Tcopy(type);
  size_t size = H5Tget_size(base), row = H5Tget_size(type);
  H5T_class_t class = H5Tget_class(base);
  bool number = class == H5T_INTEGER || class == H5T_ENUM || class == H5T_FLOAT;
  bool common = size == 4 || size == 8 || (class != H5T_FLOAT && size <= 2);
  if (!number || !common || row != size * (size_t)width || row > MAX_STRING)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: the field '%s' does not hold %lld numbers a row",
                   array->h5->path, array->path, field, (long long)width));
  bool plus = class == H5T_INTEGER && H5Tget_sign(base) == H5T_SGN_NONE;
  int64_t block = BLOCK_BYTES / (int64_t)row;
  block = block > high - low ? high - low : block;
  bytes = rg_alloc(block, row);
  for (int64_t at = low; at < high; at += block) {
    int64_t n = at + block < high ? block : high - at;
    RG_TRY(read_rows(array, memory, at, at + n, bytes));
    for (int64_t i = 0; i < n * width; i++)
      x[(at - low) * width + i] =
          number_at(bytes + i * (int64_t)size, class, size, plus);
  }
out:
  rg_free(bytes);
  if (base >= 0)
    H5Tclose(base);
  H5Tclose(type);
  H5Tclose(memory);
  return status;
}

/* ---- all fields of records at once ----------------------------------------------- */

/* How field i is read: numbers as double, texts as they are stored. */
static hid_t member_memory(const rg_h5_array *array, unsigned i, bool texts)
{
  hsize_t one = 1;
  hid_t stored = H5Tget_member_type(array->type, i);
  bool boxed = H5Tget_class(stored) == H5T_ARRAY; /* of one number */
  hid_t memory = texts   ? string_memory(stored)
                 : boxed ? H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &one)
                         : H5Tcopy(H5T_NATIVE_DOUBLE);
  H5Tclose(stored);
  return memory;
}

/* A record in memory, without gaps. */
static rg_status record_memory(const rg_h5_array *array, bool texts, hid_t *memory)
{
  int n = H5Tget_nmembers(array->type);
  size_t at = 0;
  bool good = true;
  *memory = H5Tcreate(H5T_COMPOUND, MAX_STRING);
  for (int i = 0; good && i < n; i++) {
    hid_t type = member_memory(array, (unsigned)i, texts);
    char *name = H5Tget_member_name(array->type, (unsigned)i);
    good = type >= 0 && name && H5Tinsert(*memory, name, at, type) >= 0;
    at += good ? H5Tget_size(type) : 0;
    if (type >= 0)
      H5Tclose(type);
    H5free_memory(name);
  }
  if (good && at > 0 && H5Tset_size(*memory, at) >= 0)
    return RG_OK;
  H5Tclose(*memory);
  return rg_fail(RG_EINPUT, "%s:%s: its records cannot be read", array->h5->path,
                 array->path);
}

rg_status rg_h5_read_records_f64(const rg_h5_array *array, double *x)
{
  hid_t memory = -1;
  rg_status status = record_memory(array, false, &memory);
  if (status != RG_OK)
    return status;
  if (array->dims[0] > 0)
    status = read_rows(array, memory, 0, array->dims[0], x);
  H5Tclose(memory);
  return status;
}

/* Add what a block of records has of each field, and free it. */
static rg_status add_fields(const rg_h5_array *array, hid_t memory, char *bytes, int64_t n,
                            rg_strings *lists)
{
  rg_status status = RG_OK;
  int64_t row = (int64_t)H5Tget_size(memory);
  for (int f = 0; f < H5Tget_nmembers(memory); f++) {
    hid_t type = H5Tget_member_type(memory, (unsigned)f);
    char *first = bytes + H5Tget_member_offset(memory, (unsigned)f);
    if (status == RG_OK)
      status = add_strings(array, type, first, n, row, &lists[f]);
    for (int64_t i = 0; H5Tis_variable_str(type) > 0 && i < n; i++) {
      void *text;
      memcpy(&text, first + i * row, sizeof text);
      H5free_memory(text);
    }
    H5Tclose(type);
  }
  return status;
}

rg_status rg_h5_read_records_strings(const rg_h5_array *array, rg_strings *lists)
{
  hid_t memory = -1;
  rg_status status = record_memory(array, true, &memory);
  if (status != RG_OK)
    return status;
  int64_t row = (int64_t)H5Tget_size(memory), rows = array->dims[0];
  int64_t block = BLOCK_BYTES / row < rows ? BLOCK_BYTES / row : rows;
  char *bytes = rg_alloc(block, (size_t)row);
  for (int64_t at = 0; at < rows; at += block) {
    int64_t n = at + block < rows ? block : rows - at;
    memset(bytes, 0, (size_t)(n * row));
    RG_TRY(read_rows(array, memory, at, at + n, bytes));
    RG_TRY(add_fields(array, memory, bytes, n, lists));
  }
out:
  rg_free(bytes);
  H5Tclose(memory);
  return status;
}

static void describe_field(hid_t type, rg_h5_class *class, int64_t *width)
{
  *width = 1;
  *class = RG_H5_OPAQUE;
  hid_t base = H5Tcopy(type);
  if (H5Tget_class(type) == H5T_ARRAY) {
    hsize_t dims[H5S_MAX_RANK];
    bool flat = H5Tget_array_ndims(type) == 1 && H5Tget_array_dims2(type, dims) == 1;
    *width = flat ? (int64_t)dims[0] : 0;
    H5Tclose(base);
    base = H5Tget_super(type);
  }
  switch (H5Tget_class(base)) {
  case H5T_INTEGER:
    *class = H5Tget_sign(base) == H5T_SGN_NONE ? RG_H5_UNSIGNED : RG_H5_SIGNED;
    break;
  case H5T_FLOAT:
    *class = RG_H5_FLOAT;
    break;
  case H5T_ENUM:
    *class = RG_H5_BOOL;
    break;
  case H5T_STRING:
    *class = RG_H5_STRING;
    break;
  default:
    break;
  }
  H5Tclose(base);
}

rg_status rg_h5_fields(const rg_h5_array *array, rg_strings *names,
                       rg_h5_class **classes, int64_t **widths)
{
  int n = array->class == RG_H5_COMPOUND ? H5Tget_nmembers(array->type) : -1;
  if (n < 0)
    return rg_fail(RG_EINPUT, "%s:%s: is not a table", array->h5->path, array->path);
  *classes = RG_NEW(rg_h5_class, n);
  *widths = RG_NEW(int64_t, n);
  for (int i = 0; i < n; i++) {
    char *name = H5Tget_member_name(array->type, (unsigned)i);
    rg_strings_add(names, name ? name : "", name ? (int64_t)strlen(name) : 0);
    H5free_memory(name);
    hid_t type = H5Tget_member_type(array->type, (unsigned)i);
    describe_field(type, &(*classes)[i], &(*widths)[i]);
    H5Tclose(type);
  }
  return RG_OK;
}
