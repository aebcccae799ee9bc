/* The way from a file to the data set that is trained on: read, drop cells, deal the
 * cells out evenly again, choose features, embed. */
#include "src/prepare/inner.h"

#include <math.h>
#include <string.h>

/* ---- reading --------------------------------------------------------------------- */

static void look_at_values(rg_comm *comm, rg_draft *d)
{
  bool counts = true, negative = false;
  for (int64_t e = 0; e < rg_csr_nnz(&d->counts); e++) {
    float x = d->counts.values[e];
    counts = counts && x >= 0 && x == floorf(x);
    negative = negative || x < 0;
  }
  d->are_counts = rg_all(comm, counts);
  d->negative = rg_any(comm, negative);
}

/* Proteins are often stored normalised, and so are modalities of other names; genes and
 * peaks have to be counts. */
static rg_status read_draft(rg_file *file, int m, rg_draft *d)
{
  rg_status status = RG_OK;
  rg_comm *comm = rg_file_comm(file);
  *d = (rg_draft){.source = rg_file_modality(file, m)};
  const rg_modality *source = d->source;
  bool strict = rg_kind_of(source->name, false, false) != RG_KIND_PROTEIN;
  RG_TRY(rg_read_counts(file, m, strict ? RG_COUNTS : RG_ANY_FINITE, &d->counts));
  look_at_values(comm, d);
  d->kind = rg_kind_of(source->name, source->chromosomes.n > 0, d->are_counts);
  if (!d->are_counts)
    rg_info("prepare: %s: values are not counts%s: used as they are, without log ratio",
            source->name, d->negative ? " (some are negative)" : "");
  int64_t rows = d->counts.rows;
  d->n_features = d->counts.cols;
  d->feature = RG_NEW(int32_t, d->n_features);
  for (int64_t f = 0; f < d->n_features; f++)
    d->feature[f] = (int32_t)f;
  d->depth = RG_NEW(double, rows);
  rg_row_sums(&d->counts, d->depth);
  d->present = RG_NEW(bool, rows);
  memcpy(d->present, source->present, (size_t)rows * sizeof *d->present);
out:
  return status;
}

static void draft_fini(rg_draft *d)
{
  rg_csr_fini(&d->counts);
  rg_free(d->present);
  rg_free(d->depth);
  rg_free(d->feature);
  rg_free(d->highly_variable);
}

static rg_status read_category(rg_file *file, const char *name, rg_column *column)
{
  rg_status status = RG_OK;
  if (!name)
    return RG_OK;
  RG_TRY(rg_read_column(file, name, column));
  RG_TRY(rg_column_as_category(rg_file_comm(file), column));
out:
  return status;
}

/* ---- cells ----------------------------------------------------------------------- */

/* A cell stays when it has some modality, and enough features in each that it has. */
static bool *choose_cells(int64_t rows, int64_t fewest, const rg_draft *draft, int n)
{
  bool *keep = RG_NEW(bool, rows);
  for (int64_t i = 0; i < rows; i++) {
    int has = 0, poor = 0;
    for (int m = 0; m < n; m++) {
      int64_t features = draft[m].counts.indptr[i + 1] - draft[m].counts.indptr[i];
      has += draft[m].present[i];
      poor += draft[m].present[i] && features < fewest;
    }
    keep[i] = has > 0 && poor == 0;
  }
  return keep;
}

/* The move of the cells kept to an even cut over ranks. */
typedef struct move {
  rg_comm *comm;
  const bool *keep;
  int64_t rows;   /* before */
  rg_layout from; /* of the cells kept */
  rg_layout to;
} move;

static move plan_move(rg_comm *comm, const bool *keep, int64_t rows)
{
  int64_t kept = 0;
  for (int64_t i = 0; i < rows; i++)
    kept += keep[i];
  int size = rg_size(comm);
  move m = {.comm = comm, .keep = keep, .rows = rows, .from = rg_layout_of(comm, kept)};
  m.to.bound = RG_NEW(int64_t, size + 1);
  for (int r = 0; r < size; r++)
    m.to.bound[r + 1] = rg_part(m.from.bound[size], r, size).high;
  return m;
}

/* Array of one item per cell; frees and replaces it. */
static void *move_items(const move *m, void *items, size_t size)
{
  char *at = items;
  int64_t kept = 0;
  for (int64_t i = 0; i < m->rows; i++)
    if (m->keep[i])
      memmove(at + (size_t)kept++ * size, at + (size_t)i * size, size);
  void *moved = rg_relayout(m->comm, &m->from, &m->to, items, (int64_t)size);
  rg_free(items);
  return moved;
}

static void move_strings(const move *m, const rg_strings *all, rg_strings *out)
{
  rg_strings kept = {0};
  for (int64_t i = 0; i < m->rows; i++)
    if (m->keep[i])
      rg_strings_add(&kept, rg_strings_at(all, i), -1);
  *out = rg_relayout_strings(m->comm, &m->from, &m->to, &kept);
  rg_strings_fini(&kept);
}

static void move_draft(const move *m, rg_draft *d)
{
  rg_csr_keep_rows(&d->counts, m->keep);
  rg_csr moved = rg_relayout_csr(m->comm, &m->from, &m->to, &d->counts);
  rg_csr_fini(&d->counts);
  d->counts = moved;
  d->present = move_items(m, d->present, sizeof *d->present);
  d->depth = move_items(m, d->depth, sizeof *d->depth);
}

static void move_column(const move *m, rg_column *column)
{
  if (!column->name)
    return;
  column->code = move_items(m, column->code, sizeof *column->code);
  column->n = m->to.bound[rg_rank(m->comm) + 1] - m->to.bound[rg_rank(m->comm)];
}

static void move_cells(rg_file *file, const bool *keep, rg_draft *draft, int n,
                       rg_dataset *out)
{
  rg_comm *comm = rg_file_comm(file);
  rg_range rows = rg_file_rows(file);
  move m = plan_move(comm, keep, rg_range_n(rows));
  out->n_cells = m.to.bound[rg_size(comm)];
  out->rows = (rg_range){m.to.bound[rg_rank(comm)], m.to.bound[rg_rank(comm) + 1]};
  int64_t *source = RG_NEW(int64_t, rg_range_n(rows));
  for (int64_t i = 0; i < rg_range_n(rows); i++)
    source[i] = rows.low + i;
  out->source = move_items(&m, source, sizeof *source);
  move_strings(&m, rg_file_names(file), &out->names);
  for (int d = 0; d < n; d++)
    move_draft(&m, &draft[d]);
  move_column(&m, &out->batch);
  move_column(&m, &out->label);
  rg_layout_fini(&m.from);
  rg_layout_fini(&m.to);
}

/* ---- modalities ------------------------------------------------------------------ */

/* A draft becomes a modality of the data set; what it owns moves over. */
static void finish_modality(rg_draft *d, const rg_prepared_modality *like,
                            rg_prepared_modality *out)
{
  *out = (rg_prepared_modality){
      .name = d->source ? rg_strdup(d->source->name) : NULL,
      .values = d->are_counts ? RG_VALUES_COUNTS : RG_VALUES_REAL};
  out->counts = d->counts;
  out->present = d->present;
  out->depth = d->depth;
  out->highly_variable = d->highly_variable;
  d->counts = (rg_csr){0};
  d->present = NULL;
  d->depth = NULL;
  d->highly_variable = NULL;
  out->embedding_name = "";
  out->embedding = rg_mat_new(out->counts.rows, 0);
  if (like) {
    rg_strings_copy(&like->features, &out->features);
    rg_strings_copy(&like->chromosomes, &out->chromosomes);
    if (like->chromosome) {
      out->chromosome = RG_NEW(int32_t, like->features.n);
      memcpy(out->chromosome, like->chromosome,
             (size_t)like->features.n * sizeof *out->chromosome);
    }
    return;
  }
  for (int64_t f = 0; f < d->n_features; f++)
    rg_strings_add(&out->features, rg_strings_at(&d->source->features, d->feature[f]),
                   -1);
  if (d->kind == RG_KIND_PEAKS)
    rg_number_chromosomes(d, out);
}

static rg_status select_and_embed(rg_comm *comm, const rg_prepare_options *options,
                                  rg_draft *draft, int n, rg_dataset *out)
{
  rg_status status = RG_OK;
  out->modality = RG_NEW(rg_prepared_modality, n);
  for (int m = 0; m < n; m++) {
    rg_timer_start(draft[m].source->name);
    status = rg_select_features(comm, options, &out->batch, &draft[m]);
    if (status == RG_OK) {
      rg_prepared_modality *to = &out->modality[out->n_modalities++];
      finish_modality(&draft[m], NULL, to);
      rg_mat_fini(&to->embedding);
      status = rg_embed_modality(comm, options, draft[m].kind, draft[m].are_counts, to);
    }
    rg_timer_stop(draft[m].source->name);
    RG_TRY(status);
  }
out:
  return status;
}

/* Which modalities of the file are read: all, or those of the data set to be like. */
static rg_status list_modalities(rg_file *file, const rg_dataset *like, int *list,
                                 int *n)
{
  *n = 0;
  for (int m = 0; m < rg_file_modalities(file) && !like; m++)
    list[(*n)++] = m;
  for (int m = 0; like && m < like->n_modalities; m++) {
    int found = rg_file_find(file, like->modality[m].name);
    if (found >= 0)
      list[(*n)++] = found;
  }
  if (*n > 0)
    return RG_OK;
  return rg_fail(RG_EINPUT,
                 "%s: it has none of the modalities that are wanted, such as "
                 "%s; see: regatta inspect",
                 rg_file_path(file),
                 like && like->n_modalities > 0 ? like->modality[0].name : "rna");
}

/* Normalised values cannot be treated as the counts that a model was trained on. */
static rg_status match_values(rg_file *file, const rg_prepared_modality *model,
                              const rg_draft *d)
{
  if (model->values == RG_VALUES_REAL && d->are_counts)
    rg_warn("%s: modality %s holds counts, but the model was trained on normalised "
            "values",
            rg_file_path(file), model->name);
  if (model->values == RG_VALUES_REAL || d->are_counts)
    return RG_OK;
  return rg_fail(RG_EINPUT,
                 "%s: the values of modality %s are not counts, but the model was trained "
                 "on counts; is there a layer with them (data.layer)?",
                 rg_file_path(file), model->name);
}

/* A modality of the model that the file has not: no cell was measured. */
static void absent_modality(const rg_prepared_modality *like, int64_t rows,
                            rg_prepared_modality *out)
{
  rg_draft none = {.counts = rg_csr_new(rows, like->features.n, 0),
                   .present = RG_NEW(bool, rows),
                   .depth = RG_NEW(double, rows)};
  finish_modality(&none, like, out);
  out->name = rg_strdup(like->name);
  rg_info("prepare: %s: the model knows it, the file does not have it", like->name);
}

static rg_draft *find_draft(rg_draft *draft, int n, const char *name)
{
  for (int d = 0; d < n; d++)
    if (strcmp(draft[d].source->name, name) == 0)
      return &draft[d];
  return NULL;
}

/* The modalities of the model in their order, those that the file lacks as absent. */
static rg_status match_all(rg_file *file, const rg_dataset *like, rg_draft *draft,
                           int n, rg_dataset *out)
{
  rg_status status = RG_OK;
  out->modality = RG_NEW(rg_prepared_modality, like->n_modalities);
  for (int m = 0; m < like->n_modalities; m++) {
    const rg_prepared_modality *model = &like->modality[m];
    rg_draft *d = find_draft(draft, n, model->name);
    if (d) {
      RG_TRY(rg_match_features(rg_file_comm(file), rg_file_path(file), model, d));
      RG_TRY(match_values(file, model, d));
    }
    rg_prepared_modality *to = &out->modality[out->n_modalities++];
    if (d)
      finish_modality(d, model, to);
    else
      absent_modality(model, rg_range_n(out->rows), to);
    to->values = model->values;
  }
out:
  return status;
}

static bool *keep_all(int64_t n)
{
  bool *keep = RG_NEW(bool, n);
  for (int64_t i = 0; i < n; i++)
    keep[i] = true;
  return keep;
}

rg_status rg_prepare(rg_file *file, const rg_prepare_options *options,
                     const char *batch, const char *label, const rg_dataset *like,
                     rg_dataset *out)
{
  rg_status status = RG_OK;
  int n = 0, read = 0, *list = RG_NEW(int, rg_file_modalities(file) + 1);
  rg_draft *draft = RG_NEW(rg_draft, rg_file_modalities(file));
  bool *keep = NULL;
  *out = (rg_dataset){0};
  RG_TRY(read_category(file, batch, &out->batch));
  RG_TRY(read_category(file, label, &out->label));
  RG_TRY(list_modalities(file, like, list, &n));
  for (; read < n; read++)
    RG_TRY(read_draft(file, list[read], &draft[read]));
  int64_t rows = rg_range_n(rg_file_rows(file));
  keep = like ? keep_all(rows)
              : choose_cells(rows, options->min_features_per_cell, draft, n);
  move_cells(file, keep, draft, n, out);
  if (!like)
    rg_info("prepare: %lld of %lld cells kept (at least %lld feature%s in each modality "
            "that they have)",
            (long long)out->n_cells, (long long)rg_file_cells(file),
            (long long)options->min_features_per_cell,
            options->min_features_per_cell == 1 ? "" : "s");
  if (out->n_cells == 0) {
    status = rg_fail(RG_EINPUT,
                     "%s: no cell is left; relax "
                     "prepare.min_features_per_cell",
                     rg_file_path(file));
    goto out;
  }
  RG_TRY(like ? match_all(file, like, draft, n, out)
              : select_and_embed(rg_file_comm(file), options, draft, n, out));
out:
  for (int m = 0; m < n; m++)
    draft_fini(&draft[m]);
  if (status != RG_OK)
    rg_dataset_fini(out);
  rg_free(draft);
  rg_free(list);
  rg_free(keep);
  return status;
}
