/* HDF5 files of 10x Genomics: /matrix since version 3, one group per genome before. */
#include <string.h>

#include "source.h"

static bool has_array(const rg_h5 *h5, const char *group, const char *name)
{
  char *path = rg_h5_path(group, name);
  bool yes = rg_h5_what(h5, path) == RG_H5_ARRAY;
  rg_free(path);
  return yes;
}

static bool is_matrix(const rg_h5 *h5, const char *group)
{
  return rg_h5_what(h5, group) == RG_H5_GROUP && has_array(h5, group, "data") &&
         has_array(h5, group, "indices") && has_array(h5, group, "indptr") &&
         has_array(h5, group, "shape");
}

/* The group of the genome asked for, or the only one. Owned by the caller. */
static rg_status choose_group(const rg_file *file, char **group)
{
  rg_status status = RG_OK;
  const rg_h5 *h5 = file->h5;
  const char *genome = file->options->genome;
  rg_strings members = {0}, genomes = {0};
  char *list = rg_strdup("");
  *group = NULL;
  if (is_matrix(h5, "/matrix")) {
    if (genome)
      RG_TRY(rg_fail(RG_EINPUT,
                     "%s:/matrix: files since version 3 keep all genomes in "
                     "one matrix; leave out --genome",
                     file->path));
    *group = rg_strdup("/matrix");
    goto out;
  }
  RG_TRY(rg_h5_list(h5, "/", &members));
  for (int64_t i = 0; i < members.n; i++) {
    const char *name = rg_strings_at(&members, i);
    char *path = rg_h5_path("/", name);
    if (is_matrix(h5, path)) {
      char *longer = rg_format("%s%s%s", list, genomes.n ? ", " : "", name);
      rg_free(list);
      list = longer;
      rg_strings_add(&genomes, name, -1);
    }
    rg_free(path);
  }
  if (genomes.n == 0)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s: is neither an h5ad, an h5mu, a loom nor a 10x file: "
                   "nothing in it is known",
                   file->path));
  if (genome && rg_strings_find(&genomes, genome) < 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s:/%s: there is no such genome; there are: %s",
                   file->path, genome, list));
  if (!genome && genomes.n > 1)
    RG_TRY(rg_fail(RG_EINPUT, "%s: holds several genomes (%s); name one with --genome",
                   file->path, list));
  *group = rg_h5_path("/", genome ? genome : rg_strings_at(&genomes, 0));
out:
  rg_strings_fini(&members);
  rg_strings_fini(&genomes);
  rg_free(list);
  return status;
}

/* The table of features: the group /matrix/features, or arrays beside the matrix. */
static rg_status open_features(const rg_file *file, const char *group, int64_t n,
                               rg_frame *frame)
{
  const rg_h5 *h5 = file->h5;
  char *inner = rg_h5_path(group, "features");
  bool nested = rg_h5_what(h5, inner) == RG_H5_GROUP;
  const char *where = nested ? inner : group;
  const char *index = NULL;
  static const char *const names[] = {"name", "gene_names", "id", "genes", NULL};
  for (int i = 0; names[i] && !index; i++)
    if (has_array(h5, where, names[i]))
      index = names[i];
  if (!index && !file->probing)
    rg_warn("%s:%s: features are not named in this file: they get numbers", file->path,
            group);
  rg_status status = rg_frame_open_plain(h5, where, index, n, frame);
  if (status == RG_OK && !nested) { /* what lies beside is of the matrix */
    rg_strings_fini(&frame->columns);
    if (has_array(h5, where, "genes"))
      rg_strings_add(&frame->columns, "genes", -1);
  }
  rg_free(inner);
  return status;
}

rg_status rg_load_tenx(rg_file *file)
{
  rg_status status = RG_OK;
  const rg_h5 *h5 = file->h5;
  rg_frame frame = {0};
  rg_features features = {0};
  rg_h5_array barcodes = {0};
  char *group = NULL, *path = NULL;
  RG_TRY(choose_group(file, &group));
  rg_matrix *matrix = rg_new_matrix(file);
  RG_TRY(rg_matrix_open_tenx(h5, group, matrix));
  rg_set_cells(file, matrix->rows);
  file->obs = (rg_frame){.h5 = h5, .path = rg_strdup(group), .n = matrix->rows};
  path = rg_h5_path(group, "barcodes");
  if (rg_h5_what(h5, path) == RG_H5_ARRAY) {
    file->obs.form = RG_FRAME_GROUP;
    file->obs.index = rg_strdup("barcodes");
    RG_TRY(rg_h5_array_open(h5, path, &barcodes));
    if (barcodes.dims[0] != matrix->rows)
      RG_TRY(rg_fail(RG_EINPUT, "%s:%s: names %lld cells, but the matrix has %lld",
                     file->path, path, (long long)barcodes.dims[0],
                     (long long)matrix->rows));
  } else if (!file->probing) {
    rg_warn("%s:%s: is missing: cells are not named in this file, they get numbers",
            file->path, path);
  }
  RG_TRY(rg_frame_names(&file->obs, file->rows.low, file->rows.high, &file->names));
  RG_TRY(open_features(file, group, matrix->cols, &frame));
  RG_TRY(rg_features_of_frame(&frame, &features));
  RG_TRY(rg_add_sources(file, matrix, &features, NULL, ""));
out:
  rg_h5_array_close(&barcodes);
  rg_features_fini(&features);
  rg_frame_fini(&frame);
  rg_free(group);
  rg_free(path);
  return status;
}
