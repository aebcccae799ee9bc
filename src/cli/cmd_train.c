/* regatta train: prepare a file and train a recipe on it. */
#include "loaded.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

typedef struct train_options {
  rg_asked asked;
  char *output;
  bool resume;
} train_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(train_options, output), NULL, 0, 0, NULL, NULL,
     "the run folder"},
    RG_ASKED_FIELDS(offsetof(train_options, asked)),
    {"resume", RG_BOOL, offsetof(train_options, resume), "false", 0, 0, NULL, NULL,
     "go on from the newest checkpoint of the run folder"},
    {0}};

/* ---- the folder ---- */

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
  (void)self, (void)total;
  rg_pace_at(done, note);
}

static rg_status train(const char *run, bool resume, rg_session *session, int64_t cells,
                       rg_outcome *outcome)
{
  rg_watch watch = {show, NULL};
  rg_pace_begin("train", cells, "cells");
  rg_timer_start("train");
  rg_status status = rg_train(session, run, resume, &watch, outcome);
  rg_timer_stop("train");
  rg_pace_end();
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
  RG_TRY(rg_asked_plan(call, &o->asked, o->resume ? o->output : NULL, &plan));
  if (call->print_config) {
    rg_say(comm, "%s", plan.configuration);
    goto out;
  }
  RG_TRY(rg_check_folder(comm, o->output));
  RG_TRY(check_folder(call, o));
  rg_timer_start("read");
  RG_TRY(rg_work_open(comm, call->arguments[0], &plan, &file));
  rg_timer_stop("read");
  RG_TRY(rg_load(file, &plan, &dataset, &teacher));
  rg_work_cells(rg_range_n(dataset.rows));
  RG_TRY(rg_session_new(comm, &plan, &dataset, &teacher, &session));
  rg_work_warn_memory(comm);
  RG_TRY(keep_prepared(comm, o->output, &plan, &dataset));
  RG_TRY(rg_work_history(call, o->output, o->resume));
  status = train(o->output, o->resume, session, rg_session_work(session), &outcome);
  status = rg_work_finish(comm, o->output, call->inside, status);
  say_outcome(comm, &outcome);
  if (!call->inside)
    rg_work_table(comm);
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
