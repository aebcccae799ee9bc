#include "chunks.h"

#include <libdeflate.h>
#include <string.h>

enum {
  MAX_FILTERS = 4,
  MAX_CHUNK = 64 << 20, /* bytes: beyond it the library and its cache read */
  BATCH = 64            /* chunks fetched, then decompressed together */
};

struct rg_chunks {
  int n_filters; /* in the order of writing */
  H5Z_filter_t filter[MAX_FILTERS];
  int64_t bytes; /* of a chunk */
  char *last;    /* a chunk decompressed before, NULL when there is none */
  int64_t last_index;
};

rg_chunks *rg_chunks_new(const rg_h5_array *array, hid_t creation)
{
  int n = H5Pget_nfilters(creation);
  bool plain = array->class <= RG_H5_FLOAT &&
               H5Tget_order(array->type) == H5T_ORDER_LE && array->size != 2;
  int64_t bytes = array->chunk[0] * array->size;
  if (array->rank != 1 || n < 1 || n > MAX_FILTERS || !plain || bytes > MAX_CHUNK)
    return NULL;
  rg_chunks chunks = {.n_filters = n, .bytes = bytes, .last_index = -1};
  bool deflated = false;
  for (int i = 0; i < n; i++) {
    unsigned flags, configuration;
    size_t n_values = 0;
    chunks.filter[i] = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL, 0,
                                      NULL, &configuration);
    deflated = deflated || chunks.filter[i] == H5Z_FILTER_DEFLATE;
    if (chunks.filter[i] != H5Z_FILTER_DEFLATE &&
        chunks.filter[i] != H5Z_FILTER_SHUFFLE)
      return NULL;
  }
  if (!deflated)
    return NULL;
  rg_chunks *owned = RG_NEW(rg_chunks, 1);
  *owned = chunks;
  return owned;
}

void rg_chunks_free(rg_chunks *chunks)
{
  if (chunks)
    rg_free(chunks->last);
  rg_free(chunks);
}

/* ---- one chunk ------------------------------------------------------------------- */

/* A chunk as it lies in the file. */
typedef struct raw {
  char *bytes;
  int64_t n;
  bool good; /* decompressed to what it has to be */
} raw;

/* Fetch a chunk; false when the library has to read it: it was never written, or filters
 * were left out. */
static bool fetch(const rg_h5_array *array, int64_t index, raw *chunk)
{
  hsize_t offset = (hsize_t)(index * array->chunk[0]), n = 0;
  uint32_t skipped = 0;
  chunk->bytes = NULL;
  if (H5Dget_chunk_storage_size(array->id, &offset, &n) < 0 || n == 0 ||
      (int64_t)n > array->h5->bytes)
    return false;
  chunk->n = (int64_t)n;
  chunk->bytes = RG_NEW(char, chunk->n);
  if (H5Dread_chunk(array->id, H5P_DEFAULT, &offset, &skipped, chunk->bytes) >= 0 &&
      skipped == 0)
    return true;
  rg_free(chunk->bytes);
  chunk->bytes = NULL;
  return false;
}

/* Bytes of equal weight stand together: bring them back to their values. */
static void unshuffle(const char *in, int64_t n, int size, char *out)
{
  int64_t count = n / size;
  for (int b = 0; b < size; b++)
    for (int64_t i = 0; i < count; i++)
      out[i * size + b] = in[b * count + i];
}

/* Undo the filters, the last one first. */
static bool decode(const rg_chunks *chunks, int size, const raw *chunk, char *out)
{
  const char *in = chunk->bytes;
  int64_t n = chunk->n;
  char *room[2] = {NULL, NULL};
  bool good = true;
  for (int i = chunks->n_filters - 1; good && i >= 0; i--) {
    int side = i % 2;
    rg_free(room[side]);
    room[side] = i > 0 ? RG_NEW(char, chunks->bytes) : NULL;
    char *to = i > 0 ? room[side] : out;
    if (chunks->filter[i] == H5Z_FILTER_SHUFFLE) {
      good = n == chunks->bytes;
      if (good)
        unshuffle(in, n, size, to);
    } else {
      size_t got = 0;
      struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
      good =
          d && libdeflate_zlib_decompress(d, in, (size_t)n, to, (size_t)chunks->bytes,
                                          &got) == LIBDEFLATE_SUCCESS;
      libdeflate_free_decompressor(d);
      n = (int64_t)got;
    }
    in = to;
  }
  rg_free(room[0]);
  rg_free(room[1]);
  return good && n == chunks->bytes;
}

/* ---- a stretch of the list ------------------------------------------------------- */

/* The part of chunk `index` that lies in [low, high) goes to its place in x. */
static void place(const rg_h5_array *array, int64_t index, const char *values,
                  int64_t low, int64_t high, char *x)
{
  int64_t first = index * array->chunk[0], end = first + array->chunk[0];
  int64_t from = first > low ? first : low, to = end < high ? end : high;
  memcpy(x + (from - low) * array->size, values + (from - first) * array->size,
         (size_t)((to - from) * array->size));
}

static rg_status read_by_library(const rg_h5_array *array, int64_t index, int64_t low,
                                 int64_t high, char *x)
{
  int64_t first = index * array->chunk[0], end = first + array->chunk[0];
  hsize_t start = (hsize_t)(first > low ? first : low);
  hsize_t count = (hsize_t)(end < high ? end : high) - start;
  hid_t space = H5Dget_space(array->id), memory = H5Screate_simple(1, &count, NULL);
  hid_t type = H5Tget_native_type(array->type, H5T_DIR_ASCEND);
  char *to = x + ((int64_t)start - low) * array->size;
  bool good =
      H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
      H5Dread(array->id, type, memory, space, H5P_DEFAULT, to) >= 0;
  H5Tclose(type);
  H5Sclose(memory);
  H5Sclose(space);
  return good ? RG_OK
              : rg_fail(RG_EINPUT, "%s:%s: the values cannot be read: damaged file",
                        array->h5->path, array->path);
}

/* Chunks [first, last) of a stretch, at most BATCH. */
static rg_status read_batch(const rg_h5_array *array, int64_t first, int64_t last,
                            int64_t low, int64_t high, char *x)
{
  rg_chunks *chunks = array->chunks;
  raw chunk[BATCH];
  rg_status status = RG_OK;
  int n = (int)(last - first);
  for (int i = 0; i < n; i++) {
    chunk[i] = (raw){.good = true};
    if (first + i != chunks->last_index && !fetch(array, first + i, &chunk[i]) &&
        status == RG_OK)
      status = read_by_library(array, first + i, low, high, x);
  }
  char *newest = NULL; /* the last chunk is kept for the next stretch */
#pragma omp parallel for schedule(dynamic, 1)
  for (int i = 0; i < n; i++) {
    if (first + i == chunks->last_index)
      place(array, first + i, chunks->last, low, high, x);
    if (!chunk[i].bytes)
      continue;
    char *values = RG_NEW(char, chunks->bytes);
    chunk[i].good = decode(chunks, array->size, &chunk[i], values);
    if (chunk[i].good)
      place(array, first + i, values, low, high, x);
    rg_free(chunk[i].bytes);
    if (i == n - 1 && chunk[i].good)
      newest = values;
    else
      rg_free(values);
  }
  for (int i = 0; status == RG_OK && i < n; i++)
    if (!chunk[i].good)
      status = rg_fail(RG_EINPUT,
                       "%s:%s[%lld]: this chunk cannot be decompressed: "
                       "damaged file",
                       array->h5->path, array->path,
                       (long long)((first + i) * array->chunk[0]));
  if (newest) {
    rg_free(chunks->last);
    chunks->last = newest;
    chunks->last_index = last - 1;
  }
  return status;
}

rg_status rg_chunks_read(const rg_h5_array *array, int64_t low, int64_t high, void *x)
{
  rg_status status = RG_OK;
  int64_t last = (high + array->chunk[0] - 1) / array->chunk[0];
  int64_t begin = low / array->chunk[0];
  rg_pace_begin("read", last - begin, "chunks");
  for (int64_t first = begin; first < last; first += BATCH) {
    rg_pace_at(first - begin, NULL);
    int64_t end = first + BATCH < last ? first + BATCH : last;
    RG_TRY(read_batch(array, first, end, low, high, x));
  }
out:
  rg_pace_end();
  return status;
}
