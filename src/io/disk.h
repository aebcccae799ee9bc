/** Plain files and folders written so that a crash leaves the old state or the new one:
 *  a temporary name beside the target, fsync, rename, fsync of the folder. Functions
 *  here are local to a rank unless they say otherwise. */
#ifndef RG_IO_DISK_H
#define RG_IO_DISK_H

#include "regatta/comm.h"

/** "FOLDER/.tmp-NAME" for "FOLDER/NAME"; owned by the caller. Not collective. */
char *rg_disk_temp(const char *path);
/** Write n bytes at an offset of an open file, whole. RG_EFAIL. Not collective. */
rg_status rg_disk_write(int fd, const char *path, const void *bytes, int64_t n,
                        int64_t offset);
/** Read n bytes at an offset, whole; a short file is RG_EINPUT. Not collective. */
rg_status rg_disk_read(int fd, const char *path, void *bytes, int64_t n,
                       int64_t offset);
/** Flush an open file to the device, and close it in any case. Not collective. */
rg_status rg_disk_close(int fd, const char *path);
/** Flush an existing file or folder to the device by name. Not collective. */
rg_status rg_disk_sync(const char *path);
/** Flush the folder that holds `path`. Not collective. */
rg_status rg_disk_sync_parent(const char *path);
/** Rename a flushed temporary file or folder to `path`, in place of what is there; what
 *  was there is removed, but for a folder in the place of a file: RG_EUSAGE. Not
 *  collective. */
rg_status rg_disk_replace(const char *temp, const char *path);
/** Remove a file or a folder with all in it; links are not followed; nothing there is
 *  fine. Not collective. */
void rg_disk_remove(const char *path);
/** RG_EINPUT unless a file is the same on every rank, by its size, beginning and end: a
 *  node may have an old copy under the name, and what is read decides on what ranks do
 *  together. Collective. */
rg_status rg_disk_same(rg_comm *comm, const char *path);
/** Give every rank the status and error text of rank 0, whose work it was. Collective. */
rg_status rg_disk_from_root(rg_comm *comm, rg_status status);

#endif
