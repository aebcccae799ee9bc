/** Files of golden values (MANIFEST): settings and named arrays. */
#ifndef REGATTA_GOLDEN_FILE_H
#define REGATTA_GOLDEN_FILE_H

#include "regatta/model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct array {
  char name[64];
  int64_t rows, cols;
  double *x;
} array;

typedef struct golden {
  char setting[32][2][32];
  int n_settings, n_arrays;
  array item[512];
} golden;

static inline const array *maybe_array(const golden *file, const char *prefix,
                                       const char *name)
{
  char whole[128];
  snprintf(whole, sizeof whole, "%s%s", prefix, name);
  for (int i = 0; i < file->n_arrays; i++)
    if (strcmp(file->item[i].name, whole) == 0)
      return &file->item[i];
  return NULL;
}

static inline const array *get(const golden *file, const char *name)
{
  const array *found = maybe_array(file, "", name);
  cr_assert_not_null(found, "no %s", name);
  return found;
}

static inline double at(const array *from, int64_t row, int64_t col)
{
  cr_assert(row < from->rows && col < from->cols, "%s", from->name);
  return from->x[row * from->cols + col];
}

static inline void read_array(FILE *in, golden *file, const char *name)
{
  cr_assert_lt(file->n_arrays, 512);
  array *to = &file->item[file->n_arrays++];
  long long rows, cols;
  cr_assert_eq(fscanf(in, "%lld %lld", &rows, &cols), 2, "%s", name);
  snprintf(to->name, sizeof to->name, "%s", name);
  to->rows = rows;
  to->cols = cols;
  to->x = RG_NEW(double, rows * cols);
  for (int64_t i = 0; i < rows * cols; i++)
    cr_assert_eq(fscanf(in, "%lf", &to->x[i]), 1, "%s", name);
}

static inline golden *read_golden(const char *recipe)
{
  const char *top = getenv("top_srcdir");
  char path[4096], word[64];
  snprintf(path, sizeof path, "%s/tests/golden/%s.txt", top ? top : ".", recipe);
  FILE *in = fopen(path, "r");
  cr_assert_not_null(in, "%s: set top_srcdir", path);
  golden *file = RG_NEW(golden, 1);
  cr_assert_eq(fscanf(in, "#%*[^\n]"), 0);
  while (fscanf(in, "%63s", word) == 1) {
    if (strcmp(word, "set") != 0) {
      read_array(in, file, word);
      continue;
    }
    cr_assert_lt(file->n_settings, 32);
    char(*setting)[32] = file->setting[file->n_settings++];
    cr_assert_eq(fscanf(in, "%31s %31s", setting[0], setting[1]), 2);
  }
  fclose(in);
  return file;
}

static inline void golden_free(golden *file)
{
  for (int i = 0; i < file->n_arrays; i++)
    rg_free(file->item[i].x);
  rg_free(file);
}

#endif
