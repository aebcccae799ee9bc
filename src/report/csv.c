/* Tables of a run. */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 60 }; /* of a field in a message */

static int64_t add_fields(rg_strings *to, char *line)
{
  int64_t n = 0;
  for (char *at = line; at; n++) {
    char *comma = strchr(at, ',');
    rg_strings_add(to, at, comma ? comma - at : -1);
    at = comma ? comma + 1 : NULL;
  }
  return n;
}

static rg_status read_lines(FILE *file, csv *table)
{
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  rg_status status = RG_OK;
  for (int64_t number = 1; (length = getline(&line, &room, file)) >= 0; number++) {
    if (strlen(line) != (size_t)length || line[length - 1] != '\n')
      RG_TRY(rg_fail(RG_EINPUT, "%s:%lld: the line is damaged or was not written to its "
                                "end; repeat the command that makes the file",
                     table->path, (long long)number));
    line[strcspn(line, "\r\n")] = '\0';
    int64_t n = add_fields(number == 1 ? &table->names : &table->fields, line);
    if (n != table->names.n)
      RG_TRY(rg_fail(RG_EINPUT, "%s:%lld: %lld fields where the first line names %lld; "
                                "repeat the command that makes the file",
                     table->path, (long long)number, (long long)n,
                     (long long)table->names.n));
    table->rows = number - 1;
  }
  if (table->names.n == 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s: is empty; repeat the command that makes it",
                   table->path));
out:
  free(line);
  return status;
}

rg_status csv_read(const char *path, csv *table, bool *there)
{
  *table = (csv){.path = rg_strdup(path)};
  FILE *file = fopen(path, "r");
  *there = file != NULL;
  if (!file && errno == ENOENT)
    return RG_OK;
  if (!file)
    return rg_fail(RG_EFAIL, "%s: cannot be read: %s", path, strerror(errno));
  rg_status status = read_lines(file, table);
  fclose(file);
  return status;
}

void csv_fini(csv *table)
{
  rg_free(table->path);
  rg_strings_fini(&table->names);
  rg_strings_fini(&table->fields);
  *table = (csv){0};
}

rg_status csv_column(const csv *table, const char *name, bool needed, int64_t *column)
{
  *column = rg_strings_find(&table->names, name);
  if (*column < 0 && needed)
    return rg_fail(RG_EINPUT, "%s:1: no column %s", table->path, name);
  return RG_OK;
}

const char *csv_text(const csv *table, int64_t row, int64_t column)
{
  return rg_strings_at(&table->fields, row * table->names.n + column);
}

rg_status csv_number(const csv *table, int64_t row, int64_t column, double *x)
{
  const char *text = csv_text(table, row, column);
  char *end;
  *x = strtod(text, &end);
  if (end == text || *end || !isfinite(*x))
    return rg_fail(RG_EINPUT, "%s:%lld: '%.*s' in column %s is not a number", table->path,
                   (long long)row + 2, SHOWN, text,
                   rg_strings_at(&table->names, column));
  return RG_OK;
}
