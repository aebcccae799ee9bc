/* Lists of strings in one packed buffer; offset[n] is its length. */
#include "regatta/base.h"

#include <string.h>

static int64_t packed_bytes(const rg_strings *list)
{
  return list->offset ? list->offset[list->n] : 0;
}

void rg_strings_add(rg_strings *list, const char *text, int64_t length)
{
  if (length < 0)
    length = (int64_t)strlen(text);
  int64_t at = packed_bytes(list), end = at + length + 1;
  list->offset =
      rg_realloc(list->offset, list->offset ? list->n + 1 : 0, list->n + 2, sizeof end);
  list->text = rg_realloc(list->text, at, end, 1);
  memcpy(list->text + at, text, (size_t)length);
  list->text[end - 1] = '\0';
  list->offset[++list->n] = end;
}

void rg_strings_addf(rg_strings *list, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = rg_vformat(format, arguments);
  va_end(arguments);
  rg_strings_add(list, text, -1);
  rg_free(text);
}

const char *rg_strings_at(const rg_strings *list, int64_t i)
{
  RG_ASSERT(i >= 0 && i < list->n);
  return list->text + list->offset[i];
}

int64_t rg_strings_find(const rg_strings *list, const char *text)
{
  for (int64_t i = 0; i < list->n; i++)
    if (strcmp(list->text + list->offset[i], text) == 0)
      return i;
  return -1;
}

char *rg_strings_text(const rg_strings *list, int64_t most)
{
  char *text = rg_strdup("");
  for (int64_t i = 0; i < list->n && i <= most; i++) {
    char *longer = rg_format("%s%s%s", text, i > 0 ? ", " : "",
                             i < most ? rg_strings_at(list, i) : "...");
    rg_free(text);
    text = longer;
  }
  return text;
}

void rg_strings_copy(const rg_strings *list, rg_strings *copy)
{
  *copy = (rg_strings){.n = list->n};
  if (!list->offset)
    return;
  copy->offset = RG_NEW(int64_t, list->n + 1);
  memcpy(copy->offset, list->offset, (size_t)(list->n + 1) * sizeof *copy->offset);
  copy->text = RG_NEW(char, packed_bytes(list));
  memcpy(copy->text, list->text, (size_t)packed_bytes(list));
}

void rg_strings_fini(rg_strings *list)
{
  rg_free(list->offset);
  rg_free(list->text);
  *list = (rg_strings){0};
}
