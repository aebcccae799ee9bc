/* MuData files: global cells, modalities, and the maps between them. */
#include <string.h>

#include "names.h"
#include "source.h"

bool rg_is_h5mu(const rg_h5 *h5)
{
  return rg_h5_what(h5, "/mod") == RG_H5_GROUP;
}

/* The modalities in the order that the file wants; a wrong order is ignored. */
static rg_status list_modalities(const rg_h5 *h5, rg_strings *names)
{
  rg_strings order = {0};
  rg_status status = rg_h5_list(h5, "/mod", names);
  if (status != RG_OK || !rg_h5_has_attribute(h5, "/mod", "mod-order"))
    return status;
  bool good = rg_h5_strings_attribute(h5, "/mod", "mod-order", &order) == RG_OK &&
              order.n == names->n;
  for (int64_t i = 0; good && i < order.n; i++)
    good = rg_strings_find(names, rg_strings_at(&order, i)) >= 0 &&
           rg_strings_find(&order, rg_strings_at(&order, i)) == i;
  if (good) {
    rg_strings_fini(names);
    *names = order;
  } else {
    rg_strings_fini(&order);
  }
  return RG_OK;
}

/* prot and protein are adt, unless there is one already. */
static const char *modality_name(const rg_strings *all, const char *key)
{
  bool protein = strcmp(key, "prot") == 0 || strcmp(key, "protein") == 0;
  return protein && rg_strings_find(all, "adt") < 0 ? "adt" : key;
}

static rg_status load_modality(rg_file *file, const rg_strings *all, const char *key,
                               bool *any_chosen)
{
  rg_status status = RG_OK;
  char *root = rg_format("/mod/%s", key), *obs = rg_format("%s/obs", root);
  char *path = NULL, *var = NULL;
  rg_frame frame = {0}, cells = {0};
  rg_features features = {0};
  bool chosen;
  RG_TRY(rg_frame_open(file->h5, obs, &cells));
  RG_TRY(rg_choose_counts(file, root, &path, &var, &chosen));
  *any_chosen = *any_chosen || chosen;
  if (!path) {
    if (!file->probing)
      rg_warn("%s:%s: this modality has no matrix; it is left out", file->path, root);
    goto out;
  }
  rg_matrix *matrix = rg_new_matrix(file);
  if (!matrix)
    RG_TRY(rg_fail(RG_EINPUT, "%s:/mod: holds more than %d modalities", file->path,
                   RG_MAX_MODALITIES));
  RG_TRY(rg_matrix_open(file->h5, path, matrix));
  if (matrix->rows != cells.n)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has %lld rows, but obs names %lld cells",
                   file->path, path, (long long)matrix->rows, (long long)cells.n));
  RG_TRY(rg_frame_open(file->h5, var, &frame));
  RG_TRY(rg_features_of_frame(&frame, &features));
  RG_TRY(rg_add_sources(file, matrix, &features, modality_name(all, key), root));
  file->sources[file->n_sources - 1].obs = cells;
  cells = (rg_frame){0};
out:
  rg_features_fini(&features);
  rg_frame_fini(&frame);
  rg_frame_fini(&cells);
  rg_free(root);
  rg_free(obs);
  rg_free(path);
  rg_free(var);
  return status;
}

rg_status rg_load_h5mu(rg_file *file)
{
  rg_status status = RG_OK;
  rg_strings modalities = {0};
  bool chosen = false;
  RG_TRY(rg_frame_open(file->h5, "/obs", &file->obs));
  rg_set_cells(file, file->obs.n);
  RG_TRY(rg_frame_names(&file->obs, file->rows.low, file->rows.high, &file->names));
  RG_TRY(list_modalities(file->h5, &modalities));
  for (int64_t i = 0; i < modalities.n; i++)
    RG_TRY(load_modality(file, &modalities, rg_strings_at(&modalities, i), &chosen));
  if (file->n_sources == 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s:/mod: holds no modality with a matrix", file->path));
  if (file->options->layer && !chosen)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:/mod: no modality has the layer '%s'; regatta inspect "
                   "lists them",
                   file->path, file->options->layer));
out:
  rg_strings_fini(&modalities);
  return status;
}

/* ---- maps ------------------------------------------------------------------------ */

static char *map_path(const rg_source *source)
{
  return rg_format("/obsmap/%s", source->group + strlen("/mod/"));
}

/* obsmap: 0 where the cell is not measured, else 1 + its row. */
static rg_status read_map(const rg_file *file, rg_source *source)
{
  rg_status status = RG_OK;
  rg_h5_array map = {0};
  char *path = map_path(source);
  int64_t n = rg_range_n(file->rows);
  RG_TRY(rg_h5_array_open(file->h5, path, &map));
  if (map.dims[0] != file->n_cells || map.dims[1] != 1)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s:%s: has %lld values for %lld cells; run mdata.update() "
                   "in Python and write the file again",
                   file->path, path, (long long)map.dims[0], (long long)file->n_cells));
  RG_TRY(rg_h5_read_i64(&map, file->rows.low, file->rows.high, source->row_of));
  for (int64_t i = 0; i < n; i++) {
    int64_t row = source->row_of[i]--;
    if (row < 0 || row > source->face.n_cells)
      RG_TRY(rg_fail(RG_EINPUT,
                     "%s:%s[%lld]: points to row %lld of %lld; run "
                     "mdata.update() in Python and write the file again",
                     file->path, path, (long long)(file->rows.low + i), (long long)row,
                     (long long)source->face.n_cells));
  }
out:
  rg_h5_array_close(&map);
  rg_free(path);
  return status;
}

/* A map has to lead to a cell of the same name. */
static rg_status check_names(const rg_file *file, const rg_source *source)
{
  rg_strings names = {0};
  rg_range span = rg_source_span(file, source);
  rg_status status = rg_frame_names(&source->obs, span.low, span.high, &names);
  for (int64_t i = 0; status == RG_OK && i < rg_range_n(file->rows); i++) {
    int64_t row = source->row_of[i];
    if (row < 0)
      continue;
    const char *here = rg_strings_at(&file->names, i);
    const char *there = rg_strings_at(&names, row - span.low);
    if (strcmp(here, there) != 0)
      status = rg_fail(RG_EINPUT,
                       "%s:/obsmap/%s[%lld]: leads cell '%s' to row %lld, "
                       "which is '%s'; run mdata.update() in Python and write the file "
                       "again",
                       file->path, source->group + strlen("/mod/"),
                       (long long)(file->rows.low + i), here, (long long)row, there);
  }
  rg_strings_fini(&names);
  return status;
}

/* Without obsmap: by names. Collective. */
static rg_status match_names(rg_file *file, rg_source *source)
{
  rg_status status = RG_OK;
  rg_strings names = {0};
  char *where = rg_format("%s:%s/obs", file->path, source->group);
  rg_range part = rg_part(source->obs.n, rg_rank(file->comm), rg_size(file->comm));
  RG_TRY_ALL(file->comm, rg_frame_names(&source->obs, part.low, part.high, &names));
  RG_TRY(rg_names_match(file->comm, where, &names, &file->names, source->row_of));
out:
  rg_strings_fini(&names);
  rg_free(where);
  return status;
}

/* Mark who is present; forget a map that changes nothing. Collective. */
static void finish_map(rg_file *file, rg_source *source)
{
  int64_t n = rg_range_n(file->rows), cells = 0, last = -1;
  bool same = source->face.n_cells == file->n_cells, rising = true;
  for (int64_t i = 0; i < n; i++) {
    int64_t row = source->row_of[i];
    source->present[i] = row >= 0;
    same = same && row == file->rows.low + i;
    if (row < 0)
      continue;
    rising = rising && row > last;
    last = row;
    cells++;
  }
  rg_range span = rg_source_span(file, source);
  bool near = rising && rg_range_n(span) <= 2 * cells + 1024;
  source->direct = rg_all(file->comm, near) && rg_matrix_has_rows(source->matrix);
  if (rg_all(file->comm, same)) {
    rg_free(source->row_of);
    source->row_of = NULL;
  }
}

rg_status rg_map_cells(rg_file *file)
{
  rg_status status = RG_OK;
  bool shallow = file->probing && file->probe_rows < file->n_cells;
  for (int m = 0; m < file->n_sources; m++) {
    rg_source *source = &file->sources[m];
    source->direct = rg_matrix_has_rows(source->matrix);
    if (source->obs.form == RG_FRAME_NONE)
      continue;
    source->row_of = RG_NEW(int64_t, rg_range_n(file->rows));
    char *path = map_path(source);
    bool mapped = rg_h5_what(file->h5, path) == RG_H5_ARRAY;
    rg_free(path);
    if (mapped) {
      RG_TRY_ALL(file->comm, read_map(file, source));
      if (!shallow)
        RG_TRY_ALL(file->comm, check_names(file, source));
    } else if (shallow) {
      for (int64_t i = 0; i < rg_range_n(file->rows); i++)
        source->row_of[i] = -1;
    } else {
      RG_TRY(match_names(file, source));
    }
    finish_map(file, source);
  }
out:
  return status;
}
