/* regatta train: prepare a file and train a recipe on it. */
#include "work.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

typedef struct train_options {
  char *output, *recipe, *batch, *labels, *layer, *init_from;
  bool resume;
} train_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(train_options, output), NULL, 0, 0, NULL, NULL,
     "the run folder"},
    {"recipe", RG_TEXT, offsetof(train_options, recipe), NULL, 0, 0, NULL, NULL,
     "method (train.recipe); see: regatta list recipes"},
    {"batch", RG_TEXT, offsetof(train_options, batch), NULL, 0, 0, NULL, NULL,
     "column of obs with the batch of a cell (data.batch)"},
    {"labels", RG_TEXT, offsetof(train_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with the type of a cell, for scores (data.labels)"},
    {"layer", RG_TEXT, offsetof(train_options, layer), NULL, 0, 0, NULL, NULL,
     "layer that holds the counts (data.layer)"},
    {"init_from", RG_TEXT, offsetof(train_options, init_from), NULL, 0, 0, NULL, NULL,
     "run folder to go on from (train.init_from): its configuration where --config names "
     "none, its features and its trained parameters"},
    {"resume", RG_BOOL, offsetof(train_options, resume), "false", 0, 0, NULL, NULL,
     "go on from the newest checkpoint of the run folder"},
    {0}};

/* ---- plan ---- */

/* The configuration of a run has the settings of its recipe alone. */
static rg_status check_origin(const rg_call *call, const train_options *o)
{
  rg_status status = RG_OK;
  rg_plan old = {0};
  RG_TRY(rg_plan_read(call->comm, o->init_from, &old));
  if (o->recipe && strcmp(o->recipe, old.recipe->name) != 0)
    status = rg_fail(RG_EINPUT, "%s: a run of recipe %s; it cannot be gone on from with %s",
                     o->init_from, old.recipe->name, o->recipe);
out:
  rg_plan_fini(&old);
  return status;
}

static rg_status make_plan(const rg_call *call, const train_options *o, rg_plan *plan)
{
  enum { NAMED = 4 };
  const char *names[NAMED] = {"data.batch", "data.labels", "data.layer",
                              "train.init_from"};
  const char *values[NAMED] = {o->batch, o->labels, o->layer, o->init_from};
  int n = 0;
  char **assignments = RG_NEW(char *, call->n_assignments + NAMED);
  for (int k = 0; k < NAMED; k++)
    if (values[k])
      assignments[n++] = rg_format("%s=%s", names[k], values[k]);
  int made = n;
  for (int k = 0; k < call->n_assignments; k++)
    assignments[n++] = call->assignments[k];
  char *old = o->init_from ? rg_format("%s/used_config.yaml", o->init_from) : NULL;
  rg_sources sources = {call->config ? call->config : old, n, assignments, o->recipe};
  rg_status status = rg_plan_make(call->comm, &sources, plan);
  rg_free(old);
  for (int k = 0; k < made; k++)
    rg_free(assignments[k]);
  rg_free(assignments);
  return status;
}

static rg_status check_folder(const rg_call *call, const train_options *o)
{
  char *path = rg_format("%s/ckpt", o->output);
  bool used = rg_rank(call->comm) == 0 && access(path, F_OK) == 0;
  rg_free(path);
  rg_status status = RG_OK;
  if (used && !o->resume)
    status = rg_fail(RG_EUSAGE,
                     "%s holds a run already; give --resume to go on with it, or "
                     "another folder",
                     o->output);
  return rg_agree(call->comm, status);
}

/* ---- data ---- */

/* The data with the features of a run, its batches and labels first. */
static rg_status prepare_like(rg_file *file, const rg_plan *plan, rg_dataset *dataset)
{
  rg_status status = RG_OK;
  rg_comm *comm = rg_file_comm(file);
  rg_dataset trained = {0};
  char *path = rg_format("%s/prepared", plan->train.init_from);
  RG_TRY(rg_dataset_read(comm, path, &trained));
  RG_TRY(rg_prepare(file, &plan->prepare, plan->data.batch, plan->data.labels, &trained,
                    dataset));
  rg_extend_categories(&trained, dataset);
  RG_TRY(rg_dataset_embed(comm, &plan->prepare, dataset));
out:
  rg_dataset_fini(&trained);
  rg_free(path);
  return status;
}

/* Before anything is read: are the modalities of the file enough? */
static rg_status check_modalities(const rg_file *file, const rg_plan *plan)
{
  if (plan->train.init_from)
    return RG_OK;
  rg_strings names = {0};
  for (int m = 0; m < rg_file_modalities(file); m++) {
    const char *name = rg_file_modality(file, m)->name;
    rg_strings_add(&names, name, (int64_t)strlen(name));
  }
  rg_status status = rg_recipe_check(plan->recipe, &names);
  rg_strings_fini(&names);
  return status;
}

static rg_status load(rg_file *file, const rg_plan *plan, rg_dataset *dataset,
                      rg_mat *teacher)
{
  rg_status status = RG_OK;
  rg_timer_start("prepare");
  if (plan->train.init_from)
    RG_TRY(prepare_like(file, plan, dataset));
  else
    RG_TRY(rg_prepare(file, &plan->prepare, plan->data.batch, plan->data.labels, NULL,
                      dataset));
  RG_TRY(rg_work_hold_out(file, plan, dataset));
  RG_TRY(rg_work_teacher(file, plan, dataset, teacher));
out:
  rg_timer_stop("prepare");
  return status;
}

static rg_status keep_prepared(rg_comm *comm, const char *run, const rg_plan *plan,
                               const rg_dataset *dataset)
{
  rg_status status = RG_OK;
  char *path = rg_format("%s/prepared", run);
  RG_TRY(rg_make_folder(comm, run));
  RG_TRY(rg_plan_write(comm, plan, run));
  RG_TRY(rg_dataset_write(comm, dataset, path));
  RG_TRY(rg_work_status(comm, run, "running"));
out:
  rg_free(path);
  return status;
}

/* ---- training ---- */

static void show(void *self, int64_t done, int64_t total, const char *note)
{
  (void)total;
  rg_progress_at(self, done, note);
}

static rg_status train(const rg_call *call, const char *run, bool resume,
                       rg_session *session, int64_t cells, rg_outcome *outcome)
{
  rg_progress *progress = rg_progress_new(call->comm, "train", cells, "cells");
  rg_watch watch = {show, progress};
  rg_timer_start("train");
  rg_status status = rg_train(session, run, resume, &watch, outcome);
  rg_timer_stop("train");
  rg_progress_free(progress);
  return status;
}

static void say_outcome(rg_comm *comm, const rg_outcome *o)
{
  rg_say(comm, "trained: %lld steps, %.1f s, %.0f cells/s, parameters %016" PRIx64 "\n",
         (long long)o->steps, o->seconds, o->cells_per_second, o->hash);
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const train_options *o = call->options;
  rg_comm *comm = call->comm;
  rg_plan plan = {0};
  rg_file *file = NULL;
  rg_dataset dataset = {0};
  rg_mat teacher = {0};
  rg_session *session = NULL;
  rg_outcome outcome = {0};
  rg_stop_on_signals(true); /* one that comes early stops before the first step */
  if (o->init_from)
    RG_TRY(check_origin(call, o));
  RG_TRY(make_plan(call, o, &plan));
  if (call->print_config) {
    rg_say(comm, "%s", plan.configuration);
    goto out;
  }
  RG_TRY(rg_check_output(comm, o->output));
  RG_TRY(check_folder(call, o));
  rg_timer_start("read");
  RG_TRY(rg_work_open(comm, call->arguments[0], &plan, &file));
  rg_timer_stop("read");
  RG_TRY(check_modalities(file, &plan));
  RG_TRY(load(file, &plan, &dataset, &teacher));
  rg_work_cells(rg_range_n(dataset.rows));
  RG_TRY(rg_session_new(comm, &plan, &dataset, &teacher, &session));
  RG_TRY(keep_prepared(comm, o->output, &plan, &dataset));
  RG_TRY(rg_work_history(call, o->output, o->resume));
  status = train(call, o->output, o->resume, session, rg_session_work(session), &outcome);
  status = rg_work_finish(comm, o->output, call->inside, status);
  say_outcome(comm, &outcome);
  rg_work_memory(comm);
  if (status == RG_OK)
    rg_say_result(comm, o->output);
out:
  rg_stop_on_signals(false);
  rg_session_free(session);
  rg_mat_fini(&teacher);
  rg_dataset_fini(&dataset);
  rg_close(file);
  rg_plan_fini(&plan);
  return status;
}

const rg_command rg_cmd_train = {
    .name = "train",
    .arguments = "FILE -o RUN",
    .summary = "train a recipe on a file",
    .help =
        "Reads FILE, filters and embeds it as `regatta prepare` does, trains the "
        "recipe "
        "and keeps everything in the folder RUN: used_config.yaml (every value and "
        "where "
        "it came from), prepared (features and embeddings), ckpt (checkpoints), "
        "log.jsonl, metrics.csv, timers.csv, ranks.csv, STATUS. The trained model does not "
        "depend "
        "on the number of ranks. SIGTERM, SIGUSR1, a file RUN/stop or "
        "train.max_hours end the training with a checkpoint and exit code 75. "
        "--init-from OLD goes on from another run: new cells are mapped onto its features, "
        "batches it did not know are added, and train.freeze names what stays as it is.",
    .example = "mpirun -n 2 regatta train cells.h5mu -o run --batch plate",
    .options = options,
    .options_size = sizeof(train_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .configurable = true,
    .order = 30,
    .run = run};
