/* Folders of 10x (matrix.mtx, barcodes.tsv, features.tsv or genes.tsv, each also as .gz,
 * with or without a prefix), and a .mtx with its neighbours. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "source.h"

static const char *const matrix_names[] = {
    "matrix.mtx", "matrix.mtx.gz", "counts.mtx", "counts.mtx.gz", ".mtx", ".mtx.gz"};
enum { N_MATRIX_NAMES = 6, N_USUAL_NAMES = 4 };

/* Length of a file's name before its usual ending; -1 when it is no matrix. */
static int64_t prefix_length(const char *name, int n_names)
{
  for (int i = 0; i < n_names; i++)
    if (rg_ends_with(name, matrix_names[i]))
      return (int64_t)(strlen(name) - strlen(matrix_names[i]));
  return -1;
}

/* The only matrix of a folder. Owned by the caller. */
static rg_status find_matrix(const char *folder, char **path)
{
  DIR *dir = opendir(folder);
  *path = NULL;
  if (!dir)
    return rg_fail(RG_EINPUT, "%s: cannot be opened: %s", folder, strerror(errno));
  rg_status status = RG_OK;
  for (struct dirent *entry; status == RG_OK && (entry = readdir(dir)) != NULL;) {
    if (prefix_length(entry->d_name, N_USUAL_NAMES) < 0)
      continue;
    if (*path)
      status = rg_fail(RG_EINPUT,
                       "%s: holds several matrices (%s and %s); name one of "
                       "them",
                       folder, *path, entry->d_name);
    else
      *path = rg_strdup(entry->d_name);
  }
  closedir(dir);
  if (status == RG_OK && !*path)
    status = rg_fail(RG_EINPUT,
                     "%s: holds no matrix.mtx or matrix.mtx.gz; a file or a "
                     "10x folder was expected%s",
                     folder,
                     rg_ends_with(folder, ".zarr") ? " (zarr stores cannot be read: write "
                                                  "an h5ad with write_h5ad)"
                                                : "");
  if (status == RG_OK) {
    char *whole = rg_format("%s/%s", folder, *path);
    rg_free(*path);
    *path = whole;
  }
  if (status != RG_OK) {
    rg_free(*path);
    *path = NULL;
  }
  return status;
}

/* The first of names that is there beside a matrix: <stem><name>, plain or gz. NULL when
 * none is. Owned by the caller. */
static char *neighbour(const char *matrix, int64_t stem, const char *const *names)
{
  static const char *const endings[] = {"", ".gz"};
  for (; *names; names++)
    for (int i = 0; i < 2; i++) {
      char *path = rg_format("%.*s%s%s", (int)stem, matrix, *names, endings[i]);
      struct stat info;
      if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
        return path;
      rg_free(path);
    }
  return NULL;
}

/* Numbers for names that are not there. */
static rg_status number_names(const rg_matrix *matrix, int64_t low, int64_t high,
                              rg_strings *names)
{
  if (matrix->rows + matrix->cols > 10 * matrix->nnz + 1000000)
    return rg_fail(RG_EINPUT, "%s: claims %lld x %lld values for %lld entries: damaged",
                   matrix->path, (long long)matrix->cols, (long long)matrix->rows,
                   (long long)matrix->nnz);
  for (int64_t i = low; i < high; i++) {
    char text[24];
    rg_strings_add(names, text, snprintf(text, sizeof text, "%lld", (long long)i));
  }
  return RG_OK;
}

static rg_status load_cells(rg_file *file, const rg_matrix *matrix, int64_t stem)
{
  static const char *const names[] = {"barcodes.tsv", "_barcodes.tsv", NULL};
  char *path = neighbour(matrix->path, stem, names);
  rg_status status;
  rg_set_cells(file, matrix->rows);
  if (path) {
    int64_t n;
    status = rg_read_lines(path, file->rows.low, file->rows.high, &file->names, &n);
    if (status == RG_OK && n != matrix->rows)
      status = rg_fail(RG_EINPUT, "%s: names %lld cells, but the matrix has %lld", path,
                       (long long)n, (long long)matrix->rows);
  } else {
    if (!file->probing)
      rg_warn("%s: there is no barcodes.tsv beside it: cells get numbers",
              matrix->path);
    status = number_names(matrix, file->rows.low, file->rows.high, &file->names);
  }
  rg_free(path);
  return status;
}

static rg_status load_features(rg_file *file, const rg_matrix *matrix, int64_t stem)
{
  static const char *const names[] = {"features.tsv",  "genes.tsv",  "peaks.bed",
                                      "_features.tsv", "_genes.tsv", NULL};
  char *path = neighbour(matrix->path, stem, names);
  rg_features features = {0};
  rg_status status;
  if (path) {
    status = rg_features_of_text(path, &features);
    if (status == RG_OK && features.names.n != matrix->cols)
      status = rg_fail(RG_EINPUT,
                       "%s: names %lld features, but the matrix has %lld; is "
                       "the matrix cells x features? It has to be features x cells",
                       path, (long long)features.names.n, (long long)matrix->cols);
  } else {
    if (!file->probing)
      rg_warn(
          "%s: there is no features.tsv or genes.tsv beside it: features get numbers",
          matrix->path);
    status = number_names(matrix, 0, matrix->cols, &features.names);
  }
  if (status == RG_OK)
    status = rg_add_sources(file, matrix, &features, NULL, "");
  rg_features_fini(&features);
  rg_free(path);
  return status;
}

rg_status rg_load_market(rg_file *file, const char *path)
{
  rg_status status = RG_OK;
  struct stat info;
  char *found = NULL;
  bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
  if (file->options->layer)
    RG_TRY(rg_fail(RG_EUSAGE,
                   "%s: a MatrixMarket folder has no layers; leave out "
                   "--layer",
                   path));
  if (folder)
    RG_TRY(find_matrix(path, &found));
  else
    found = rg_strdup(path);
  rg_matrix *matrix = rg_new_matrix(file);
  RG_TRY(rg_matrix_open_text(found, matrix));
  const char *name = strrchr(found, '/') ? strrchr(found, '/') + 1 : found;
  int64_t stem = prefix_length(name, N_MATRIX_NAMES) + (name - found);
  RG_TRY(load_cells(file, matrix, stem));
  RG_TRY(load_features(file, matrix, stem));
out:
  rg_free(found);
  return status;
}
