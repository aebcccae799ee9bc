/* Files, kinds of objects and attributes; arrays are in h5array.c. */
#include "h5.h"

#include <errno.h>
#include <mpi.h>
#include <string.h>
#include <sys/stat.h>

#include "disk.h"
#include "filters.h"

#define MAX_LISTED 1000000
#define MAX_ATTRIBUTE (1 << 16) /* bytes of one text */
#define MAX_PATH 4096

void rg_h5_start(void)
{
  static bool started = false;
  if (started)
    return;
  started = true;
  H5open();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0); /* a plugin is code that a file would choose */
  rg_filters_register();
}

/* ---- files ----------------------------------------------------------------------- */

static hid_t access_list(rg_comm *comm)
{
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(access, false, true); /* locks fail on Lustre, NFS, BeeGFS */
  if (rg_size(comm) > 1) {
    MPI_Comm *mpi = rg_comm_mpi(comm);
    H5Pset_fapl_mpio(access, *mpi, MPI_INFO_NULL);
  }
  return access;
}

static rg_h5 *new_file(rg_comm *comm, const char *path)
{
  rg_h5_start();
  rg_h5 *h5 = RG_NEW(rg_h5, 1);
  h5->id = H5I_INVALID_HID;
  h5->path = rg_strdup(path);
  h5->comm = comm;
  return h5;
}

static void free_file(rg_h5 *h5)
{
  rg_free(h5->path);
  rg_free(h5);
}

/* What the first bytes of a file that is not HDF5 say. */
static rg_status tell_stranger(const char *path, const char first[8])
{
  if (memcmp(first, "PK\3\4", 4) == 0)
    return rg_fail(RG_EINPUT,
                   "%s: is a zip archive; zarr stores cannot be read: write an h5ad with "
                   "write_h5ad",
                   path);
  if (memcmp(first, "\x1f\x8b", 2) == 0)
    return rg_fail(RG_EINPUT, "%s: is compressed as a whole; gunzip it first", path);
  return rg_fail(RG_EINPUT, "%s: is not an HDF5 file, or it is cut short", path);
}

/* The signature stands at 0, 512, 1024, ...: a user block may precede it. */
static rg_status find_signature(rg_h5 *h5)
{
  struct stat info;
  if (stat(h5->path, &info) != 0)
    return rg_fail(RG_EINPUT, "%s: cannot be opened: %s", h5->path, strerror(errno));
  if (!S_ISREG(info.st_mode))
    return rg_fail(RG_EINPUT, "%s: is not a file", h5->path);
  h5->bytes = (int64_t)info.st_size;
  FILE *file = fopen(h5->path, "rb");
  if (!file)
    return rg_fail(RG_EINPUT, "%s: cannot be opened: %s", h5->path, strerror(errno));
  bool found = false;
  char first[8] = "";
  for (int64_t at = 0; !found && at + 8 <= h5->bytes; at = at ? 2 * at : 512) {
    char bytes[8];
    if (fseeko(file, (off_t)at, SEEK_SET) != 0 || fread(bytes, 1, 8, file) != 8)
      break;
    found = memcmp(bytes, "\211HDF\r\n\032\n", 8) == 0;
    if (at == 0)
      memcpy(first, bytes, sizeof first);
  }
  fclose(file);
  return found ? RG_OK : tell_stranger(h5->path, first);
}

static rg_status open_file(rg_comm *comm, const char *path, unsigned flags, rg_h5 **out)
{
  rg_status status = RG_OK;
  rg_h5 *h5 = new_file(comm, path);
  RG_TRY_ALL(comm, find_signature(h5));
  RG_TRY(rg_disk_same(comm, path));
  hid_t access = access_list(comm);
  h5->id = H5Fopen(path, flags, access);
  H5Pclose(access);
  RG_TRY_ALL(comm, h5->id >= 0 ? RG_OK
                               : rg_fail(RG_EINPUT,
                                         "%s: the HDF5 library cannot open this file: "
                                         "it is damaged or cut short; copy it again",
                                         path));
  *out = h5;
  return RG_OK;
out:
  free_file(h5);
  return status;
}

rg_status rg_h5_open(rg_comm *comm, const char *path, rg_h5 **h5)
{
  return open_file(comm, path, H5F_ACC_RDONLY, h5);
}

rg_status rg_h5_open_write(rg_comm *comm, const char *path, rg_h5 **h5)
{
  return open_file(comm, path, H5F_ACC_RDWR, h5);
}

rg_status rg_h5_create(rg_comm *comm, const char *path, int64_t user_block, rg_h5 **out)
{
  rg_h5 *h5 = new_file(comm, path);
  hid_t creation = H5Pcreate(H5P_FILE_CREATE);
  if (user_block > 0)
    H5Pset_userblock(creation, (hsize_t)user_block);
  hid_t access = access_list(comm);
  h5->id = H5Fcreate(path, H5F_ACC_EXCL, creation, access);
  int error = errno;
  H5Pclose(access);
  H5Pclose(creation);
  rg_status status = h5->id >= 0 ? RG_OK
                                 : rg_fail(RG_EFAIL, "%s: cannot be created: %s", path,
                                           error ? strerror(error) : "HDF5 failed");
  status = rg_agree(comm, status);
  if (status == RG_OK)
    *out = h5;
  else
    free_file(h5);
  return status;
}

rg_status rg_h5_close(rg_h5 *h5)
{
  if (!h5)
    return RG_OK;
  unsigned intent = H5F_ACC_RDONLY;
  H5Fget_intent(h5->id, &intent);
  bool writing = intent != H5F_ACC_RDONLY;
  bool good = true;
  if (writing)
    good = H5Fflush(h5->id, H5F_SCOPE_GLOBAL) >= 0;
  good = H5Fclose(h5->id) >= 0 && good;
  rg_status status = RG_OK;
  if (!good)
    status = rg_fail(RG_EFAIL, "%s: %s", h5->path,
                     writing ? "could not be written completely; is the disk full?"
                             : "could not be closed");
  status = rg_agree(h5->comm, status);
  free_file(h5);
  return status;
}

/* ---- what is there --------------------------------------------------------------- */

static rg_h5_kind kind_of(const rg_h5 *h5, const char *path)
{
  H5O_info_t info;
  if (H5Oget_info_by_name2(h5->id, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
    return RG_H5_OTHER;
  if (info.type == H5O_TYPE_GROUP)
    return RG_H5_GROUP;
  return info.type == H5O_TYPE_DATASET ? RG_H5_ARRAY : RG_H5_OTHER;
}

rg_h5_kind rg_h5_what(const rg_h5 *h5, const char *path)
{
  char prefix[MAX_PATH];
  size_t n = strlen(path);
  if (n >= sizeof prefix)
    return RG_H5_ABSENT;
  rg_h5_kind kind = RG_H5_GROUP;
  for (size_t i = 1; i <= n; i++) {
    if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
      continue;
    memcpy(prefix, path, i);
    prefix[i] = '\0';
    if (kind != RG_H5_GROUP || H5Lexists(h5->id, prefix, H5P_DEFAULT) <= 0)
      return RG_H5_ABSENT;
    H5L_info_t link;
    if (H5Lget_info(h5->id, prefix, &link, H5P_DEFAULT) < 0)
      return RG_H5_ABSENT;
    if (link.type != H5L_TYPE_HARD)
      return RG_H5_LINK;
    kind = kind_of(h5, prefix);
  }
  return kind;
}

rg_status rg_h5_expect(const rg_h5 *h5, const char *path, rg_h5_kind kind)
{
  rg_h5_kind found = rg_h5_what(h5, path);
  if (found == kind)
    return RG_OK;
  const char *wanted = kind == RG_H5_GROUP ? "a group" : "a dataset";
  if (found == RG_H5_LINK)
    return rg_fail(RG_EINPUT,
                   "%s:%s: is a soft or external link, which is not followed; "
                   "copy the data into the file",
                   h5->path, path);
  if (found == RG_H5_ABSENT)
    return rg_fail(RG_EINPUT, "%s:%s: is missing; %s was expected", h5->path, path,
                   wanted);
  return rg_fail(RG_EINPUT, "%s:%s: is not %s", h5->path, path, wanted);
}

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info,
                       void *self)
{
  (void)group;
  rg_strings *names = self;
  if (names->n >= MAX_LISTED)
    return -1;
  if (info->type == H5L_TYPE_HARD)
    rg_strings_add(names, name, (int64_t)strlen(name));
  return 0;
}

rg_status rg_h5_list(const rg_h5 *h5, const char *group, rg_strings *names)
{
  rg_status status = RG_OK;
  RG_TRY(rg_h5_expect(h5, group, RG_H5_GROUP));
  hid_t id = H5Gopen2(h5->id, group, H5P_DEFAULT);
  herr_t done = -1;
  if (id >= 0) {
    done = H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, names);
    H5Gclose(id);
  }
  if (done < 0) {
    rg_strings_fini(names);
    status = rg_fail(RG_EINPUT,
                     "%s:%s: the names in this group cannot be listed: "
                     "damaged file",
                     h5->path, group);
  }
out:
  return status;
}

char *rg_h5_path(const char *group, const char *name)
{
  bool root = strcmp(group, "/") == 0;
  return rg_format("%s/%s", root ? "" : group, name);
}

/* ---- attributes ------------------------------------------------------------------ */

/* Open an attribute; the number of its values (0 when none) and its type are set. */
static hid_t attribute_open(const rg_h5 *h5, const char *path, const char *name,
                            hid_t *type, int64_t *n)
{
  if (!rg_h5_has_attribute(h5, path, name))
    return H5I_INVALID_HID;
  hid_t id = H5Aopen_by_name(h5->id, path, name, H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0)
    return id;
  hid_t space = H5Aget_space(id);
  *n = space >= 0 ? (int64_t)H5Sget_simple_extent_npoints(space) : -1;
  if (space >= 0)
    H5Sclose(space);
  *type = H5Aget_type(id);
  if (*n < 0 || *type < 0 || *n > MAX_LISTED) {
    if (*type >= 0)
      H5Tclose(*type);
    H5Aclose(id);
    return H5I_INVALID_HID;
  }
  return id;
}

/* When the library cannot tell, there is one: reading it will fail and be told of. */
bool rg_h5_has_attribute(const rg_h5 *h5, const char *path, const char *name)
{
  rg_h5_kind kind = rg_h5_what(h5, path);
  return (kind == RG_H5_GROUP || kind == RG_H5_ARRAY) &&
         H5Aexists_by_name(h5->id, path, name, H5P_DEFAULT) != 0;
}

/* Values of an open string attribute, appended to `list`. */
static bool read_texts(hid_t id, hid_t type, int64_t n, rg_strings *list)
{
  bool good = false;
  if (H5Tis_variable_str(type) > 0) {
    hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    char **texts = RG_NEW(char *, n);
    good = H5Aread(id, memory, texts) >= 0;
    for (int64_t i = 0; good && i < n; i++)
      rg_strings_add(list, texts[i] ? texts[i] : "",
                     texts[i] ? (int64_t)strlen(texts[i]) : 0);
    for (int64_t i = 0; good && i < n; i++)
      H5free_memory(texts[i]);
    rg_free(texts);
    H5Tclose(memory);
  } else {
    size_t size = H5Tget_size(type);
    if (size == 0 || size > MAX_ATTRIBUTE || n * (int64_t)size > (int64_t)1 << 30)
      return false;
    char *bytes = rg_alloc(n, size);
    good = H5Aread(id, type, bytes) >= 0;
    for (int64_t i = 0; good && i < n; i++)
      rg_strings_add(list, bytes + i * (int64_t)size,
                     (int64_t)strnlen(bytes + i * (int64_t)size, size));
    rg_free(bytes);
  }
  return good;
}

char *rg_h5_text_attribute(const rg_h5 *h5, const char *path, const char *name)
{
  hid_t type;
  int64_t n;
  hid_t id = attribute_open(h5, path, name, &type, &n);
  if (id < 0)
    return NULL;
  rg_strings list = {0};
  char *text = NULL;
  if (H5Tget_class(type) == H5T_STRING && n == 1 && read_texts(id, type, n, &list))
    text = rg_strdup(rg_strings_at(&list, 0));
  rg_strings_fini(&list);
  H5Tclose(type);
  H5Aclose(id);
  return text;
}

rg_status rg_h5_int_attribute(const rg_h5 *h5, const char *path, const char *name,
                              int64_t n, int64_t *x)
{
  hid_t type;
  int64_t found;
  hid_t id = attribute_open(h5, path, name, &type, &found);
  bool good = false;
  if (id >= 0) {
    H5T_class_t class = H5Tget_class(type);
    good = (class == H5T_INTEGER || class == H5T_FLOAT) && found == n &&
           H5Aread(id, H5T_NATIVE_INT64, x) >= 0;
    H5Tclose(type);
    H5Aclose(id);
  }
  if (good)
    return RG_OK;
  return rg_fail(RG_EINPUT,
                 "%s:%s: the attribute '%s' is missing or is not %lld "
                 "integer%s",
                 h5->path, path, name, (long long)n, n == 1 ? "" : "s");
}

rg_status rg_h5_strings_attribute(const rg_h5 *h5, const char *path, const char *name,
                                  rg_strings *list)
{
  hid_t type;
  int64_t n;
  hid_t id = attribute_open(h5, path, name, &type, &n);
  bool good = false;
  if (id >= 0) { /* h5py writes an empty list as float64 */
    good =
        n == 0 || (H5Tget_class(type) == H5T_STRING && read_texts(id, type, n, list));
    H5Tclose(type);
    H5Aclose(id);
  }
  if (good)
    return RG_OK;
  rg_strings_fini(list);
  return rg_fail(RG_EINPUT,
                 "%s:%s: the attribute '%s' is missing or is not a list of "
                 "strings",
                 h5->path, path, name);
}
