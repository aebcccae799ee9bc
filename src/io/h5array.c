/* Arrays of a file: what they are, and their values in the types of the program. */
#include <math.h>
#include <string.h>

#include "chunks.h"
#include "filters.h"
#include "h5.h"

#define MAX_DIM ((int64_t)1 << 40)
#define MAX_RATIO 1100                   /* deflate reaches 1032:1 */
#define FREE_BYTES ((int64_t)16 << 20)   /* below this nothing is suspicious */
#define BLOCK_VALUES ((int64_t)1 << 20)  /* converted at a time */
#define DIRECT_VALUES ((int64_t)1 << 26) /* read at a time without conversion */

/* ---- what an array is ------------------------------------------------------------ */

static bool is_h5py_bool(hid_t type)
{
  char *first = H5Tget_nmembers(type) == 2 ? H5Tget_member_name(type, 0) : NULL;
  bool yes = first && H5Tget_size(type) == 1 && strcmp(first, "FALSE") == 0;
  if (first)
    H5free_memory(first);
  return yes;
}

static rg_h5_class classify(hid_t type)
{
  size_t size = H5Tget_size(type);
  bool common = size == 1 || size == 2 || size == 4 || size == 8;
  switch (H5Tget_class(type)) {
  case H5T_INTEGER:
    if (!common)
      return RG_H5_OPAQUE;
    return H5Tget_sign(type) == H5T_SGN_NONE ? RG_H5_UNSIGNED : RG_H5_SIGNED;
  case H5T_FLOAT:
    return common && size > 1 ? RG_H5_FLOAT : RG_H5_OPAQUE;
  case H5T_ENUM:
    return is_h5py_bool(type) ? RG_H5_BOOL : RG_H5_OPAQUE;
  case H5T_STRING:
    return RG_H5_STRING;
  case H5T_COMPOUND:
    return RG_H5_COMPOUND;
  default:
    return RG_H5_OPAQUE;
  }
}

/* The type in memory that values of a numeric class are read as; not to be closed. */
static hid_t memory_type(rg_h5_class class, size_t size, hid_t stored)
{
  if (class == RG_H5_BOOL)
    return stored;
  if (class == RG_H5_FLOAT)
    return size == 8 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
  bool plus = class == RG_H5_UNSIGNED;
  switch (size) {
  case 1:
    return plus ? H5T_NATIVE_UINT8 : H5T_NATIVE_INT8;
  case 2:
    return plus ? H5T_NATIVE_UINT16 : H5T_NATIVE_INT16;
  case 4:
    return plus ? H5T_NATIVE_UINT32 : H5T_NATIVE_INT32;
  default:
    return plus ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
  }
}

static int memory_size(rg_h5_class class, int size)
{
  return class == RG_H5_FLOAT && size < 4 ? 4 : size; /* half is read as float */
}

static rg_status check_shape(rg_h5_array *array)
{
  const rg_h5 *h5 = array->h5;
  hid_t space = H5Dget_space(array->id);
  H5S_class_t class = H5Sget_simple_extent_type(space);
  int rank = H5Sget_simple_extent_ndims(space);
  hsize_t dims[H5S_MAX_RANK];
  if (class != H5S_NULL && rank >= 0)
    H5Sget_simple_extent_dims(space, dims, NULL);
  H5Sclose(space);
  if (class == H5S_NULL)
    return rg_fail(RG_EINPUT, "%s:%s: is empty (null)", h5->path, array->path);
  if (rank < 0 || rank > 2)
    return rg_fail(RG_EINPUT, "%s:%s: has %d dimensions; at most 2 can be used",
                   h5->path, array->path, rank);
  array->rank = rank;
  for (int i = 0; i < 2; i++) {
    array->dims[i] = i < rank ? (int64_t)dims[i] : 1;
    if (array->dims[i] < 0 || array->dims[i] > MAX_DIM)
      return rg_fail(RG_EINPUT, "%s:%s: claims a length of %llu: damaged file",
                     h5->path, array->path, (unsigned long long)dims[i]);
  }
  if (array->dims[0] > 0 && array->dims[1] > ((int64_t)1 << 50) / array->dims[0])
    return rg_fail(RG_EINPUT, "%s:%s: claims %lld x %lld values: damaged file",
                   h5->path, array->path, (long long)array->dims[0],
                   (long long)array->dims[1]);
  return RG_OK;
}

/* What is claimed must be possible with what is stored. */
static rg_status check_storage(const rg_h5_array *array, hid_t creation)
{
  const rg_h5 *h5 = array->h5;
  H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL || H5Pget_external_count(creation) > 0)
    return rg_fail(RG_EINPUT,
                   "%s:%s: keeps its values in other files; copy them into "
                   "this one (h5repack)",
                   h5->path, array->path);
  int64_t values = array->dims[0] * array->dims[1];
  int64_t chunk = array->chunk[0] * (array->rank == 2 ? array->chunk[1] : 1);
  int64_t claimed =
      (values > chunk ? values : chunk) * (int64_t)H5Tget_size(array->type);
  int64_t stored = (int64_t)H5Dget_storage_size(array->id);
  bool compact = layout == H5D_COMPACT;
  if (stored < 0 || (!compact && stored > h5->bytes) ||
      claimed > stored * MAX_RATIO + FREE_BYTES)
    return rg_fail(RG_EINPUT,
                   "%s:%s: claims %lld bytes of values but %lld are stored: "
                   "damaged or cut short",
                   h5->path, array->path, (long long)claimed, (long long)stored);
  return RG_OK;
}

static rg_status check_chunks(rg_h5_array *array, hid_t creation)
{
  if (H5Pget_layout(creation) != H5D_CHUNKED || array->rank == 0)
    return RG_OK;
  hsize_t chunk[2] = {0, 0};
  bool good = H5Pget_chunk(creation, 2, chunk) == array->rank;
  for (int i = 0; i < array->rank; i++) {
    good = good && chunk[i] > 0 && chunk[i] < (hsize_t)1 << 32;
    array->chunk[i] = (int64_t)chunk[i];
  }
  return good ? RG_OK
              : rg_fail(RG_EINPUT, "%s:%s: has impossible chunks: damaged file",
                        array->h5->path, array->path);
}

/* A cache that holds a row of chunks, so that each is decompressed once. */
static hid_t cached_access(const rg_h5_array *array)
{
  int64_t bytes = array->chunk[0] * (int64_t)H5Tget_size(array->type);
  if (array->rank == 2)
    bytes *= (array->dims[1] + array->chunk[1] - 1) / array->chunk[1] * array->chunk[1];
  int64_t low = (int64_t)4 << 20, high = (int64_t)1 << 30;
  bytes = bytes < low ? low : bytes > high ? high : bytes;
  hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
  H5Pset_chunk_cache(access, 12421, (size_t)bytes, 1.0);
  return access;
}

rg_status rg_h5_array_open(const rg_h5 *h5, const char *path, rg_h5_array *array)
{
  *array = (rg_h5_array){.h5 = h5, .path = rg_strdup(path), .id = -1, .type = -1};
  rg_status status = RG_OK;
  hid_t creation = -1;
  RG_TRY(rg_h5_expect(h5, path, RG_H5_ARRAY));
  array->id = H5Dopen2(h5->id, path, H5P_DEFAULT);
  if (array->id >= 0) {
    array->type = H5Dget_type(array->id);
    creation = H5Dget_create_plist(array->id);
  }
  if (array->id < 0 || array->type < 0 || creation < 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: cannot be opened: damaged file", h5->path, path));
  array->class = classify(array->type);
  array->size = (int)H5Tget_size(array->type);
  RG_TRY(check_shape(array));
  RG_TRY(check_chunks(array, creation));
  RG_TRY(rg_filters_check(h5, path, creation));
  RG_TRY(check_storage(array, creation));
  if (array->chunk[0] > 0) {
    hid_t access = cached_access(array);
    H5Dclose(array->id);
    array->id = H5Dopen2(h5->id, path, access);
    H5Pclose(access);
    array->chunks = rg_chunks_new(array, creation);
  }
out:
  if (creation >= 0)
    H5Pclose(creation);
  if (status != RG_OK)
    rg_h5_array_close(array);
  return status;
}

void rg_h5_array_close(rg_h5_array *array)
{
  if (!array->h5)
    return;
  if (array->type >= 0)
    H5Tclose(array->type);
  if (array->id >= 0)
    H5Dclose(array->id);
  rg_chunks_free(array->chunks);
  rg_free(array->path);
  *array = (rg_h5_array){0};
}

const char *rg_h5_type_name(const rg_h5_array *array)
{
  static const char *const names[3][4] = {{"int8", "int16", "int32", "int64"},
                                          {"uint8", "uint16", "uint32", "uint64"},
                                          {"float8", "float16", "float32", "float64"}};
  int width = array->size == 1 ? 0 : array->size == 2 ? 1 : array->size == 4 ? 2 : 3;
  switch (array->class) {
  case RG_H5_SIGNED:
  case RG_H5_UNSIGNED:
  case RG_H5_FLOAT:
    return names[array->class][width];
  case RG_H5_BOOL:
    return "bool";
  case RG_H5_STRING:
    return "string";
  case RG_H5_COMPOUND:
    return "compound";
  default:
    return "unknown";
  }
}

bool rg_h5_is_number(const rg_h5_array *array)
{
  return array->class <= RG_H5_BOOL;
}

/* ---- reading --------------------------------------------------------------------- */

static rg_status not_read(const rg_h5_array *array)
{
  return rg_fail(RG_EINPUT, "%s:%s: the values cannot be read: damaged file",
                 array->h5->path, array->path);
}

/* Rows [low, high) of columns [left, right) into `x`, as they are. */
static rg_status read_as(const rg_h5_array *array, hid_t memory, int64_t low,
                         int64_t high, int64_t left, int64_t right, void *x)
{
  if (high <= low || right <= left)
    return RG_OK;
  if (array->chunks)
    return rg_chunks_read(array, low, high, x);
  hsize_t start[2] = {(hsize_t)low, (hsize_t)left};
  hsize_t count[2] = {(hsize_t)(high - low), (hsize_t)(right - left)};
  hid_t space = H5Dget_space(array->id);
  hid_t target = H5S_ALL;
  bool good = space >= 0;
  if (good && array->rank > 0) {
    good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
    target = H5Screate_simple(array->rank, count, NULL);
  }
  good = good && H5Dread(array->id, memory, target, array->rank ? space : H5S_ALL,
                         H5P_DEFAULT, x) >= 0;
  if (target != H5S_ALL)
    H5Sclose(target);
  if (space >= 0)
    H5Sclose(space);
  return good ? RG_OK : not_read(array);
}

typedef enum target { TO_F32, TO_F64, TO_I32, TO_I64 } target;

/* Convert n values of a class and size into x[0..n) of the target type; false when an
 * integer does not fit. */
static bool convert(const void *raw, rg_h5_class class, int size, int64_t n, target to,
                    void *x)
{
#define FROM(type)                                                                     \
  for (int64_t i = 0; i < n; i++) {                                                    \
    type v = ((const type *)raw)[i];                                                   \
    if (to == TO_F32)                                                                  \
      ((float *)x)[i] = (float)v;                                                      \
    else if (to == TO_F64)                                                             \
      ((double *)x)[i] = (double)v;                                                    \
    else {                                                                             \
      int64_t whole = (int64_t)v;                                                      \
      if ((v > 0 && whole < 0) || (to == TO_I32 && whole != (int32_t)whole))           \
        return false;                                                                  \
      if (to == TO_I32)                                                                \
        ((int32_t *)x)[i] = (int32_t)whole;                                            \
      else                                                                             \
        ((int64_t *)x)[i] = whole;                                                     \
    }                                                                                  \
  }
#define FROM_REAL(type)                                                                \
  for (int64_t i = 0; i < n; i++) {                                                    \
    type v = ((const type *)raw)[i];                                                   \
    if (to == TO_F32)                                                                  \
      ((float *)x)[i] = (float)v;                                                      \
    else if (to == TO_F64)                                                             \
      ((double *)x)[i] = (double)v;                                                    \
    else if (!(fabs((double)v) < (to == TO_I32 ? 0x1p31 : 0x1p62)) ||                  \
             (double)v != floor((double)v))                                            \
      return false;                                                                    \
    else if (to == TO_I32)                                                             \
      ((int32_t *)x)[i] = (int32_t)v;                                                  \
    else                                                                               \
      ((int64_t *)x)[i] = (int64_t)v;                                                  \
  }
  bool plus = class == RG_H5_UNSIGNED;
  if (class == RG_H5_FLOAT && size == 8) {
    FROM_REAL(double)
  } else if (class == RG_H5_FLOAT) {
    FROM_REAL(float)
  } else if (size == 1 && plus) {
    FROM(uint8_t)
  } else if (size == 1) {
    FROM(int8_t)
  } else if (size == 2 && plus) {
    FROM(uint16_t)
  } else if (size == 2) {
    FROM(int16_t)
  } else if (size == 4 && plus) {
    FROM(uint32_t)
  } else if (size == 4) {
    FROM(int32_t)
  } else if (plus) {
    FROM(uint64_t)
  } else {
    FROM(int64_t)
  }
#undef FROM
#undef FROM_REAL
  return true;
}

static bool same_layout(const rg_h5_array *array, target to)
{
  switch (to) {
  case TO_F32:
    return array->class == RG_H5_FLOAT && array->size <= 4;
  case TO_F64:
    return array->class == RG_H5_FLOAT && array->size == 8;
  case TO_I32:
    return array->class == RG_H5_SIGNED && array->size == 4;
  default:
    return array->class == RG_H5_SIGNED && array->size == 8;
  }
}

static rg_status read_numbers(const rg_h5_array *array, int64_t low, int64_t high,
                              int64_t left, int64_t right, target to, void *x)
{
  rg_status status = RG_OK;
  if (!rg_h5_is_number(array))
    return rg_fail(RG_EINPUT, "%s:%s: holds %s values where numbers were expected",
                   array->h5->path, array->path, rg_h5_type_name(array));
  if (low < 0 || high > array->dims[0] || left < 0 || right > array->dims[1])
    return rg_fail(RG_EINPUT, "%s:%s: is shorter than it has to be", array->h5->path,
                   array->path);
  int64_t width = right - left, step = to == TO_F32 || to == TO_I32 ? 4 : 8;
  bool direct = same_layout(array, to);
  int size = memory_size(array->class, array->size);
  hid_t memory = memory_type(array->class, (size_t)array->size, array->type);
  int64_t rows = (direct ? DIRECT_VALUES : BLOCK_VALUES) / (width > 0 ? width : 1);
  rows = rows < 1 ? 1 : rows > high - low ? high - low : rows;
  void *raw = direct ? NULL : rg_alloc(rows * width, (size_t)size);
  for (int64_t row = low; row < high; row += rows) {
    int64_t next = row + rows < high ? row + rows : high;
    int64_t n = (next - row) * width;
    char *out = (char *)x + (row - low) * width * step;
    RG_TRY(read_as(array, memory, row, next, left, right, direct ? out : raw));
    if (!direct && !convert(raw, array->class, size, n, to, out))
      RG_TRY(rg_fail(RG_EINPUT,
                     "%s:%s[%lld..%lld]: a value is not an integer of %d bits",
                     array->h5->path, array->path, (long long)row, (long long)next,
                     (int)(8 * step)));
  }
out:
  rg_free(raw);
  return status;
}

rg_status rg_h5_read_f64(const rg_h5_array *array, int64_t low, int64_t high, double *x)
{
  return read_numbers(array, low, high, 0, array->dims[1], TO_F64, x);
}

rg_status rg_h5_read_f32(const rg_h5_array *array, int64_t low, int64_t high, float *x)
{
  return read_numbers(array, low, high, 0, array->dims[1], TO_F32, x);
}

rg_status rg_h5_read_i64(const rg_h5_array *array, int64_t low, int64_t high,
                         int64_t *x)
{
  return read_numbers(array, low, high, 0, array->dims[1], TO_I64, x);
}

rg_status rg_h5_read_i32(const rg_h5_array *array, int64_t low, int64_t high,
                         int32_t *x)
{
  return read_numbers(array, low, high, 0, array->dims[1], TO_I32, x);
}

rg_status rg_h5_read_block(const rg_h5_array *array, int64_t low, int64_t high,
                           int64_t left, int64_t right, float *x)
{
  return read_numbers(array, low, high, left, right, TO_F32, x);
}
