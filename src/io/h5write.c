/* The file being written: begin, finish, groups and attributes. Arrays are in
   h5write_array.c. */

#include "h5writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "h5.h"

enum { USER_BLOCK = 512 };

/* ---- begin ----------------------------------------------------------------------- */

static rg_h5_writer *new_writer(rg_comm *comm, const char *path)
{
  rg_h5_start();
  rg_h5_writer *w = RG_NEW(rg_h5_writer, 1);
  w->comm = comm;
  w->root = rg_rank(comm) == 0;
  w->path = rg_strdup(path);
  w->temp = rg_disk_temp(path);
  w->file = H5I_INVALID_HID;
  w->fd = -1;
  return w;
}

static void free_writer(rg_h5_writer *w)
{
  rg_free(w->path);
  rg_free(w->temp);
  rg_free(w->magic);
  rg_free(w);
}

static hid_t access_list(void)
{
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, false, true); /* locks fail on Lustre, NFS, BeeGFS */
  return access;
}

/* The plain open tells why a file cannot be made; the library does not. */
static rg_status create_file(rg_h5_writer *w)
{
  rg_disk_remove(w->temp);
  int fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0)
    return rg_fail(RG_EFAIL, "%s: cannot be written: %s", w->path, strerror(errno));
  close(fd);
  hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = access_list();
  if (w->magic)
    H5Pset_userblock(creation, USER_BLOCK);
  w->file = H5Fcreate(w->temp, H5F_ACC_TRUNC, creation, access);
  H5Pclose(access);
  H5Pclose(creation);
  if (w->file >= 0)
    return RG_OK;
  rg_disk_remove(w->temp);
  return rg_fail(RG_EFAIL, "%s: the HDF5 library cannot make this file", w->path);
}

rg_status rg_h5_begin(rg_comm *comm, const char *path, const char *magic,
                      rg_h5_writer **writer)
{
  rg_status status = rg_check_output(comm, path);
  if (status != RG_OK)
    return status;
  rg_h5_writer *w = new_writer(comm, path);
  w->magic = magic ? rg_strdup(magic) : NULL;
  status = rg_disk_from_root(comm, w->root ? create_file(w) : RG_OK);
  if (status != RG_OK) {
    free_writer(w);
    return status;
  }
  rg_pace_begin("write", 0, "MB");
  *writer = w;
  return RG_OK;
}

/* Copy the whole of a file, piece by piece. */
static rg_status copy_file(const char *from, const char *to)
{
  enum { PIECE = 1 << 24 };
  rg_status status = RG_OK;
  char *buffer = rg_alloc(PIECE, 1);
  int out = -1, in = open(from, O_RDONLY | O_CLOEXEC);
  if (in < 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s: cannot be opened: %s", from, strerror(errno)));
  out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (out < 0)
    RG_TRY(rg_fail(RG_EFAIL, "%s: cannot be written: %s", to, strerror(errno)));
  for (int64_t at = 0;;) {
    ssize_t n = pread(in, buffer, PIECE, at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      RG_TRY(rg_fail(RG_EINPUT, "%s: cannot be read: %s", from, strerror(errno)));
    if (n == 0)
      break;
    RG_TRY(rg_disk_write(out, to, buffer, n, at));
    at += n;
    rg_pace_at(at / 1000000, NULL);
  }

out:
  if (in >= 0)
    close(in);
  if (out >= 0 && close(out) != 0 && status == RG_OK)
    status = rg_fail(RG_EFAIL, "%s: cannot be written: %s", to, strerror(errno));
  rg_free(buffer);
  return status;
}

static rg_status copy_and_open(rg_h5_writer *w, const char *input)
{
  rg_disk_remove(w->temp);
  rg_status status = copy_file(input, w->temp);
  if (status != RG_OK)
    return status;
  hid_t access = access_list();
  w->file = H5Fopen(w->temp, H5F_ACC_RDWR, access);
  H5Pclose(access);
  if (w->file >= 0)
    return RG_OK;
  return rg_fail(RG_EINPUT, "%s: the HDF5 library cannot open its copy for writing",
                 input);
}

rg_status rg_h5_begin_copy(rg_comm *comm, const char *input, const char *path,
                           rg_h5_writer **writer)
{
  rg_status status = rg_check_output(comm, path);
  if (status != RG_OK)
    return status;
  rg_h5_writer *w = new_writer(comm, path);
  rg_pace_begin("copy", 0, "MB");
  status = rg_disk_from_root(comm, w->root ? copy_and_open(w, input) : RG_OK);
  rg_pace_end();
  if (status == RG_OK) {
    rg_pace_begin("write", 0, "MB");
    *writer = w;
    return RG_OK;
  }
  if (w->root)
    rg_disk_remove(w->temp);
  free_writer(w);
  return status;
}

/* ---- finish ---------------------------------------------------------------------- */

static rg_status write_magic(const rg_h5_writer *w)
{
  char block[USER_BLOCK] = {0};
  snprintf(block, sizeof block, "%s", w->magic);
  int fd = open(w->temp, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return rg_fail(RG_EFAIL, "%s: cannot be written: %s", w->path, strerror(errno));
  rg_status status = rg_disk_write(fd, w->path, block, sizeof block, 0);
  rg_status closed = rg_disk_close(fd, w->path);
  return status != RG_OK ? status : closed;
}

/* This rank's last work: the HDF5 library's buffers on rank 0, then the disk. */
static void close_file(rg_h5_writer *w)
{
  if (w->file >= 0) {
    bool good = H5Fflush(w->file, H5F_SCOPE_GLOBAL) >= 0;
    good = H5Fclose(w->file) >= 0 && good;
    if (!good && w->status == RG_OK)
      w->status = rg_fail(RG_EFAIL,
                          "%s: could not be written completely; is the disk "
                          "full?",
                          w->path);
  }
  if (w->fd >= 0) {
    rg_status closed = rg_disk_close(w->fd, w->path);
    if (w->status == RG_OK)
      w->status = closed;
  }
}

static rg_status name_file(rg_h5_writer *w)
{
  rg_status status = w->magic ? write_magic(w) : RG_OK;
  if (status == RG_OK)
    status = rg_disk_sync(w->temp);
  if (status == RG_OK && rg_fault("h5.rename"))
    status = rg_fail(RG_EFAIL, "%s: cannot be put in place: injected fault", w->path);
  return status == RG_OK ? rg_disk_replace(w->temp, w->path) : status;
}

rg_status rg_h5_finish(rg_h5_writer *w)
{
  close_file(w);
  rg_status status = rg_agree(w->comm, w->status);
  if (status == RG_OK)
    status = rg_disk_from_root(w->comm, w->root ? name_file(w) : RG_OK);
  if (status != RG_OK && w->root)
    rg_disk_remove(w->temp);
  free_writer(w);
  rg_pace_end();
  return status;
}

/* ---- what every call needs ------------------------------------------------------- */

bool rg_h5_may_write(rg_h5_writer *w)
{
  return w->root && w->status == RG_OK;
}

void rg_h5_check(rg_h5_writer *w, const char *path, bool good)
{
  if (!good && w->status == RG_OK)
    w->status =
        rg_fail(RG_EFAIL, "%s:%s: cannot be written; is the disk full?", w->path, path);
}

void rg_h5_writer_fail(rg_h5_writer *w, rg_status status)
{
  if (w->status == RG_OK)
    w->status = status;
}

rg_comm *rg_h5_writer_comm(const rg_h5_writer *w)
{
  return w->comm;
}

hid_t rg_h5_text_type(void)
{
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

hid_t rg_h5_bool_type(void)
{
  hid_t type = H5Tenum_create(H5T_STD_I8LE);
  int8_t no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

/* ---- groups and attributes ------------------------------------------------------- */

bool rg_h5_exists(rg_h5_writer *w, const char *path)
{
  int8_t there = 0;
  if (rg_h5_may_write(w)) {
    rg_h5 view = {.id = w->file, .path = w->path, .comm = w->comm};
    there = rg_h5_what(&view, path) != RG_H5_ABSENT;
  }
  rg_broadcast(w->comm, &there, sizeof there, 0);
  return there;
}

void rg_h5_remove(rg_h5_writer *w, const char *path)
{
  if (!rg_h5_may_write(w))
    return;
  rg_h5 view = {.id = w->file, .path = w->path, .comm = w->comm};
  if (rg_h5_what(&view, path) != RG_H5_ABSENT)
    rg_h5_check(w, path, H5Ldelete(w->file, path, H5P_DEFAULT) >= 0);
}

void rg_h5_put_group(rg_h5_writer *w, const char *path, const char *encoding,
                     const char *version)
{
  if (!rg_h5_may_write(w))
    return;
  rg_h5 view = {.id = w->file, .path = w->path, .comm = w->comm};
  bool there = strcmp(path, "/") == 0 || rg_h5_what(&view, path) == RG_H5_GROUP;
  if (!there) {
    hid_t group = H5Gcreate2(w->file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    rg_h5_check(w, path, group >= 0 && H5Gclose(group) >= 0);
  }
  if (encoding)
    rg_h5_put_encoding(w, path, encoding, version);
}

/* Write one attribute, replacing what is there. */
static void put_attribute(rg_h5_writer *w, const char *path, const char *name,
                          hid_t type, hid_t space, const void *values)
{
  if (H5Aexists_by_name(w->file, path, name, H5P_DEFAULT) > 0)
    H5Adelete_by_name(w->file, path, name, H5P_DEFAULT);
  hid_t id = H5Acreate_by_name(w->file, path, name, type, space, H5P_DEFAULT,
                               H5P_DEFAULT, H5P_DEFAULT);
  bool good = id >= 0;
  if (good && H5Sget_simple_extent_npoints(space) > 0)
    good = H5Awrite(id, type, values) >= 0;
  if (id >= 0)
    good = H5Aclose(id) >= 0 && good;
  rg_h5_check(w, path, good);
}

void rg_h5_put_text_attribute(rg_h5_writer *w, const char *path, const char *name,
                              const char *text)
{
  if (!rg_h5_may_write(w))
    return;
  hid_t type = rg_h5_text_type(), space = H5Screate(H5S_SCALAR);
  put_attribute(w, path, name, type, space, &text);
  H5Sclose(space);
  H5Tclose(type);
}

void rg_h5_put_encoding(rg_h5_writer *w, const char *path, const char *encoding,
                        const char *version)
{
  rg_h5_put_text_attribute(w, path, "encoding-type", encoding);
  rg_h5_put_text_attribute(w, path, "encoding-version", version);
}

void rg_h5_put_strings_attribute(rg_h5_writer *w, const char *path, const char *name,
                                 const rg_strings *list)
{
  if (!rg_h5_may_write(w))
    return;
  hsize_t n = (hsize_t)list->n;
  const char **texts = RG_NEW(const char *, list->n);
  for (int64_t i = 0; i < list->n; i++)
    texts[i] = rg_strings_at(list, i);
  hid_t type = rg_h5_text_type(), space = H5Screate_simple(1, &n, NULL);
  put_attribute(w, path, name, type, space, texts);
  H5Sclose(space);
  H5Tclose(type);
  rg_free(texts);
}

void rg_h5_put_int_attribute(rg_h5_writer *w, const char *path, const char *name,
                             const int64_t *x, int64_t n)
{
  if (!rg_h5_may_write(w))
    return;
  hsize_t size = (hsize_t)n;
  hid_t space = n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
  put_attribute(w, path, name, H5T_STD_I64LE, space, x);
  H5Sclose(space);
}

void rg_h5_put_false_attribute(rg_h5_writer *w, const char *path, const char *name)
{
  if (!rg_h5_may_write(w))
    return;
  int8_t no = 0;
  hid_t type = rg_h5_bool_type(), space = H5Screate(H5S_SCALAR);
  put_attribute(w, path, name, type, space, &no);
  H5Sclose(space);
  H5Tclose(type);
}
