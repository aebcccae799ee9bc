/* AnnData files of all generations, and loom. */
#include <string.h>

#include "source.h"

static bool is_there(const rg_h5 *h5, const char *path)
{
  return rg_h5_what(h5, path) != RG_H5_ABSENT; /* a link is refused when it is opened */
}

/* is_there of root + name */
static bool has(const rg_h5 *h5, const char *root, const char *name)
{
  char *path = rg_format("%s/%s", root, name);
  bool yes = is_there(h5, path);
  rg_free(path);
  return yes;
}

bool rg_is_h5ad(const rg_h5 *h5, const char *root)
{
  return has(h5, root, "obs") && has(h5, root, "var");
}

bool rg_is_loom(const rg_h5 *h5)
{
  return rg_h5_what(h5, "/matrix") == RG_H5_ARRAY &&
         rg_h5_what(h5, "/row_attrs") == RG_H5_GROUP &&
         rg_h5_what(h5, "/col_attrs") == RG_H5_GROUP;
}

/* ---- where the counts are -------------------------------------------------------- */

rg_status rg_list_layers(const rg_h5 *h5, const char *root, rg_strings *layers)
{
  rg_status status = RG_OK;
  char *group = rg_format("%s/layers", root);
  if (rg_h5_what(h5, group) == RG_H5_GROUP)
    status = rg_h5_list(h5, group, layers);
  if (status == RG_OK && (has(h5, root, "raw/X") || has(h5, root, "raw.X")))
    rg_strings_add(layers, "raw", -1);
  if (status == RG_OK && has(h5, root, "X"))
    rg_strings_add(layers, "X", -1);
  rg_free(group);
  return status;
}

/* Take root + matrix with root + var when the matrix is there. */
static bool take(const rg_h5 *h5, const char *root, const char *name,
                 const char *var_name, char **matrix, char **var)
{
  if (*matrix || !has(h5, root, name))
    return false;
  *matrix = rg_format("%s/%s", root, name);
  *var = rg_format("%s/%s", root, var_name);
  return true;
}

rg_status rg_choose_counts(const rg_file *file, const char *root, char **matrix,
                           char **var, bool *chosen)
{
  const rg_h5 *h5 = file->h5;
  const char *layer = file->options->layer;
  *matrix = *var = NULL;
  *chosen = false;
  if (layer && strcmp(layer, "X") == 0) {
    *chosen = take(h5, root, "X", "var", matrix, var);
  } else if (layer && strcmp(layer, "raw") == 0) {
    *chosen = take(h5, root, "raw/X", "raw/var", matrix, var) ||
              take(h5, root, "raw.X", "raw.var", matrix, var);
  } else if (layer) {
    char *name = rg_format("layers/%s", layer);
    *chosen = take(h5, root, name, "var", matrix, var);
    rg_free(name);
  }
  take(h5, root, "layers/counts", "var", matrix, var);
  take(h5, root, "raw/X", "raw/var", matrix, var);
  take(h5, root, "raw.X", "raw.var", matrix, var);
  take(h5, root, "X", "var", matrix, var);
  return RG_OK;
}

static rg_status no_such_layer(const rg_file *file, const char *root)
{
  rg_strings layers = {0};
  rg_status status = rg_list_layers(file->h5, root, &layers);
  char *list = rg_strings_text(&layers, layers.n);
  if (status == RG_OK)
    status =
        rg_fail(RG_EINPUT, "%s:%s/layers/%s: there is no such layer; there are: %s",
                file->path, root, file->options->layer, *list ? list : "none");
  rg_free(list);
  rg_strings_fini(&layers);
  return status;
}

/* ---- loading --------------------------------------------------------------------- */

rg_status rg_load_h5ad(rg_file *file, const char *root, const char *modality)
{
  rg_status status = RG_OK;
  rg_frame frame = {0};
  rg_features features = {0};
  char *matrix_path = NULL, *var = NULL, *obs = rg_format("%s/obs", root);
  bool chosen;
  RG_TRY(rg_frame_open(file->h5, obs, &file->obs));
  rg_set_cells(file, file->obs.n);
  RG_TRY(rg_frame_names(&file->obs, file->rows.low, file->rows.high, &file->names));
  RG_TRY(rg_choose_counts(file, root, &matrix_path, &var, &chosen));
  if (!matrix_path && file->options->bare)
    goto out;
  if (!matrix_path)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:%s/X: there is no matrix in this file: neither X, nor "
                   "raw/X, nor layers/counts",
                   file->path, root));
  if (file->options->layer && !chosen)
    RG_TRY(no_such_layer(file, root));
  rg_matrix *matrix = rg_new_matrix(file);
  RG_TRY(rg_matrix_open(file->h5, matrix_path, matrix));
  if (matrix->rows != file->n_cells)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has %lld rows, but obs names %lld cells",
                   file->path, matrix_path, (long long)matrix->rows,
                   (long long)file->n_cells));
  RG_TRY(rg_frame_open(file->h5, var, &frame));
  RG_TRY(rg_features_of_frame(&frame, &features));
  RG_TRY(rg_add_sources(file, matrix, &features, modality, root));
out:
  rg_features_fini(&features);
  rg_frame_fini(&frame);
  rg_free(matrix_path);
  rg_free(var);
  rg_free(obs);
  return status;
}

/* The first of the names that loom's writers use for an index. */
static const char *loom_index(const rg_h5 *h5, const char *group,
                              const char *const *names)
{
  for (; *names; names++)
    if (has(h5, group, *names))
      return *names;
  return NULL;
}

rg_status rg_load_loom(rg_file *file)
{
  static const char *const cells[] = {"CellID", "obs_names", "cell_names", NULL};
  static const char *const genes[] = {"Gene", "var_names", "gene_names", NULL};
  rg_status status = RG_OK;
  rg_frame frame = {0};
  rg_features features = {0};
  const rg_h5 *h5 = file->h5;
  rg_matrix *matrix = rg_new_matrix(file);
  if (file->options->layer && strcmp(file->options->layer, "X") != 0) {
    char *path = rg_format("/layers/%s", file->options->layer);
    status = rg_matrix_open_loom(h5, path, matrix);
    rg_free(path);
    RG_TRY(status);
  } else {
    RG_TRY(rg_matrix_open_loom(h5, "/matrix", matrix));
  }
  RG_TRY(rg_frame_open_plain(h5, "/col_attrs", loom_index(h5, "/col_attrs", cells),
                             matrix->rows, &file->obs));
  rg_set_cells(file, matrix->rows);
  RG_TRY(rg_frame_names(&file->obs, file->rows.low, file->rows.high, &file->names));
  RG_TRY(rg_frame_open_plain(h5, "/row_attrs", loom_index(h5, "/row_attrs", genes),
                             matrix->cols, &frame));
  RG_TRY(rg_features_of_frame(&frame, &features));
  RG_TRY(rg_add_sources(file, matrix, &features, NULL, ""));
out:
  rg_features_fini(&features);
  rg_frame_fini(&frame);
  return status;
}
