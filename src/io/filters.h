/** filters: the compression that files of the field use and HDF5 does not bring along. */
#ifndef REGATTA_IO_FILTERS_H
#define REGATTA_IO_FILTERS_H

#include "h5.h"

/** Register LZF (32000, as h5py numbers it) for reading. Not collective. */
void rg_filters_register(void);
/** RG_EINPUT unless every filter of a dataset's creation list can be undone here. */
rg_status rg_filters_check(const rg_h5 *h5, const char *path, hid_t creation);

#endif
