/** What files of results and files of data have in common: data frames, sparse matrices
 *  and notes, as anndata 0.8 encodes them. All collective. */
#ifndef REGATTA_IO_FRAME_WRITE_H
#define REGATTA_IO_FRAME_WRITE_H

#include "h5write.h"
#include "regatta/io.h"

/** A data frame (obs, var) whose rows lie over the ranks, with its columns. RG_EUSAGE is
 *  noted when a name of a column cannot stand in a file. */
void rg_frame_put(rg_h5_writer *w, const char *path, const rg_strings *index,
                  int n_columns, const rg_column *columns);
/** One column inside a frame that exists; its name is not added to column-order. */
void rg_frame_put_column(rg_h5_writer *w, const char *path, const rg_column *column);
/** A matrix as `array`. */
void rg_frame_put_mat(rg_h5_writer *w, const char *path, const rg_mat *mat);
/** A sparse matrix as `csr_matrix`; n_cols columns in all. */
void rg_frame_put_csr(rg_h5_writer *w, const char *path, const rg_csr *csr,
                      int64_t n_cols);
/** A note below a group that exists; groups on its way are made. */
void rg_frame_put_note(rg_h5_writer *w, const char *uns, const rg_note *note);

#endif
