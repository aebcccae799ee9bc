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

/* What the stages share; plan, rep and results are there after the first. */
typedef struct pipeline {
  const rg_call *call;
  const run_options *options;
  rg_plan plan;
  char *rep, *results;
} pipeline;

static rg_status train_stage(const pipeline *p)
{
  const run_options *o = p->options;
  const rg_call *call = p->call;
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

static rg_status embed_stage(const pipeline *p)
{
  words w = {0};
  add(&w, p->options->output);
  add(&w, p->call->arguments[0]);
  add_option(&w, "--output", p->results);
  return stage(p->call, "embed", &w);
}

static rg_status neighbors_stage(const pipeline *p)
{
  words w = {0};
  add(&w, p->results);
  add_option(&w, "--rep", p->rep);
  return stage(p->call, "neighbors", &w);
}

static rg_status cluster_stage(const pipeline *p)
{
  words w = {0};
  add(&w, p->results);
  return stage(p->call, "cluster", &w);
}

static rg_status umap_stage(const pipeline *p)
{
  words w = {0};
  add(&w, p->results);
  return stage(p->call, "umap", &w);
}

/* Only where there is something to hold the results against. */
static rg_status evaluate_stage(const pipeline *p)
{
  const run_options *o = p->options;
  words w = {0};
  if (!p->plan.data.labels && !p->plan.data.batch)
    return RG_OK;
  add(&w, p->results);
  add_option(&w, "--rep", p->rep);
  add_option(&w, "--drop", o->drop);
  add_option(&w, "--labels", p->plan.data.labels);
  add_option(&w, "--batch", p->plan.data.batch);
  char *scores = rg_format("%s/scores.json", o->output);
  add_option(&w, "--output", scores);
  rg_free(scores);
  return stage(p->call, "evaluate", &w);
}

/* The page has the times of all before it. It takes seconds: a request to stop that comes
 * now finds the run done, rather than to be done again from the training on. */
static rg_status report_stage(const pipeline *p)
{
  words w = {0};
  rg_status status = rg_work_timers(p->call->comm, p->options->output);
  if (status != RG_OK)
    return status;
  add(&w, p->options->output);
  return stage(p->call, "report", &w);
}

/* In the order of --until. */
enum { TRAIN, EMBED, NEIGHBORS, CLUSTER, UMAP, EVALUATE, REPORT, STAGES };
static const struct {
  const char *name;
  rg_status (*run)(const pipeline *p);
} stages[STAGES] = {{"train", train_stage},         {"embed", embed_stage},
                    {"neighbors", neighbors_stage}, {"cluster", cluster_stage},
                    {"umap", umap_stage},           {"evaluate", evaluate_stage},
                    {"report", report_stage}};

static int last_stage(const run_options *o)
{
  int k = 0;
  while (strcmp(stages[k].name, o->until) != 0)
    k++;
  return k;
}

/* ---- the pipeline ---- */

/* A stage after the training is done again as a whole: stop before it or not at all. */
static rg_status before(const pipeline *p, const char *name)
{
  const char *folder = p->options->output;
  if (!rg_any(p->call->comm, rg_stop_requested(folder, 0, 0)))
    return RG_OK;
  return rg_fail(RG_ESTOPPED, "%s: stopped on request before %s; go on with --resume",
                 folder, name);
}

static rg_status after_training(pipeline *p)
{
  rg_status status = RG_OK;
  p->results = rg_format("%s/results.h5ad", p->options->output);
  RG_TRY(rg_plan_read(p->call->comm, p->options->output, &p->plan));
  p->rep = rg_format("X_%s", p->plan.recipe->name);
  rg_say_result_later(p->results);
  for (int k = EMBED; k < REPORT && k <= last_stage(p->options); k++) {
    RG_TRY(before(p, stages[k].name));
    RG_TRY(stages[k].run(p));
  }
  if (last_stage(p->options) == REPORT)
    RG_TRY(stages[REPORT].run(p));
out:
  rg_say_result_later(NULL);
  return status;
}

static void tell(const pipeline *p)
{
  bool trained = last_stage(p->options) == TRAIN;
  rg_work_table(p->call->comm);
  rg_work_memory(p->call->comm);
  rg_say_result(p->call->comm, trained ? p->options->output : p->results);
}

static rg_status run(const rg_call *call)
{
  const run_options *o = call->options;
  pipeline p = {.call = call, .options = o};
  rg_stop_on_signals(true);
  rg_status status = stages[TRAIN].run(&p);
  if (status == RG_OK && !call->print_config)
    status = rg_work_finish(call->comm, o->output, false, after_training(&p));
  rg_stop_on_signals(false);
  if (status == RG_OK && !call->print_config)
    tell(&p);
  rg_plan_fini(&p.plan);
  rg_free(p.rep);
  rg_free(p.results);
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
