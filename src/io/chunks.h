/** chunks: lists in compressed chunks, decompressed here and by all threads. The library's
 *  own way takes one thread and zlib; libdeflate alone is three times as fast. Chunks are
 *  found and fetched by the library (H5Dread_chunk), so that this works through MPI-IO. */
#ifndef REGATTA_IO_CHUNKS_H
#define REGATTA_IO_CHUNKS_H

#include "h5.h"

/** What is kept of an array between reads: its chunks' filters, and the last chunk. */
typedef struct rg_chunks rg_chunks;
/** NULL when the array is not such a list; then the library reads it. Owned. */
rg_chunks *rg_chunks_new(const rg_h5_array *array, hid_t creation);
void rg_chunks_free(rg_chunks *chunks);
/** Values [low, high) as stored. RG_EINPUT when a chunk is damaged. Not collective. */
rg_status rg_chunks_read(const rg_h5_array *array, int64_t low, int64_t high, void *x);

#endif
