/* Columns of a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "regatta/io.h"

void rg_column_fini(rg_column *column)
{
  rg_free(column->name);
  rg_free(column->code);
  rg_free(column->number);
  rg_strings_fini(&column->text);
  rg_strings_fini(&column->categories);
  *column = (rg_column){0};
}

static int natural_order(const void *a, const void *b)
{
  return rg_natural_order(*(char *const *)a, *(char *const *)b);
}

static int byte_order(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Numbers of a column as text; the missing ones are empty. */
static void print_numbers(rg_column *column)
{
  for (int64_t i = 0; i < column->n; i++) {
    char text[40] = "";
    double x = column->number[i];
    int length = isnan(x) ? 0 : snprintf(text, sizeof text, "%.17g", x);
    rg_strings_add(&column->text, text, length);
  }
}

static bool all_integers(const rg_column *column)
{
  for (int64_t i = 0; i < column->n; i++)
    if (!isnan(column->number[i]) && column->number[i] != floor(column->number[i]))
      return false;
  return true;
}

/* Distinct texts of this rank, then of all ranks, sorted. Collective. */
static void find_categories(rg_comm *comm, rg_column *column,
                            int (*order)(const void *, const void *))
{
  rg_strings mine = {0};
  rg_names seen;
  rg_names_init(&seen, &mine);
  for (int64_t i = 0; i < column->n; i++) {
    const char *text = rg_strings_at(&column->text, i);
    if (*text && rg_names_find(&seen, text) < 0) {
      rg_strings_add(&mine, text, (int64_t)strlen(text));
      rg_names_put(&seen, mine.n - 1);
    }
  }
  rg_names_fini(&seen);
  int64_t total; /* the texts lie one after the other, each with its NUL */
  char *all = rg_gather_all(comm, mine.text ? mine.text : "",
                            mine.n ? mine.offset[mine.n] : 0, NULL, &total);
  int64_t n = 0;
  for (int64_t i = 0; i < total; i++)
    n += all[i] == '\0';
  char **sorted = RG_NEW(char *, n);
  char *at = all;
  for (int64_t i = 0; i < n; i++, at += strlen(at) + 1)
    sorted[i] = at;
  qsort(sorted, (size_t)n, sizeof *sorted, order);
  for (int64_t i = 0; i < n; i++)
    if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
      rg_strings_add(&column->categories, sorted[i], (int64_t)strlen(sorted[i]));
  rg_free(sorted);
  rg_free(all);
  rg_strings_fini(&mine);
}

rg_status rg_column_as_category(rg_comm *comm, rg_column *column)
{
  if (column->type == RG_COLUMN_CATEGORY)
    return RG_OK;
  bool numbers = column->type == RG_COLUMN_NUMBER;
  if (numbers) {
    if (!rg_all(comm, all_integers(column)))
      return rg_fail(RG_EINPUT,
                     "the column '%s' holds numbers that are not integers; "
                     "name a column of labels",
                     column->name);
    print_numbers(column);
  }
  find_categories(comm, column, numbers ? natural_order : byte_order);
  column->code = RG_NEW(int32_t, column->n);
  rg_names names;
  rg_names_init(&names, &column->categories);
  for (int64_t i = 0; i < column->n; i++) /* no text, no category: -1 */
    column->code[i] = (int32_t)rg_names_find(&names, rg_strings_at(&column->text, i));
  rg_names_fini(&names);
  rg_strings_fini(&column->text);
  column->text = (rg_strings){0};
  rg_free(column->number);
  column->number = NULL;
  column->type = RG_COLUMN_CATEGORY;
  return RG_OK;
}
