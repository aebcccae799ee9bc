/** counts: rows of a modality for this rank's cells. */
#ifndef REGATTA_IO_COUNTS_H
#define REGATTA_IO_COUNTS_H

#include "source.h"

/** Stored rows of this rank's cells [low, high), for a source that is direct. Local work;
 *  owned by the caller. */
rg_status rg_counts_direct(const rg_file *file, const rg_source *source, int64_t low,
                           int64_t high, rg_csr *csr);
/** Check values, sort rows, add up repeats, drop zeros and foreign columns, in place;
 *  `first` is this rank's cell in row 0. Local work. */
rg_status rg_counts_finish(const rg_file *file, const rg_source *source, int64_t first,
                           rg_values values, rg_csr *csr);

#endif
