/** The inside of rg_h5_writer, shared by h5write.c and h5write_array.c. */
#ifndef REGATTA_IO_H5WRITER_H
#define REGATTA_IO_H5WRITER_H

#include <hdf5.h>

#include "h5write.h"
#include "regatta/io.h"

struct rg_h5_writer {
  rg_comm *comm; /* borrowed */
  bool root;     /* rank 0 */
  char *path, *temp;
  char *magic;      /* of the user block, or NULL */
  hid_t file;       /* on rank 0 */
  int fd;           /* for values; opened when first needed */
  int64_t written;  /* bytes of values by this rank */
  rg_status status; /* first failure of this rank */
};

/** True on rank 0 as long as nothing failed there. Not collective. */
bool rg_h5_may_write(rg_h5_writer *w);
/** Note a failure to write `path`. Not collective. */
void rg_h5_check(rg_h5_writer *w, const char *path, bool good);
/** New datatypes: variable-length UTF-8, and h5py's bool; closed by the caller. Not
 *  collective. */
hid_t rg_h5_text_type(void);
hid_t rg_h5_bool_type(void);

#endif
