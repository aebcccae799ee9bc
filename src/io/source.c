/* Modalities out of matrices and features. */
#include "source.h"

#include <string.h>

#include "names.h"

void rg_set_cells(rg_file *file, int64_t n)
{
  file->n_cells = n;
  file->rows = rg_part(n, rg_rank(file->comm), rg_size(file->comm));
  if (file->probing && file->rows.high > file->probe_rows)
    file->rows.high = file->probe_rows;
  int64_t most = file->options->first_cells;
  if (most > 0 && file->rows.high > most) {
    RG_ASSERT(rg_size(file->comm) == 1);
    file->rows.high = most;
  }
}

rg_matrix *rg_new_matrix(rg_file *file)
{
  return file->n_matrices < RG_MAX_MODALITIES ? &file->matrices[file->n_matrices++]
                                              : NULL;
}

void rg_source_fini(rg_source *source)
{
  rg_free(source->name);
  rg_free(source->counts);
  rg_free(source->column_of);
  rg_free(source->present);
  rg_free(source->row_of);
  rg_free(source->group);
  rg_frame_fini(&source->obs);
  rg_features_fini(&source->features);
  *source = (rg_source){0};
}

/* ---- cutting a matrix by feature type -------------------------------------------- */

/* The features with pick[i] == which, and column_of for them. */
static void cut_features(const rg_features *all, const int32_t *pick, int32_t which,
                         rg_source *source)
{
  rg_features *cut = &source->features;
  int64_t n = all->names.n, kept = 0;
  bool places = all->chromosome != NULL;
  source->column_of = RG_NEW(int32_t, n);
  for (int64_t i = 0; i < n; i++)
    source->column_of[i] = pick[i] == which ? (int32_t)kept++ : -1;
  rg_names known = {0};
  if (places) {
    cut->chromosome = RG_NEW(int32_t, kept);
    cut->start = RG_NEW(int64_t, kept);
    cut->end = RG_NEW(int64_t, kept);
    rg_names_init(&known, &cut->chromosomes);
  }
  for (int64_t i = 0; i < n; i++) {
    int32_t at = source->column_of[i];
    if (at < 0)
      continue;
    rg_strings_add(&cut->names, rg_strings_at(&all->names, i), -1);
    if (all->ids.n > 0)
      rg_strings_add(&cut->ids, rg_strings_at(&all->ids, i), -1);
    if (!places)
      continue;
    cut->chromosome[at] = -1;
    cut->start[at] = all->start[i];
    cut->end[at] = all->end[i];
    if (all->chromosome[i] < 0)
      continue;
    const char *name = rg_strings_at(&all->chromosomes, all->chromosome[i]);
    int64_t found = rg_names_find(&known, name);
    if (found < 0) {
      rg_strings_add(&cut->chromosomes, name, -1);
      found = rg_names_put(&known, cut->chromosomes.n - 1);
    }
    cut->chromosome[at] = (int32_t)found;
  }
  rg_names_fini(&known);
}

/* Number the modalities that the types name, in order of appearance. */
static void number_types(const rg_strings *types, rg_strings *modalities, int32_t *pick)
{
  const char *last = NULL;
  int32_t last_pick = 0;
  for (int64_t i = 0; i < types->n; i++) {
    const char *type = rg_strings_at(types, i);
    if (!last || strcmp(type, last) != 0) {
      char *name = rg_modality_of_type(type);
      last_pick = (int32_t)rg_strings_find(modalities, name);
      if (last_pick < 0) {
        last_pick = (int32_t)modalities->n;
        rg_strings_add(modalities, name, -1);
      }
      rg_free(name);
      last = type;
    }
    pick[i] = last_pick;
  }
}

/* ---- one modality ---------------------------------------------------------------- */

/* Nine in ten names are places: these are peaks. */
static bool are_places(const rg_features *features)
{
  int64_t n = features->names.n, places = 0, length, start, end;
  for (int64_t i = 0; i < n; i++)
    places += rg_parse_place(rg_strings_at(&features->names, i), &length, &start, &end);
  return n > 0 && places >= n - n / 10;
}

/* Fill the public face; what it points to belongs to the source. */
static rg_status complete(rg_file *file, rg_source *source)
{
  rg_modality *face = &source->face;
  rg_features *features = &source->features;
  const rg_matrix *matrix = source->matrix;
  int64_t renamed = rg_names_make_unique(&features->names);
  if (renamed > 0 && !file->probing)
    rg_info("%s: %lld repeated feature names were made unique (-1, -2, ...)",
            source->name, (long long)renamed);
  int64_t n = rg_range_n(file->rows);
  source->present = RG_NEW(bool, n);
  memset(source->present, true, (size_t)n);
  source->counts = rg_strdup(matrix->path);
  *face = (rg_modality){
      .name = source->name,
      .n_cells = matrix->rows,
      .n_features = features->names.n,
      .counts = source->counts,
      .layout = rg_matrix_layout(matrix),
      .value_type = rg_matrix_type(matrix),
      .n_nonzero = matrix->nnz,
      .present = source->present,
      .features = features->names,
      .feature_ids = features->ids,
      .chromosomes = features->chromosomes,
      .chromosome = features->chromosome,
      .start = features->start,
      .end = features->end,
  };
  return RG_OK;
}

static rg_status add_source(rg_file *file, rg_source *source)
{
  if (file->n_sources == RG_MAX_MODALITIES) {
    rg_source_fini(source);
    return rg_fail(RG_EINPUT, "%s: holds more than %d modalities", file->path,
                   RG_MAX_MODALITIES);
  }
  file->sources[file->n_sources++] = *source;
  return complete(file, &file->sources[file->n_sources - 1]);
}

static rg_status check_features(const rg_file *file, const rg_matrix *matrix,
                                const rg_features *features)
{
  if (features->names.n != matrix->cols)
    return rg_fail(RG_EINPUT, "%s:%s: has %lld columns, but %lld features are named",
                   file->path, matrix->path, (long long)matrix->cols,
                   (long long)features->names.n);
  return RG_OK;
}

rg_status rg_add_sources(rg_file *file, const rg_matrix *matrix, rg_features *features,
                         const char *name, const char *group)
{
  rg_status status = RG_OK;
  rg_strings modalities = {0};
  int32_t *pick = RG_NEW(int32_t, features->names.n);
  RG_TRY(check_features(file, matrix, features));
  if (!name)
    number_types(&features->types, &modalities, pick);
  if (modalities.n <= 1) {
    rg_source source = {.matrix = matrix, .group = rg_strdup(group)};
    const char *judged = are_places(features) ? "atac" : "rna";
    if (modalities.n == 1)
      judged = rg_strings_at(&modalities, 0);
    source.name = rg_strdup(name ? name : judged);
    source.features = *features;
    *features = (rg_features){0};
    RG_TRY(add_source(file, &source));
  }
  for (int64_t i = 0; modalities.n > 1 && i < modalities.n; i++) {
    rg_source source = {.matrix = matrix, .group = rg_strdup(group)};
    source.name = rg_strdup(rg_strings_at(&modalities, i));
    cut_features(features, pick, (int32_t)i, &source);
    RG_TRY(add_source(file, &source));
  }
out:
  rg_strings_fini(&modalities);
  rg_free(pick);
  rg_features_fini(features);
  return status;
}

rg_range rg_source_span(const rg_file *file, const rg_source *source)
{
  if (!source->row_of)
    return file->rows;
  rg_range span = {INT64_MAX, 0};
  for (int64_t i = 0; i < rg_range_n(file->rows); i++) {
    int64_t row = source->row_of[i];
    if (row < 0)
      continue;
    span.low = row < span.low ? row : span.low;
    span.high = row + 1 > span.high ? row + 1 : span.high;
  }
  return span.high > 0 ? span : (rg_range){0, 0};
}
