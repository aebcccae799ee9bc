/* A trained run opened on a file. */
#include "opened.h"

#include <inttypes.h>
#include <math.h>
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
  char hash[20];
  snprintf(hash, sizeof hash, "%016" PRIx64, rg_parameter_hash(o->session));
  rg_work_provenance(call->comm, &o->annot, call, o->file, &o->plan);
  rg_annot_note_text(&o->annot, "regatta/parameters", hash);
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

/* The most probable group of every row and its probability. */
static void set_grouping(rg_opened *o, const char *name, const rg_mat *shares,
                         rg_strings *groups)
{
  rg_column group = {.name = rg_format("%s_%s", o->plan.recipe->name, name),
                     .type = RG_COLUMN_CATEGORY, .n = shares->rows,
                     .code = RG_NEW(int32_t, shares->rows), .categories = *groups};
  rg_column probability = {.name = rg_format("%s_probability", group.name),
                           .type = RG_COLUMN_NUMBER, .n = shares->rows,
                           .number = RG_NEW(double, shares->rows)};
  *groups = (rg_strings){0};
  for (int64_t i = 0; i < shares->rows; i++) {
    const float *row = rg_mat_row(shares, i);
    int32_t best = 0;
    for (int32_t k = 1; k < shares->cols; k++)
      best = row[k] > row[best] ? k : best;
    group.code[i] = isnan(row[best]) ? -1 : best;
    probability.number[i] = (double)row[best];
  }
  rg_annot_set_column(&o->annot, group);
  rg_annot_set_column(&o->annot, probability);
}

rg_status rg_opened_groupings(rg_opened *o)
{
  rg_status status = RG_OK;
  for (int k = 0; k < rg_session_groupings(o->session); k++) {
    rg_mat shares = {0};
    rg_strings groups = {0};
    RG_TRY(rg_group_shares(o->session, k, &shares, &groups));
    rg_mat rows = rg_work_to_file(o->file, &o->dataset, &shares);
    set_grouping(o, rg_session_grouping_name(o->session, k), &rows, &groups);
    rg_mat_fini(&rows);
    rg_mat_fini(&shares);
  }
out:
  return status;
}

static rg_status no_batch(const rg_strings *known, const char *name)
{
  char *list = rg_strings_text(known, 20);
  rg_status status = rg_fail(RG_EUSAGE, "the run knows no batch %s; %s%s", name,
                             *list ? "there are: " : "it was trained without batches",
                             list);
  rg_free(list);
  return status;
}

rg_status rg_opened_batch(const rg_opened *o, const char *name, int otherwise, int *code)
{
  *code = otherwise;
  if (!name)
    return RG_OK;
  int64_t found = rg_strings_find(&o->dataset.batch.categories, name);
  if (found < 0)
    return no_batch(&o->dataset.batch.categories, name);
  *code = (int)found;
  return RG_OK;
}

rg_status rg_opened_predict(const rg_call *call, const rg_read_out *read_out,
                            const char *output, rg_opened *o)
{
  rg_status status = RG_OK;
  rg_mat mean = {0};
  RG_TRY(rg_predict(o->session, read_out, &mean));
  rg_info("%s: %s of %lld cells%s%s, %lld features", call->arguments[1], read_out->to,
          (long long)o->annot.n_cells, read_out->from ? " from " : "",
          read_out->from ? read_out->from : "", (long long)mean.cols);
  o->annot.has_x = true;
  o->annot.x = rg_work_to_file(o->file, &o->dataset, &mean);
  rg_strings_copy(&rg_dataset_modality(&o->dataset, read_out->to)->features,
                  &o->annot.var_names);
  RG_TRY(rg_opened_write(call, output, o));
out:
  rg_mat_fini(&mean);
  return status;
}
