/** h5write: an HDF5 file written by all ranks at once, with the same bytes at any number
 *  of ranks. Rank 0 alone owns the structure (groups, attributes, strings) through the
 *  plain driver; arrays are contiguous, so that every rank writes its rows straight to
 *  their place in the file.
 *
 *  A writer remembers its first failure and does nothing after it: the calls return
 *  nothing, and rg_h5_finish tells what became of all of them. The file has a temporary
 *  name until then. All calls are collective. */
#ifndef REGATTA_IO_H5WRITE_H
#define REGATTA_IO_H5WRITE_H

#include "regatta/comm.h"

typedef struct rg_h5_writer rg_h5_writer;

/** Begin `path`; `magic` (may be NULL) becomes a user block of 512 bytes. RG_EUSAGE when
 *  the folder is missing, RG_EFAIL when nothing can be written there. */
rg_status rg_h5_begin(rg_comm *comm, const char *path, const char *magic,
                      rg_h5_writer **writer);
/** Begin `path` as a copy of `input`, to be added to. */
rg_status rg_h5_begin_copy(rg_comm *comm, const char *input, const char *path,
                           rg_h5_writer **writer);
/** Close, flush, and give the file its name; on failure remove it. Frees. */
rg_status rg_h5_finish(rg_h5_writer *writer);

/** A group; it may exist. `encoding` and `version` are anndata's attributes of those
 *  names; NULL for none. */
void rg_h5_put_group(rg_h5_writer *w, const char *path, const char *encoding,
                     const char *version);
/** Remove an object with all in it; nothing there is fine. */
void rg_h5_remove(rg_h5_writer *w, const char *path);
/** True when there is an object of this name already. */
bool rg_h5_exists(rg_h5_writer *w, const char *path);

/** Attributes; what was there is replaced. */
void rg_h5_put_encoding(rg_h5_writer *w, const char *path, const char *encoding,
                        const char *version);
void rg_h5_put_text_attribute(rg_h5_writer *w, const char *path, const char *name,
                              const char *text);
void rg_h5_put_strings_attribute(rg_h5_writer *w, const char *path, const char *name,
                                 const rg_strings *list);
/** n integers; n == 0 is one, as a scalar. */
void rg_h5_put_int_attribute(rg_h5_writer *w, const char *path, const char *name,
                             const int64_t *x, int64_t n);
void rg_h5_put_false_attribute(rg_h5_writer *w, const char *path, const char *name);

/** Types of arrays in the file and in memory. */
typedef enum rg_h5_type {
  RG_H5_I8,
  RG_H5_I16,
  RG_H5_I32,
  RG_H5_I64,
  RG_H5_U32,
  RG_H5_F32,
  RG_H5_F64,
  RG_H5_BOOL8 /* h5py's enum {FALSE, TRUE} */
} rg_h5_type;

/** An array whose rows lie over the ranks in rank order; cols == 0 makes it
 *  one-dimensional. No encoding attributes. */
void rg_h5_put_rows(rg_h5_writer *w, const char *path, rg_h5_type type,
                    const void *mine, int64_t rows, int64_t cols);
/** Strings that lie over the ranks in rank order, as string-array. */
void rg_h5_put_strings(rg_h5_writer *w, const char *path, const rg_strings *mine);
/** The same array or strings on every rank: rank 0's are written. */
void rg_h5_put_array(rg_h5_writer *w, const char *path, rg_h5_type type, const void *x,
                     int64_t rows, int64_t cols);
void rg_h5_put_list(rg_h5_writer *w, const char *path, const rg_strings *list);
/** Scalars with their encoding attributes. */
void rg_h5_put_text(rg_h5_writer *w, const char *path, const char *text);
void rg_h5_put_number(rg_h5_writer *w, const char *path, rg_h5_type type,
                      const void *x);
/** Rows of records (rec-array): one field a column, texts (row-major) when `numbers` is
 *  NULL; numbers become float32 when `single`. The same on every rank. */
void rg_h5_put_records(rg_h5_writer *w, const char *path, const rg_strings *fields,
                       int64_t rows, const rg_strings *texts, const double *numbers,
                       bool single);

/** Rows to skip and in all of what lies over the ranks in rank order. */
rg_range rg_h5_place(rg_h5_writer *w, int64_t rows, int64_t *total);
rg_comm *rg_h5_writer_comm(const rg_h5_writer *w);
/** Note a failure of this rank's own. Not collective. */
void rg_h5_writer_fail(rg_h5_writer *w, rg_status status);

#endif
