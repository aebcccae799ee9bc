/* Plain files and folders, replaced in one step. */

#include "disk.h"

#include "regatta/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rg_status fail(const char *path, const char *what)
{
  const char *advice = errno == ENOSPC || errno == EDQUOT ? "; free some space"
                       : errno == EACCES || errno == EROFS
                           ? "; choose a folder that can be written"
                           : "";
  return rg_fail(RG_EFAIL, "%s: %s: %s%s", path, what, strerror(errno), advice);
}

/* The folder that holds a path; owned by the caller. */
static char *parent_of(const char *path)
{
  char *parent = rg_strdup(path);
  size_t n = strlen(parent);
  while (n > 1 && parent[n - 1] == '/')
    parent[--n] = '\0';
  char *slash = strrchr(parent, '/');
  if (!slash) {
    rg_free(parent);
    return rg_strdup(".");
  }
  slash[slash == parent ? 1 : 0] = '\0';
  return parent;
}

char *rg_disk_temp(const char *path)
{
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/')
    n--;
  size_t start = n;
  while (start > 0 && path[start - 1] != '/')
    start--;
  return rg_format("%.*s.tmp-%.*s", (int)start, path, (int)(n - start), path + start);
}

rg_status rg_disk_write(int fd, const char *path, const void *bytes, int64_t n,
                        int64_t offset)
{
  const char *p = bytes;
  while (n > 0) {
    size_t piece = n < (int64_t)1 << 30 ? (size_t)n : (size_t)1 << 30;
    ssize_t done = pwrite(fd, p, piece, offset);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return fail(path, "cannot be written");
    p += done;
    offset += done;
    n -= done;
  }
  return RG_OK;
}

rg_status rg_disk_read(int fd, const char *path, void *bytes, int64_t n, int64_t offset)
{
  char *p = bytes;
  while (n > 0) {
    size_t piece = n < (int64_t)1 << 30 ? (size_t)n : (size_t)1 << 30;
    ssize_t done = pread(fd, p, piece, offset);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return fail(path, "cannot be read");
    if (done == 0)
      return rg_fail(RG_EINPUT, "%s: the file ends too early; it is damaged", path);
    p += done;
    offset += done;
    n -= done;
  }
  return RG_OK;
}

rg_status rg_disk_close(int fd, const char *path)
{
  rg_status status = RG_OK;
  if (fsync(fd) != 0)
    status = fail(path, "cannot be flushed to the disk");
  if (close(fd) != 0 && status == RG_OK)
    status = fail(path, "cannot be closed");
  return status;
}

rg_status rg_disk_sync(const char *path)
{
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(path, "cannot be opened");
  rg_status status = RG_OK;
  /* Some file systems cannot flush folders: EINVAL; there is nothing to be done. */
  if (fsync(fd) != 0 && errno != EINVAL)
    status = fail(path, "cannot be flushed to the disk");
  close(fd);
  return status;
}

rg_status rg_disk_sync_parent(const char *path)
{
  char *parent = parent_of(path);
  rg_status status = rg_disk_sync(parent);
  rg_free(parent);
  return status;
}

/* Swap a full folder with the new one; where the file system cannot, go through a third
   name. */
static int exchange(const char *temp, const char *path)
{
  if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
    return 0;
  char *old = rg_format("%s.old", temp);
  rg_disk_remove(old);
  int failed = rename(path, old) || rename(temp, path) || rename(old, temp);
  int kept = errno;
  rg_free(old);
  errno = kept;
  return failed;
}

rg_status rg_disk_replace(const char *temp, const char *path)
{
  struct stat there, here;
  bool folder = lstat(path, &there) == 0 && S_ISDIR(there.st_mode);
  if (folder && lstat(temp, &here) == 0 && !S_ISDIR(here.st_mode))
    return rg_fail(RG_EUSAGE, "%s: is a folder, which no file replaces", path);
  int failed = folder ? exchange(temp, path) : rename(temp, path);
  if (failed)
    return fail(path, "cannot be put in place");
  if (folder)
    rg_disk_remove(temp);
  return rg_disk_sync_parent(path);
}

static void remove_entries(DIR *folder)
{
  struct dirent *entry;
  while ((entry = readdir(folder))) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
      continue;
    if (unlinkat(dirfd(folder), name, 0) == 0 || errno == ENOENT)
      continue;
    int fd =
        openat(dirfd(folder), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *inner = fd < 0 ? NULL : fdopendir(fd);
    if (inner) {
      remove_entries(inner);
      closedir(inner);
    }
    unlinkat(dirfd(folder), name, AT_REMOVEDIR);
  }
}

void rg_disk_remove(const char *path)
{
  if (unlink(path) == 0 || errno == ENOENT)
    return;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *folder = fd < 0 ? NULL : fdopendir(fd);
  if (folder) {
    remove_entries(folder);
    closedir(folder);
  }
  rmdir(path);
}

rg_status rg_disk_same(rg_comm *comm, const char *path)
{
  enum { END = 1 << 18 };
  if (rg_size(comm) == 1)
    return RG_OK;
  uint64_t seen[3] = {0}; /* size, hashes of both ends */
  struct stat there;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && fstat(fd, &there) == 0) {
    int64_t size = (int64_t)there.st_size, n = size < END ? size : END;
    char *bytes = rg_alloc(n, 1);
    seen[0] = (uint64_t)size;
    for (int k = 0; k < 2; k++) {
      ssize_t got = pread(fd, bytes, (size_t)n, (off_t)(k == 0 ? 0 : size - n));
      seen[1 + k] = rg_hash(bytes, got > 0 ? (size_t)got : 0, 0);
    }
    rg_free(bytes);
  }
  if (fd >= 0)
    close(fd);
  if (rg_same(comm, seen, sizeof seen))
    return RG_OK;
  return rg_fail(RG_EINPUT,
                 "%s: is another file on some of the ranks; copy it again to every node, "
                 "or put it where all nodes see it",
                 path);
}

rg_status rg_disk_from_root(rg_comm *comm, rg_status status)
{
  enum { ROOM = 2048 };
  struct {
    int32_t status;
    char text[ROOM];
  } note = {(int32_t)status, ""};
  if (status != RG_OK)
    snprintf(note.text, ROOM, "%s", rg_error_text());
  rg_broadcast(comm, &note, sizeof note, 0);
  if (note.status == RG_OK)
    return RG_OK;
  return rg_fail((rg_status)note.status, "%s", note.text);
}

/* ---- the face of the module ------------------------------------------------------ */

static rg_status write_text(const char *path, const char *temp, const char *text)
{
  rg_disk_remove(temp);
  int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0)
    return fail(path, "cannot be written");
  rg_status status = rg_disk_write(fd, path, text, (int64_t)strlen(text), 0);
  rg_status closed = rg_disk_close(fd, path);
  if (status == RG_OK)
    status = closed;
  if (status == RG_OK)
    status = rg_disk_replace(temp, path);
  if (status != RG_OK)
    rg_disk_remove(temp);
  return status;
}

rg_status rg_write_text(rg_comm *comm, const char *path, const char *text)
{
  rg_status status = RG_OK;
  if (rg_rank(comm) == 0) {
    char *temp = rg_disk_temp(path);
    status = write_text(path, temp, text);
    rg_free(temp);
  }
  return rg_disk_from_root(comm, status);
}

/* The text of a rank, on rank 0; owned. Collective. */
static char *text_of(rg_comm *comm, int rank, const char *text, int64_t n, int64_t *got)
{
  int size = rg_size(comm);
  int64_t *to = RG_NEW(int64_t, size + 1), *from = RG_NEW(int64_t, size + 1);
  for (int r = 1; r <= size && rg_rank(comm) == rank; r++)
    to[r] = n;
  char *in = rg_exchange(comm, text, to, from);
  *got = from[size];
  rg_free(to);
  rg_free(from);
  return in;
}

rg_status rg_write_texts(rg_comm *comm, const char *path, const char *text, int64_t n)
{
  bool root = rg_rank(comm) == 0;
  char *temp = rg_disk_temp(path);
  rg_status status = RG_OK;
  int64_t offset = 0, got;
  int fd = -1;
  if (root) {
    rg_disk_remove(temp);
    fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    status = fd < 0 ? fail(path, "cannot be written") : RG_OK;
  }
  for (int r = 0; r < rg_size(comm); r++) {
    char *in = text_of(comm, r, text, n, &got);
    if (root && status == RG_OK)
      status = rg_disk_write(fd, path, in, got, offset);
    offset += got;
    rg_free(in);
  }
  if (fd >= 0) {
    rg_status closed = rg_disk_close(fd, path);
    status = status == RG_OK ? closed : status;
  }
  if (root && status == RG_OK)
    status = rg_disk_replace(temp, path);
  if (root && status != RG_OK)
    rg_disk_remove(temp);
  rg_free(temp);
  return rg_disk_from_root(comm, status);
}

static rg_status make_folder(const char *path)
{
  struct stat there;
  if (stat(path, &there) == 0) {
    if (S_ISDIR(there.st_mode))
      return RG_OK;
    errno = ENOTDIR;
    return fail(path, "cannot be made a folder");
  }
  char *parent = parent_of(path);
  rg_status status = RG_OK;
  if (strcmp(parent, path) != 0 && strcmp(parent, ".") != 0)
    status = make_folder(parent);
  rg_free(parent);
  if (status != RG_OK)
    return status;
  if (mkdir(path, 0777) != 0 && errno != EEXIST)
    return fail(path, "the folder cannot be made");
  return RG_OK;
}

rg_status rg_make_folder(rg_comm *comm, const char *path)
{
  rg_status status = rg_rank(comm) == 0 ? make_folder(path) : RG_OK;
  return rg_disk_from_root(comm, status);
}

static rg_status check_parent(const char *path)
{
  rg_status status = RG_OK;
  char *parent = parent_of(path);
  struct stat there;
  if (stat(parent, &there) != 0)
    status = rg_fail(RG_EUSAGE, "%s: the folder %s does not exist; make it first", path,
                     parent);
  else if (!S_ISDIR(there.st_mode))
    status = rg_fail(RG_EUSAGE, "%s: %s is not a folder", path, parent);
  else if (access(parent, W_OK | X_OK) != 0)
    status = rg_fail(RG_EUSAGE, "%s: the folder %s cannot be written: %s", path, parent,
                     strerror(errno));
  rg_free(parent);
  return status;
}

rg_status rg_check_output(rg_comm *comm, const char *path)
{
  struct stat there;
  rg_status status = check_parent(path);
  if (status == RG_OK && stat(path, &there) == 0 && S_ISDIR(there.st_mode))
    status = rg_fail(RG_EUSAGE, "%s: is a folder; give the name of a file", path);
  return rg_agree(comm, status);
}

rg_status rg_check_folder(rg_comm *comm, const char *path)
{
  struct stat there;
  rg_status status = check_parent(path);
  if (status == RG_OK && stat(path, &there) == 0 && !S_ISDIR(there.st_mode))
    status = rg_fail(RG_EUSAGE, "%s: is a file; give the name of a folder", path);
  return rg_agree(comm, status);
}

bool rg_same_file(const char *a, const char *b)
{
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}
