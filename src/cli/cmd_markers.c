/* regatta markers: the features that set groups of cells apart. */
#include "results.h"

#include "regatta/markers.h"
#include "regatta/prepare.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 6 }; /* features per group in the table that is printed */

typedef struct options {
  char *modality, *layer, *values, *groups, *reference, *method, *key, *output;
  double target;
  bool tie_correct;
  int64_t n_genes;
} options;

#define AT(member) offsetof(options, member)

static const rg_field fields[] = {
    {"groups", RG_TEXT, AT(groups), "leiden", 0, 0, NULL, NULL,
     "column of obs with the groups"},
    {"reference", RG_TEXT, AT(reference), "rest", 0, 0, NULL, NULL,
     "group that each is compared with; rest: all cells of other groups"},
    {"method", RG_CHOICE, AT(method), "wilcoxon", 0, 0, "wilcoxon|t-test", NULL,
     "rank sum, or t with unequal variances"},
    {"tie_correct", RG_BOOL, AT(tie_correct), "false", 0, 0, NULL, NULL,
     "wilcoxon: less variance where values tie"},
    {"n_genes", RG_INT, AT(n_genes), "100", 0, 1e12, NULL, "features",
     "kept of each group; 0: all"},
    {"modality", RG_TEXT, AT(modality), NULL, 0, 0, NULL, NULL,
     "modality of FILE; unset: rna, or the first without one"},
    {"layer", RG_TEXT, AT(layer), NULL, 0, 0, NULL, NULL,
     "where values are: a layer, X or raw; default layers/counts, then raw/X, then X"},
    {"values", RG_CHOICE, AT(values), "log1p", 0, 0, "log1p|binary|as-is", NULL,
     "log1p: of counts scaled to the target; binary: present or not; as-is: not counts, "
     "ready to be compared, none negative"},
    {"target", RG_DOUBLE, AT(target), "10000", 0, 1e12, NULL, "counts",
     "per cell for log1p; 0: the median of cells"},
    {"key", RG_TEXT, AT(key), "rank_genes_groups", 0, 0, NULL, NULL,
     "name in uns"},
    {"output", RG_TEXT, AT(output), NULL, 0, 0, NULL, NULL,
     "also write a table with tabs to this file"},
    {0}};

/* ---- what is ranked -------------------------------------------------------------- */

/* Owned, but for the modality. */
typedef struct work {
  rg_file *file;
  const rg_modality *modality;
  rg_annot groups; /* the one column, in the order of the file */
  rg_csr values;
  rg_markers found;
} work;

static void work_fini(work *w)
{
  rg_markers_fini(&w->found);
  rg_csr_fini(&w->values);
  rg_annot_fini(&w->groups);
  rg_close(w->file);
}

/* The column of the results for the cells of the file; cells without the modality lose
 * their group. Collective. */
static rg_status align_groups(const rg_call *call, const rg_annot *annot, work *w)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  rg_annot one = {.n_cells = annot->n_cells, .rows = annot->rows};
  rg_column column = {0};
  RG_TRY(rg_results_category(call->comm, annot, o->groups, &column));
  rg_strings_copy(&annot->names, &one.names);
  rg_annot_set_column(&one, column);
  RG_TRY(rg_annot_align(call->comm, rg_file_path(w->file), "the results", &one,
                        rg_file_cells(w->file), rg_file_names(w->file), &w->groups));
  for (int64_t i = 0; i < rg_range_n(w->groups.rows); i++)
    if (!w->modality->present[i])
      w->groups.columns[0].code[i] = -1;
out:
  rg_annot_fini(&one);
  return status;
}

static rg_status find_modality(const rg_call *call, rg_file *file, int *m)
{
  const options *o = call->options;
  *m = rg_file_find(file, o->modality ? o->modality : "rna");
  if (*m < 0 && !o->modality && rg_file_modalities(file) > 0)
    *m = 0;
  if (*m >= 0)
    return RG_OK;
  return rg_fail(RG_EINPUT, "%s: has no modality %s; see regatta inspect",
                 rg_file_path(file), o->modality ? o->modality : "rna");
}

/* Collective. */
static rg_status read_values(const rg_call *call, int m, work *w)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  bool as_is = strcmp(o->values, "as-is") == 0;
  RG_TRY(rg_read_counts(w->file, m, as_is ? RG_NON_NEGATIVE : RG_COUNTS, &w->values));
  if (strcmp(o->values, "log1p") == 0) {
    double *factor = RG_NEW(double, w->values.rows);
    status = rg_normalise_log(call->comm, &w->values, o->target, factor);
    rg_free(factor);
  } else if (!as_is) {
    for (int64_t e = 0; e < rg_csr_nnz(&w->values); e++)
      w->values.values[e] = 1;
  }
out:
  return status;
}

/* The number of the reference; RG_EUSAGE with the nearest name. Not collective. */
static rg_status find_reference(const options *o, const rg_strings *names, int32_t *number)
{
  *number = -1;
  if (strcmp(o->reference, "rest") == 0)
    return RG_OK;
  *number = (int32_t)rg_strings_find(names, o->reference);
  if (*number >= 0)
    return RG_OK;
  const char **list = RG_NEW(const char *, names->n);
  for (int64_t i = 0; i < names->n; i++)
    list[i] = rg_strings_at(names, i);
  const char *nearest = rg_nearest(o->reference, list, (int)names->n);
  rg_free(list);
  return rg_fail(RG_EUSAGE, "--reference: %s has no group %s%s%s%s", o->groups,
                 o->reference, nearest ? "; did you mean " : "", nearest ? nearest : "",
                 nearest ? "?" : "");
}

static const rg_column *groups_of(const work *w)
{
  return &w->groups.columns[0];
}

static const char *group_name(const work *w, int g)
{
  return rg_strings_at(&groups_of(w)->categories, g);
}

static void warn(const rg_call *call, const work *w, int32_t reference)
{
  const options *o = call->options;
  if (rg_rank(call->comm) != 0)
    return;
  for (int g = 0; g < w->found.n_groups; g++)
    if (!w->found.ranked[g] && g != reference && w->found.cells[g] == 1)
      rg_warn("%s: group %s has one cell and is not ranked", o->groups, group_name(w, g));
  rg_warn("p-values are not calibrated where the groups of %s were found in the same "
          "values: take them as an order, not as a test",
          o->groups);
}

/* Collective. */
static rg_status rank(const rg_call *call, const rg_annot *annot, work *w)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  int m;
  rg_open_options how = {.layer = o->layer};
  RG_TRY(rg_open(call->comm, call->arguments[1], &how, &w->file));
  RG_TRY_ALL(call->comm, find_modality(call, w->file, &m));
  w->modality = rg_file_modality(w->file, m);
  RG_TRY(align_groups(call, annot, w));
  const rg_strings *names = &groups_of(w)->categories;
  rg_marker_options ranking = {
      .test = strcmp(o->method, "wilcoxon") == 0 ? RG_WILCOXON : RG_WELCH,
      .tie_correct = o->tie_correct,
      .log1p = strcmp(o->values, "binary") != 0,
      .top = o->n_genes};
  RG_TRY_ALL(call->comm, find_reference(o, names, &ranking.reference));
  RG_TRY(read_values(call, m, w));
  RG_TRY(rg_rank_features(call->comm, &w->values, groups_of(w)->code, (int)names->n,
                          &ranking, &w->found));
  warn(call, w, ranking.reference);
out:
  return status;
}

/* ---- what is said of it ---------------------------------------------------------- */

static double number_of(const rg_marker *m, int field)
{
  return field == 0 ? m->score
         : field == 1 ? m->p
         : field == 2 ? m->p_adjusted
                      : m->fold;
}

/* The layout of scanpy.tl.rank_genes_groups: an array of records per number, a field per
 * group. */
static void note_markers(const options *o, const work *w, rg_annot *annot)
{
  static const char *const names[] = {"scores", "pvals", "pvals_adj", "logfoldchanges"};
  static const bool single[] = {true, false, false, true};
  const rg_markers *found = &w->found;
  rg_strings groups = {0}, features = {0};
  int64_t n = 0;
  double *x[4];
  for (int f = 0; f < 4; f++)
    x[f] = RG_NEW(double, found->n * found->n_groups);
  for (int g = 0; g < found->n_groups; g++)
    if (found->ranked[g])
      rg_strings_add(&groups, group_name(w, g), -1);
  for (int64_t k = 0; k < found->n; k++)
    for (int g = 0; g < found->n_groups; g++) {
      const rg_marker *m = &found->marker[g * found->n + k];
      if (!found->ranked[g])
        continue;
      rg_strings_add(&features, rg_strings_at(&w->modality->features, m->feature), -1);
      for (int f = 0; f < 4; f++)
        x[f][n] = number_of(m, f);
      n++;
    }
  char *path = rg_format("%s/names", o->key);
  rg_annot_note_records(annot, path, &groups, &features, NULL, n);
  rg_free(path);
  for (int f = 0; f < 4; f++) {
    path = rg_format("%s/%s", o->key, names[f]);
    rg_annot_note_records(annot, path, &groups, &features, x[f], n);
    if (single[f])
      rg_annot_note_single(annot, path);
    rg_free(path);
    rg_free(x[f]);
  }
  rg_strings_fini(&groups);
  rg_strings_fini(&features);
}

static void note_param(const options *o, const char *name, const char *text,
                       rg_annot *annot)
{
  char *path = rg_format("%s/params/%s", o->key, name);
  rg_annot_note_text(annot, path, text);
  rg_free(path);
}

static void note_flag(const options *o, const char *name, bool value, rg_annot *annot)
{
  char *path = rg_format("%s/params/%s", o->key, name);
  rg_annot_note_bool(annot, path, value);
  rg_free(path);
}

static void note_params(const options *o, const work *w, rg_annot *annot)
{
  note_param(o, "groupby", o->groups, annot);
  note_param(o, "reference", o->reference, annot);
  note_param(o, "method", o->method, annot);
  note_param(o, "corr_method", "benjamini-hochberg", annot);
  note_flag(o, "use_raw", false, annot);
  note_flag(o, "tie_correct", o->tie_correct, annot);
  note_param(o, "values", o->values, annot);
  note_param(o, "counts", w->modality->counts, annot);
  if (strcmp(o->values, "log1p") == 0) {
    char *path = rg_format("%s/params/target", o->key);
    rg_annot_note_number(annot, path, o->target);
    rg_free(path);
  }
}

/* The columns of scanpy.get.rank_genes_groups_df. Owned, of malloc. */
static char *table_of(const work *w)
{
  char *text = NULL;
  size_t length;
  FILE *out = open_memstream(&text, &length);
  RG_ASSERT(out);
  fprintf(out, "group\tnames\tscores\tlogfoldchanges\tpvals\tpvals_adj\tpct_nz_group\t"
               "pct_nz_reference\n");
  for (int g = 0; g < w->found.n_groups; g++)
    for (int64_t k = 0; w->found.ranked[g] && k < w->found.n; k++) {
      const rg_marker *m = &w->found.marker[g * w->found.n + k];
      fprintf(out, "%s\t%s\t%.8g\t%.8g\t%.10g\t%.10g\t%.8g\t%.8g\n", group_name(w, g),
              rg_strings_at(&w->modality->features, m->feature), m->score, m->fold, m->p,
              m->p_adjusted, m->share, m->share_reference);
    }
  fclose(out);
  return text;
}

static void print_best(rg_comm *comm, const work *w)
{
  int wide = 5;
  for (int g = 0; g < w->found.n_groups; g++)
    if (w->found.ranked[g] && (int)strlen(group_name(w, g)) > wide)
      wide = (int)strlen(group_name(w, g));
  rg_say(comm, "%-*s %8s  best features\n", wide, "group", "cells");
  for (int g = 0; g < w->found.n_groups; g++) {
    if (!w->found.ranked[g])
      continue;
    rg_say(comm, "%-*s %8lld ", wide, group_name(w, g), (long long)w->found.cells[g]);
    for (int64_t k = 0; k < SHOWN && k < w->found.n; k++)
      rg_say(comm, " %s",
             rg_strings_at(&w->modality->features,
                           w->found.marker[g * w->found.n + k].feature));
    rg_say(comm, "\n");
  }
}

/* ---- the command ----------------------------------------------------------------- */

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const options *o = call->options;
  const char *path = call->arguments[0];
  rg_annot annot = {0};
  work w = {0};
  RG_TRY(rg_check_output(call->comm, path));
  if (o->output)
    RG_TRY(rg_check_output(call->comm, o->output));
  RG_TRY(rg_annot_read(call->comm, path, &annot));
  RG_TRY(rank(call, &annot, &w));
  note_markers(o, &w, &annot);
  note_params(o, &w, &annot);
  RG_TRY(rg_annot_update(call->comm, path, &annot));
  print_best(call->comm, &w);
  if (o->output) {
    char *text = table_of(&w);
    status = rg_write_text(call->comm, o->output, text);
    free(text);
    RG_TRY(status);
    rg_say_result(call->comm, o->output);
  }
  rg_say_result(call->comm, path);
out:
  work_fini(&w);
  rg_annot_fini(&annot);
  return status;
}

const rg_command rg_cmd_markers = {
    .name = "markers",
    .arguments = "RESULTS.h5ad FILE",
    .summary = "rank the features that set groups of cells apart",
    .help =
        "Compares every feature of a modality of FILE between each group of cells "
        "(obs/leiden of RESULTS.h5ad, or another column) and the other cells, or one "
        "group, and writes the ranked features to uns/rank_genes_groups in the layout of "
        "scanpy: names, scores, pvals, pvals_adj, logfoldchanges, params. Cells are "
        "matched by name; cells without a group are left out, groups of one cell are not "
        "ranked. Values are log1p of counts scaled to 10,000 per cell. Results are the "
        "same on any number of ranks. P-values of groups that were found in the same "
        "values are too small.",
    .example = "regatta markers run/results.h5ad cells.h5mu --groups leiden",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 75,
    .run = run};
