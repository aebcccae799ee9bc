/** Results brought into the order of other cells. */
#ifndef REGATTA_IO_ANNOT_ALIGN_H
#define REGATTA_IO_ANNOT_ALIGN_H

#include "regatta/io.h"

/** Results for n_cells cells, of which this rank has those named `names` (its rg_part):
 *  rows are found by name. Cells without results get missing values: code -1, NaN, "",
 *  rows of NaN, empty rows. RG_EINPUT when no cell is found or a name occurs twice.
 *  Collective; owned by the caller. */
rg_status rg_annot_align(rg_comm *comm, const char *where, const rg_annot *annot,
                         int64_t n_cells, const rg_strings *names, rg_annot *aligned);

#endif
