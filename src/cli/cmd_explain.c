/* regatta explain: which features a trained run's groups or translations rest on. */
#include "work.h"

#include <stdlib.h>
#include <string.h>

typedef struct explain_options {
  char *output, *from, *to, *targets;
  int64_t cells, draws, top;
} explain_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(explain_options, output), NULL, 0, 0, NULL, NULL,
     "features x targets, an .h5ad; the first of each target beside it as .tsv"},
    {"from", RG_TEXT, offsetof(explain_options, from), NULL, 0, 0, NULL, NULL,
     "modality whose features explain; unset: all, or the other one of two"},
    {"to", RG_TEXT, offsetof(explain_options, to), NULL, 0, 0, NULL, NULL,
     "modality whose features are explained; unset: the groups or labels"},
    {"targets", RG_TEXT, offsetof(explain_options, targets), NULL, 0, 0, NULL, NULL,
     "names, with commas; unset: all groups, or the 50 features predicted to vary most"},
    {"cells", RG_INT, offsetof(explain_options, cells), "256", 2, 1 << 20, NULL, "cells",
     "that are explained, each against the others as background"},
    {"draws", RG_INT, offsetof(explain_options, draws), "32", 8, 1 << 20, NULL, NULL,
     "of the background for each cell and target, four points on the way to each"},
    {"top", RG_INT, offsetof(explain_options, top), "20", 1, 1 << 20, NULL, "features",
     "of each target in the .tsv"},
    {0}};

/* ---- the table ---- */

/* A feature in the order of all inputs. */
typedef struct place {
  int input;
  int64_t feature;
  double relevance;
} place;

static int64_t all_features(const rg_explanation *e)
{
  int64_t n = 0;
  for (int k = 0; k < e->n_inputs; k++)
    n += e->input[k].relevance.rows;
  return n;
}

static place place_of(const rg_explanation *e, int64_t row)
{
  place p = {0, row, 0};
  while (p.feature >= e->input[p.input].relevance.rows)
    p.feature -= e->input[p.input++].relevance.rows;
  return p;
}

static const char *feature_name(const rg_explanation *e, const rg_dataset *dataset, place p)
{
  return rg_strings_at(
      &rg_dataset_modality(dataset, e->input[p.input].modality)->features, p.feature);
}

/* Rows are features (MODALITY:NAME where there are several modalities), columns targets. */
static rg_annot table_of(rg_comm *comm, const rg_explanation *e, const rg_dataset *dataset)
{
  int64_t n = all_features(e), targets = e->targets.n;
  rg_annot annot = {.n_cells = n, .rows = rg_part(n, rg_rank(comm), rg_size(comm)),
                    .has_x = true};
  int64_t rows = rg_range_n(annot.rows);
  rg_column modality = {.name = rg_strdup("modality"), .type = RG_COLUMN_CATEGORY,
                        .n = rows, .code = RG_NEW(int32_t, rows)};
  annot.x = rg_mat_new(rows, targets);
  rg_strings_copy(&e->targets, &annot.var_names);
  for (int k = 0; k < e->n_inputs; k++)
    rg_strings_add(&modality.categories, e->input[k].modality,
                   (int64_t)strlen(e->input[k].modality));
  for (int64_t i = 0; i < rows; i++) {
    place p = place_of(e, annot.rows.low + i);
    const char *name = feature_name(e, dataset, p);
    char *text = e->n_inputs > 1 ? rg_format("%s:%s", e->input[p.input].modality, name)
                                 : rg_strdup(name);
    rg_strings_add(&annot.names, text, (int64_t)strlen(text));
    rg_free(text);
    modality.code[i] = p.input;
    memcpy(rg_mat_row(&annot.x, i),
           rg_mat_row(&e->input[p.input].relevance, p.feature),
           sizeof(float) * (size_t)targets);
  }
  rg_annot_set_column(&annot, modality);
  rg_annot_note_integer(&annot, "explain/cells", e->cells);
  rg_annot_note_integer(&annot, "explain/draws", e->draws);
  rg_annot_note_array(&annot, "explain/error", e->error, targets);
  rg_annot_note_array(&annot, "explain/tolerance", e->tolerance, targets);
  rg_annot_note_array(&annot, "explain/spread", e->spread, targets);
  return annot;
}

/* ---- the first of each target ---- */

static int by_relevance(const void *a, const void *b)
{
  const place *x = a, *y = b;
  if (x->relevance != y->relevance)
    return x->relevance < y->relevance ? 1 : -1;
  if (x->input != y->input)
    return x->input - y->input;
  return (x->feature > y->feature) - (x->feature < y->feature);
}

static char *top_text(const rg_explanation *e, const rg_dataset *dataset, int64_t top)
{
  int64_t n = all_features(e);
  place *all = RG_NEW(place, n);
  char *text = rg_strdup("target\trank\tmodality\tfeature\trelevance\tshare\n");
  for (int64_t t = 0; t < e->targets.n; t++) {
    double sum = 0;
    for (int64_t row = 0; row < n; row++) {
      all[row] = place_of(e, row);
      all[row].relevance =
          (double)rg_mat_row(&e->input[all[row].input].relevance, all[row].feature)[t];
      sum += all[row].relevance;
    }
    qsort(all, (size_t)n, sizeof *all, by_relevance);
    for (int64_t k = 0; k < n && k < top; k++) {
      char *more = rg_format("%s%s\t%lld\t%s\t%s\t%.6g\t%.6g\n", text,
                             rg_strings_at(&e->targets, t), (long long)k + 1,
                             e->input[all[k].input].modality,
                             feature_name(e, dataset, all[k]), all[k].relevance,
                             sum > 0 ? all[k].relevance / sum : 0);
      rg_free(text);
      text = more;
    }
  }
  rg_free(all);
  return text;
}

static rg_status write_top(rg_comm *comm, const char *output, const rg_explanation *e,
                           const rg_dataset *dataset, int64_t top)
{
  size_t n = strlen(output);
  bool ends = n > 5 && strcmp(output + n - 5, ".h5ad") == 0;
  char *path = rg_format("%.*s.tsv", (int)(ends ? n - 5 : n), output);
  char *text = top_text(e, dataset, top);
  rg_status status = rg_write_text(comm, path, text);
  if (status == RG_OK)
    rg_say_result(comm, path);
  rg_free(text);
  rg_free(path);
  return status;
}

/* ---- the command ---- */

static rg_strings split_names(const char *list)
{
  rg_strings names = {0};
  for (const char *at = list; at && *at;) {
    size_t n = strcspn(at, ",");
    rg_strings_add(&names, at, (int64_t)n);
    at += n + (at[n] == ',');
  }
  return names;
}

static void say_sums(rg_comm *comm, const rg_explanation *e)
{
  double worst = 0;
  for (int64_t t = 0; t < e->targets.n; t++)
    worst = e->error[t] / e->tolerance[t] > worst ? e->error[t] / e->tolerance[t] : worst;
  rg_say(comm,
         "explained: %lld targets, %lld cells, %lld draws; sums of phi are off by at most "
         "%.2f of what the draws allow\n",
         (long long)e->targets.n, (long long)e->cells, (long long)e->draws, worst);
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const explain_options *o = call->options;
  rg_comm *comm = call->comm;
  const char *folder = call->arguments[0];
  rg_plan plan = {0};
  rg_file *file = NULL;
  rg_dataset dataset = {0};
  rg_explanation explanation = {0};
  rg_annot annot = {0};
  rg_strings names = split_names(o->targets);
  rg_explain_options wanted = {.from = o->from, .to = o->to, .cells = o->cells,
                               .draws = o->draws, .targets = names.n > 0 ? &names : NULL};
  RG_TRY(rg_check_output(comm, o->output));
  RG_TRY(rg_plan_read(comm, folder, &plan));
  RG_TRY(rg_work_open(comm, call->arguments[1], &plan, &file));
  RG_TRY(rg_work_dataset(comm, folder, &plan, file, &dataset));
  RG_TRY(rg_explain(comm, folder, &dataset, &wanted, &explanation));
  say_sums(comm, &explanation);
  annot = table_of(comm, &explanation, &dataset);
  rg_work_provenance(comm, &annot, call, file, &plan);
  RG_TRY(rg_annot_write(comm, o->output, &annot));
  rg_say_result(comm, o->output);
  status = write_top(comm, o->output, &explanation, &dataset, o->top);
out:
  rg_annot_fini(&annot);
  rg_explanation_fini(&explanation);
  rg_strings_fini(&names);
  rg_dataset_fini(&dataset);
  rg_close(file);
  rg_plan_fini(&plan);
  return status;
}

const rg_command rg_cmd_explain = {
    .name = "explain",
    .arguments = "RUN FILE -o OUT.h5ad",
    .summary = "which features a trained run's groups or translations rest on",
    .help =
        "Takes the probabilities of groups or labels, or with --to the predicted "
        "features of "
        "a modality, apart into the features of the cells: expected gradients over a "
        "sample "
        "of FILE, which is its own background. Writes the mean of |phi| as X of "
        "OUT.h5ad, "
        "rows are features and columns targets, and the first of each target to "
        "OUT.tsv. "
        "The sums of phi are checked against the predictions; a sum that is off by "
        "more "
        "than the draws allow is an error. `regatta list recipes` says which recipes "
        "explain.",
    .example = "regatta explain run cells.h5mu -o why.h5ad",
    .options = options,
    .options_size = sizeof(explain_options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 94,
    .run = run};
