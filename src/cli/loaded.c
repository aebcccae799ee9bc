/* From options to a plan, from a file to the data set that is trained on. */
#include "loaded.h"

#include <string.h>
#include <unistd.h>

/* ---- plan ---- */

/* The configuration of a run has the settings of its recipe alone. */
static rg_status check_origin(const rg_call *call, const rg_asked *o, const char *run)
{
  rg_status status = RG_OK;
  rg_plan old = {0};
  RG_TRY(rg_plan_read(call->comm, run, &old));
  if (o->recipe && strcmp(o->recipe, old.recipe->name) != 0)
    status = rg_fail(RG_EINPUT, "%s: a run of recipe %s; it cannot be gone on from with %s",
                     run, old.recipe->name, o->recipe);
out:
  rg_plan_fini(&old);
  return status;
}

/* `origin`: the run whose configuration is the base where --config names none; or NULL. */
static rg_status make_plan(const rg_call *call, const rg_asked *o, const char *origin,
                           rg_plan *plan)
{
  enum { NAMED = 6 };
  const char *bound = origin && !call->config ? "0" : NULL;
  const char *names[NAMED] = {"train.max_steps", "train.max_hours", "data.batch",
                              "data.labels",     "data.layer",      "train.init_from"};
  const char *values[NAMED] = {bound, bound, o->batch, o->labels, o->layer, o->init_from};
  int n = 0;
  char **assignments = RG_NEW(char *, call->n_assignments + NAMED);
  for (int k = 0; k < NAMED; k++)
    if (values[k])
      assignments[n++] = rg_format("%s=%s", names[k], values[k]);
  int made = n;
  for (int k = 0; k < call->n_assignments; k++)
    assignments[n++] = call->assignments[k];
  char *old = origin ? rg_format("%s/used_config.yaml", origin) : NULL;
  rg_sources sources = {call->config ? call->config : old, n, assignments, o->recipe};
  rg_status status = rg_plan_make(call->comm, &sources, plan);
  rg_free(old);
  for (int k = 0; k < made; k++)
    rg_free(assignments[k]);
  rg_free(assignments);
  return status;
}

/* Rank 0 looks. */
static bool has_begun(rg_comm *comm, const char *run)
{
  char *path = rg_format("%s/used_config.yaml", run);
  bool begun = rg_any(comm, rg_rank(comm) == 0 && access(path, R_OK) == 0);
  rg_free(path);
  return begun;
}

rg_status rg_asked_plan(const rg_call *call, const rg_asked *asked, const char *resumed,
                        rg_plan *plan)
{
  bool begun = resumed && has_begun(call->comm, resumed);
  const char *origin = begun ? resumed : asked->init_from;
  rg_status status = origin ? check_origin(call, asked, origin) : RG_OK;
  return status == RG_OK ? make_plan(call, asked, origin, plan) : status;
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

rg_status rg_load(rg_file *file, const rg_plan *plan, rg_dataset *dataset,
                  rg_mat *teacher)
{
  rg_status status = RG_OK;
  rg_timer_start("prepare");
  RG_TRY(check_modalities(file, plan));
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
