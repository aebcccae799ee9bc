/* Tables of a run: text files with a line of names and fields between commas. */
#ifndef REGATTA_REPORT_CSV_H
#define REGATTA_REPORT_CSV_H

#include "regatta/base.h"

/* Owned. */
typedef struct csv {
  char *path;
  rg_strings names;  /* of the columns */
  rg_strings fields; /* row by row */
  int64_t rows;
} csv;
/* Read a file; *there is false when there is none. RG_EINPUT with FILE:LINE when a line has
 * another number of fields than the first, or the file is no text. */
rg_status csv_read(const char *path, csv *table, bool *there);
void csv_fini(csv *table);
/* Number of a column, or -1; with `needed` RG_EINPUT instead. */
rg_status csv_column(const csv *table, const char *name, bool needed, int64_t *column);
/* Borrowed. */
const char *csv_text(const csv *table, int64_t row, int64_t column);
/* RG_EINPUT with FILE:LINE when it is no finite number. */
rg_status csv_number(const csv *table, int64_t row, int64_t column, double *x);

#endif
