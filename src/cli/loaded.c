/* From options to a plan, from a file to the data set that is trained on. */
#include "loaded.h"

#include <string.h>

/* ---- plan ---- */

/* The configuration of a run has the settings of its recipe alone. */
static rg_status check_origin(const rg_call *call, const rg_asked *o)
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

static rg_status make_plan(const rg_call *call, const rg_asked *o, rg_plan *plan)
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

rg_status rg_asked_plan(const rg_call *call, const rg_asked *asked, rg_plan *plan)
{
  rg_status status = asked->init_from ? check_origin(call, asked) : RG_OK;
  return status == RG_OK ? make_plan(call, asked, plan) : status;
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
