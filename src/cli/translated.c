/* A prediction, the truth and training cells, brought together. */
#include "translated.h"

#include "regatta/prepare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ORIGIN_GENES = 2000 };

/* ---- files ----------------------------------------------------------------------- */

/* "x.h5mu/adt" and "x.h5mu/mod/adt" into file and modality; *modality is NULL without one.
 * Owned. */
static void split_path(const char *text, char **path, char **modality)
{
  const char *end = strstr(text, ".h5mu/");
  *modality = NULL;
  if (!end) {
    *path = rg_strdup(text);
    return;
  }
  const char *name = end + strlen(".h5mu/");
  *path = rg_format("%.*s", (int)(name - text) - 1, text);
  if (strncmp(name, "mod/", 4) == 0)
    name += 4;
  if (*name)
    *modality = rg_strdup(name);
}

/* Where the features of `mine` lie in `table`, -1: nowhere; returns how many do. */
static int64_t find_features(const rg_strings *table, const rg_strings *mine,
                             int64_t *place)
{
  int64_t n = 0;
  rg_status status = rg_names_match(rg_comm_self(), "features", table, mine, place);
  RG_ASSERT(status == RG_OK); /* io makes them unique */
  for (int64_t f = 0; f < mine->n; f++)
    n += place[f] >= 0;
  return n;
}

static rg_status find_modality(const rg_translated_side *side, const char *name, int *m)
{
  *m = rg_file_find(side->file, name);
  return *m >= 0 ? RG_OK
                 : rg_fail(RG_EINPUT, "%s: no modality %s", side->path, name);
}

/* The named modality, or the one with most features of the prediction. */
static rg_status choose_modality(rg_translated_side *side, const char *name,
                                 const rg_strings *predicted)
{
  int64_t most = 0;
  side->to = -1;
  if (name)
    return find_modality(side, name, &side->to);
  for (int m = 0; m < rg_file_modalities(side->file); m++) {
    const rg_strings *features = &rg_file_modality(side->file, m)->features;
    int64_t *place = RG_NEW(int64_t, features->n);
    int64_t shared = find_features(predicted, features, place);
    if (shared > most) {
      most = shared;
      side->to = m;
    }
    rg_free(place);
  }
  return side->to >= 0
             ? RG_OK
             : rg_fail(RG_EINPUT, "%s: none of its features is predicted", side->path);
}

static rg_status open_side(rg_comm *comm, const char *path,
                           const rg_translated_options *o, rg_translated_side *side)
{
  rg_open_options how = {.layer = o->layer};
  side->path = rg_strdup(path);
  side->from = -1;
  return rg_open(comm, path, &how, &side->file);
}

/* Cells that have both modalities; of too many a keyed sample. Collective. */
static void choose_cells(rg_comm *comm, const rg_translated_options *o, uint64_t seed,
                         rg_translated_side *side)
{
  int64_t rows = rg_range_n(rg_file_rows(side->file)), n = 0, total;
  const bool *to = rg_file_modality(side->file, side->to)->present;
  const bool *from =
      side->from >= 0 ? rg_file_modality(side->file, side->from)->present : NULL;
  for (int64_t i = 0; i < rows; i++) {
    side->use[i] = side->use[i] && to[i] && (!from || from[i]);
    n += side->use[i];
  }
  rg_key key = {.seed = seed, .purpose = RG_FOR_SPLIT};
  int64_t at = rg_prefix_i64(comm, n, &total);
  if (o->cells == 0 || total <= o->cells)
    return;
  rg_info("%s: %lld of %lld cells are looked at", side->path, (long long)o->cells,
          (long long)total);
  for (int64_t i = 0; i < rows; i++)
    if (side->use[i])
      side->use[i] = rg_permuted(&key, total, at++) < o->cells;
}

/* ---- counts ---------------------------------------------------------------------- */

/* Values of a modality; those of proteins may be normalised, and so no counts: then
 * *target becomes that of values as they are. Collective. */
static rg_status read_values(rg_file *file, int m, rg_target *target, rg_csr *x)
{
  bool proteins = *target == RG_TARGET_RATIO || *target == RG_TARGET_REAL;
  rg_status status =
      rg_read_counts(file, m, proteins ? RG_ANY_FINITE : RG_NON_NEGATIVE, x);
  bool negative = false;
  for (int64_t e = 0; status == RG_OK && e < rg_csr_nnz(x); e++)
    negative = negative || x->values[e] < 0;
  if (rg_any(rg_file_comm(file), negative))
    *target = RG_TARGET_REAL;
  return status;
}

/* Counts of the cells in use, and what of them the scale needs, over all features. */
static rg_status read_target(rg_translated_side *side, rg_target *target)
{
  rg_status status = read_values(side->file, side->to, target, &side->counts);
  if (status != RG_OK)
    return status;
  rg_csr_keep_rows(&side->counts, side->use);
  side->scale = rg_row_scale(&side->counts, *target);
  if (side->from >= 0)
    return RG_OK;
  /* nothing is read: the depth is their own */
  side->log_depth = RG_NEW(double, side->counts.rows);
  rg_row_sums(&side->counts, side->log_depth);
  for (int64_t i = 0; i < side->counts.rows; i++)
    side->log_depth[i] = log1p(fmax(side->log_depth[i], 0));
  return RG_OK;
}

static rg_status read_origin(rg_translated_side *side, rg_target *kind)
{
  rg_status status = read_values(side->file, side->from, kind, &side->origin);
  if (status != RG_OK)
    return status;
  rg_csr_keep_rows(&side->origin, side->use);
  side->depth = RG_NEW(double, side->origin.rows);
  side->log_depth = RG_NEW(double, side->origin.rows);
  rg_row_sums(&side->origin, side->depth);
  for (int64_t i = 0; i < side->origin.rows; i++)
    side->log_depth[i] = log1p(fmax(side->depth[i], 0));
  return RG_OK;
}

/* The columns of both sides that both have and that `keep` (features of the test, NULL:
 * all) names, in the order of the test. Returns their number; place[f] gets the new number
 * of feature f of the test or -1. */
static int64_t share_columns(const rg_strings *test, rg_csr *test_counts,
                             const rg_strings *train, rg_csr *train_counts,
                             const bool *keep, int32_t *place)
{
  int64_t *found = RG_NEW(int64_t, test->n);
  int32_t n = 0;
  if (train)
    find_features(train, test, found);
  for (int64_t f = 0; f < test->n; f++)
    place[f] = found[f] >= 0 && (!keep || keep[f]) ? n++ : -1;
  rg_csr_arrange_columns(test_counts, place, n);
  if (train) {
    int32_t *there = RG_NEW(int32_t, train->n);
    for (int64_t f = 0; f < train->n; f++)
      there[f] = -1;
    for (int64_t f = 0; f < test->n; f++)
      if (place[f] >= 0)
        there[found[f]] = place[f];
    rg_csr_arrange_columns(train_counts, there, n);
    rg_free(there);
  }
  rg_free(found);
  return n;
}

/* Keep some columns of both (b may be none). */
static void keep_columns(rg_csr *a, rg_csr *b, const bool *kept)
{
  int64_t cols = a->cols;
  int32_t *place = RG_NEW(int32_t, cols), next = 0;
  for (int64_t f = 0; f < cols; f++)
    place[f] = kept[f] ? next++ : -1;
  rg_csr_arrange_columns(a, place, next);
  if (b->indptr)
    rg_csr_arrange_columns(b, place, next);
  rg_free(place);
}

typedef struct ranked {
  double variance;
  int64_t feature;
} ranked;

static int most_variable(const void *x, const void *y)
{
  const ranked *a = x, *b = y;
  if (a->variance != b->variance)
    return a->variance > b->variance ? -1 : 1;
  return (a->feature > b->feature) - (a->feature < b->feature);
}

/* The `n` features whose log-normalised values vary most. Collective. */
static rg_status choose_variable(rg_comm *comm, const rg_translated_side *side, int64_t n,
                                 bool *kept)
{
  rg_csr x = rg_copy_csr(&side->counts);
  double *factor = RG_NEW(double, x.rows);
  rg_feature_stats stats = {0};
  for (int64_t i = 0; i < x.rows; i++)
    factor[i] = side->scale[i] > 0 ? side->scale[i] : 1;
  rg_scale_log(&x, factor);
  rg_status status = rg_feature_statistics(comm, &x, &stats);
  ranked *order = RG_NEW(ranked, x.cols);
  for (int64_t f = 0; f < x.cols && status == RG_OK; f++)
    order[f] = (ranked){stats.variance[f], f};
  qsort(order, (size_t)x.cols, sizeof *order, most_variable);
  for (int64_t f = 0; f < x.cols; f++)
    kept[order[f].feature] = f < n;
  rg_free(order);
  rg_feature_stats_fini(&stats);
  rg_free(factor);
  rg_csr_fini(&x);
  return status;
}

/* Axes of the modality that is read. Collective. */
static rg_status make_axes(rg_comm *comm, const rg_translated_options *o, rg_target kind,
                           uint64_t seed,
                           rg_translated_data *d)
{
  rg_status status = RG_OK;
  rg_translated_side *test = &d->test, *train = &d->train;
  const rg_strings *here = &rg_file_modality(test->file, test->from)->features;
  const rg_strings *there = &rg_file_modality(train->file, train->from)->features;
  int32_t *place = RG_NEW(int32_t, here->n);
  bool *kept = NULL;
  RG_TRY(read_origin(train, &kind));
  int64_t n =
      share_columns(here, &test->origin, there, &train->origin, NULL, place);
  if (n < here->n)
    rg_info("%s of %s: %lld of %lld features are in %s too", o->from, test->path,
            (long long)n, (long long)here->n, train->path);
  kept = RG_NEW(bool, n);
  if (kind == RG_TARGET_LOG && n > ORIGIN_GENES) {
    RG_TRY(rg_highly_variable(comm, &train->origin, NULL, 1, ORIGIN_GENES, kept, NULL,
                              NULL));
    keep_columns(&train->origin, &test->origin, kept);
  }
  int axes = o->axes > 0 ? (int)o->axes : kind == RG_TARGET_OPEN ? 15 : 50;
  rg_origin fitted = {&train->origin, train->depth}, other = {&test->origin, test->depth};
  RG_TRY(rg_origin_axes(comm, kind, &fitted, &other, axes, seed, &train->axes,
                        &test->axes));
  rg_info("controls read %lld axes of %s", (long long)train->axes.cols, o->from);
out:
  rg_free(kept);
  rg_free(place);
  return status;
}

/* ---- the prediction -------------------------------------------------------------- */

/* Cells of the truth that are predicted: row[i] in the prediction. Collective. */
static rg_status find_cells(rg_comm *comm, const rg_prediction *p, rg_translated_side *test,
                            int64_t *row)
{
  rg_status status = RG_OK;
  int64_t rows = rg_range_n(rg_file_rows(test->file)), n = 0;
  int64_t *known = RG_NEW(int64_t, rows);
  bool *finite = RG_NEW(bool, rows);
  RG_TRY(rg_names_match(comm, rg_file_path(p->file), rg_file_names(p->file),
                        rg_file_names(test->file), row));
  for (int64_t i = 0; i < rows; i++)
    if (row[i] >= 0)
      known[n++] = row[i];
  rg_fetch(comm, p->finite, rg_file_cells(p->file), sizeof *finite, known, n, finite);
  test->use = RG_NEW(bool, rows);
  n = 0;
  for (int64_t i = 0; i < rows; i++)
    test->use[i] = row[i] >= 0 && finite[n++];
out:
  rg_free(known);
  rg_free(finite);
  return status;
}

/* The predictions of the cells in use: features `column` (of the prediction).
 * Collective. */
static void fetch_predictions(rg_comm *comm, const rg_prediction *p, const int64_t *row,
                              const int64_t *column, rg_translated_data *d)
{
  int64_t n = 0, features = d->features.n, rows = rg_range_n(rg_file_rows(d->test.file));
  int64_t *ids = RG_NEW(int64_t, rows), *place = RG_NEW(int64_t, p->x.cols);
  rg_mat mine = rg_mat_new(p->x.rows, features);
  for (int64_t f = 0; f < p->x.cols; f++)
    place[f] = -1;
  for (int64_t f = 0; f < features; f++)
    place[column[f]] = f;
  for (int64_t i = 0; i < p->x.rows; i++)
    for (int64_t e = p->x.indptr[i]; e < p->x.indptr[i + 1]; e++)
      if (place[p->x.indices[e]] >= 0)
        rg_mat_row(&mine, i)[place[p->x.indices[e]]] = p->x.values[e];
  for (int64_t i = 0; i < rows; i++)
    if (d->test.use[i])
      ids[n++] = row[i];
  int64_t total = rg_file_cells(p->file);
  d->predicted = rg_mat_new(n, features);
  d->predicted_scale = RG_NEW(double, n);
  rg_fetch(comm, mine.data, total, features * (int64_t)sizeof(float), ids, n,
           d->predicted.data);
  rg_fetch(comm, p->scale, total, sizeof(double), ids, n, d->predicted_scale);
  rg_mat_fini(&mine);
  rg_free(ids);
  rg_free(place);
}

/* ---- features, labels ------------------------------------------------------------ */

/* The features that are scored, and where they are in the prediction. Collective. */
static rg_status choose_features(rg_comm *comm, const rg_translated_options *o,
                                 const rg_prediction *p, rg_translated_data *d,
                                 int64_t **column)
{
  rg_status status = RG_OK;
  const rg_strings *here = &rg_file_modality(d->test.file, d->test.to)->features;
  const rg_strings *there =
      d->train.file ? &rg_file_modality(d->train.file, d->train.to)->features : NULL;
  int64_t *predicted = RG_NEW(int64_t, here->n), m = 0;
  bool *keep = RG_NEW(bool, here->n), *kept = NULL;
  int32_t *place = RG_NEW(int32_t, here->n);
  rg_feature_stats stats = {0};
  find_features(&rg_file_modality(p->file, 0)->features, here, predicted);
  RG_TRY(rg_feature_statistics(comm, &d->test.counts, &stats));
  for (int64_t f = 0; f < here->n; f++)
    keep[f] = predicted[f] >= 0 &&
              (d->target != RG_TARGET_OPEN || stats.cells[f] >= o->positives);
  int64_t n = share_columns(here, &d->test.counts, there, &d->train.counts, keep, place);
  if (n == 0)
    RG_TRY(rg_fail(RG_EINPUT, "%s: none of its features can be scored", d->path));
  kept = RG_NEW(bool, n);
  memset(kept, 1, (size_t)n * sizeof *kept);
  if (d->target == RG_TARGET_LOG && o->genes > 0 && o->genes < n) {
    RG_TRY(choose_variable(comm, d->train.file ? &d->train : &d->test, o->genes, kept));
    keep_columns(&d->test.counts, &d->train.counts, kept);
  }
  *column = RG_NEW(int64_t, n);
  for (int64_t f = 0; f < here->n; f++)
    if (place[f] >= 0 && kept[place[f]]) {
      rg_strings_add(&d->features, rg_strings_at(here, f), -1);
      (*column)[m++] = predicted[f];
    }
out:
  rg_feature_stats_fini(&stats);
  rg_free(predicted);
  rg_free(keep);
  rg_free(kept);
  rg_free(place);
  return status;
}

/* Labels of the cells in use, numbered as in the truth. Collective. */
static rg_status read_labels(rg_comm *comm, const char *name, rg_translated_data *d)
{
  rg_status status = RG_OK;
  rg_translated_side *sides[2] = {&d->test, &d->train};
  rg_column column[2] = {{0}, {0}};
  for (int s = 0; s < (d->train.file ? 2 : 1); s++) {
    rg_column *c = &column[s];
    RG_TRY(rg_read_column(sides[s]->file, name, c));
    RG_TRY(rg_column_as_category(comm, c));
    int64_t rows = rg_range_n(rg_file_rows(sides[s]->file)), n = 0;
    int64_t *number = RG_NEW(int64_t, c->categories.n);
    find_features(&column[0].categories, &c->categories, number);
    sides[s]->label = RG_NEW(int32_t, rows);
    for (int64_t i = 0; i < rows; i++)
      if (sides[s]->use[i])
        sides[s]->label[n++] = c->code[i] < 0 ? -1 : (int32_t)number[c->code[i]];
    rg_free(number);
  }
  d->n_labels = (int)column[0].categories.n;
out:
  rg_column_fini(&column[0]);
  rg_column_fini(&column[1]);
  return status;
}

/* ---- all of it ------------------------------------------------------------------- */

static rg_status open_train(rg_comm *comm, const rg_translated_options *o, uint64_t seed,
                            rg_translated_data *d)
{
  rg_status status = RG_OK;
  rg_translated_side *train = &d->train;
  RG_TRY(open_side(comm, o->train, o, train));
  RG_TRY(find_modality(train, d->modality, &train->to));
  if (o->from)
    RG_TRY(find_modality(train, o->from, &train->from));
  int64_t rows = rg_range_n(rg_file_rows(train->file));
  train->use = RG_NEW(bool, rows);
  memset(train->use, 1, (size_t)rows * sizeof *train->use);
  choose_cells(comm, o, seed, train);
  RG_TRY(read_target(train, &d->target));
out:
  return status;
}

static rg_status open_test(rg_comm *comm, const rg_translated_options *o, uint64_t seed,
                           const rg_prediction *p, int64_t **row, rg_translated_data *d)
{
  rg_status status = RG_OK;
  rg_translated_side *test = &d->test;
  char *path, *modality;
  split_path(o->truth, &path, &modality);
  RG_TRY(open_side(comm, path, o, test));
  RG_TRY(choose_modality(test, modality, &rg_file_modality(p->file, 0)->features));
  d->modality = rg_strdup(rg_file_modality(test->file, test->to)->name);
  d->target = rg_target_of(d->modality);
  if (o->from)
    RG_TRY(find_modality(test, o->from, &test->from));
  *row = RG_NEW(int64_t, rg_range_n(rg_file_rows(test->file)));
  RG_TRY(find_cells(comm, p, test, *row));
  choose_cells(comm, o, seed, test);
  RG_TRY(read_target(test, &d->target));
  int64_t cells = test->counts.rows;
  rg_sum_i64(comm, &cells, 1);
  if (cells < 3)
    RG_TRY(rg_fail(RG_EINPUT, "%s: %lld of its cells are predicted and have %s", path,
                   (long long)cells, d->modality));
out:
  rg_free(path);
  rg_free(modality);
  return status;
}

rg_status rg_translated_read(rg_comm *comm, const char *path,
                             const rg_translated_options *o, const char *labels,
                             uint64_t seed, rg_translated_data *d)
{
  rg_status status = RG_OK;
  rg_prediction p = {0};
  int64_t *row = NULL, *column = NULL;
  d->path = path;
  if ((o->from == NULL) != (o->train == NULL))
    RG_TRY(rg_fail(RG_EUSAGE, "evaluate: --from and --train go together: what the "
                              "controls read, and the cells they are fitted on"));
  RG_TRY(rg_prediction_read(comm, path, &p));
  RG_TRY(open_test(comm, o, seed, &p, &row, d));
  if (o->train)
    RG_TRY(open_train(comm, o, seed, d));
  RG_TRY(rg_prediction_scale(&p, o->scale, d->target, &d->as_is));
  RG_TRY(choose_features(comm, o, &p, d, &column));
  fetch_predictions(comm, &p, row, column, d);
  if (labels)
    RG_TRY(read_labels(comm, labels, d));
  if (o->from) {
    rg_target kind = rg_target_of(o->from);
    RG_TRY(read_origin(&d->test, &kind));
    RG_TRY(make_axes(comm, o, kind, seed, d));
  }
out:
  rg_free(row);
  rg_free(column);
  rg_prediction_fini(&p);
  return status;
}

static void side_fini(rg_translated_side *side)
{
  rg_close(side->file);
  rg_free(side->path);
  rg_free(side->use);
  rg_csr_fini(&side->counts);
  rg_free(side->scale);
  rg_free(side->depth);
  rg_free(side->log_depth);
  rg_free(side->label);
  rg_csr_fini(&side->origin);
  rg_mat_fini(&side->axes);
}

void rg_translated_fini(rg_translated_data *d)
{
  side_fini(&d->test);
  side_fini(&d->train);
  rg_free(d->modality);
  rg_strings_fini(&d->features);
  rg_mat_fini(&d->predicted);
  rg_free(d->predicted_scale);
}
