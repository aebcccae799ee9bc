/* regatta transfer: labels of reference cells for the cells of another file. */
#include "results.h"

#include "regatta/eval.h"
#include "regatta/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 10000 }; /* reference cells whose distance among their own is looked at */

typedef struct options {
  char *labels, *rep, *metric;
  int64_t k, seed;
} options;

#define AT(member) offsetof(options, member)

static const rg_field fields[] = {
    {"labels", RG_TEXT, AT(labels), "cell_type", 0, 0, NULL, NULL,
     "column of obs of the reference with the labels"},
    {"rep", RG_TEXT, AT(rep), NULL, 0, 0, NULL, NULL,
     "embedding in obsm of both; unset: the first X_... of the reference"},
    {"k", RG_INT, AT(k), "15", 1, 1000, NULL, "cells", "of the reference that vote"},
    {"metric", RG_CHOICE, AT(metric), "euclidean", 0, 0, "euclidean|cosine", NULL,
     "distance of two cells"},
    {"seed", RG_INT, AT(seed), "0", 0, 1LL << 53, NULL, NULL,
     "of the reference cells whose distances are looked at"},
    {0}};

/* The two files and what was found. Owned, but for the embeddings. */
typedef struct work {
  rg_annot reference, query;
  rg_column labels; /* of the reference, as a category */
  rg_mat known;     /* embedding of the reference; rows without a label are NaN */
  int64_t n_known;
  const char *rep;
  const rg_mat *x; /* embedding of the query */
  rg_metric_kind metric;
  int32_t *label;
  double *share, *distance;
  double usual; /* farther than 99 % of reference cells are from their own */
} work;

static void work_fini(work *w)
{
  rg_annot_fini(&w->reference);
  rg_annot_fini(&w->query);
  rg_column_fini(&w->labels);
  rg_mat_fini(&w->known);
  rg_free(w->label);
  rg_free(w->share);
  rg_free(w->distance);
}

/* ---- what is compared ------------------------------------------------------------ */

/* Not collective; the same on every rank. */
static rg_status find_embeddings(const rg_call *call, work *w, const rg_mat **reference)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  const char *found, *const *path = (const char *const *)call->arguments;
  RG_TRY(rg_results_embedding(&w->reference, path[0], o->rep, &w->rep, reference));
  RG_TRY(rg_results_embedding(&w->query, path[1], w->rep, &found, &w->x));
  if (w->x->cols != (*reference)->cols)
    status = rg_fail(RG_EINPUT,
                     "%s: %s has %lld columns, in %s %lld: make it with the same "
                     "model (regatta embed)",
                     path[1], w->rep, (long long)w->x->cols, path[0],
                     (long long)(*reference)->cols);
out:
  return status;
}

static bool is_finite(const float *row, int64_t n)
{
  for (int64_t j = 0; j < n; j++)
    if (!isfinite(row[j]))
      return false;
  return true;
}

/* Collective. */
static rg_status copy_known(const rg_call *call, const rg_mat *reference, work *w)
{
  const options *o = call->options;
  w->known = rg_mat_new(reference->rows, reference->cols);
  for (int64_t i = 0; i < reference->rows; i++) {
    const float *row = rg_mat_row(reference, i);
    bool known = w->labels.code[i] >= 0 && is_finite(row, reference->cols);
    for (int64_t j = 0; j < reference->cols; j++)
      rg_mat_row(&w->known, i)[j] = known ? row[j] : NAN;
    w->n_known += known;
  }
  rg_sum_i64(call->comm, &w->n_known, 1);
  return w->n_known > 0 ? RG_OK
                        : rg_fail(RG_EINPUT,
                                  "%s: no cell has both a value of %s and a row of "
                                  "%s",
                                  call->arguments[0], o->labels, w->rep);
}

/* Collective. */
static rg_status read_both(const rg_call *call, work *w)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  const rg_mat *reference;
  RG_TRY(rg_annot_read(call->comm, call->arguments[0], &w->reference));
  RG_TRY(rg_annot_read(call->comm, call->arguments[1], &w->query));
  RG_TRY(rg_results_category(call->comm, &w->reference, o->labels, &w->labels));
  RG_TRY_ALL(call->comm, find_embeddings(call, w, &reference));
  RG_TRY(copy_known(call, reference, w));
out:
  return status;
}

/* ---- neighbours ------------------------------------------------------------------ */

/* Mean distance of row i to those of its neighbours that are not `self`; NaN without. */
static double mean_distance(const rg_knn *knn, int64_t i, int64_t self, int k)
{
  double sum = 0;
  int n = 0;
  for (int j = 0; j < knn->k && n < k; j++)
    if (knn->index[i * knn->k + j] >= 0 && knn->index[i * knn->k + j] != self) {
      sum += knn->distance[i * knn->k + j];
      n++;
    }
  return n > 0 ? sum / n : NAN;
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The mean distances of a keyed sample of reference cells to the others, on all ranks:
 * below which 99 % of them lie. Collective. */
static rg_status usual_distance(const rg_call *call, int k, work *w)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  rg_knn knn = {0};
  rg_key key = {.seed = (uint64_t)o->seed, .purpose = RG_FOR_SPLIT};
  int64_t total = w->reference.n_cells, low = w->reference.rows.low, n = 0, bytes;
  rg_mat some = rg_mat_new(w->known.rows, w->known.cols);
  int64_t *self = RG_NEW(int64_t, w->known.rows);
  for (int64_t i = 0; i < w->known.rows; i++)
    if (rg_permuted(&key, total, low + i) < SAMPLE) {
      memcpy(rg_mat_row(&some, n), rg_mat_row(&w->known, i),
             sizeof(float) * (size_t)some.cols);
      self[n++] = low + i;
    }
  some.rows = n;
  RG_TRY(rg_knn_query(call->comm, &some, &w->known, k + 1, w->metric, &knn));
  double *mean = RG_NEW(double, n);
  int64_t finite = 0;
  for (int64_t i = 0; i < n; i++) {
    mean[finite] = mean_distance(&knn, i, self[i], k);
    finite += isfinite(mean[finite]);
  }
  double *all = rg_gather_all(call->comm, mean, finite * (int64_t)sizeof *mean, NULL,
                              &bytes);
  finite = bytes / (int64_t)sizeof *all;
  qsort(all, (size_t)finite, sizeof *all, by_value);
  w->usual = finite > 0 ? all[(int64_t)ceil(0.99 * (double)finite) - 1] : INFINITY;
  rg_free(all);
  rg_free(mean);
out:
  rg_knn_fini(&knn);
  rg_free(self);
  rg_mat_fini(&some);
  return status;
}

/* Collective. */
static rg_status ask(const rg_call *call, work *w)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  rg_knn knn = {0};
  int64_t rows = w->x->rows;
  int k = (int)(o->k < w->n_known ? o->k : w->n_known);
  w->metric = strcmp(o->metric, "cosine") == 0 ? RG_COSINE : RG_EUCLIDEAN;
  RG_TRY(rg_knn_query(call->comm, w->x, &w->known, k, w->metric, &knn));
  w->label = RG_NEW(int32_t, rows);
  w->share = RG_NEW(double, rows);
  w->distance = RG_NEW(double, rows);
  rg_knn_vote(call->comm, &knn, w->labels.code, w->known.rows,
              (int)w->labels.categories.n, true, w->label, w->share);
  for (int64_t i = 0; i < rows; i++) {
    w->distance[i] = mean_distance(&knn, i, -1, k);
    if (w->label[i] < 0)
      w->share[i] = NAN;
  }
  status = usual_distance(call, k, w);
out:
  rg_knn_fini(&knn);
  return status;
}

/* ---- results --------------------------------------------------------------------- */

static rg_column numbers(char *name, const double *x, int64_t n)
{
  rg_column column = {.name = name, .type = RG_COLUMN_NUMBER, .n = n,
                      .number = RG_NEW(double, n)};
  memcpy(column.number, x, sizeof *x * (size_t)n);
  return column;
}

static void add_columns(const rg_call *call, work *w)
{
  const options *o = call->options;
  int64_t rows = w->x->rows;
  const char *name = w->labels.name;
  rg_column column = {.name = rg_format("%s_transferred", name),
                      .type = RG_COLUMN_CATEGORY, .n = rows,
                      .code = RG_NEW(int32_t, rows)};
  memcpy(column.code, w->label, sizeof *w->label * (size_t)rows);
  rg_strings_copy(&w->labels.categories, &column.categories);
  rg_annot *query = &w->query;
  rg_annot_set_column(query, column);
  rg_annot_set_column(query, numbers(rg_format("%s_confidence", name), w->share, rows));
  rg_annot_set_column(query, numbers(rg_format("%s_distance", name), w->distance, rows));
  rg_annot_note_text(query, "transfer/params/reference", call->arguments[0]);
  rg_annot_note_text(query, "transfer/params/labels", o->labels);
  rg_annot_note_text(query, "transfer/params/use_rep", w->rep);
  rg_annot_note_text(query, "transfer/params/metric", o->metric);
  rg_annot_note_integer(query, "transfer/params/k", o->k);
  rg_annot_note_number(query, "transfer/reference_distance_99", w->usual);
}

static void print_labels(const rg_call *call, const work *w)
{
  int n = (int)w->labels.categories.n;
  int64_t *count = RG_NEW(int64_t, n + 2);
  for (int64_t i = 0; i < w->x->rows; i++) {
    count[w->label[i] < 0 ? n : w->label[i]]++;
    count[n + 1] += w->label[i] >= 0 && w->distance[i] > w->usual;
  }
  rg_sum_i64(call->comm, count, n + 2);
  rg_say(call->comm, "%lld of %lld cells got a label from %lld reference cells in %s\n",
         (long long)(w->query.n_cells - count[n]), (long long)w->query.n_cells,
         (long long)w->n_known, w->rep);
  for (int l = 0; l < n; l++)
    if (count[l] > 0)
      rg_say(call->comm, "%8lld  %s\n", (long long)count[l],
             rg_strings_at(&w->labels.categories, l));
  rg_say(call->comm, "%lld cells are farther from the reference than 99 %% of its cells "
                     "from each other (%s_distance above %.4g)\n",
         (long long)count[n + 1], w->labels.name, w->usual);
  rg_free(count);
}

/* Where the query has the labels too. Collective. */
static rg_status print_agreement(const rg_call *call, const work *w)
{
  rg_status status = RG_OK;
  rg_column own = {0};
  int32_t *truth = NULL;
  int64_t unknown = 0;
  if (!rg_annot_column(&w->query, w->labels.name))
    return RG_OK;
  RG_TRY(rg_results_category(call->comm, &w->query, w->labels.name, &own));
  truth = RG_NEW(int32_t, w->x->rows);
  for (int64_t i = 0; i < w->x->rows; i++) {
    truth[i] = -1;
    if (own.code[i] < 0 || w->label[i] < 0)
      continue;
    truth[i] = (int32_t)rg_strings_find(&w->labels.categories,
                                        rg_strings_at(&own.categories, own.code[i]));
    unknown += truth[i] < 0;
  }
  rg_sum_i64(call->comm, &unknown, 1);
  rg_agreement a = rg_compare_labels(call->comm, truth, w->label,
                                     (int)w->labels.categories.n, w->x->rows);
  if (a.cells > 0)
    rg_say(call->comm, "accuracy %.4f, macro F1 %.4f over %lld cells with a %s\n",
           a.accuracy, a.macro_f1, (long long)a.cells, w->labels.name);
  if (unknown > 0)
    rg_say(call->comm, "%lld cells have a %s that the reference does not have\n",
           (long long)unknown, w->labels.name);
out:
  rg_free(truth);
  rg_column_fini(&own);
  return status;
}

/* ---- the command ----------------------------------------------------------------- */

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const char *path = call->arguments[1];
  work w = {0};
  RG_TRY(rg_check_output(call->comm, path));
  RG_TRY(read_both(call, &w));
  RG_TRY(ask(call, &w));
  add_columns(call, &w);
  RG_TRY(rg_annot_update(call->comm, path, &w.query));
  print_labels(call, &w);
  RG_TRY(print_agreement(call, &w));
  rg_say_result(call->comm, path);
out:
  work_fini(&w);
  return status;
}

const rg_command rg_cmd_transfer = {
    .name = "transfer",
    .arguments = "REFERENCE.h5ad QUERY.h5ad",
    .summary = "label cells as their nearest reference cells are",
    .help =
        "Every cell of QUERY gets the label that weighs most among its k nearest cells of "
        "REFERENCE in an embedding that both have (regatta embed with one model), searched "
        "exactly. Adds to obs of QUERY LABELS_transferred, LABELS_confidence (the share of "
        "the weight) and LABELS_distance (the mean distance to those k: what is far from "
        "all of the reference has a label too, and only this tells). Where QUERY has the "
        "labels, accuracy and macro F1 are printed. The same on any number of ranks.",
    .example = "regatta transfer atlas/results.h5ad new/results.h5ad --labels cell_type",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 77,
    .run = run};
