/* The prepared data set in memory and on disk. A vault holds all but the counts: those
 * are read again from the file, for the cells and features that were kept. */
#include "src/prepare/inner.h"

#include <stdlib.h>
#include <string.h>

static void modality_fini(rg_prepared_modality *m)
{
  rg_free(m->name);
  rg_csr_fini(&m->counts);
  rg_strings_fini(&m->features);
  rg_strings_fini(&m->chromosomes);
  rg_free(m->chromosome);
  rg_free(m->highly_variable);
  rg_free(m->present);
  rg_free(m->depth);
  rg_mat_fini(&m->embedding);
  rg_free(m->explained);
}

void rg_dataset_fini(rg_dataset *dataset)
{
  rg_strings_fini(&dataset->names);
  rg_free(dataset->source);
  rg_free(dataset->held_out);
  rg_free(dataset->validates);
  for (int m = 0; m < dataset->n_modalities; m++)
    modality_fini(&dataset->modality[m]);
  rg_free(dataset->modality);
  rg_column_fini(&dataset->batch);
  rg_column_fini(&dataset->label);
  *dataset = (rg_dataset){0};
}

const rg_prepared_modality *rg_dataset_modality(const rg_dataset *dataset,
                                                const char *name)
{
  for (int m = 0; m < dataset->n_modalities; m++)
    if (strcmp(dataset->modality[m].name, name) == 0)
      return &dataset->modality[m];
  return NULL;
}

/* Names of the embeddings as the program knows them, whatever was read. */
static const char *known_embedding(const char *name)
{
  static const char *const names[] = {"X_pca", "X_lsi", "X_spectral"};
  for (int i = 0; i < 3; i++)
    if (name && strcmp(name, names[i]) == 0)
      return names[i];
  return "";
}

static const char *const value_names[] = {
    [RG_VALUES_COUNTS] = "counts", [RG_VALUES_REAL] = "real"};

/* ---- writing --------------------------------------------------------------------- */

/* A name inside the vault: "m0/features". */
typedef struct label {
  char text[64];
} label;

static label inside(int m, const char *what)
{
  label l;
  snprintf(l.text, sizeof l.text, "m%d/%s", m, what);
  return l;
}

/* The same strings on every rank: their bytes, each ended by a zero. */
static rg_status put_strings(rg_vault *vault, const char *name, const rg_strings *list)
{
  return rg_vault_put(vault, name, 'c', list->text, list->n ? list->offset[list->n] : 0,
                      1);
}

static rg_status put_column(rg_vault *vault, const char *name, const rg_column *column)
{
  rg_status status = RG_OK;
  char *key = rg_format("%s/categories", name);
  if (column->name) {
    RG_TRY(rg_vault_note(vault, name, column->name));
    RG_TRY(rg_vault_put_rows(vault, name, 'i', column->code, column->n, 1));
    RG_TRY(put_strings(vault, key, &column->categories));
  }
out:
  rg_free(key);
  return status;
}

static rg_status put_cells(rg_comm *comm, rg_vault *vault, const rg_dataset *d)
{
  rg_status status = RG_OK;
  int64_t n = rg_range_n(d->rows), bytes = n > 0 ? d->names.offset[n] : 0;
  int64_t before = rg_prefix_i64(comm, bytes, NULL);
  int64_t *end = RG_NEW(int64_t, n);
  for (int64_t i = 0; i < n; i++)
    end[i] = before + d->names.offset[i + 1];
  RG_TRY(rg_vault_put_rows(vault, "source", 'l', d->source, n, 1));
  RG_TRY(rg_vault_put_rows(vault, "name_end", 'l', end, n, 1));
  RG_TRY(rg_vault_put_rows(vault, "name", 'c', d->names.text, bytes, 1));
  RG_TRY(put_column(vault, "batch", &d->batch));
  RG_TRY(put_column(vault, "label", &d->label));
out:
  rg_free(end);
  return status;
}

static rg_status put_modality(rg_vault *vault, int m, const rg_prepared_modality *x)
{
  rg_status status = RG_OK;
  int64_t rows = x->counts.rows, p = x->features.n;
  RG_TRY(rg_vault_note(vault, inside(m, "name").text, x->name));
  RG_TRY(rg_vault_note(vault, inside(m, "kind").text, value_names[x->values]));
  RG_TRY(rg_vault_note(vault, inside(m, "embedding").text, x->embedding_name));
  RG_TRY(put_strings(vault, inside(m, "features").text, &x->features));
  RG_TRY(rg_vault_put_rows(vault, inside(m, "present").text, 'c', x->present, rows, 1));
  RG_TRY(rg_vault_put_rows(vault, inside(m, "depth").text, 'd', x->depth, rows, 1));
  RG_TRY(rg_vault_put_rows(vault, inside(m, "values").text, 'f', x->embedding.data,
                           rows, x->embedding.cols));
  if (x->explained)
    RG_TRY(rg_vault_put(vault, inside(m, "explained").text, 'd', x->explained, 1,
                        x->embedding.cols));
  if (x->highly_variable)
    RG_TRY(
        rg_vault_put(vault, inside(m, "highly").text, 'c', x->highly_variable, p, 1));
  if (x->chromosome) {
    RG_TRY(put_strings(vault, inside(m, "chromosomes").text, &x->chromosomes));
    RG_TRY(rg_vault_put(vault, inside(m, "chromosome").text, 'i', x->chromosome, p, 1));
  }
out:
  return status;
}

rg_status rg_dataset_write(rg_comm *comm, const rg_dataset *dataset, const char *path)
{
  rg_status status = RG_OK;
  rg_vault *vault = NULL;
  RG_TRY(rg_vault_create(comm, path, &vault));
  RG_TRY(rg_vault_note(vault, "kind", "prepared data set"));
  RG_TRY(put_cells(comm, vault, dataset));
  for (int m = 0; m < dataset->n_modalities; m++)
    RG_TRY(put_modality(vault, m, &dataset->modality[m]));
  status = rg_vault_commit(vault);
  vault = NULL;
out:
  rg_vault_abandon(vault);
  return status;
}

/* ---- reading --------------------------------------------------------------------- */

/* An array that every rank gets whole; NULL and *n = 0 where there is none. */
static rg_status get_whole(rg_vault *vault, const char *name, size_t size, int64_t *n,
                           void **out)
{
  const rg_array_info *info = rg_vault_find(vault, name);
  *n = info ? info->rows * info->cols : 0;
  *out = NULL;
  if (!info)
    return RG_OK;
  *out = rg_alloc(*n + 1, size);
  return rg_vault_get_rows(vault, name, 0, info->rows, *out);
}

static rg_status get_strings(rg_vault *vault, const char *name, rg_strings *list)
{
  rg_status status = RG_OK;
  int64_t bytes;
  void *text = NULL;
  RG_TRY(get_whole(vault, name, 1, &bytes, &text));
  for (const char *at = text; at && at < (const char *)text + bytes;
       at += strlen(at) + 1)
    rg_strings_add(list, at, -1);
out:
  rg_free(text);
  return status;
}

/* This rank's rows of an array; RG_EINPUT when it is not there or of another shape. */
static rg_status get_rows(rg_vault *vault, const rg_dataset *d, const char *name,
                          size_t size, int64_t *cols, void **out)
{
  const rg_array_info *info = rg_vault_find(vault, name);
  if (!info || info->rows != d->n_cells)
    return rg_fail(RG_EINPUT,
                   "prepared data: array %s is missing or has the wrong number "
                   "of cells; run regatta prepare again",
                   name);
  if (cols)
    *cols = info->cols;
  *out = rg_alloc(rg_range_n(d->rows) * info->cols, size);
  return rg_vault_get_rows(vault, name, d->rows.low, d->rows.high, *out);
}

static rg_status get_column(rg_vault *vault, const rg_dataset *d, const char *name,
                            rg_column *column)
{
  rg_status status = RG_OK;
  const char *title = rg_vault_text(vault, name);
  char *key = rg_format("%s/categories", name);
  if (title) {
    *column = (rg_column){
        .name = rg_strdup(title), .type = RG_COLUMN_CATEGORY, .n = rg_range_n(d->rows)};
    RG_TRY(get_rows(vault, d, name, sizeof(int32_t), NULL, (void **)&column->code));
    RG_TRY(get_strings(vault, key, &column->categories));
  }
out:
  rg_free(key);
  return status;
}

static rg_status get_names(rg_vault *vault, rg_dataset *d)
{
  rg_status status = RG_OK;
  int64_t n = rg_range_n(d->rows), low = d->rows.low, before = 0;
  int64_t *end = RG_NEW(int64_t, n + 1);
  char *text = NULL;
  bool first = low == 0 || n == 0; /* else the end of the name before is needed too */
  RG_TRY(rg_vault_get_rows(vault, "name_end", first ? low : low - 1, d->rows.high,
                           first ? end + 1 : end));
  before = first ? 0 : end[0];
  end[0] = before;
  text = RG_NEW(char, (n > 0 ? end[n] - before : 0) + 1);
  RG_TRY(rg_vault_get_rows(vault, "name", before, n > 0 ? end[n] : before, text));
  for (int64_t i = 0; i < n; i++)
    rg_strings_add(&d->names, text + end[i] - before, end[i + 1] - end[i] - 1);
out:
  rg_free(end);
  rg_free(text);
  return status;
}

static rg_status get_values(rg_vault *vault, int m, rg_value_kind *values)
{
  const char *word = rg_vault_text(vault, inside(m, "kind").text);
  for (int v = RG_VALUES_COUNTS; v <= RG_VALUES_REAL && word; v++)
    if (strcmp(word, value_names[v]) == 0) {
      *values = (rg_value_kind)v;
      return RG_OK;
    }
  return rg_fail(RG_EINPUT, "prepared data: what the values of a modality are is not "
                            "said; run regatta prepare again");
}

static rg_status get_modality(rg_vault *vault, const rg_dataset *d, int m,
                              rg_prepared_modality *x)
{
  rg_status status = RG_OK;
  int64_t n;
  *x = (rg_prepared_modality){
      .name = rg_strdup(rg_vault_text(vault, inside(m, "name").text))};
  x->embedding_name =
      known_embedding(rg_vault_text(vault, inside(m, "embedding").text));
  RG_TRY(get_values(vault, m, &x->values));
  RG_TRY(get_strings(vault, inside(m, "features").text, &x->features));
  RG_TRY(get_rows(vault, d, inside(m, "present").text, 1, NULL, (void **)&x->present));
  RG_TRY(get_rows(vault, d, inside(m, "depth").text, sizeof(double), NULL,
                  (void **)&x->depth));
  RG_TRY(get_rows(vault, d, inside(m, "values").text, sizeof(float), &x->embedding.cols,
                  (void **)&x->embedding.data));
  x->embedding.rows = rg_range_n(d->rows);
  RG_TRY(get_whole(vault, inside(m, "explained").text, sizeof(double), &n,
                   (void **)&x->explained));
  RG_TRY(
      get_whole(vault, inside(m, "highly").text, 1, &n, (void **)&x->highly_variable));
  RG_TRY(get_whole(vault, inside(m, "chromosome").text, sizeof(int32_t), &n,
                   (void **)&x->chromosome));
  RG_TRY(get_strings(vault, inside(m, "chromosomes").text, &x->chromosomes));
  x->counts.cols = x->features.n;
out:
  return status;
}

rg_status rg_dataset_read(rg_comm *comm, const char *path, rg_dataset *d)
{
  rg_status status = RG_OK;
  rg_vault *vault = NULL;
  *d = (rg_dataset){0};
  RG_TRY(rg_vault_open(comm, path, &vault));
  const rg_array_info *cells = rg_vault_find(vault, "source");
  const char *kind = rg_vault_text(vault, "kind");
  if (!cells || !kind || strcmp(kind, "prepared data set") != 0) {
    status =
        rg_fail(RG_EINPUT, "%s: not a prepared data set; run regatta prepare", path);
    goto out;
  }
  d->n_cells = cells->rows;
  d->rows = rg_part(d->n_cells, rg_rank(comm), rg_size(comm));
  RG_TRY(get_rows(vault, d, "source", sizeof(int64_t), NULL, (void **)&d->source));
  RG_TRY(get_names(vault, d));
  RG_TRY(get_column(vault, d, "batch", &d->batch));
  RG_TRY(get_column(vault, d, "label", &d->label));
  int n = 0;
  while (rg_vault_text(vault, inside(n, "name").text))
    n++;
  d->modality = RG_NEW(rg_prepared_modality, n);
  for (d->n_modalities = 0; d->n_modalities < n;) {
    int m = d->n_modalities++;
    RG_TRY(get_modality(vault, d, m, &d->modality[m]));
  }
out:
  rg_vault_close(vault);
  if (status != RG_OK)
    rg_dataset_fini(d);
  return status;
}
