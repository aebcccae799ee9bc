/** io: the only home of HDF5. Files of the field in (h5ad of all generations, h5mu, 10x
 *  h5, MatrixMarket folders), results.h5ad out, checkpoints both ways.
 *
 *  Cells are numbered 0..n_cells-1 in the order of the file (of the global obs for an
 *  h5mu). Everything per cell is spread over ranks: rank r holds rg_part(n_cells, r, P).
 *  A modality may lack cells (obsmap): they read as empty rows and are listed in
 *  rg_modality.present.
 *
 *  Inputs are never modified and are not trusted: a child process probes each file under
 *  limits before HDF5 opens it here; objects are opened by name only; dimensions, widths,
 *  filters and links are checked; every value read is checked (finite). A file is
 *  refused with one line "FILE:/path[row]: what; what to do" and RG_EINPUT, the same on
 *  every rank. */
#ifndef REGATTA_IO_H
#define REGATTA_IO_H

#include "regatta/comm.h"

/* ---- tables ---------------------------------------------------------------------- */

typedef enum rg_column_type {
  RG_COLUMN_CATEGORY, /* code[i] into categories, -1 missing */
  RG_COLUMN_NUMBER,   /* number[i], NaN missing */
  RG_COLUMN_STRING    /* text, "" missing */
} rg_column_type;

/** A column over this rank's rows. Categories are the same list on every rank. Owned. */
typedef struct rg_column {
  char *name;
  rg_column_type type;
  int64_t n; /* rows here */
  int32_t *code;
  double *number;
  rg_strings text;
  rg_strings categories;
} rg_column;
/** Not collective. */
void rg_column_fini(rg_column *column);
/** Turn a string or integer-valued number column into a category with sorted categories
 *  (natural order for numbers), in place. Collective. */
rg_status rg_column_as_category(rg_comm *comm, rg_column *column);

/* ---- reading --------------------------------------------------------------------- */

typedef struct rg_file rg_file;

/** Call this first of all in main: it answers when the program was started again to look
 *  at a file (see rg_open), and says that this program may be started so. Returns -1 when
 *  main shall go on; else the exit code. Not collective. */
int rg_probe_main(int argc, char **argv);

/** A modality of a file. Borrowed from the file. */
typedef struct rg_modality {
  const char *name;         /* "rna", "atac", "adt", ...; see rg_open for how it is named */
  int64_t n_cells;          /* rows of its own matrix */
  int64_t n_features;       /* columns of the matrix that `counts` names */
  const char *counts;       /* "/mod/rna/layers/counts": where counts are taken from */
  const char *layout;       /* "csr", "csc", "dense", "mtx" */
  const char *value_type;   /* "float32", "int64", "uint16", ... as stored */
  int64_t n_nonzero;        /* stored entries */
  const bool *present;      /* per cell of this rank: measured in this modality */
  rg_strings features;      /* names, made unique as scanpy does */
  rg_strings feature_ids;   /* n == 0 when the file has none */
  rg_strings chromosomes;   /* distinct names in order of appearance; n == 0 when unknown */
  const int32_t *chromosome; /* per feature: index into chromosomes, -1 unknown; or NULL */
  const int64_t *start, *end; /* per feature, or NULL */
} rg_modality;

/** How to look at a file. Zeroed fields are defaults. */
typedef struct rg_open_options {
  const char *layer;  /* take counts from this layer of each modality that has it;
                         "X" and "raw" name X and raw/X; NULL: layers/counts, then
                         raw/X, then X */
  const char *genome; /* 10x v2 files with several genomes */
  bool bare;          /* a file of results without a matrix opens too: no modality */
  int64_t first_cells; /* look at so many of the first cells alone, in one process; 0: at
                          all. rg_file_cells stays what it is */
  bool quiet;         /* no line on where counts were taken: X is no counts */
  bool unsafe;        /* skip the probing child (tests of the reader itself) */
} rg_open_options;

/** Open `x.h5mu`, `x.h5mu/rna`, `x.h5mu/mod/rna`, `x.h5ad`, a 10x `.h5` or a 10x matrix
 *  folder (or .mtx with its neighbours). A 10x file with several feature types, and an
 *  h5ad with var/feature_types, is split into modalities: Gene Expression is rna, Peaks
 *  atac, Antibody Capture adt; a plain h5ad is one modality named rna, atac (features
 *  look like chrom:start-end) or adt (few features named as proteins: only when
 *  feature_types says so). h5mu keys prot/protein/adt are all "adt"; others keep their
 *  name. Logs one line per modality: where counts were taken from. Collective.
 *  RG_EINPUT. */
rg_status rg_open(rg_comm *comm, const char *path, const rg_open_options *options,
                  rg_file **file);
/** Collective; NULL is fine. */
void rg_close(rg_file *file);
/** What was opened. Not collective. */
const char *rg_file_path(const rg_file *file);
rg_comm *rg_file_comm(const rg_file *file);
int64_t rg_file_cells(const rg_file *file);
/** This rank's cells: rg_part(cells). Not collective. */
rg_range rg_file_rows(const rg_file *file);
int rg_file_modalities(const rg_file *file);
const rg_modality *rg_file_modality(const rg_file *file, int m);
/** Index of a modality by name, or -1. Not collective. */
int rg_file_find(const rg_file *file, const char *name);
/** Names of this rank's cells, borrowed. Not collective. */
const rg_strings *rg_file_names(const rg_file *file);

/** What the values of a modality have to be. */
typedef enum rg_values {
  RG_ANY_FINITE,    /* finite */
  RG_FINITE_OR_NAN, /* predictions: cells that lack what they are made from are NaN */
  RG_NON_NEGATIVE,
  RG_COUNTS /* non-negative integers */
} rg_values;
/** This rank's rows (file cells rows.low..high) of a modality's matrix as CSR, sorted,
 *  duplicates summed, explicit zeros dropped; absent cells are empty rows. Every value is
 *  checked; the first offender (lowest rank) is named with its row and feature.
 *  Collective; RG_EINPUT. Owned by the caller. */
rg_status rg_read_counts(rg_file *file, int m, rg_values values, rg_csr *counts);
/** The same read in pieces of at most `rows` rows per rank, `visit`ed in order with the
 *  first global row of the piece; pieces are freed after the visit. Every rank is visited
 *  equally often (the last piece of some may be empty), so a visitor may be collective.
 *  For files larger than memory: CSR and dense matrices whose cells are in the order of
 *  the file are never held as a whole; CSC, text and scattered cells are, spread over the
 *  ranks. Collective; the visitor's status is agreed. */
rg_status rg_stream_counts(rg_file *file, int m, rg_values values, int64_t rows,
                           rg_status (*visit)(void *self, int64_t first,
                                              const rg_csr *piece),
                           void *self);
/** Numbers over a whole modality that do not depend on the ranks or on the layout: what
 *  the file says, in a form to compare with other readers. */
typedef struct rg_digest {
  int64_t rows, cols, nonzero; /* file cells, features, values other than 0 */
  int64_t empty_cells;         /* present, without a value */
  int64_t empty_features;
  double sum;    /* of the values, each rounded to a multiple of 2^-10: exact */
  uint64_t hash; /* sum of mix(mix(row * cols + col) ^ bits of the float32) modulo 2^64,
                    with mix the finaliser of splitmix64 */
} rg_digest;
/** Read all values of a modality in pieces and digest them. Collective; RG_EINPUT. */
rg_status rg_digest_counts(rg_file *file, int m, rg_values values, rg_digest *digest);
/** RG_EINPUT with both rows when two cells have the same name. Collective. */
rg_status rg_file_check_names(rg_file *file);
/** Where the names of mine occur in a list spread over the ranks: place[i] is the number
 *  (in rank order) of the equal name in `table`, or -1. RG_EINPUT when a name of the table
 *  occurs twice; `where` opens the message. Collective. */
rg_status rg_names_match(rg_comm *comm, const char *where, const rg_strings *table,
                         const rg_strings *mine, int64_t *place);
/** Names that rg_open_options.layer can have for a modality, owned. Not collective. */
rg_strings rg_file_layers(const rg_file *file, int m);
/** Names of the columns of obs (global, and "m:name" for those of modalities), owned.
 *  Not collective. */
rg_strings rg_file_columns(const rg_file *file);
/** A column of obs by name ("cell_type", "rna:cell_type"; a bare name is looked for in the
 *  global obs, then in each modality). Unknown: RG_EINPUT with the nearest name.
 *  Collective. Owned by the caller. */
rg_status rg_read_column(rg_file *file, const char *name, rg_column *column);
/** Keys of obsm ("X_pca", "rna:X_pca"), owned. Not collective. */
rg_strings rg_file_obsm(const rg_file *file);
/** This rank's rows of an obsm matrix; rows of absent cells are NaN. Collective. */
rg_status rg_read_obsm(rg_file *file, const char *key, rg_mat *mat);

/* ---- results: an annotated table without X --------------------------------------- */

/** A scalar or array kept under uns; `path` has slashes: "neighbors/params/metric". */
typedef struct rg_note {
  char *path;
  char *text;        /* string when not NULL */
  double number;     /* scalar otherwise */
  bool is_integer, is_bool;
  rg_strings list;   /* string array when list.n > 0 */
  double *array;     /* numeric array when not NULL, array_n long */
  int64_t array_n;
  rg_strings fields; /* records (scanpy's rank_genes_groups) when fields.n > 0: list or
                        array holds a value per record and field, record by record */
  bool is_single;    /* numbers of records are stored as float32 */
} rg_note;

/** results.h5ad in memory: everything per cell is this rank's rows of n_cells. Owned. */
typedef struct rg_annot {
  int64_t n_cells;
  rg_range rows;
  rg_strings names;
  int n_columns;
  rg_column *columns;
  int n_obsm;
  struct rg_annot_mat {
    char *name;
    rg_mat mat;
  } *obsm;
  int n_obsp; /* cells x cells; csr.rows are this rank's, columns are global numbers */
  struct rg_annot_csr {
    char *name;
    rg_csr csr;
  } *obsp;
  int n_notes;
  rg_note *notes;
  bool has_x; /* X with var names (imputed and translated matrices) */
  rg_mat x;   /* this rank's rows */
  rg_csr sparse_x; /* X instead of x where it has row pointers; this rank's rows */
  rg_strings var_names;
  bool is_part; /* read from a file that holds more: X, raw, layers, modalities */
} rg_annot;
/** Not collective. */
void rg_annot_fini(rg_annot *annot);
/** Add or replace; the annot takes ownership of what is passed. Not collective. */
void rg_annot_set_column(rg_annot *annot, rg_column column);
void rg_annot_set_obsm(rg_annot *annot, const char *name, rg_mat mat);
void rg_annot_set_obsp(rg_annot *annot, const char *name, rg_csr csr);
void rg_annot_note_text(rg_annot *annot, const char *path, const char *text);
void rg_annot_note_number(rg_annot *annot, const char *path, double number);
void rg_annot_note_integer(rg_annot *annot, const char *path, int64_t number);
void rg_annot_note_bool(rg_annot *annot, const char *path, bool value);
void rg_annot_note_strings(rg_annot *annot, const char *path, const rg_strings *list);
void rg_annot_note_array(rg_annot *annot, const char *path, const double *x, int64_t n);
/** Records of text (x is NULL) or of numbers: n values, record by record.
 *  Not collective. */
void rg_annot_note_records(rg_annot *annot, const char *path, const rg_strings *fields,
                           const rg_strings *list, const double *x, int64_t n);
/** Store the numbers of records as float32. Not collective. */
void rg_annot_note_single(rg_annot *annot, const char *path);
/** NULL when there is none. Borrowed. Not collective. */
const rg_column *rg_annot_column(const rg_annot *annot, const char *name);
const rg_mat *rg_annot_obsm(const rg_annot *annot, const char *name);
const rg_csr *rg_annot_obsp(const rg_annot *annot, const char *name);
const rg_note *rg_annot_note(const rg_annot *annot, const char *path);

/** Read results (any h5ad; X is not read). Collective. */
rg_status rg_annot_read(rg_comm *comm, const char *path, rg_annot *annot);
/** Read obs, uns and one matrix of obsm (NULL: none; one that is not there is left out)
 *  of results: what is looked at, without graphs and embeddings. Collective. */
rg_status rg_annot_read_view(rg_comm *comm, const char *path, const char *obsm,
                             rg_annot *annot);
/** Write as anndata 0.8 encodes it: to a temporary name, every code checked, fsync, then
 *  rename; on failure nothing is left behind. Collective. */
rg_status rg_annot_write(rg_comm *comm, const char *path, const rg_annot *annot);
/** Write results back to the file that they were read from; what else it holds (X, layers,
 *  modalities) stays. Written as rg_annot_write does. Collective. */
rg_status rg_annot_update(rg_comm *comm, const char *path, const rg_annot *annot);
/** Results for n_cells cells, of which this rank has those named `names` (its rg_part):
 *  rows are found by name. Cells without results get missing values: code -1, NaN, "",
 *  rows of NaN, empty rows; their number is warned of. `where` opens messages, `in` names
 *  what is searched ("the results"). RG_EINPUT
 *  when no cell is found or a name occurs twice. Collective; owned by the caller. */
rg_status rg_annot_align(rg_comm *comm, const char *where, const char *in,
                         const rg_annot *annot, int64_t n_cells, const rg_strings *names,
                         rg_annot *aligned);
/** Copy `input` to `output` with the results of `annot` inside (obs by name). An h5mu gets
 *  them in its global obs. Collective. */
rg_status rg_annot_merge(rg_comm *comm, const char *input, const rg_annot *annot,
                         const char *output);

/* ---- writing a data set (simulate) ----------------------------------------------- */

/** A modality to be written: this rank's rows. features as given; var columns chrom, start,
 *  end when chromosome is not NULL. */
typedef struct rg_new_modality {
  const char *name;
  const rg_csr *counts; /* cells of this rank that are present, in order */
  const rg_strings *features;
  const rg_strings *chromosomes;
  const int32_t *chromosome;
  const int64_t *start, *end;
  const bool *present; /* per cell of this rank; NULL: all */
} rg_new_modality;
/** Write an h5mu (with user block, obsmap) from rows spread over ranks. Collective. */
rg_status rg_write_h5mu(rg_comm *comm, const char *path, int64_t n_cells,
                        const rg_strings *names, int n_columns, const rg_column *columns,
                        int n_modalities, const rg_new_modality *modalities);

/* ---- own binary container: checkpoints and prepared data ------------------------- */

/** A named array inside a container. */
typedef struct rg_array_info {
  char name[64];
  char type;      /* 'f' float32, 'd' float64, 'i' int32, 'l' int64, 'c' bytes */
  int64_t rows;   /* of all ranks together when distributed */
  int64_t cols;
} rg_array_info;

/** Writer and reader of a container folder: part files cut into 1 MiB blocks with xxh3
 *  checksums, and a manifest written last. Everything goes to a temporary folder that is
 *  fsynced and renamed on commit. */
typedef struct rg_vault rg_vault;
/** Open a container for writing at `path` (replaced on commit). Collective. */
rg_status rg_vault_create(rg_comm *comm, const char *path, rg_vault **vault);
/** Add an array whose rows are spread over ranks in rank order (each passes its own);
 *  a name is 1 to 63 printing characters. Collective. */
rg_status rg_vault_put_rows(rg_vault *vault, const char *name, char type,
                            const void *mine, int64_t rows, int64_t cols);
/** Add an array that is the same on every rank (rank 0's is written). Collective. */
rg_status rg_vault_put(rg_vault *vault, const char *name, char type, const void *data,
                       int64_t rows, int64_t cols);
/** Add a line of text to the manifest. Collective. */
rg_status rg_vault_note(rg_vault *vault, const char *key, const char *value);
/** Flush, fsync, check, rename. On failure nothing is left behind. Collective. Frees. */
rg_status rg_vault_commit(rg_vault *vault);
/** Give up: remove the temporary folder. Collective. Frees. NULL is fine. */
void rg_vault_abandon(rg_vault *vault);
/** Open for reading: manifest and every block checksum verified. RG_EINPUT when damaged.
 *  Collective. */
rg_status rg_vault_open(rg_comm *comm, const char *path, rg_vault **vault);
void rg_vault_close(rg_vault *vault);
/** NULL when there is none. Borrowed. Not collective. */
const rg_array_info *rg_vault_find(const rg_vault *vault, const char *name);
/** All arrays, in the order written. Borrowed. Not collective. */
int rg_vault_items(const rg_vault *vault);
const rg_array_info *rg_vault_item(const rg_vault *vault, int i);
const char *rg_vault_text(const rg_vault *vault, const char *key);
/** Read rows [low, high) of an array into `out` (each rank its own range). Collective. */
rg_status rg_vault_get_rows(rg_vault *vault, const char *name, int64_t low, int64_t high,
                            void *out);

/* ---- small files ----------------------------------------------------------------- */

/** Write text to a temporary name on rank 0, fsync, rename. Collective. */
rg_status rg_write_text(rg_comm *comm, const char *path, const char *text);
/** The same of the texts of all ranks (n bytes here), one after another; never more than
 *  one of them is held beside rank 0's own. Collective. */
rg_status rg_write_texts(rg_comm *comm, const char *path, const char *text, int64_t n);
/** Make a folder (and its parents); fine when it exists. Collective. */
rg_status rg_make_folder(rg_comm *comm, const char *path);
/** Fail early when the file (the folder) `path` cannot be written: what is to hold it is
 *  missing or not writable, or a folder (a file) is there. RG_EUSAGE. Collective. */
rg_status rg_check_output(rg_comm *comm, const char *path);
rg_status rg_check_folder(rg_comm *comm, const char *path);
/** Both are there, and one file or folder. Not collective. */
bool rg_same_file(const char *a, const char *b);

/* ---- the library behind ---------------------------------------------------------- */

/** "1.10.8, parallel". Not collective. */
const char *rg_hdf5_version(void);

#endif
