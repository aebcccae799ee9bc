/* regatta report: one page about a run or a file of results. */
#include "results.h"
#include "work.h"

#include "regatta/report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct report_options {
  char *output, *figures, *labels, *batch, *clusters, *scores;
} report_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(report_options, output), NULL, 0, 0, NULL, NULL,
     "the page; unset: RUN/report.html, or RESULTS_report.html"},
    {"figures", RG_TEXT, offsetof(report_options, figures), NULL, 0, 0, NULL, NULL,
     "folder for the figures as PNG and SVG; unset: RUN/figures, or RESULTS_figures"},
    {"labels", RG_TEXT, offsetof(report_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with cell types, or FILE:COLUMN; unset: that of the run"},
    {"batch", RG_TEXT, offsetof(report_options, batch), NULL, 0, 0, NULL, NULL,
     "column of obs with batches, or FILE:COLUMN; unset: that of the run"},
    {"clusters", RG_TEXT, offsetof(report_options, clusters), NULL, 0, 0, NULL, NULL,
     "column of obs with clusters, or FILE:COLUMN; unset: leiden where there is one"},
    {"scores", RG_TEXT, offsetof(report_options, scores), NULL, 0, 0, NULL, NULL,
     "JSON of regatta evaluate; unset: RUN/scores.json"},
    {0}};

/* What is reported on, with the names that follow from it. Owned. */
typedef struct subject {
  bool is_run, is_trained, has_results;
  char *results, *scores, *output, *figures;
  rg_plan plan; /* of a run */
  rg_annot annot;
  rg_column clusters, labels, batch;
  rg_strings facts;
} subject;

static void subject_fini(subject *s)
{
  rg_free(s->results);
  rg_free(s->scores);
  rg_free(s->output);
  rg_free(s->figures);
  rg_plan_fini(&s->plan);
  rg_annot_fini(&s->annot);
  rg_column_fini(&s->clusters);
  rg_column_fini(&s->labels);
  rg_column_fini(&s->batch);
  rg_strings_fini(&s->facts);
}

/* ---- what there is --------------------------------------------------------------- */

enum { NOTHING, FOLDER, PLAIN };

/* What rank 0 finds at a path. Collective. */
static int look(rg_comm *comm, const char *path)
{
  struct stat info;
  int found = NOTHING;
  if (rg_rank(comm) == 0 && stat(path, &info) == 0)
    found = S_ISDIR(info.st_mode) ? FOLDER : PLAIN;
  rg_broadcast(comm, &found, sizeof found, 0);
  return found;
}

static rg_status find_run(const rg_call *call, const report_options *o, subject *s)
{
  const char *run = call->arguments[0];
  char *configuration = rg_format("%s/used_config.yaml", run);
  char *state = rg_format("%s/STATUS", run);
  bool there = look(call->comm, configuration) == PLAIN;
  s->is_trained = look(call->comm, state) == PLAIN; /* else prepared alone */
  rg_free(state);
  rg_free(configuration);
  if (!there)
    return rg_fail(RG_EINPUT, "%s: holds no run (no used_config.yaml); regatta run FILE -o "
                              "%s makes one", run, run);
  s->is_run = true;
  s->results = rg_format("%s/results.h5ad", run);
  s->has_results = look(call->comm, s->results) == PLAIN;
  s->scores = o->scores ? rg_strdup(o->scores) : rg_format("%s/scores.json", run);
  s->output = o->output ? rg_strdup(o->output) : rg_format("%s/report.html", run);
  s->figures = o->figures ? rg_strdup(o->figures) : rg_format("%s/figures", run);
  return rg_plan_read(call->comm, run, &s->plan);
}

static void find_file(const rg_call *call, const report_options *o, subject *s)
{
  const char *path = call->arguments[0], *dot = strrchr(path, '.');
  int length = (int)(dot && !strchr(dot, '/') ? dot - path : (long)strlen(path));
  s->has_results = true;
  s->results = rg_strdup(path);
  s->scores = o->scores ? rg_strdup(o->scores) : NULL;
  s->output =
      o->output ? rg_strdup(o->output) : rg_format("%.*s_report.html", length, path);
  s->figures =
      o->figures ? rg_strdup(o->figures) : rg_format("%.*s_figures", length, path);
}

static rg_status find(const rg_call *call, const report_options *o, subject *s)
{
  const char *path = call->arguments[0];
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/')
    n--;
  int what = look(call->comm, path);
  if (what == NOTHING)
    return rg_fail(RG_EINPUT, "%s: no such run or file", path);
  if (o->scores && look(call->comm, o->scores) != PLAIN)
    return rg_fail(RG_EINPUT, "%s: no such file", o->scores);
  if (what == FOLDER)
    return find_run(call, o, s);
  find_file(call, o, s);
  return RG_OK;
}

/* ---- columns and facts ----------------------------------------------------------- */

static const char *note(const subject *s, const char *path)
{
  const rg_note *found = rg_annot_note(&s->annot, path);
  return found ? found->text : NULL;
}

/* The column that was asked for, or the usual one where the results have it. */
static rg_status take_column(rg_comm *comm, const subject *s, const char *asked,
                             const char *usual, rg_column *column)
{
  if (!asked && usual && rg_annot_column(&s->annot, usual))
    asked = usual;
  return rg_results_category(comm, &s->annot, asked, column);
}

static rg_status read_results(const rg_call *call, const report_options *o, subject *s)
{
  rg_status status = RG_OK;
  RG_TRY(rg_annot_read_view(call->comm, s->results, "X_umap", &s->annot));
  const char *labels = s->is_run ? s->plan.data.labels : note(s, "regatta/labels");
  const char *batch = s->is_run ? s->plan.data.batch : note(s, "regatta/batch");
  RG_TRY(take_column(call->comm, s, o->clusters, "leiden", &s->clusters));
  RG_TRY(take_column(call->comm, s, o->labels, labels, &s->labels));
  RG_TRY(take_column(call->comm, s, o->batch, batch, &s->batch));
out:
  return status;
}

static void add_fact(subject *s, const char *name, const char *value)
{
  if (!value)
    return;
  rg_strings_add(&s->facts, name, -1);
  rg_strings_add(&s->facts, value, -1);
}

static const char *recipe_of(const subject *s)
{
  return s->is_trained ? s->plan.recipe->name : note(s, "regatta/recipe");
}

static void add_facts(rg_comm *comm, const char *run, subject *s)
{
  const rg_note *seed = rg_annot_note(&s->annot, "regatta/seed");
  const rg_note *ranks = rg_annot_note(&s->annot, "regatta/n_ranks");
  uint64_t hash = 0;
  char text[32];
  add_fact(s, "input", note(s, "regatta/input"));
  add_fact(s, "recipe", recipe_of(s));
  if (s->is_trained || seed) {
    snprintf(text, sizeof text, "%lld",
             (long long)(s->is_trained ? s->plan.train.seed : (int64_t)seed->number));
    add_fact(s, "seed", text);
  }
  if (ranks) {
    snprintf(text, sizeof text, "%lld", (long long)ranks->number);
    add_fact(s, "ranks that embedded", text);
  }
  if (!s->is_run) {
    add_fact(s, "version", note(s, "regatta/version"));
    add_fact(s, "hash of the parameters", note(s, "regatta/parameters"));
  } else if (rg_run_hash(comm, run, &hash) == RG_OK) {
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    add_fact(s, "hash of the parameters", text);
  } else {
    add_fact(s, "hash of the parameters", "none: there is no checkpoint yet");
  }
}

/* ---- the command ----------------------------------------------------------------- */

static const rg_column *given(const rg_column *column)
{
  return column->name ? column : NULL;
}

static rg_status write_page(const rg_call *call, const subject *s)
{
  rg_report_source source = {
      .title = call->arguments[0],
      .run = s->is_run ? call->arguments[0] : NULL,
      .state = call->inside ? "done" : NULL, /* it comes last */
      .results = s->results,
      .annot = s->has_results ? &s->annot : NULL,
      .clusters = given(&s->clusters),
      .labels = given(&s->labels),
      .batch = given(&s->batch),
      .scores = s->scores,
      .recipe = recipe_of(s),
      .configuration = note(s, "regatta/configuration"),
      .facts = &s->facts,
      .figures = s->figures,
      .output = s->output};
  return rg_report(call->comm, &source);
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const report_options *o = call->options;
  subject s = {0};
  RG_TRY(find(call, o, &s));
  RG_TRY(rg_check_output(call->comm, s.output));
  if (s.has_results)
    RG_TRY(read_results(call, o, &s));
  add_facts(call->comm, call->arguments[0], &s);
  RG_TRY(rg_make_folder(call->comm, s.figures));
  RG_TRY(write_page(call, &s));
  rg_say(call->comm, "figures: %s\n", s.figures);
  rg_say_result(call->comm, s.output);
out:
  subject_fini(&s);
  return status;
}

const rg_command rg_cmd_report = {
    .name = "report",
    .arguments = "RUN|RESULTS.h5ad",
    .summary = "one page with the figures and numbers of a run",
    .help = "Writes one self-contained HTML page about a run folder, or about a file of "
            "results alone: the map of the cells by cluster, label, batch and modalities "
            "measured, losses, scores beside their controls, clusters against labels, "
            "modality coverage, time and memory, and the command, versions and "
            "configuration that made it. Needs no network; figures are in the page, and "
            "in a folder as PNG and SVG. What the run does not hold is left out, with a "
            "line that names the command that makes it.",
    .example = "regatta report run -o run.html --figures pictures",
    .options = options,
    .options_size = sizeof(report_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 105,
    .run = run};
