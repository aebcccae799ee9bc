/* A data set of several modalities as h5mu. */

#include "config.h"

#include "frame_write.h"

#define MAGIC                                                                          \
  "MuData (format-version=0.1.0;creator=regatta;creator-version=" PACKAGE_VERSION ")"

/* What is written for one modality: its own rows, taken from those of all cells. */
typedef struct view {
  const rg_new_modality *modality;
  rg_strings names; /* of the cells that are present */
  int n_columns;
  rg_column *columns; /* of those cells */
  uint32_t *obsmap;   /* per cell: 0, or 1 + its row in the modality */
  int8_t *mask;       /* per cell: present */
} view;

/* Keep the rows of a column that are present. */
static rg_column keep_rows(const rg_column *column, const bool *present, int64_t n)
{
  rg_column out = {.name = rg_strdup(column->name), .type = column->type};
  rg_strings_copy(&column->categories, &out.categories);
  out.code = column->code ? RG_NEW(int32_t, n) : NULL;
  out.number = column->number ? RG_NEW(double, n) : NULL;
  for (int64_t i = 0; i < n; i++) {
    if (present && !present[i])
      continue;
    if (out.code)
      out.code[out.n] = column->code[i];
    if (out.number)
      out.number[out.n] = column->number[i];
    if (column->type == RG_COLUMN_STRING)
      rg_strings_add(&out.text, rg_strings_at(&column->text, i), -1);
    out.n++;
  }
  return out;
}

static view make_view(rg_comm *comm, const rg_new_modality *modality,
                      const rg_strings *names, int n_columns, const rg_column *columns)
{
  int64_t n = names->n;
  view v = {.modality = modality,
            .n_columns = n_columns,
            .columns = RG_NEW(rg_column, n_columns),
                              .obsmap = RG_NEW(uint32_t, n), .mask = RG_NEW(int8_t, n)};
  for (int64_t i = 0; i < n; i++) {
    v.mask[i] = !modality->present || modality->present[i];
    if (v.mask[i])
      rg_strings_add(&v.names, rg_strings_at(names, i), -1);
  }
  RG_ASSERT(v.names.n == modality->counts->rows);
  int64_t row = rg_prefix_i64(comm, v.names.n, NULL);
  for (int64_t i = 0; i < n; i++)
    v.obsmap[i] = v.mask[i] ? (uint32_t)++row : 0;
  for (int i = 0; i < n_columns; i++)
    v.columns[i] = keep_rows(&columns[i], modality->present, n);
  return v;
}

static void free_view(view *v)
{
  for (int i = 0; i < v->n_columns; i++)
    rg_column_fini(&v->columns[i]);
  rg_free(v->columns);
  rg_free(v->obsmap);
  rg_free(v->mask);
  rg_strings_fini(&v->names);
}

static void put_groups(rg_h5_writer *w, const char *parent, const char *const *names)
{
  for (; *names; names++) {
    char *path = rg_format("%s/%s", parent, *names);
    rg_h5_put_group(w, path, "dict", "0.1.0");
    rg_free(path);
  }
}

/* Integers on rank 0 as a column of a frame. */
static void put_integers(rg_h5_writer *w, const char *frame, const char *name,
                         const int64_t *x, int64_t n)
{
  char *path = rg_format("%s/%s", frame, name);
  rg_h5_put_array(w, path, RG_H5_I64, x, n, 0);
  rg_h5_put_encoding(w, path, "array", "0.2.0");
  rg_free(path);
}

/* var, with the places of features that have one. */
static void put_features(rg_h5_writer *w, const char *path, const rg_new_modality *m)
{
  rg_strings none = {0}, order = {0};
  bool root = rg_rank(rg_h5_writer_comm(w)) == 0;
  rg_frame_put(w, path, root ? m->features : &none, 0, NULL);
  if (!m->chromosome)
    return;
  rg_column chromosome = {.name = "chrom",
                          .type = RG_COLUMN_CATEGORY,
                          .n = root ? m->features->n : 0,
                          .code = (int32_t *)m->chromosome,
                          .categories = *m->chromosomes};
  char *name = rg_format("%s/chrom", path);
  rg_frame_put_column(w, name, &chromosome);
  rg_free(name);
  put_integers(w, path, "start", m->start, m->features->n);
  put_integers(w, path, "end", m->end, m->features->n);
  rg_strings_add(&order, "chrom", -1);
  rg_strings_add(&order, "start", -1);
  rg_strings_add(&order, "end", -1);
  rg_h5_put_strings_attribute(w, path, "column-order", &order);
  rg_strings_fini(&order);
}

static void put_modality(rg_h5_writer *w, const view *v)
{
  static const char *const groups[] = {"layers", "obsm", "obsp", "uns",
                                       "varm",   "varp", NULL};
  const rg_new_modality *m = v->modality;
  char *root = rg_format("/mod/%s", m->name);
  char *x = rg_format("%s/X", root);
  char *obs = rg_format("%s/obs", root);
  char *var = rg_format("%s/var", root);
  rg_h5_put_group(w, root, "anndata", "0.1.0");
  rg_frame_put_csr(w, x, m->counts, m->features->n);
  rg_frame_put(w, obs, &v->names, v->n_columns, v->columns);
  put_features(w, var, m);
  put_groups(w, root, groups);
  rg_free(root);
  rg_free(x);
  rg_free(obs);
  rg_free(var);
}

/* The rows of cells and features in each modality, and masks of the cells present. */
static void put_maps(rg_h5_writer *w, int64_t n_cells, int n_views, const view *views)
{
  int64_t n_features = 0;
  for (int i = 0; i < n_views; i++)
    n_features += views[i].modality->features->n;
  uint32_t *varmap = RG_NEW(uint32_t, n_features);
  int64_t first = 0;
  for (int i = 0; i < n_views; i++) {
    const rg_new_modality *m = views[i].modality;
    char *path = rg_format("/obsmap/%s", m->name);
    rg_h5_put_rows(w, path, RG_H5_U32, views[i].obsmap, n_cells, 0);
    rg_free(path);
    path = rg_format("/obsm/%s", m->name);
    rg_h5_put_rows(w, path, RG_H5_BOOL8, views[i].mask, n_cells, 0);
    rg_h5_put_encoding(w, path, "array", "0.2.0");
    rg_free(path);
    for (int64_t j = 0; j < n_features; j++)
      varmap[j] =
          j < first || j >= first + m->features->n ? 0 : (uint32_t)(j - first + 1);
    first += m->features->n;
    path = rg_format("/varmap/%s", m->name);
    rg_h5_put_array(w, path, RG_H5_U32, varmap, n_features, 0);
    rg_free(path);
  }
  rg_free(varmap);
}

static void put_all_features(rg_h5_writer *w, int n_views, const view *views)
{
  rg_strings all = {0};
  bool root = rg_rank(rg_h5_writer_comm(w)) == 0;
  for (int i = 0; root && i < n_views; i++)
    for (int64_t j = 0; j < views[i].modality->features->n; j++)
      rg_strings_add(&all, rg_strings_at(views[i].modality->features, j), -1);
  rg_frame_put(w, "/var", &all, 0, NULL);
  rg_strings_fini(&all);
}

static void put_root(rg_h5_writer *w, int n_views, const view *views)
{
  static const char *const groups[] = {"obsm", "obsp",   "obsmap", "varm",
                                       "varp", "varmap", "uns",    NULL};
  int64_t axis = 0;
  rg_strings order = {0};
  for (int i = 0; i < n_views; i++)
    rg_strings_add(&order, views[i].modality->name, -1);
  rg_h5_put_encoding(w, "/", "MuData", "0.1.0");
  rg_h5_put_text_attribute(w, "/", "encoder", "regatta");
  rg_h5_put_text_attribute(w, "/", "encoder-version", PACKAGE_VERSION);
  rg_h5_put_int_attribute(w, "/", "axis", &axis, 0);
  rg_h5_put_group(w, "/mod", NULL, NULL);
  rg_h5_put_strings_attribute(w, "/mod", "mod-order", &order);
  put_groups(w, "", groups);
  rg_strings_fini(&order);
}

rg_status rg_write_h5mu(rg_comm *comm, const char *path, int64_t n_cells,
                        const rg_strings *names, int n_columns,
                        const rg_column *columns, int n_modalities,
                        const rg_new_modality *modalities)
{
  rg_h5_writer *w;
  rg_status status = rg_h5_begin(comm, path, MAGIC, &w);
  if (status != RG_OK)
    return status;
  view *views = RG_NEW(view, n_modalities);
  for (int i = 0; i < n_modalities; i++)
    views[i] = make_view(comm, &modalities[i], names, n_columns, columns);
  if (n_cells >= UINT32_MAX)
    rg_h5_writer_fail(w, rg_fail(RG_EUSAGE, "%s: at most 2^32 - 2 cells", path));
  put_root(w, n_modalities, views);
  rg_frame_put(w, "/obs", names, n_columns, columns);
  put_all_features(w, n_modalities, views);
  put_maps(w, names->n, n_modalities, views);
  for (int i = 0; i < n_modalities; i++)
    put_modality(w, &views[i]);
  status = rg_h5_finish(w);
  for (int i = 0; i < n_modalities; i++)
    free_view(&views[i]);
  rg_free(views);
  return status;
}
