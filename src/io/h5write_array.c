/* Arrays, strings, scalars and records of a file being written. */

#include "h5writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "disk.h"

enum { TEXTS_AT_ONCE = 65536, PIECE = 1 << 26 };

static hid_t file_type(rg_h5_type type)
{
  switch (type) {
  case RG_H5_I8:
    return H5Tcopy(H5T_STD_I8LE);
  case RG_H5_I16:
    return H5Tcopy(H5T_STD_I16LE);
  case RG_H5_I32:
    return H5Tcopy(H5T_STD_I32LE);
  case RG_H5_I64:
    return H5Tcopy(H5T_STD_I64LE);
  case RG_H5_U32:
    return H5Tcopy(H5T_STD_U32LE);
  case RG_H5_F32:
    return H5Tcopy(H5T_IEEE_F32LE);
  case RG_H5_F64:
    return H5Tcopy(H5T_IEEE_F64LE);
  case RG_H5_BOOL8:
    break;
  }
  return rg_h5_bool_type();
}

static int64_t width_of(rg_h5_type type)
{
  static const int64_t width[] = {1, 2, 4, 8, 4, 4, 8, 1};
  return width[type];
}

/* A contiguous array; one of numbers has its place in the file at once and is never
   pre-filled (strings have to be: they are references). */
static hid_t create_array(rg_h5_writer *w, const char *path, hid_t type, int rank,
                          const hsize_t *dims)
{
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
  hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_layout(creation, H5D_CONTIGUOUS);
  H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
  if (H5Tdetect_class(type, H5T_STRING) <= 0)
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  H5Pset_obj_track_times(creation, false);
  hid_t id = H5Dcreate2(w->file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Pclose(creation);
  H5Sclose(space);
  return id;
}

/* Create an array on rank 0; its byte offset in the file, or -1. */
static int64_t reserve(rg_h5_writer *w, const char *path, rg_h5_type type, int64_t rows,
                       int64_t cols)
{
  if (!rg_h5_may_write(w))
    return -1;
  hsize_t dims[2] = {(hsize_t)rows, (hsize_t)cols};
  hid_t stored = file_type(type);
  hid_t id = create_array(w, path, stored, cols > 0 ? 2 : 1, dims);
  haddr_t offset = HADDR_UNDEF;
  bool good = id >= 0;
  if (good) {
    offset = H5Dget_offset(id);
    good = (offset != HADDR_UNDEF || rows == 0) && H5Dclose(id) >= 0;
  }
  H5Tclose(stored);
  rg_h5_check(w, path, good);
  return good && rows > 0 ? (int64_t)offset : -1;
}

static rg_status write_values(rg_h5_writer *w, const void *bytes, int64_t n,
                              int64_t offset)
{
  if (w->fd < 0) {
    w->fd = open(w->temp, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (w->fd < 0)
      return rg_fail(RG_EFAIL, "%s: cannot be written: %s", w->path, strerror(errno));
  }
  if (rg_fault("h5.write"))
    return rg_fail(RG_EFAIL, "%s: cannot be written: injected fault", w->path);
  rg_status status = RG_OK;
  const char *from = bytes;
  for (int64_t done = 0; done < n && status == RG_OK;) {
    int64_t piece = n - done < PIECE ? n - done : PIECE;
    status = rg_disk_write(w->fd, w->path, from + done, piece, offset + done);
    done += piece;
    w->written += piece;
    rg_pace_at(w->written / 1000000, NULL);
  }
  return status;
}

rg_range rg_h5_place(rg_h5_writer *w, int64_t rows, int64_t *total)
{
  int64_t low = rg_prefix_i64(w->comm, rows, total);
  return (rg_range){low, low + rows};
}

void rg_h5_put_rows(rg_h5_writer *w, const char *path, rg_h5_type type,
                    const void *mine, int64_t rows, int64_t cols)
{
  int64_t total;
  rg_range place = rg_h5_place(w, rows, &total);
  int64_t offset = reserve(w, path, type, total, cols);
  rg_broadcast(w->comm, &offset, sizeof offset, 0);
  int64_t row_bytes = width_of(type) * (cols > 0 ? cols : 1);
  if (offset < 0 || rows == 0 || w->status != RG_OK)
    return;
  w->status = write_values(w, mine, rows * row_bytes, offset + place.low * row_bytes);
}

void rg_h5_put_array(rg_h5_writer *w, const char *path, rg_h5_type type, const void *x,
                     int64_t rows, int64_t cols)
{
  rg_h5_put_rows(w, path, type, x, w->root ? rows : 0, cols);
}

/* ---- strings --------------------------------------------------------------------- */

/* Texts [low, high) of a dataset; they lie one after another at *text. */
static bool write_texts(hid_t id, hid_t type, int64_t low, int64_t high,
                        const char **text)
{
  const char **pointers = RG_NEW(const char *, high - low);
  for (int64_t i = low; i < high; i++) {
    pointers[i - low] = *text;
    *text += strlen(*text) + 1;
  }
  hsize_t start = (hsize_t)low, count = (hsize_t)(high - low);
  hid_t space = H5Dget_space(id), memory = H5Screate_simple(1, &count, NULL);
  bool good =
      H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
      H5Dwrite(id, type, memory, space, H5P_DEFAULT, pointers) >= 0;
  H5Sclose(memory);
  H5Sclose(space);
  rg_free(pointers);
  return good;
}

static void put_texts(rg_h5_writer *w, const char *path, const char *text, int64_t n)
{
  hsize_t dims = (hsize_t)n;
  hid_t type = rg_h5_text_type();
  hid_t id = create_array(w, path, type, 1, &dims);
  bool good = id >= 0;
  for (int64_t low = 0; good && low < n; low += TEXTS_AT_ONCE) {
    int64_t high = low + TEXTS_AT_ONCE < n ? low + TEXTS_AT_ONCE : n;
    const char *begin = text;
    good = write_texts(id, type, low, high, &text);
    w->written += text - begin;
    rg_pace_at(w->written / 1000000, NULL);
  }
  if (id >= 0)
    good = H5Dclose(id) >= 0 && good;
  H5Tclose(type);
  rg_h5_check(w, path, good);
  rg_h5_put_encoding(w, path, "string-array", "0.2.0");
}

void rg_h5_put_strings(rg_h5_writer *w, const char *path, const rg_strings *mine)
{
  int ranks = rg_size(w->comm);
  int64_t total;
  rg_h5_place(w, mine->n, &total);
  int64_t *send_offset = RG_NEW(int64_t, ranks + 1);
  int64_t *receive_offset = RG_NEW(int64_t, ranks + 1);
  int64_t bytes = mine->n > 0 ? mine->offset[mine->n] : 0;
  for (int r = 1; r <= ranks; r++)
    send_offset[r] = bytes; /* all to rank 0 */
  char *texts = rg_exchange(w->comm, mine->text, send_offset, receive_offset);
  if (rg_h5_may_write(w))
    put_texts(w, path, texts, total);
  rg_free(texts);
  rg_free(send_offset);
  rg_free(receive_offset);
}

void rg_h5_put_list(rg_h5_writer *w, const char *path, const rg_strings *list)
{
  if (rg_h5_may_write(w))
    put_texts(w, path, list->text, list->n);
}

/* ---- scalars and records --------------------------------------------------------- */

/* Create a small dataset and write all of it. */
static void put_whole(rg_h5_writer *w, const char *path, hid_t type, int rank,
                      hsize_t rows, const void *values)
{
  hid_t id = create_array(w, path, type, rank, &rows);
  bool good = id >= 0;
  if (good && (rank == 0 || rows > 0))
    good = H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  if (id >= 0)
    good = H5Dclose(id) >= 0 && good;
  rg_h5_check(w, path, good);
}

void rg_h5_put_text(rg_h5_writer *w, const char *path, const char *text)
{
  if (!rg_h5_may_write(w))
    return;
  hid_t type = rg_h5_text_type();
  put_whole(w, path, type, 0, 1, &text);
  H5Tclose(type);
  rg_h5_put_encoding(w, path, "string", "0.2.0");
}

void rg_h5_put_number(rg_h5_writer *w, const char *path, rg_h5_type type, const void *x)
{
  if (!rg_h5_may_write(w))
    return;
  hid_t stored = file_type(type);
  put_whole(w, path, stored, 0, 1, x);
  H5Tclose(stored);
  rg_h5_put_encoding(w, path, "numeric-scalar", "0.2.0");
}

/* The description of a table lies in the header of its dataset: 64 KiB at most. */
static bool fits_header(hid_t type)
{
  enum { MOST = 64000 };
  size_t bytes = 0;
  return H5Tencode(type, NULL, &bytes) >= 0 && bytes <= MOST;
}

void rg_h5_put_records(rg_h5_writer *w, const char *path, const rg_strings *fields,
                       int64_t rows, const rg_strings *texts, const double *numbers,
                       bool single)
{
  if (!rg_h5_may_write(w))
    return;
  hid_t field = !numbers ? rg_h5_text_type()
                         : H5Tcopy(single ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
  size_t width = H5Tget_size(field);
  hid_t type = H5Tcreate(H5T_COMPOUND, (size_t)fields->n * width);
  for (int64_t i = 0; i < fields->n; i++)
    H5Tinsert(type, rg_strings_at(fields, i), (size_t)i * width, field);
  H5Tclose(field);
  if (!fits_header(type)) {
    rg_h5_writer_fail(w, rg_fail(RG_EINPUT,
                                 "%s:%s: a table of HDF5 cannot have %lld columns with "
                                 "such names; name fewer or shorter ones",
                                 w->path, path, (long long)fields->n));
    H5Tclose(type);
    return;
  }
  int64_t n = rows * fields->n;
  const char **pointers = RG_NEW(const char *, numbers ? 0 : n);
  float *singles = RG_NEW(float, numbers && single ? n : 0);
  for (int64_t i = 0; i < n && !numbers; i++)
    pointers[i] = rg_strings_at(texts, i);
  for (int64_t i = 0; i < n && numbers && single; i++)
    singles[i] = (float)numbers[i];
  put_whole(w, path, type, 1, (hsize_t)rows,
            !numbers ? (const void *)pointers
                     : single ? (const void *)singles : (const void *)numbers);
  rg_free(singles);
  rg_free(pointers);
  H5Tclose(type);
  rg_h5_put_encoding(w, path, "rec-array", "0.2.0");
}
