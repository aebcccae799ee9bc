/* regatta evaluate: scores of an embedding beside their controls. */
#include "regatta/cli.h"
#include "results.h"
#include "scored.h"
#include "translated.h"

#include <math.h>
#include <string.h>

typedef struct evaluate_options {
  char *rep, *second, *labels, *batch, *clusters, *drop, *depth, *output;
  bool json, l2, controls;
  int64_t seed;
  rg_translated_options of; /* predictions */
} evaluate_options;

static const rg_field options[] = {
    {"rep", RG_TEXT, offsetof(evaluate_options, rep), NULL, 0, 0, NULL, NULL,
     "embedding to score; unset: the first X_* that is no control and no X_umap"},
    {"second", RG_TEXT, offsetof(evaluate_options, second), NULL, 0, 0, NULL, NULL,
     "embedding of the same cells from their other modality, for foscttm and "
     "matching_score"},
    {"labels", RG_TEXT, offsetof(evaluate_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with cell types, or FILE:COLUMN"},
    {"batch", RG_TEXT, offsetof(evaluate_options, batch), NULL, 0, 0, NULL, NULL,
     "column of obs with batches, or FILE:COLUMN"},
    {"clusters", RG_TEXT, offsetof(evaluate_options, clusters), NULL, 0, 0, NULL, NULL,
     "column of obs with clusters to score against the labels, or FILE:COLUMN"},
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
    {"truth", RG_TEXT, offsetof(evaluate_options, of.truth), NULL, 0, 0, NULL, NULL,
     "FILE or FILE.h5mu/MODALITY that was measured: scores X of the file as a prediction "
     "of it, instead of embeddings"},
    {"train", RG_TEXT, offsetof(evaluate_options, of.train), NULL, 0, 0, NULL, NULL,
     "file with training cells, for the controls of predictions"},
    {"from", RG_TEXT, offsetof(evaluate_options, of.from), NULL, 0, 0, NULL, NULL,
     "modality of --truth and --train that the controls of predictions read"},
    {"layer", RG_TEXT, offsetof(evaluate_options, of.layer), NULL, 0, 0, NULL, NULL,
     "where the counts of --truth and --train are"},
    {"scale", RG_CHOICE, offsetof(evaluate_options, of.scale), "auto", 0, 0,
     "auto|counts|scores", NULL,
     "predictions are means of counts, or on the scale of the scores (log, centred log "
     "ratio); auto: counts unless some are negative"},
    {"genes", RG_INT, offsetof(evaluate_options, of.genes), "200", 0, 1e9, NULL, NULL,
     "predicted genes that are scored, the most variable ones; 0: all"},
    {"positives", RG_INT, offsetof(evaluate_options, of.positives), "20", 1, 1e9, NULL,
     NULL, "predicted peaks that are open in fewer cells are not scored"},
    {"nearest", RG_INT, offsetof(evaluate_options, of.nearest), "0", 0, 10000, NULL, NULL,
     "training cells that the control knn averages; 0: 15 for adt, 200 for atac, else 50, "
     "at most a tenth of them"},
    {"axes", RG_INT, offsetof(evaluate_options, of.axes), "0", 0, 500, NULL, NULL,
     "axes that the controls read; 0: 15 of atac, else 50"},
    {"ridge", RG_DOUBLE, offsetof(evaluate_options, of.ridge), "1", 1e-9, 1e12, NULL, NULL,
     "penalty of the control ridge"},
    {"cells", RG_INT, offsetof(evaluate_options, of.cells), "50000", 0, 1e9, NULL, NULL,
     "cells of a file that predictions are scored on, a sample of more; 0: all"},
    {"table", RG_TEXT, offsetof(evaluate_options, of.table), NULL, 0, 0, NULL, NULL,
     "also write the scores of every predicted feature to this file"},
    {0}};

/* ---- columns ---- */

static rg_status depth_column(const rg_annot *annot, const char *name,
                              const rg_column **depth)
{
  *depth = NULL;
  if (name) {
    *depth = rg_annot_column(annot, name);
    return *depth && (*depth)->number
               ? RG_OK
               : rg_fail(RG_EINPUT, "the results have no column %s of numbers", name);
  }
  for (int k = 0; k < annot->n_columns && !*depth; k++)
    if (strncmp(annot->columns[k].name, "depth_", 6) == 0 && annot->columns[k].number)
      *depth = &annot->columns[k];
  return RG_OK;
}

/* ---- representations ---- */

static rg_mat random_rep(const rg_annot *annot, int64_t cols, uint64_t seed, int stream)
{
  rg_mat mat = rg_mat_new(rg_range_n(annot->rows), cols);
  rg_key key = {.seed = seed, .purpose = RG_FOR_CONTROL, .step = (uint64_t)stream};
  for (int64_t i = 0; i < mat.rows; i++)
    rg_normals(&key, (uint64_t)(annot->rows.low + i), (int)cols, rg_mat_row(&mat, i));
  return mat;
}

/* ---- scoring ---- */

static unsigned available(const rg_scored_cells *c, const rg_scored_source *source)
{
  return (c->n_labels > 1 ? RG_NEEDS_LABELS : 0U) |
         (c->n_batches > 1 ? RG_NEEDS_BATCH : 0U) |
         (c->n_clusters > 0 ? RG_NEEDS_CLUSTERS : 0U) |
         (source->depth ? RG_NEEDS_DEPTH : 0U);
}

static rg_status all_metrics(rg_comm *comm, const rg_scored *scored, unsigned have,
                             rg_scored_rep *r)
{
  rg_status status = RG_OK;
  int n = 0;
  while (rg_metrics[n])
    n++;
  char *what = rg_format("evaluate %s", r->name);
  rg_pace_begin(what, n, "metrics");
  for (int m = 0; m < n && status == RG_OK; m++) {
    rg_pace_at(m, rg_metrics[m]->name);
    if ((rg_metrics[m]->needs & ~have) == 0)
      status = rg_metrics[m]->compute(comm, scored, r->score, &r->n);
  }
  rg_pace_end();
  rg_free(what);
  return status;
}

static rg_status score_rep(rg_comm *comm, rg_scored_cells *c, rg_scored_rep *r,
                           unsigned have, uint64_t seed)
{
  rg_status status = RG_OK;
  rg_knn knn = {0};
  rg_csr connectivities = {0}, distances = {0};
  rg_knn_options nearest = {.k = 15, .exact = true};
  RG_TRY(rg_knn_graph(comm, &r->mat, &nearest, &knn));
  RG_TRY(rg_connectivities(comm, &knn, &connectivities, &distances));
  have |= r->second >= 0 ? RG_NEEDS_SECOND : 0U;
  rg_scored scored = {.embedding = &r->mat,
                      .second = r->second >= 0 ? &c->reps[r->second].mat : NULL,
                      .label = have & RG_NEEDS_LABELS ? c->label : NULL,
                      .n_labels = c->n_labels,
                      .batch = have & RG_NEEDS_BATCH ? c->batch : NULL,
                      .n_batches = c->n_batches,
                      .cluster = have & RG_NEEDS_CLUSTERS ? c->cluster : NULL,
                      .n_clusters = c->n_clusters,
                      .depth = have & RG_NEEDS_DEPTH ? c->depth : NULL,
                      .knn = &knn,
                      .connectivities = &connectivities,
                      .seed = seed};
  RG_TRY(all_metrics(comm, &scored, have, r));
out:
  rg_knn_fini(&knn);
  rg_csr_fini(&connectivities);
  rg_csr_fini(&distances);
  return status;
}

/* ---- printing ---- */

static void put_scores(rg_json *json, const rg_scored_rep *r)
{
  for (int k = 0; k < r->n; k++)
    rg_json_number(json, r->score[k].name, r->score[k].value);
}

static rg_json *as_json(const rg_scored_cells *c)
{
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "embedding", c->reps[0].name);
  rg_json_integer(json, "cells", c->total);
  put_scores(json, &c->reps[0]);
  rg_json_open(json, "controls", '{');
  for (int k = 1; k < c->n_reps; k++) {
    if (c->reps[k].hidden)
      continue;
    rg_json_open(json, c->reps[k].name, '{');
    put_scores(json, &c->reps[k]);
    rg_json_close(json);
  }
  rg_json_close(json);
  rg_json_close(json);
  return json;
}

static double score_of(const rg_scored_rep *r, const char *name)
{
  for (int k = 0; k < r->n; k++)
    if (strcmp(r->score[k].name, name) == 0)
      return r->score[k].value;
  return NAN;
}

static void print_table(rg_comm *comm, const rg_scored_cells *c)
{
  rg_say(comm, "scores of %lld cells\n%-22s", (long long)c->total, "");
  for (int k = 0; k < c->n_reps; k++)
    if (!c->reps[k].hidden)
      rg_say(comm, " %12s", c->reps[k].name);
  rg_say(comm, "\n");
  for (int s = 0; s < c->reps[0].n; s++) {
    const char *name = c->reps[0].score[s].name;
    rg_say(comm, "%-22s", name);
    for (int k = 0; k < c->n_reps; k++) {
      double value = score_of(&c->reps[k], name);
      if (!c->reps[k].hidden && isnan(value))
        rg_say(comm, " %12s", "-");
      else if (!c->reps[k].hidden)
        rg_say(comm, " %12.4f", value);
    }
    rg_say(comm, "\n");
  }
}

/* ---- the command ---- */

typedef struct choice {
  const rg_mat *from[RG_SCORED_REPS];
  rg_mat made[4]; /* owned */
} choice;

/* Returns its number. */
static int add_rep(rg_scored_cells *c, choice *chosen, const char *name, const rg_mat *mat,
                   int second)
{
  c->reps[c->n_reps] = (rg_scored_rep){
      .name = name, .second = second, .hidden = strcmp(name, "second") == 0};
  chosen->from[c->n_reps] = mat;
  return c->n_reps++;
}

/* True when x has a row wherever the scored embedding has one. */
static bool covers(rg_comm *comm, const rg_mat *x, const rg_mat *scored)
{
  bool all = true;
  for (int64_t i = 0; i < scored->rows; i++)
    all = all && (!isfinite(rg_mat_row(scored, i)[0]) || isfinite(rg_mat_row(x, i)[0]));
  return rg_all(comm, all);
}

static void add_controls(rg_comm *comm, const rg_annot *annot, const evaluate_options *o,
                         const char *name, choice *chosen, rg_scored_cells *c)
{
  int64_t cols = chosen->from[0]->cols;
  for (int k = 0; k < annot->n_obsm && c->n_reps < RG_SCORED_REPS - 4; k++) {
    const char *made = annot->obsm[k].name;
    if (!rg_results_made_before(made) || strcmp(made, name) == 0)
      continue;
    if (covers(comm, &annot->obsm[k].mat, chosen->from[0]))
      add_rep(c, chosen, made, &annot->obsm[k].mat, -1);
    else
      rg_info("evaluate: %s lacks cells that %s has; it is not scored", made, name);
  }
  chosen->made[0] = random_rep(annot, cols, (uint64_t)o->seed, 0);
  chosen->made[1] = rg_mat_new(rg_range_n(annot->rows), cols);
  if (o->second) {
    chosen->made[2] = random_rep(annot, cols, (uint64_t)o->seed, 1);
    chosen->made[3] = rg_mat_new(rg_range_n(annot->rows), cols);
  }
  int other = o->second ? c->n_reps + 1 : -1;
  add_rep(c, chosen, "random", &chosen->made[0], other);
  if (o->second)
    add_rep(c, chosen, "second", &chosen->made[2], -1);
  other = o->second ? c->n_reps + 1 : -1;
  add_rep(c, chosen, "zeros", &chosen->made[1], other);
  if (o->second)
    add_rep(c, chosen, "second", &chosen->made[3], -1);
}

static rg_status choose_reps(rg_comm *comm, const rg_annot *annot,
                             const evaluate_options *o, const char *file,
                             choice *chosen, rg_scored_cells *c)
{
  const char *name;
  const rg_mat *main;
  rg_status status = rg_results_embedding(annot, file, o->rep, &name, &main);
  if (status != RG_OK)
    return status;
  add_rep(c, chosen, name, main, o->second ? 1 : -1);
  if (o->second) {
    const rg_mat *second = rg_annot_obsm(annot, o->second);
    if (!second)
      return rg_fail(RG_EINPUT, "%s: no embedding %s in obsm", file, o->second);
    if (second->cols != main->cols)
      return rg_fail(RG_EINPUT, "%s: %s has %lld columns, %s has %lld: they cannot be "
                                "compared", file, name, (long long)main->cols, o->second,
                     (long long)second->cols);
    add_rep(c, chosen, "second", second, -1);
  }
  if (o->controls)
    add_controls(comm, annot, o, name, chosen, c);
  return RG_OK;
}

/* Most scores need to know what cells are alike. */
static void ask_for_columns(const rg_scored_source *source, const rg_annot *annot)
{
  if (source->labels->name || source->batch->name)
    return;
  rg_strings list = {0};
  for (int c = 0; c < annot->n_columns; c++)
    if (annot->columns[c].type == RG_COLUMN_CATEGORY)
      rg_strings_add(&list, annot->columns[c].name,
                     (int64_t)strlen(annot->columns[c].name));
  char *there = rg_strings_text(&list, 12);
  rg_info("evaluate: most scores need --labels COLUMN or --batch COLUMN%s%s",
          *there ? "; there are: " : "", there);
  rg_free(there);
  rg_strings_fini(&list);
}

static rg_status score_all(rg_comm *comm, const evaluate_options *o,
                           const rg_scored_source *source, const choice *chosen,
                           rg_scored_cells *c)
{
  rg_status status = RG_OK;
  rg_scored_deal(comm, source, chosen->from, c);
  if (c->total < 2)
    RG_TRY(rg_fail(RG_EINPUT, "%lld cells are left to score", (long long)c->total));
  if (source->labels->name && c->n_labels < 2)
    rg_warn("%s: one value only, so nothing is scored with it", o->labels);
  if (source->batch->name && c->n_batches < 2)
    rg_warn("%s: one value only, so nothing is scored with it", o->batch);
  for (int k = 0; k < c->n_reps && o->l2; k++)
    rg_mat_unit_rows(&c->reps[k].mat);
  unsigned have = available(c, source);
  for (int k = 0; k < c->n_reps; k++)
    if (!c->reps[k].hidden)
      RG_TRY(score_rep(comm, c, &c->reps[k], k == 0 ? have : have & ~RG_NEEDS_CLUSTERS,
                       (uint64_t)o->seed));
out:
  return status;
}

static rg_status report(const rg_call *call, const evaluate_options *o,
                        const rg_scored_cells *c)
{
  rg_status status = RG_OK;
  rg_json *json = as_json(c);
  if (o->json)
    rg_say(call->comm, "%s\n", rg_json_string(json));
  else
    print_table(call->comm, c);
  if (o->output) {
    char *text = rg_format("%s\n", rg_json_string(json));
    status = rg_write_text(call->comm, o->output, text);
    rg_free(text);
  }
  rg_json_free(json);
  return status;
}

static rg_status score_embedding(const rg_call *call)
{
  rg_status status = RG_OK;
  const evaluate_options *o = call->options;
  rg_annot annot = {0};
  rg_column labels = {0}, batch = {0}, clusters = {0};
  rg_scored_source source = {.labels = &labels, .batch = &batch, .clusters = &clusters,
                             .drop = o->drop, .seed = (uint64_t)o->seed};
  choice chosen = {0};
  rg_scored_cells *c = RG_NEW(rg_scored_cells, 1);
  if (o->output)
    RG_TRY(rg_check_output(call->comm, o->output));
  RG_TRY(rg_annot_read(call->comm, call->arguments[0], &annot));
  source.rows = annot.rows;
  RG_TRY(choose_reps(call->comm, &annot, o, call->arguments[0], &chosen, c));
  RG_TRY(rg_results_category(call->comm, &annot, o->labels, &labels));
  RG_TRY(rg_results_category(call->comm, &annot, o->batch, &batch));
  RG_TRY(rg_results_category(call->comm, &annot, o->clusters, &clusters));
  RG_TRY(depth_column(&annot, o->depth, &source.depth));
  ask_for_columns(&source, &annot);
  RG_TRY(score_all(call->comm, o, &source, &chosen, c));
  status = report(call, o, c);
out:
  for (int k = 0; k < 4; k++)
    rg_mat_fini(&chosen.made[k]);
  rg_scored_free(c);
  rg_column_fini(&labels);
  rg_column_fini(&batch);
  rg_column_fini(&clusters);
  rg_annot_fini(&annot);
  return status;
}

static rg_status run(const rg_call *call)
{
  const evaluate_options *o = call->options;
  if (!o->of.truth)
    return score_embedding(call);
  return rg_evaluate_translated(call, &o->of, o->labels, (uint64_t)o->seed, o->json,
                                o->output);
}

const rg_command rg_cmd_evaluate = {
    .name = "evaluate",
    .arguments = "RESULTS.h5ad",
    .summary = "score an embedding beside its controls",
    .help =
        "Scores obsm/X_* of RESULTS.h5ad: NMI and ARI of Leiden clusters (resolution 1, "
        "and the best of twenty), neighbour purity, silhouettes, iLISI, graph "
        "connectivity, depth leakage, and with --second how well the cells of two "
        "modalities match; beside it the same scores of random numbers, of zeros and of "
        "the embeddings before training. Cells without a label are left out. With --truth "
        "FILE it scores X of the file as a prediction of a modality of FILE, cells and "
        "features by name: the Pearson correlation over cells of every gene (log-"
        "normalised) or protein (centred log ratio), the area under the ROC curve of "
        "every peak; beside it the depth of the cell, with --labels the mean of its type, "
        "with --train FILE --from MODALITY the mean of the nearest training cells and "
        "ridge regression.",
    .example = "regatta evaluate run/results.h5ad --labels cell_type --batch plate",
    .options = options,
    .options_size = sizeof(evaluate_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 80,
    .run = run};
