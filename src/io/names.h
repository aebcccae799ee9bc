/** names: look-up of strings, and names made unique. Not collective unless it says so. */
#ifndef REGATTA_IO_NAMES_H
#define REGATTA_IO_NAMES_H

#include "regatta/io.h"

/** Index from string to place in a list; the list is borrowed and may grow. */
typedef struct rg_names {
  const rg_strings *list;
  int64_t *slot; /* -1 or a place */
  int64_t capacity;
} rg_names;
/** Put all strings of a list in; of equal ones the first counts. */
void rg_names_init(rg_names *names, const rg_strings *list);
/** Add string i of the list; returns i, or the place of an equal one put in before. */
int64_t rg_names_put(rg_names *names, int64_t i);
/** Place of a string, or -1. */
int64_t rg_names_find(const rg_names *names, const char *text);
void rg_names_fini(rg_names *names);

/** Make names unique as anndata does: repeats get "-1", "-2", ... The number of names
 *  changed is returned. */
int64_t rg_names_make_unique(rg_strings *list);

/** Compare as people sort: runs of digits by their value. */
int rg_natural_order(const char *a, const char *b);

/** First name that occurs twice in a list spread over the ranks: RG_EINPUT with the
 *  name and both rows. Collective. */
rg_status rg_names_check_unique(rg_comm *comm, const char *where,
                                const rg_strings *table);

#endif
