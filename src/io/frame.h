/** frame: tables (obs, var) of all generations, read by rows. Everything here is the local
 *  work of one rank: not collective. */
#ifndef REGATTA_IO_FRAME_H
#define REGATTA_IO_FRAME_H

#include "h5.h"
#include "regatta/io.h"

/** Strings of an element: a string array, a nullable-string-array (missing: ""), a
 *  categorical, or numbers printed. Rows [low, high) are appended to `list`. */
rg_status rg_element_strings(const rg_h5 *h5, const char *path, int64_t low,
                             int64_t high, rg_strings *list);
/** Number of rows of such an element. */
rg_status rg_element_length(const rg_h5 *h5, const char *path, int64_t *n);

typedef enum rg_frame_form {
  RG_FRAME_NONE,
  RG_FRAME_GROUP,   /* anndata >= 0.7: a group with _index and column-order */
  RG_FRAME_COMPOUND /* anndata < 0.7: a compound dataset */
} rg_frame_form;

typedef struct rg_frame {
  const rg_h5 *h5; /* borrowed */
  char *path;
  rg_frame_form form;
  int64_t n;
  char *index; /* name of the index, NULL when there is none: names are numbers */
  rg_strings columns;   /* names without the index */
  rg_h5_class *classes; /* of the fields of a compound, index included */
  int64_t *widths;
} rg_frame;

/** Open a table. A missing one gives RG_EINPUT. */
rg_status rg_frame_open(const rg_h5 *h5, const char *path, rg_frame *frame);
/** A plain group of equally long arrays seen as a table (10x, loom): its members, of which
 *  `index` (may be NULL) names the rows. */
rg_status rg_frame_open_plain(const rg_h5 *h5, const char *path, const char *index,
                              int64_t n, rg_frame *frame);
void rg_frame_fini(rg_frame *frame);
/** True when there is such a column. */
bool rg_frame_has(const rg_frame *frame, const char *column);
/** Names of rows [low, high), appended to `names`. */
rg_status rg_frame_names(const rg_frame *frame, int64_t low, int64_t high,
                         rg_strings *names);
/** Rows [low, high) of a column. Owned by the caller. */
rg_status rg_frame_column(const rg_frame *frame, const char *name, int64_t low,
                          int64_t high, rg_column *column);
/** Rows [low, high) of a column as text, whatever it is; appended to `list`. */
rg_status rg_frame_text(const rg_frame *frame, const char *name, int64_t low,
                        int64_t high, rg_strings *list);

#endif
