/* regatta run: the whole pipeline, one command after another. */
#include "options.h"
#include "work.h"

#include <string.h>
#include <unistd.h>

typedef struct run_options {
  char *output, *recipe, *batch, *labels, *drop, *layer, *until;
  bool resume;
} run_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(run_options, output), NULL, 0, 0, NULL, NULL,
     "the run folder"},
    {"recipe", RG_TEXT, offsetof(run_options, recipe), NULL, 0, 0, NULL, NULL,
     "method (train.recipe); see: regatta list recipes"},
    {"batch", RG_TEXT, offsetof(run_options, batch), NULL, 0, 0, NULL, NULL,
     "column of obs with the batch of a cell (data.batch)"},
    {"labels", RG_TEXT, offsetof(run_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with the type of a cell (data.labels); gives scores"},
    {"drop", RG_TEXT, offsetof(run_options, drop), NULL, 0, 0, NULL, NULL,
     "labels to leave out of the scores, separated by commas"},
    {"layer", RG_TEXT, offsetof(run_options, layer), NULL, 0, 0, NULL, NULL,
     "layer that holds the counts (data.layer)"},
    {"until", RG_CHOICE, offsetof(run_options, until), "report", 0, 0,
     "train|embed|neighbors|cluster|umap|evaluate|report", NULL, "the last command to run"},
    {"resume", RG_BOOL, offsetof(run_options, resume), "false", 0, 0, NULL, NULL,
     "go on with the run folder"},
    {0}};

/* ---- a stage is a command line ---- */

typedef struct words {
  int n;
  char *word[256];
} words;

static void add(words *w, const char *word)
{
  RG_ASSERT(w->n < 256);
  w->word[w->n++] = rg_strdup(word);
}

static void add_option(words *w, const char *name, const char *value)
{
  if (!value)
    return;
  add(w, name);
  add(w, value);
}

static rg_status stage(const rg_call *call, const char *name, words *w)
{
  rg_status status = RG_OK;
  const rg_command *command = NULL;
  rg_parsed parsed = {0};
  RG_TRY(rg_command_find(name, &command));
  rg_timer_start(name);
  RG_TRY(rg_options_parse(command, w->n, w->word, &parsed));
  parsed.call.comm = call->comm;
  parsed.call.line = call->line;
  parsed.call.inside = true;
  RG_TRY_ALL(call->comm, command->run(&parsed.call));
out:
  rg_timer_stop(name);
  if (command)
    rg_parsed_fini(command, &parsed);
  for (int i = 0; i < w->n; i++)
    rg_free(w->word[i]);
  return status;
}

/* ---- stages ---- */

static rg_status train_stage(const rg_call *call, const run_options *o)
{
  words w = {0};
  if (call->print_config)
    add(&w, "--print-config");
  else
    add(&w, call->arguments[0]);
  add_option(&w, "--output", o->output);
  add_option(&w, "--recipe", o->recipe);
  add_option(&w, "--batch", o->batch);
  add_option(&w, "--labels", o->labels);
  add_option(&w, "--layer", o->layer);
  add_option(&w, "--config", call->config);
  for (int i = 0; i < call->n_assignments; i++)
    add_option(&w, "--set", call->assignments[i]);
  if (o->resume)
    add(&w, "--resume");
  return stage(call, "train", &w);
}

static rg_status embed_stage(const rg_call *call, const run_options *o, const char *results)
{
  words w = {0};
  add(&w, o->output);
  add(&w, call->arguments[0]);
  add_option(&w, "--output", results);
  return stage(call, "embed", &w);
}

static rg_status neighbors_stage(const rg_call *call, const char *rep, const char *results)
{
  words w = {0};
  add(&w, results);
  add_option(&w, "--rep", rep);
  return stage(call, "neighbors", &w);
}

static rg_status cluster_stage(const rg_call *call, const char *results)
{
  words w = {0};
  add(&w, results);
  return stage(call, "cluster", &w);
}

static rg_status umap_stage(const rg_call *call, const char *results)
{
  words w = {0};
  add(&w, results);
  return stage(call, "umap", &w);
}

static rg_status evaluate_stage(const rg_call *call, const run_options *o,
                                const rg_plan *plan, const char *rep, const char *results)
{
  words w = {0};
  add(&w, results);
  add_option(&w, "--rep", rep);
  add_option(&w, "--drop", o->drop);
  add_option(&w, "--labels", plan->data.labels);
  add_option(&w, "--batch", plan->data.batch);
  char *scores = rg_format("%s/scores.json", o->output);
  add_option(&w, "--output", scores);
  rg_free(scores);
  return stage(call, "evaluate", &w);
}

/* A stage after the training is done again as a whole: stop before it or not at all. */
static rg_status before(const rg_call *call, const run_options *o, const char *name)
{
  if (!rg_any(call->comm, rg_stop_requested(o->output, 0, 0)))
    return RG_OK;
  return rg_fail(RG_ESTOPPED, "%s: stopped on request before %s; go on with --resume",
                 o->output, name);
}

/* Not wanted any more: the command `name` comes after the one that --until names. */
static bool ends_before(const run_options *o, const char *name)
{
  static const char *const order[] = {"train", "embed", "neighbors", "cluster",
                                      "umap",  "evaluate", "report"};
  int last = 0, here = 0;
  for (int k = 0; k < 7; k++) {
    last = strcmp(order[k], o->until) == 0 ? k : last;
    here = strcmp(order[k], name) == 0 ? k : here;
  }
  return here > last;
}

/* The commands after train, up to the last one wanted. */
static rg_status stages(const rg_call *call, const run_options *o, const rg_plan *plan,
                        const char *rep, const char *results)
{
  rg_status status = RG_OK;
  if (ends_before(o, "embed"))
    goto out;
  RG_TRY(before(call, o, "embed"));
  RG_TRY(embed_stage(call, o, results));
  if (ends_before(o, "neighbors"))
    goto out;
  RG_TRY(before(call, o, "neighbors"));
  RG_TRY(neighbors_stage(call, rep, results));
  if (ends_before(o, "cluster"))
    goto out;
  RG_TRY(before(call, o, "cluster"));
  RG_TRY(cluster_stage(call, results));
  if (ends_before(o, "umap"))
    goto out;
  RG_TRY(before(call, o, "umap"));
  RG_TRY(umap_stage(call, results));
  if (ends_before(o, "evaluate") || !(plan->data.labels || plan->data.batch))
    goto out;
  RG_TRY(before(call, o, "evaluate"));
  RG_TRY(evaluate_stage(call, o, plan, rep, results));
out:
  return status;
}

static rg_status report_stage(const rg_call *call, const run_options *o)
{
  words w = {0};
  add(&w, o->output);
  return stage(call, "report", &w);
}

static rg_status after_training(const rg_call *call, const run_options *o)
{
  rg_status status = RG_OK;
  rg_plan plan = {0};
  char *results = rg_format("%s/results.h5ad", o->output), *rep = NULL;
  RG_TRY(rg_plan_read(call->comm, o->output, &plan));
  rep = rg_format("X_%s", plan.recipe->name);
  rg_say_result_later(results);
  RG_TRY(stages(call, o, &plan, rep, results));
out:
  rg_say_result_later(NULL);
  rg_plan_fini(&plan);
  rg_free(rep);
  rg_free(results);
  return status;
}

/* The page about it all, when the folder says that it is done. */
static rg_status tell(const rg_call *call, const run_options *o)
{
  rg_status status = ends_before(o, "report") ? RG_OK : report_stage(call, o);
  if (status != RG_OK)
    return status;
  char *results = rg_format("%s/results.h5ad", o->output);
  rg_work_table(call->comm);
  rg_work_memory(call->comm);
  rg_say_result(call->comm, ends_before(o, "embed") ? o->output : results);
  rg_free(results);
  return RG_OK;
}

static rg_status run(const rg_call *call)
{
  const run_options *o = call->options;
  rg_stop_on_signals(true);
  rg_status status = train_stage(call, o);
  if (status == RG_OK && !call->print_config)
    status = rg_work_finish(call->comm, o->output, false, after_training(call, o));
  rg_stop_on_signals(false);
  if (status == RG_OK && !call->print_config)
    status = tell(call, o);
  return status;
}

const rg_command rg_cmd_run = {
    .name = "run",
    .arguments = "FILE -o RUN",
    .summary =
        "the whole pipeline: train, embed, neighbors, cluster, umap, evaluate, report",
    .help =
        "Runs the commands train, embed, neighbors, cluster, umap and, where labels or "
        "batches are named, evaluate one after another, then report; everything is in "
        "the folder RUN, the results in RUN/results.h5ad, which scanpy opens, the "
        "figures in RUN/report.html and RUN/figures.",
    .example =
        "mpirun -n 2 regatta run cells.h5mu -o run --labels cell_type --batch plate",
    .options = options,
    .options_size = sizeof(run_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .configurable = true,
    .order = 10,
    .run = run};
