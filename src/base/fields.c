/* Tables of options: text to a struct's members and back. */
#include "base_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *member(const rg_field *f, const void *object)
{
  return (char *)object + f->offset;
}

static bool is_text(const rg_field *f)
{
  return f->type == RG_TEXT || f->type == RG_CHOICE;
}

/* names are equal when - is read as _ */
static bool same_name(const char *a, const char *b)
{
  for (; *a && *b; a++, b++)
    if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
      return false;
  return *a == *b;
}

int rg_field_index(const rg_field *fields, const char *name)
{
  for (int i = 0; fields[i].name; i++)
    if (same_name(fields[i].name, name))
      return i;
  return -1;
}

static rg_status unknown_name(const rg_field *fields, const char *name,
                              const char *where)
{
  int n = 0;
  while (fields[n].name)
    n++;
  const char **names = RG_NEW(const char *, n);
  for (int i = 0; i < n; i++)
    names[i] = fields[i].name;
  const char *near = rg_nearest(name, names, n);
  rg_free(names);
  return near ? rg_fail(RG_EUSAGE, "%s: unknown option '%s'; did you mean '%s'?", where,
                        name, near)
              : rg_fail(RG_EUSAGE, "%s: unknown option '%s'", where, name);
}

static rg_status set_bool(const rg_field *f, void *object, const char *text,
                          const char *where)
{
  static const char *const names[] = {"false", "true", "no", "yes",
                                      "off",   "on",   "0",  "1"};
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
    if (strcmp(text, names[i]) == 0) {
      *(bool *)member(f, object) = i % 2;
      return RG_OK;
    }
  return rg_fail(RG_EUSAGE, "%s: %s is '%s'; say true or false", where, f->name, text);
}

/* A plain number, read whole. */
static bool read_double(const char *text, double *x)
{
  char *end;
  *x = strtod(text, &end);
  return end != text && *end == '\0' && isfinite(*x);
}

/* Digits, or a form such as 1e6 as long as doubles count exactly. */
static bool read_integer(const char *text, int64_t *x)
{
  char *end;
  errno = 0;
  *x = strtoll(text, &end, 10);
  if (end != text && *end == '\0')
    return errno == 0;
  double real;
  if (!read_double(text, &real) || real != floor(real) || fabs(real) > 0x1p53)
    return false;
  *x = (int64_t)real;
  return true;
}

static rg_status set_number(const rg_field *f, void *object, const char *text,
                            const char *where)
{
  bool whole = f->type == RG_INT;
  int64_t integer = 0;
  double real = 0;
  if (whole ? !read_integer(text, &integer) : !read_double(text, &real))
    return rg_fail(RG_EUSAGE, "%s: %s is '%s'; give a %s", where, f->name, text,
                   whole ? "whole number" : "number");
  double x = whole ? (double)integer : real;
  if (f->low < f->high && !(x >= f->low && x <= f->high))
    return rg_fail(RG_EUSAGE, "%s: %s is %s; it must lie from %.15g to %.15g", where,
                   f->name, text, f->low, f->high);
  if (whole)
    *(int64_t *)member(f, object) = integer;
  else
    *(double *)member(f, object) = real;
  return RG_OK;
}

static void replace_text(const rg_field *f, void *object, const char *text)
{
  char **value = member(f, object);
  char *copy = text ? rg_strdup(text) : NULL;
  rg_free(*value);
  *value = copy;
}

static rg_status set_choice(const rg_field *f, void *object, const char *text,
                            const char *where)
{
  rg_strings list = {0};
  for (const char *c = f->choices; c;) {
    size_t n = strcspn(c, "|");
    rg_strings_add(&list, c, (int64_t)n);
    c = c[n] ? c + n + 1 : NULL;
  }
  bool known = rg_strings_find(&list, text) >= 0;
  if (known)
    replace_text(f, object, text);
  const char **names = RG_NEW(const char *, list.n);
  for (int64_t i = 0; i < list.n; i++)
    names[i] = rg_strings_at(&list, i);
  const char *near = known ? NULL : rg_nearest(text, names, (int)list.n);
  if (near)
    rg_fail(RG_EUSAGE, "%s: %s is '%s'; did you mean '%s'? (one of %s)", where, f->name,
            text, near, f->choices);
  else if (!known)
    rg_fail(RG_EUSAGE, "%s: %s is '%s'; say one of %s", where, f->name, text,
            f->choices);
  rg_free(names);
  rg_strings_fini(&list);
  return known ? RG_OK : RG_EUSAGE;
}

static rg_status set_field(const rg_field *f, void *object, const char *text,
                           const char *where)
{
  switch (f->type) {
  case RG_BOOL:
    return set_bool(f, object, text, where);
  case RG_INT:
  case RG_DOUBLE:
    return set_number(f, object, text, where);
  case RG_CHOICE:
    return set_choice(f, object, text, where);
  case RG_TEXT:
    replace_text(f, object, text);
    return RG_OK;
  }
  return rg_fail(RG_EFAIL, "%s: field of unknown type", f->name);
}

void rg_fields_default(const rg_field *fields, void *object)
{
  for (const rg_field *f = fields; f->name; f++) {
    if (is_text(f))
      *(char **)member(f, object) = NULL;
    RG_ASSERT(f->value || f->type == RG_TEXT);
    if (f->value && set_field(f, object, f->value, "default") != RG_OK)
      rg_bug(__FILE__, __LINE__, rg_error_text());
  }
}

rg_status rg_fields_set(const rg_field *fields, void *object, const char *name,
                        const char *text, const char *where)
{
  int i = rg_field_index(fields, name);
  if (i < 0)
    return unknown_name(fields, name, where);
  const rg_field *f = &fields[i];
  if (text)
    return set_field(f, object, text, where);
  if (f->type != RG_TEXT || f->value)
    return rg_fail(RG_EUSAGE, "%s: %s has no value", where, f->name);
  replace_text(f, object, NULL);
  return RG_OK;
}

char *rg_fields_get(const rg_field *fields, const void *object, const char *name)
{
  int i = rg_field_index(fields, name);
  RG_ASSERT(i >= 0);
  const rg_field *f = &fields[i];
  const void *value = member(f, object);
  char number[32];
  switch (f->type) {
  case RG_BOOL:
    return rg_strdup(*(const bool *)value ? "true" : "false");
  case RG_INT:
    return rg_format("%lld", (long long)*(const int64_t *)value);
  case RG_DOUBLE:
    rg_number_text(*(const double *)value, number);
    return rg_strdup(number);
  case RG_TEXT:
  case RG_CHOICE:
    break;
  }
  const char *text = *(char *const *)value;
  return text ? rg_strdup(text) : NULL;
}

void rg_fields_fini(const rg_field *fields, void *object)
{
  for (const rg_field *f = fields; f->name; f++)
    if (is_text(f))
      replace_text(f, object, NULL);
}
