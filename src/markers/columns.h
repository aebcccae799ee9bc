/* Columns of a matrix whose rows lie over ranks. */
#ifndef REGATTA_MARKERS_COLUMNS_H
#define REGATTA_MARKERS_COLUMNS_H

#include "regatta/comm.h"

/* A value above 0 and the group of its cell. */
typedef struct rg_entry {
  float value;
  int32_t group;
} rg_entry;

/* This rank's features of a block: entries first[f]..first[f + 1] are those of feature
 * low + f, in the order of the cells. Owned. */
typedef struct rg_columns {
  int64_t low, n;
  int64_t *first; /* n + 1 */
  rg_entry *entry;
} rg_columns;
void rg_columns_fini(rg_columns *columns);

/* Deal out features [block.low, block.high) of `rows`; cells of group -1 are left out.
 * Collective. */
rg_columns rg_columns_deal(rg_comm *comm, const rg_csr *rows, const int32_t *group,
                           rg_range block);

/* Sort a column by value; `spare` is as long. Entries of one value stay in order. */
void rg_column_sort(rg_entry *column, rg_entry *spare, int64_t n);

#endif
