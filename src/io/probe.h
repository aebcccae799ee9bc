/** probe: a look at a file in a process of its own, so that a file which brings the HDF5
 *  library down brings down that process and not the job. */
#ifndef REGATTA_IO_PROBE_H
#define REGATTA_IO_PROBE_H

#include "regatta/io.h"

/** On rank 0 start this program again as `--probe-file`, under limits of memory and time,
 *  and wait for its verdict; RG_EINPUT when the file is refused or the process dies.
 *  Programs that do not call rg_probe_main at their start are not probed. Collective. */
rg_status rg_probe(rg_comm *comm, const char *path, const rg_open_options *options);
/** The same for a file of results (rg_annot_read). Collective. */
rg_status rg_probe_results(rg_comm *comm, const char *path);

#endif
