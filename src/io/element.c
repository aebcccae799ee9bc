/* Elements that stand for a list of strings: string-array, nullable-string-array,
 * categorical; see the on-disk format of anndata. */
#include <string.h>

#include "frame.h"

static rg_status strings_of_array(const rg_h5 *h5, const char *path, int64_t low,
                                  int64_t high, rg_strings *list)
{
  rg_h5_array array;
  rg_status status = rg_h5_array_open(h5, path, &array);
  if (status != RG_OK)
    return status;
  status = rg_h5_read_strings(&array, low, high, list);
  rg_h5_array_close(&array);
  return status;
}

/* values and mask; a masked string is empty. */
static rg_status strings_of_nullable(const rg_h5 *h5, const char *path, int64_t low,
                                     int64_t high, rg_strings *list)
{
  rg_status status = RG_OK;
  rg_strings values = {0};
  rg_h5_array mask = {0};
  int32_t *masked = RG_NEW(int32_t, high - low);
  char *values_path = rg_h5_path(path, "values"), *mask_path = rg_h5_path(path, "mask");
  RG_TRY(strings_of_array(h5, values_path, low, high, &values));
  RG_TRY(rg_h5_array_open(h5, mask_path, &mask));
  RG_TRY(rg_h5_read_i32(&mask, low, high, masked));
  for (int64_t i = 0; i < high - low; i++)
    rg_strings_add(list, masked[i] ? "" : rg_strings_at(&values, i), -1);
out:
  rg_h5_array_close(&mask);
  rg_strings_fini(&values);
  rg_free(masked);
  rg_free(values_path);
  rg_free(mask_path);
  return status;
}

/* codes into categories; code -1 is empty. */
static rg_status strings_of_categorical(const rg_h5 *h5, const char *path, int64_t low,
                                        int64_t high, rg_strings *list)
{
  rg_status status = RG_OK;
  rg_strings categories = {0};
  rg_h5_array codes = {0};
  int32_t *code = RG_NEW(int32_t, high - low);
  char *codes_path = rg_h5_path(path, "codes");
  char *categories_path = rg_h5_path(path, "categories");
  int64_t n;
  RG_TRY(rg_element_length(h5, categories_path, &n));
  RG_TRY(rg_element_strings(h5, categories_path, 0, n, &categories));
  RG_TRY(rg_h5_array_open(h5, codes_path, &codes));
  RG_TRY(rg_h5_read_i32(&codes, low, high, code));
  for (int64_t i = 0; i < high - low; i++) {
    if (code[i] >= n)
      RG_TRY(rg_fail(RG_EINPUT, "%s:%s[%lld]: code %d, but there are %lld categories",
                     h5->path, codes_path, (long long)(low + i), code[i],
                     (long long)n));
    rg_strings_add(list, code[i] < 0 ? "" : rg_strings_at(&categories, code[i]), -1);
  }
out:
  rg_h5_array_close(&codes);
  rg_strings_fini(&categories);
  rg_free(code);
  rg_free(codes_path);
  rg_free(categories_path);
  return status;
}

static bool has(const rg_h5 *h5, const char *group, const char *name)
{
  char *path = rg_h5_path(group, name);
  rg_h5_kind kind = rg_h5_what(h5, path);
  rg_free(path);
  return kind == RG_H5_ARRAY || kind == RG_H5_GROUP;
}

rg_status rg_element_strings(const rg_h5 *h5, const char *path, int64_t low,
                             int64_t high, rg_strings *list)
{
  if (rg_h5_what(h5, path) != RG_H5_GROUP)
    return strings_of_array(h5, path, low, high, list);
  if (has(h5, path, "codes"))
    return strings_of_categorical(h5, path, low, high, list);
  if (has(h5, path, "values"))
    return strings_of_nullable(h5, path, low, high, list);
  return rg_fail(RG_EINPUT, "%s:%s: is a group that does not hold strings", h5->path,
                 path);
}

rg_status rg_element_length(const rg_h5 *h5, const char *path, int64_t *n)
{
  const char *name = NULL;
  if (rg_h5_what(h5, path) == RG_H5_GROUP)
    name = has(h5, path, "codes") ? "codes" : "values";
  char *inner = name ? rg_h5_path(path, name) : rg_strdup(path);
  rg_h5_array array;
  rg_status status = rg_h5_array_open(h5, inner, &array);
  if (status == RG_OK) {
    *n = array.dims[0];
    rg_h5_array_close(&array);
  }
  rg_free(inner);
  return status;
}
