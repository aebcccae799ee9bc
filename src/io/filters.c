/* LZF as h5py writes it: client value 2 is the size of a chunk. The decompressor is
 * liblzf's. */
#include "filters.h"

#include <errno.h>
#include <lzf.h>
#include <stdlib.h>

enum { LZF = 32000, MAX_LZF = 1 << 30 };

/* HDF5 frees the buffers with free(), so they come from malloc(). */
static size_t lzf_filter(unsigned flags, size_t n_values, const unsigned values[],
                         size_t n, size_t *capacity, void **buffer)
{
  if (!(flags & H5Z_FLAG_REVERSE))
    return 0; /* reading only */
  size_t size = n_values >= 3 && values[2] > 0 ? values[2] : *capacity;
  while (size <= MAX_LZF) {
    void *plain = malloc(size);
    if (!plain)
      return 0;
    unsigned got = lzf_decompress(*buffer, (unsigned)n, plain, (unsigned)size);
    if (got > 0) {
      free(*buffer);
      *buffer = plain;
      *capacity = size;
      return got;
    }
    free(plain);
    if (errno != E2BIG)
      return 0;
    size *= 2;
  }
  return 0;
}

static const H5Z_class2_t lzf_class = {
    .version = H5Z_CLASS_T_VERS,
    .id = LZF,
    .encoder_present = 0,
    .decoder_present = 1,
    .name = "lzf",
    .filter = lzf_filter,
};

void rg_filters_register(void)
{
  H5Zregister(&lzf_class);
}

static const char *filter_name(H5Z_filter_t id)
{
  switch (id) {
  case H5Z_FILTER_SZIP:
    return "szip";
  case H5Z_FILTER_NBIT:
    return "nbit";
  case H5Z_FILTER_SCALEOFFSET:
    return "scaleoffset";
  case 307:
    return "bzip2";
  case 32001:
    return "blosc";
  case 32004:
    return "lz4";
  case 32008:
    return "bitshuffle";
  case 32015:
    return "zstd";
  case 32026:
    return "blosc2";
  default:
    return "unknown";
  }
}

rg_status rg_filters_check(const rg_h5 *h5, const char *path, hid_t creation)
{
  int n = H5Pget_nfilters(creation);
  for (int i = 0; i < n; i++) {
    unsigned flags, values[8], configuration;
    size_t n_values = 8;
    char name[8];
    H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, values,
                                     sizeof name, name, &configuration);
    if (id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE ||
        id == H5Z_FILTER_FLETCHER32 || id == LZF)
      continue;
    return rg_fail(RG_EINPUT,
                   "%s:%s: is compressed with filter %d (%s), which is not built in; "
                   "rewrite it: h5repack -f SHUF -f GZIP=4 IN OUT, or in Python "
                   "write_h5ad(OUT, compression='gzip')",
                   h5->path, path, (int)id, filter_name(id));
  }
  return RG_OK;
}
