/** Reading results, from the inside. Not collective. */
#ifndef REGATTA_IO_ANNOT_READ_H
#define REGATTA_IO_ANNOT_READ_H

#include "h5.h"
#include "regatta/io.h"

/** Read the first rows of everything that rg_annot_read reads: the work of the probing
 *  child. */
rg_status rg_annot_look(const char *path);

/** Everything below /uns that a note can hold; what it cannot hold is left out and
 *  logged. RG_EINPUT when the file is damaged. */
rg_status rg_annot_read_notes(const rg_h5 *h5, rg_annot *annot);

/** Sort the entries of every row by column. */
void rg_annot_sort_rows(rg_csr *csr);
/** Add a deep copy of a note. */
void rg_annot_copy_note(rg_annot *annot, const rg_note *note);

#endif
