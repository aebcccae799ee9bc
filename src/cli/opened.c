/* A trained run opened on a file. */
#include "opened.h"

#include <string.h>

rg_status rg_opened_make(const rg_call *call, const char *output, rg_opened *o)
{
  rg_status status = RG_OK;
  rg_comm *comm = call->comm;
  const char *run = call->arguments[0], *path = call->arguments[1];
  RG_TRY(rg_check_output(comm, output));
  RG_TRY(rg_plan_read(comm, run, &o->plan));
  RG_TRY(rg_work_open(comm, path, &o->plan, &o->file));
  RG_TRY(rg_work_dataset(comm, run, &o->plan, o->file, &o->dataset));
  RG_TRY(rg_session_open(comm, run, &o->dataset, &o->session));
  RG_TRY(rg_work_annot(o->file, &o->plan, &o->annot));
out:
  return status;
}

rg_status rg_opened_write(const rg_call *call, const char *output, rg_opened *o)
{
  rg_status status = RG_OK;
  rg_work_provenance(call->comm, &o->annot, call, o->file, &o->plan);
  RG_TRY(rg_annot_write(call->comm, output, &o->annot));
  rg_say_result(call->comm, output);
out:
  return status;
}

void rg_opened_fini(rg_opened *o)
{
  rg_annot_fini(&o->annot);
  rg_session_free(o->session);
  rg_dataset_fini(&o->dataset);
  rg_close(o->file);
  rg_plan_fini(&o->plan);
  *o = (rg_opened){0};
}

rg_status rg_opened_embeddings(rg_opened *o)
{
  rg_status status = RG_OK;
  for (int k = 0; k < rg_session_embeddings(o->session); k++) {
    const char *name = rg_session_embedding_name(o->session, k);
    rg_mat rows = {0};
    RG_TRY(rg_embed(o->session, k, &rows));
    char *key = rg_format("X_%s%s%s", o->plan.recipe->name, *name ? "_" : "", name);
    rg_annot_set_obsm(&o->annot, key, rg_work_to_file(o->file, &o->dataset, &rows));
    rg_free(key);
    rg_mat_fini(&rows);
  }
out:
  return status;
}

rg_status rg_opened_batch(const rg_opened *o, const char *name, int otherwise, int *code)
{
  *code = otherwise;
  if (!name)
    return RG_OK;
  int64_t found = rg_strings_find(&o->dataset.batch.categories, name);
  if (found < 0)
    return rg_fail(RG_EUSAGE, "the run knows no batch %s", name);
  *code = (int)found;
  return RG_OK;
}

rg_status rg_opened_predict(const rg_call *call, const rg_read_out *read_out,
                            const char *output, rg_opened *o)
{
  rg_status status = RG_OK;
  rg_mat mean = {0};
  RG_TRY(rg_predict(o->session, read_out, &mean));
  o->annot.has_x = true;
  o->annot.x = rg_work_to_file(o->file, &o->dataset, &mean);
  rg_strings_copy(&rg_dataset_modality(&o->dataset, read_out->to)->features,
                  &o->annot.var_names);
  RG_TRY(rg_opened_write(call, output, o));
out:
  rg_mat_fini(&mean);
  return status;
}
