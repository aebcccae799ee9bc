/** source: an open data file and its modalities, from the inside. */
#ifndef REGATTA_IO_SOURCE_H
#define REGATTA_IO_SOURCE_H

#include "features.h"
#include "matrix.h"

enum { RG_MAX_MODALITIES = 64 };

/** A modality: columns of a stored matrix, and where its cells are. */
typedef struct rg_source {
  rg_modality face;        /* its pointers point into what follows */
  char *name, *counts;     /* owned, as everything below but the matrix */
  const rg_matrix *matrix; /* of the file; modalities may share one */
  int32_t *column_of; /* stored column to column here, -1 elsewhere; NULL: the same */
  bool *present;
  int64_t *row_of; /* per cell here: its row in the matrix, or -1; NULL: the same */
  bool direct;     /* rows of this rank's cells can be read on their own; agreed */
  char *group;     /* "/mod/rna", or "" for the root */
  rg_frame obs;    /* own table of cells of an h5mu modality; else form NONE */
  rg_features features;
} rg_source;

struct rg_file {
  rg_comm *comm;
  char *path; /* for messages: of the file itself */
  rg_h5 *h5;  /* NULL for text */
  const rg_open_options *options;
  bool probing;       /* look, and say nothing */
  int64_t probe_rows; /* at so many rows */
  int64_t n_cells;
  rg_range rows;
  rg_strings names;
  rg_frame obs;
  char *root; /* "" or the group of the one modality that was asked for */
  int n_matrices;
  rg_matrix matrices[RG_MAX_MODALITIES];
  int n_sources;
  rg_source sources[RG_MAX_MODALITIES];
};

/** rg_open, or with `probing` a look: at everything in a small file, at metadata and first
 *  rows in a large one. Collective. */
rg_status rg_file_open(rg_comm *comm, const char *path, const rg_open_options *options,
                       bool probing, rg_file **file);

/* ---- the kinds of files: what each rank does by itself; not collective ----------- */

/** True when this is such a file, judged by the names at its root. */
bool rg_is_h5mu(const rg_h5 *h5);
bool rg_is_h5ad(const rg_h5 *h5, const char *root);
bool rg_is_loom(const rg_h5 *h5);
rg_status rg_load_h5ad(rg_file *file, const char *root, const char *modality);
rg_status rg_load_tenx(rg_file *file);
rg_status rg_load_loom(rg_file *file);
/** A folder of 10x, or the path of a .mtx. */
rg_status rg_load_market(rg_file *file, const char *path);
/** Global cells and all modalities; their maps come later, by rg_map_cells. */
rg_status rg_load_h5mu(rg_file *file);
/** row_of of the modalities of an h5mu. Collective. */
rg_status rg_map_cells(rg_file *file);

/** Where the counts of an anndata group are, by the options. RG_OK with *matrix NULL when
 *  there are none; *chosen says whether it is the layer that was asked for. */
rg_status rg_choose_counts(const rg_file *file, const char *root, char **matrix,
                           char **var, bool *chosen);
/** Names of the layers of an anndata group, X and raw included. Owned. */
rg_status rg_list_layers(const rg_h5 *h5, const char *root, rg_strings *layers);

/** Set cells and this rank's rows. */
void rg_set_cells(rg_file *file, int64_t n);
/** Room for a matrix of the file, or NULL when there are too many. */
rg_matrix *rg_new_matrix(rg_file *file);
/** Make modalities of a matrix: one per feature type, or one of this name (NULL: judged by
 *  its features). Takes the features. `group` is where obs and obsm are. */
rg_status rg_add_sources(rg_file *file, const rg_matrix *matrix, rg_features *features,
                         const char *name, const char *group);
void rg_source_fini(rg_source *source);

/** Rows of a column or array around this rank's cells of a source: the least range that
 *  holds them. */
rg_range rg_source_span(const rg_file *file, const rg_source *source);

#endif
