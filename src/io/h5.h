/** h5: thin wrappers over HDF5 for the rest of io. Objects are named by their absolute
 *  path; every component of a path has to be a hard link. Sizes, classes, filters and
 *  layouts are checked when an array is opened, so that what follows can trust them.
 *
 *  A file is opened through MPI-IO when several ranks share it, else through the plain
 *  driver. Only open, create and close are collective; all transfers are independent.
 *  Functions return RG_EINPUT with "FILE:/path: what; what to do". */
#ifndef REGATTA_IO_H5_H
#define REGATTA_IO_H5_H

#include <hdf5.h>

#include "regatta/comm.h"

/** An open file. */
typedef struct rg_h5 {
  hid_t id;
  char *path;    /* as given, for messages */
  int64_t bytes; /* size of the file when it was opened */
  rg_comm *comm; /* borrowed */
} rg_h5;

/** Silence the error stack, forbid plugins, register the filters; idempotent. */
void rg_h5_start(void);
/** Open for reading. Collective. */
rg_status rg_h5_open(rg_comm *comm, const char *path, rg_h5 **h5);
/** Open an existing file for writing into it. Collective. */
rg_status rg_h5_open_write(rg_comm *comm, const char *path, rg_h5 **h5);
/** Create a new file; `user_block` is 0 or a power of two >= 512. RG_EFAIL when the file
 *  exists or cannot be written. Collective. */
rg_status rg_h5_create(rg_comm *comm, const char *path, int64_t user_block, rg_h5 **h5);
/** Close and free; for a written file the status says whether everything reached the
 *  disk. NULL is fine. Collective. */
rg_status rg_h5_close(rg_h5 *h5);

/* ---- what is there: not collective ----------------------------------------------- */

typedef enum rg_h5_kind {
  RG_H5_ABSENT,
  RG_H5_GROUP,
  RG_H5_ARRAY,
  RG_H5_LINK, /* a soft or external link on the way: never followed */
  RG_H5_OTHER
} rg_h5_kind;
rg_h5_kind rg_h5_what(const rg_h5 *h5, const char *path);
/** RG_EINPUT unless `path` is of this kind. */
rg_status rg_h5_expect(const rg_h5 *h5, const char *path, rg_h5_kind kind);
/** Names in a group, in the order of their creation or of their names; hard links
 *  only. Owned by the caller. */
rg_status rg_h5_list(const rg_h5 *h5, const char *group, rg_strings *names);
/** "a/b" from a printf; a helper to build paths. Owned by the caller. */
char *rg_h5_path(const char *group, const char *name);

/* ---- attributes: not collective -------------------------------------------------- */

bool rg_h5_has_attribute(const rg_h5 *h5, const char *path, const char *name);
/** A string attribute (fixed or variable length), or NULL when there is none or it is of
 *  another type. Owned by the caller. */
char *rg_h5_text_attribute(const rg_h5 *h5, const char *path, const char *name);
/** An attribute with n integers; RG_EINPUT otherwise. */
rg_status rg_h5_int_attribute(const rg_h5 *h5, const char *path, const char *name,
                              int64_t n, int64_t *x);
/** A string array attribute; an empty array of any type gives an empty list. Owned. */
rg_status rg_h5_strings_attribute(const rg_h5 *h5, const char *path, const char *name,
                                  rg_strings *list);

/* ---- arrays: not collective ------------------------------------------------------ */

typedef enum rg_h5_class {
  RG_H5_SIGNED,
  RG_H5_UNSIGNED,
  RG_H5_FLOAT,
  RG_H5_BOOL, /* the enum {FALSE, TRUE} of h5py */
  RG_H5_STRING,
  RG_H5_COMPOUND,
  RG_H5_OPAQUE /* anything else: cannot be read */
} rg_h5_class;

/** An open dataset of rank 0, 1 or 2. */
typedef struct rg_h5_array {
  const rg_h5 *h5;
  char *path;
  hid_t id;
  hid_t type; /* as stored */
  rg_h5_class class;
  int size;         /* bytes of one value */
  int rank;         /* 0, 1 or 2 */
  int64_t dims[2];  /* 1 beyond the rank */
  int64_t chunk[2]; /* 0 when contiguous */
  struct rg_chunks *chunks; /* decompressed here when not NULL */
} rg_h5_array;

/** Open a dataset and check everything about it but its values. */
rg_status rg_h5_array_open(const rg_h5 *h5, const char *path, rg_h5_array *array);
/** Closing what was never opened (zeroed) is fine. */
void rg_h5_array_close(rg_h5_array *array);
/** "float32", "uint16", "string", ... */
const char *rg_h5_type_name(const rg_h5_array *array);
bool rg_h5_is_number(const rg_h5_array *array); /* integer, float or bool */

/** Read rows [low, high) of all columns (rank 0 and 1: of the values) as double, float,
 *  int64 or int32; integers out of range are refused by _i64 and _i32. */
rg_status rg_h5_read_f64(const rg_h5_array *array, int64_t low, int64_t high,
                         double *x);
rg_status rg_h5_read_f32(const rg_h5_array *array, int64_t low, int64_t high, float *x);
rg_status rg_h5_read_i64(const rg_h5_array *array, int64_t low, int64_t high,
                         int64_t *x);
rg_status rg_h5_read_i32(const rg_h5_array *array, int64_t low, int64_t high,
                         int32_t *x);
/** Rows [low, high) of columns [left, right) of a rank 2 array as float. */
rg_status rg_h5_read_block(const rg_h5_array *array, int64_t low, int64_t high,
                           int64_t left, int64_t right, float *x);
/** Rows [low, high) of strings, fixed or variable length, appended to `list`. Numbers are
 *  printed (an index of integers). */
rg_status rg_h5_read_strings(const rg_h5_array *array, int64_t low, int64_t high,
                             rg_strings *list);
/** The same for one field of a compound; the field may be an array of numbers, then
 *  `x` gets `width` numbers a row. */
rg_status rg_h5_read_field_strings(const rg_h5_array *array, const char *field,
                                   int64_t low, int64_t high, rg_strings *list);
rg_status rg_h5_read_field_f64(const rg_h5_array *array, const char *field,
                               int64_t width, int64_t low, int64_t high, double *x);
/** All records of a rank 1 compound whose fields are numbers, record by record; or texts,
 *  added to one list per field. */
rg_status rg_h5_read_records_f64(const rg_h5_array *array, double *x);
rg_status rg_h5_read_records_strings(const rg_h5_array *array, rg_strings *lists);
/** Fields of a compound: names (owned), and per field its class and array length (1 for
 *  a plain field); `classes` and `widths` are owned by the caller. */
rg_status rg_h5_fields(const rg_h5_array *array, rg_strings *names,
                       rg_h5_class **classes, int64_t **widths);

#endif
