/* Numbers over a whole modality that are the same for every reader. */
#include <math.h>
#include <string.h>

#include "names.h"
#include "source.h"

enum { PIECE_ROWS = 1024 };

static uint64_t mix(uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

typedef struct adder {
  const rg_modality *face;
  int64_t first;        /* cell of this rank */
  int64_t *per_feature; /* nonzeros of all cells so far */
  int64_t nonzero, empty_cells;
  int64_t sum; /* in units of 2^-10 */
  uint64_t hash;
} adder;

static rg_status add_piece(void *self, int64_t first, const rg_csr *piece)
{
  adder *a = self;
  for (int64_t i = 0; i < piece->rows; i++) {
    int64_t row = first + i;
    for (int64_t k = piece->indptr[i]; k < piece->indptr[i + 1]; k++) {
      uint32_t bits;
      memcpy(&bits, &piece->values[k], sizeof bits);
      uint64_t place =
          (uint64_t)row * (uint64_t)piece->cols + (uint64_t)piece->indices[k];
      a->hash += mix(mix(place) ^ bits);
      a->sum += (int64_t)nearbyint((double)piece->values[k] * 1024);
      a->per_feature[piece->indices[k]]++;
    }
    int64_t n = piece->indptr[i + 1] - piece->indptr[i];
    a->nonzero += n;
    a->empty_cells += n == 0 && a->face->present[row - a->first];
  }
  return RG_OK;
}

rg_status rg_digest_counts(rg_file *file, int m, rg_values values, rg_digest *digest)
{
  rg_status status = RG_OK;
  rg_comm *comm = file->comm;
  adder a = {.face = rg_file_modality(file, m), .first = file->rows.low};
  a.per_feature = RG_NEW(int64_t, a.face->n_features);
  RG_TRY(rg_stream_counts(file, m, values, PIECE_ROWS, add_piece, &a));
  int64_t sums[] = {a.nonzero, a.empty_cells, a.sum, (int64_t)(a.hash & 0xffffffffu),
                    (int64_t)(a.hash >> 32)};
  rg_sum_i64(comm, sums, 5);
  rg_sum_i64(comm, a.per_feature, a.face->n_features);
  *digest = (rg_digest){.rows = file->n_cells,
                        .cols = a.face->n_features,
                        .nonzero = sums[0],
                        .empty_cells = sums[1],
                        .sum = (double)sums[2] / 1024,
                        .hash = (uint64_t)sums[3] + ((uint64_t)sums[4] << 32)};
  for (int64_t j = 0; j < a.face->n_features; j++)
    digest->empty_features += a.per_feature[j] == 0;
out:
  rg_free(a.per_feature);
  return status;
}

rg_status rg_file_check_names(rg_file *file)
{
  char *where =
      rg_format("%s:%s", file->path, file->obs.path ? file->obs.path : "cells");
  rg_status status = rg_names_check_unique(file->comm, where, &file->names);
  rg_free(where);
  return status;
}

rg_strings rg_file_layers(const rg_file *file, int m)
{
  rg_strings list = {0};
  if (file->h5 && rg_is_h5ad(file->h5, file->sources[m].group) &&
      rg_list_layers(file->h5, file->sources[m].group, &list) != RG_OK)
    rg_strings_fini(&list);
  return list;
}
