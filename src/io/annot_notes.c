/* uns of a file as notes. */

#include "annot_read.h"

#include <string.h>

enum { MAX_DEPTH = 8 };
#define MAX_VALUES ((int64_t)1 << 26) /* of one note */

static rg_status read_scalar(const rg_h5_array *array, const char *path,
                             rg_annot *annot)
{
  rg_status status = RG_OK;
  if (array->class == RG_H5_STRING) {
    rg_strings text = {0};
    status = rg_h5_read_strings(array, 0, 1, &text);
    if (status == RG_OK)
      rg_annot_note_text(annot, path, rg_strings_at(&text, 0));
    rg_strings_fini(&text);
    return status;
  }
  double number = 0;
  status = rg_h5_read_f64(array, 0, 1, &number);
  if (status != RG_OK)
    return status;
  if (array->class == RG_H5_BOOL)
    rg_annot_note_bool(annot, path, number != 0);
  else if (array->class == RG_H5_FLOAT)
    rg_annot_note_number(annot, path, number);
  else
    rg_annot_note_integer(annot, path, (int64_t)number);
  return RG_OK;
}

static rg_status read_list(const rg_h5_array *array, const char *path, rg_annot *annot)
{
  rg_status status = RG_OK;
  int64_t n = array->dims[0];
  if (array->class == RG_H5_STRING && n > 0) {
    rg_strings list = {0};
    status = rg_h5_read_strings(array, 0, n, &list);
    if (status == RG_OK)
      rg_annot_note_strings(annot, path, &list);
    rg_strings_fini(&list);
    return status;
  }
  double *x = RG_NEW(double, n);
  if (n > 0)
    status = rg_h5_read_f64(array, 0, n, x);
  if (status == RG_OK)
    rg_annot_note_array(annot, path, x, n);
  rg_free(x);
  return status;
}

/* ---- records --------------------------------------------------------------------- */

static rg_status note_numbers(const rg_h5_array *array, const char *path,
                              const rg_strings *names, rg_annot *annot)
{
  int64_t n = array->dims[0] * names->n;
  double *numbers = RG_NEW(double, n);
  rg_status status = rg_h5_read_records_f64(array, numbers);
  if (status == RG_OK)
    rg_annot_note_records(annot, path, names, NULL, numbers, n);
  rg_free(numbers);
  return status;
}

static rg_status note_texts(const rg_h5_array *array, const char *path,
                            const rg_strings *names, rg_annot *annot)
{
  int64_t n = array->dims[0];
  rg_strings list = {0}, *fields = RG_NEW(rg_strings, names->n);
  rg_status status = rg_h5_read_records_strings(array, fields);
  for (int64_t i = 0; status == RG_OK && i < n; i++)
    for (int64_t f = 0; f < names->n; f++)
      rg_strings_add(&list, rg_strings_at(&fields[f], i), -1);
  if (status == RG_OK)
    rg_annot_note_records(annot, path, names, &list, NULL, n * names->n);
  for (int64_t f = 0; f < names->n; f++)
    rg_strings_fini(&fields[f]);
  rg_free(fields);
  rg_strings_fini(&list);
  return status;
}

/* Records whose fields are all texts, or all single numbers; *kept says whether. */
static rg_status read_records(const rg_h5_array *array, const char *path,
                              rg_annot *annot, bool *kept)
{
  rg_strings names = {0};
  rg_h5_class *classes = NULL;
  int64_t *widths = NULL;
  rg_status status = RG_OK;
  RG_TRY(rg_h5_fields(array, &names, &classes, &widths));
  bool texts = true, numbers = true;
  bool single = array->size == (int)names.n * (int)sizeof(float);
  for (int64_t f = 0; f < names.n; f++) {
    texts &= classes[f] == RG_H5_STRING;
    numbers &= classes[f] < RG_H5_BOOL && widths[f] == 1;
    single &= classes[f] == RG_H5_FLOAT;
  }
  *kept = names.n > 0 && (texts || numbers) && array->dims[0] <= MAX_VALUES / names.n;
  if (!*kept)
    goto out;
  RG_TRY(texts ? note_texts(array, path, &names, annot)
               : note_numbers(array, path, &names, annot));
  if (!texts && single)
    rg_annot_note_single(annot, path);

out:
  rg_free(classes);
  rg_free(widths);
  rg_strings_fini(&names);
  return status;
}

/* ---- the tree -------------------------------------------------------------------- */

static rg_status read_value(const rg_h5 *h5, const char *path, rg_annot *annot,
                            bool *kept)
{
  rg_h5_array array;
  rg_status status = RG_OK;
  if (rg_h5_array_open(h5, path, &array) != RG_OK)
    return RG_OK; /* an image, a null, a filter of others: nothing that is kept */
  const char *name = path + strlen("/uns/");
  bool plain = rg_h5_is_number(&array) || array.class == RG_H5_STRING;
  *kept = plain && array.rank < 2 && array.dims[0] <= MAX_VALUES;
  if (array.class == RG_H5_COMPOUND && array.rank == 1)
    status = read_records(&array, name, annot, kept);
  else if (*kept && array.rank == 0)
    status = read_scalar(&array, name, annot);
  else if (*kept)
    status = read_list(&array, name, annot);
  rg_h5_array_close(&array);
  return status;
}

static rg_status read_group(const rg_h5 *h5, const char *group, int depth,
                            rg_annot *annot);

static rg_status read_child(const rg_h5 *h5, const char *path, int depth,
                            rg_annot *annot)
{
  bool kept = false;
  rg_status status = RG_OK;
  rg_h5_kind kind = rg_h5_what(h5, path);
  if (kind == RG_H5_GROUP) {
    char *encoding = rg_h5_text_attribute(h5, path, "encoding-type");
    kept = depth < MAX_DEPTH && (!encoding || strcmp(encoding, "dict") == 0);
    rg_free(encoding);
    if (kept)
      status = read_group(h5, path, depth, annot);
  } else if (kind == RG_H5_ARRAY) {
    status = read_value(h5, path, annot, &kept);
  }
  if (!kept && status == RG_OK)
    rg_debug("%s:%s: is of a kind that is not kept", h5->path, path);
  return status;
}

static rg_status read_group(const rg_h5 *h5, const char *group, int depth,
                            rg_annot *annot)
{
  rg_strings names = {0};
  rg_status status = rg_h5_list(h5, group, &names);
  for (int64_t i = 0; status == RG_OK && i < names.n; i++) {
    char *path = rg_h5_path(group, rg_strings_at(&names, i));
    status = read_child(h5, path, depth + 1, annot);
    rg_free(path);
  }
  rg_strings_fini(&names);
  return status;
}

rg_status rg_annot_read_notes(const rg_h5 *h5, rg_annot *annot)
{
  if (rg_h5_what(h5, "/uns") != RG_H5_GROUP)
    return RG_OK;
  return read_group(h5, "/uns", 0, annot);
}
