/* regatta evaluate: scores of an embedding beside their controls. */
#include "regatta/cli.h"
#include "regatta/eval.h"

#include <math.h>
#include <string.h>

typedef struct evaluate_options {
  char *rep, *labels, *batch, *drop, *depth, *output;
  bool json, l2, controls;
  int64_t seed;
} evaluate_options;

static const rg_field options[] = {
    {"rep", RG_TEXT, offsetof(evaluate_options, rep), NULL, 0, 0, NULL, NULL,
     "embedding to score; unset: the first X_* that is no control and no X_umap"},
    {"labels", RG_TEXT, offsetof(evaluate_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with cell types, or FILE:COLUMN"},
    {"batch", RG_TEXT, offsetof(evaluate_options, batch), NULL, 0, 0, NULL, NULL,
     "column of obs with batches, or FILE:COLUMN"},
    {"drop", RG_TEXT, offsetof(evaluate_options, drop), NULL, 0, 0, NULL, NULL,
     "labels to leave out, separated by commas"},
    {"depth", RG_TEXT, offsetof(evaluate_options, depth), NULL, 0, 0, NULL, NULL,
     "column of obs with counts per cell; unset: depth_* where there is one"},
    {"l2", RG_BOOL, offsetof(evaluate_options, l2), "false", 0, 0, NULL, NULL,
     "scale rows to unit length first"},
    {"controls", RG_BOOL, offsetof(evaluate_options, controls), "true", 0, 0, NULL, NULL,
     "score random numbers, zeros, X_pca and X_lsi beside it"},
    {"seed", RG_INT, offsetof(evaluate_options, seed), "0", 0, 1LL << 53, NULL, NULL,
     "of clusters, samples and the random control"},
    {"json", RG_BOOL, offsetof(evaluate_options, json), "false", 0, 0, NULL, NULL,
     "print one JSON object instead of a table"},
    {"output", RG_TEXT, offsetof(evaluate_options, output), NULL, 0, 0, NULL, NULL,
     "also write the JSON object to this file"},
    {0}};

enum { REPS = 8, SCORES = 64 };

typedef struct rep {
  const char *name;
  rg_mat mat;
  int n;
  rg_score score[SCORES];
} rep;

/** What is scored: this rank's cells, dealt out evenly again. */
typedef struct cells {
  int64_t rows;
  int32_t *label, *batch;
  double *depth;
  int n_labels, n_batches, n_reps;
  rep reps[REPS];
} cells;

/* ---- columns ---- */

static rg_status copy_category(rg_comm *comm, const rg_column *from, int64_t rows,
                               rg_column *to)
{
  *to = (rg_column){.name = rg_strdup(from->name), .type = from->type, .n = from->n};
  rg_strings_copy(&from->text, &to->text);
  rg_strings_copy(&from->categories, &to->categories);
  if (from->code) {
    to->code = RG_NEW(int32_t, rows);
    memcpy(to->code, from->code, sizeof(int32_t) * (size_t)rows);
  }
  if (from->number) {
    to->number = RG_NEW(double, rows);
    memcpy(to->number, from->number, sizeof(double) * (size_t)rows);
  }
  return rg_column_as_category(comm, to);
}

/* COLUMN of the results, or FILE:COLUMN of a file with the same cells. */
static rg_status category(rg_comm *comm, const rg_annot *annot, const char *name,
                          rg_column *column)
{
  rg_status status = RG_OK;
  if (!name)
    return RG_OK;
  const rg_column *own = rg_annot_column(annot, name);
  if (own)
    return copy_category(comm, own, rg_range_n(annot->rows), column);
  const char *colon = strrchr(name, ':');
  if (!colon)
    return rg_fail(RG_EINPUT, "the results have no column %s; FILE:COLUMN takes one from "
                              "another file", name);
  char *path = rg_format("%.*s", (int)(colon - name), name);
  rg_file *file = NULL;
  RG_TRY(rg_open(comm, path, NULL, &file));
  if (rg_file_cells(file) != annot->n_cells)
    RG_TRY(rg_fail(RG_EINPUT, "%s: has %lld cells, the results have %lld", path,
                   (long long)rg_file_cells(file), (long long)annot->n_cells));
  RG_TRY(rg_read_column(file, colon + 1, column));
  status = rg_column_as_category(comm, column);
out:
  rg_close(file);
  rg_free(path);
  return status;
}

static const rg_column *depth_column(const rg_annot *annot, const char *name)
{
  if (name)
    return rg_annot_column(annot, name);
  for (int k = 0; k < annot->n_columns; k++)
    if (strncmp(annot->columns[k].name, "depth_", 6) == 0)
      return &annot->columns[k];
  return NULL;
}

/* ---- representations ---- */

static bool is_control(const char *name)
{
  const char *names[] = {"X_pca", "X_lsi", "X_spectral", "X_umap"};
  for (int k = 0; k < 4; k++)
    if (strcmp(name, names[k]) == 0)
      return true;
  return false;
}

static const char *default_rep(const rg_annot *annot)
{
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < annot->n_obsm; k++) {
      const char *name = annot->obsm[k].name;
      if (strncmp(name, "X_", 2) == 0 && strcmp(name, "X_umap") != 0 &&
          (pass == 1 || !is_control(name)))
        return name;
    }
  return NULL;
}

static rg_mat random_rep(const rg_annot *annot, int64_t cols, uint64_t seed)
{
  rg_mat mat = rg_mat_new(rg_range_n(annot->rows), cols);
  rg_key key = {.seed = seed, .purpose = RG_FOR_CONTROL};
  for (int64_t i = 0; i < mat.rows; i++)
    rg_normals(&key, (uint64_t)(annot->rows.low + i), (int)cols, rg_mat_row(&mat, i));
  return mat;
}

static void unit_rows(rg_mat *x)
{
  for (int64_t i = 0; i < x->rows; i++) {
    float *row = rg_mat_row(x, i);
    double squares = 0;
    for (int64_t j = 0; j < x->cols; j++)
      squares += (double)row[j] * (double)row[j];
    for (int64_t j = 0; squares > 0 && j < x->cols; j++)
      row[j] /= (float)sqrt(squares);
  }
}

/* ---- cells that are scored ---- */

static bool is_dropped(const char *label, const char *drop)
{
  size_t n = strlen(label);
  for (const char *at = drop; at && *at;) {
    size_t m = strcspn(at, ",");
    if (m == n && strncmp(at, label, n) == 0)
      return true;
    at += m + (at[m] == ',');
  }
  return false;
}

/* Number among the cells that are scored, -1 for the others; in a keyed order, so that
 * where neighbours tie (zeros!) the order of the file says nothing. */
static int64_t *number_cells(rg_comm *comm, const rg_annot *annot, const rg_mat *main,
                             const rg_column *labels, const evaluate_options *o,
                             int64_t *total)
{
  rg_key key = {.seed = (uint64_t)o->seed, .purpose = RG_FOR_CONTROL};
  int64_t rows = rg_range_n(annot->rows), here = 0, *number = RG_NEW(int64_t, rows);
  for (int64_t i = 0; i < rows; i++) {
    bool good = isfinite(rg_mat_row(main, i)[0]);
    if (labels->name)
      good = good && labels->code[i] >= 0 &&
             !is_dropped(rg_strings_at(&labels->categories, labels->code[i]), o->drop);
    number[i] = good ? here++ : -1;
  }
  int64_t first = rg_prefix_i64(comm, here, total);
  for (int64_t i = 0; i < rows; i++)
    if (number[i] >= 0)
      number[i] = rg_permuted(&key, *total, first + number[i]);
  return number;
}

typedef struct record {
  int64_t number;
  int32_t label, batch;
  double depth;
} record;

static void unpack(const char *at, int64_t first, cells *out)
{
  record r;
  memcpy(&r, at, sizeof r);
  at += sizeof r;
  int64_t i = r.number - first;
  out->label[i] = r.label;
  out->batch[i] = r.batch;
  out->depth[i] = r.depth;
  for (int k = 0; k < out->n_reps; k++) {
    size_t bytes = sizeof(float) * (size_t)out->reps[k].mat.cols;
    memcpy(rg_mat_row(&out->reps[k].mat, i), at, bytes);
    at += bytes;
  }
}

/* Deal the scored cells out evenly; `from` lists the representations to carry along. */
static void deal(rg_comm *comm, const int64_t *number, int64_t rows, int64_t total,
                 const rg_column *labels, const rg_column *batch, const rg_column *depth,
                 const rg_mat *const *from, cells *out)
{
  size_t width = sizeof(record);
  for (int k = 0; k < out->n_reps; k++)
    width += sizeof(float) * (size_t)from[k]->cols;
  char *mine = rg_alloc(rows, width);
  int *to = RG_NEW(int, rows);
  int64_t n = 0;
  for (int64_t i = 0; i < rows; i++) {
    if (number[i] < 0)
      continue;
    record r = {number[i], labels->name ? labels->code[i] : -1,
                batch->name ? batch->code[i] : -1,
                depth && depth->number ? log1p(depth->number[i]) : NAN};
    char *at = mine + (size_t)n * width;
    memcpy(at, &r, sizeof r);
    at += sizeof r;
    for (int k = 0; k < out->n_reps; k++) {
      size_t bytes = sizeof(float) * (size_t)from[k]->cols;
      memcpy(at, rg_mat_row(from[k], i), bytes);
      at += bytes;
    }
    to[n++] = rg_part_owner(total, rg_size(comm), number[i]);
  }
  char *in = rg_scatter(comm, mine, n, (int64_t)width, to, &out->rows);
  out->label = RG_NEW(int32_t, out->rows);
  out->batch = RG_NEW(int32_t, out->rows);
  out->depth = RG_NEW(double, out->rows);
  for (int k = 0; k < out->n_reps; k++)
    out->reps[k].mat = rg_mat_new(out->rows, from[k]->cols);
  int64_t first = rg_part(total, rg_rank(comm), rg_size(comm)).low;
  for (int64_t k = 0; k < out->rows; k++)
    unpack(in + (size_t)k * width, first, out);
  rg_free(in);
  rg_free(to);
  rg_free(mine);
}

/* ---- scoring ---- */

static unsigned available(const cells *c, bool labels, bool batch, bool depth)
{
  return (labels && c->n_labels > 1 ? RG_NEEDS_LABELS : 0U) |
         (batch && c->n_batches > 1 ? RG_NEEDS_BATCH : 0U) |
         (depth ? RG_NEEDS_DEPTH : 0U);
}

static rg_status score_rep(rg_comm *comm, cells *c, rep *r, unsigned have, uint64_t seed)
{
  rg_status status = RG_OK;
  rg_knn knn = {0};
  rg_csr connectivities = {0}, distances = {0};
  rg_knn_options nearest = {.k = 15, .exact = true};
  RG_TRY(rg_knn_graph(comm, &r->mat, &nearest, &knn));
  RG_TRY(rg_connectivities(comm, &knn, &connectivities, &distances));
  rg_scored scored = {.embedding = &r->mat,
                      .label = have & RG_NEEDS_LABELS ? c->label : NULL,
                      .n_labels = c->n_labels,
                      .batch = have & RG_NEEDS_BATCH ? c->batch : NULL,
                      .n_batches = c->n_batches,
                      .depth = have & RG_NEEDS_DEPTH ? c->depth : NULL,
                      .knn = &knn,
                      .connectivities = &connectivities,
                      .seed = seed};
  for (int m = 0; rg_metrics[m]; m++)
    if ((rg_metrics[m]->needs & ~have) == 0)
      RG_TRY(rg_metrics[m]->compute(comm, &scored, r->score, &r->n));
out:
  rg_knn_fini(&knn);
  rg_csr_fini(&connectivities);
  rg_csr_fini(&distances);
  return status;
}

/* ---- printing ---- */

static void put_scores(rg_json *json, const rep *r)
{
  for (int k = 0; k < r->n; k++)
    rg_json_number(json, r->score[k].name, r->score[k].value);
}

static rg_json *as_json(const cells *c, int64_t total)
{
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "embedding", c->reps[0].name);
  rg_json_integer(json, "cells", total);
  put_scores(json, &c->reps[0]);
  rg_json_open(json, "controls", '{');
  for (int k = 1; k < c->n_reps; k++) {
    rg_json_open(json, c->reps[k].name, '{');
    put_scores(json, &c->reps[k]);
    rg_json_close(json);
  }
  rg_json_close(json);
  rg_json_close(json);
  return json;
}

static void print_table(rg_comm *comm, const cells *c, int64_t total)
{
  rg_say(comm, "scores of %lld cells\n%-22s", (long long)total, "");
  for (int k = 0; k < c->n_reps; k++)
    rg_say(comm, " %12s", c->reps[k].name);
  rg_say(comm, "\n");
  for (int s = 0; s < c->reps[0].n; s++) {
    rg_say(comm, "%-22s", c->reps[0].score[s].name);
    for (int k = 0; k < c->n_reps; k++)
      rg_say(comm, " %12.4f", c->reps[k].score[s].value);
    rg_say(comm, "\n");
  }
}

/* ---- the command ---- */

static void choose_reps(const rg_annot *annot, const evaluate_options *o, const char *name,
                        rg_mat *made, const rg_mat **from, cells *c)
{
  const rg_mat *main = rg_annot_obsm(annot, name);
  c->reps[c->n_reps].name = name;
  from[c->n_reps++] = main;
  if (!o->controls)
    return;
  for (int k = 0; k < annot->n_obsm && c->n_reps < REPS - 2; k++)
    if (is_control(annot->obsm[k].name) && strcmp(annot->obsm[k].name, "X_umap") != 0 &&
        strcmp(annot->obsm[k].name, name) != 0) {
      c->reps[c->n_reps].name = annot->obsm[k].name;
      from[c->n_reps++] = &annot->obsm[k].mat;
    }
  made[0] = random_rep(annot, main->cols, (uint64_t)o->seed);
  made[1] = rg_mat_new(rg_range_n(annot->rows), main->cols);
  c->reps[c->n_reps].name = "random";
  from[c->n_reps++] = &made[0];
  c->reps[c->n_reps].name = "zeros";
  from[c->n_reps++] = &made[1];
}

static rg_status score_all(rg_comm *comm, const rg_annot *annot, const evaluate_options *o,
                           const char *name, const rg_column *labels,
                           const rg_column *batch, cells *c, int64_t *total)
{
  rg_status status = RG_OK;
  const rg_column *depth = depth_column(annot, o->depth);
  rg_mat made[2] = {{0}};
  const rg_mat *from[REPS];
  choose_reps(annot, o, name, made, from, c);
  int64_t *number = number_cells(comm, annot, from[0], labels, o, total);
  if (*total < 2)
    RG_TRY(rg_fail(RG_EINPUT, "%lld cells are left to score", (long long)*total));
  deal(comm, number, rg_range_n(annot->rows), *total, labels, batch, depth, from, c);
  c->n_labels = (int)labels->categories.n;
  c->n_batches = (int)batch->categories.n;
  unsigned have =
      available(c, labels->name != NULL, batch->name != NULL, depth && depth->number);
  for (int k = 0; k < c->n_reps; k++) {
    if (o->l2)
      unit_rows(&c->reps[k].mat);
    RG_TRY(score_rep(comm, c, &c->reps[k], have, (uint64_t)o->seed));
  }
out:
  rg_free(number);
  rg_mat_fini(&made[0]);
  rg_mat_fini(&made[1]);
  return status;
}

static void cells_fini(cells *c)
{
  for (int k = 0; k < c->n_reps; k++)
    rg_mat_fini(&c->reps[k].mat);
  rg_free(c->label);
  rg_free(c->batch);
  rg_free(c->depth);
  rg_free(c);
}

static rg_status report(const rg_call *call, const evaluate_options *o, const cells *c,
                        int64_t total)
{
  rg_status status = RG_OK;
  rg_json *json = as_json(c, total);
  if (o->json)
    rg_say(call->comm, "%s\n", rg_json_string(json));
  else
    print_table(call->comm, c, total);
  if (o->output) {
    char *text = rg_format("%s\n", rg_json_string(json));
    status = rg_write_text(call->comm, o->output, text);
    rg_free(text);
  }
  rg_json_free(json);
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const evaluate_options *o = call->options;
  rg_annot annot = {0};
  rg_column labels = {0}, batch = {0};
  cells *c = RG_NEW(cells, 1);
  int64_t total = 0;
  if (o->output)
    RG_TRY(rg_check_output(call->comm, o->output));
  RG_TRY(rg_annot_read(call->comm, call->arguments[0], &annot));
  const char *name = o->rep ? o->rep : default_rep(&annot);
  if (!name || !rg_annot_obsm(&annot, name))
    RG_TRY(rg_fail(RG_EINPUT, "%s: no embedding %s in obsm", call->arguments[0],
                   name ? name : "X_*"));
  RG_TRY(category(call->comm, &annot, o->labels, &labels));
  RG_TRY(category(call->comm, &annot, o->batch, &batch));
  RG_TRY(score_all(call->comm, &annot, o, name, &labels, &batch, c, &total));
  status = report(call, o, c, total);
out:
  cells_fini(c);
  rg_column_fini(&labels);
  rg_column_fini(&batch);
  rg_annot_fini(&annot);
  return status;
}

const rg_command rg_cmd_evaluate = {
    .name = "evaluate",
    .arguments = "RESULTS.h5ad",
    .summary = "score an embedding beside its controls",
    .help =
        "Scores obsm/X_* of RESULTS.h5ad: NMI and ARI of Leiden clusters (resolution "
        "1, "
        "and the best of twenty), neighbour purity, silhouettes, iLISI, graph "
        "connectivity, depth leakage; beside it the same scores of random numbers, of "
        "zeros and of the embeddings before training. Cells without a label are left "
        "out.",
    .example = "regatta evaluate run/results.h5ad --labels cell_type --batch plate",
    .options = options,
    .options_size = sizeof(evaluate_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 80,
    .run = run};
