/** features: what a file says about the columns of a matrix. Not collective. */
#ifndef REGATTA_IO_FEATURES_H
#define REGATTA_IO_FEATURES_H

#include "frame.h"

typedef struct rg_features {
  rg_strings names; /* as stored: not yet unique */
  rg_strings ids;   /* n == 0: none */
  rg_strings types; /* "Gene Expression", ...; n == 0: none */
  rg_strings chromosomes;
  int32_t *chromosome; /* NULL: no places */
  int64_t *start, *end;
} rg_features;
void rg_features_fini(rg_features *features);

/** From a table: names, ids, types and places under the names that the field uses. */
rg_status rg_features_of_frame(const rg_frame *frame, rg_features *features);
/** From features.tsv, genes.tsv or peaks.bed, plain or gz. */
rg_status rg_features_of_text(const char *path, rg_features *features);
/** Lines of a text, plain or gz, of which the first column is kept: those in [low, high)
 *  are appended to `list`; the number of all in *n. */
rg_status rg_read_lines(const char *path, int64_t low, int64_t high, rg_strings *list,
                        int64_t *n);

/** "chr1:100-200", "chr1-100-200" or "chr1_100_200": true with the length of the
 *  chromosome's name and the bounds. */
bool rg_parse_place(const char *text, int64_t *length, int64_t *start, int64_t *end);
/** Modality that a feature type means ("Gene Expression": "rna"); other types give their
 *  own name in small letters with underscores. Owned by the caller. */
char *rg_modality_of_type(const char *type);

#endif
