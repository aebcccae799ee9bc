/* regatta impute: denoised means by a trained run. */
#include "work.h"

#include <string.h>

typedef struct impute_options {
  char *output, *modality, *batch;
} impute_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(impute_options, output), NULL, 0, 0, NULL, NULL,
     "denoised matrix, an .h5ad"},
    {"modality", RG_TEXT, offsetof(impute_options, modality), "atac", 0, 0, NULL, NULL,
     "modality to impute"},
    {"batch", RG_TEXT, offsetof(impute_options, batch), NULL, 0, 0, NULL, NULL,
     "batch that all cells are read out as; unset: the first"},
    {0}};

static rg_status batch_code(const rg_dataset *dataset, const char *name, int *code)
{
  *code = 0;
  if (!name)
    return RG_OK;
  int64_t found = rg_strings_find(&dataset->batch.categories, name);
  if (found < 0)
    return rg_fail(RG_EUSAGE, "the run knows no batch %s", name);
  *code = (int)found;
  return RG_OK;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const impute_options *o = call->options;
  rg_comm *comm = call->comm;
  const char *folder = call->arguments[0];
  rg_plan plan = {0};
  rg_file *file = NULL;
  rg_dataset dataset = {0};
  rg_session *session = NULL;
  rg_annot annot = {0};
  rg_mat mean = {0};
  int batch = 0;
  RG_TRY(rg_check_output(comm, o->output));
  RG_TRY(rg_plan_read(comm, folder, &plan));
  RG_TRY(rg_work_open(comm, call->arguments[1], &plan, &file));
  RG_TRY(rg_work_dataset(comm, folder, &plan, file, &dataset));
  RG_TRY(batch_code(&dataset, o->batch, &batch));
  RG_TRY(rg_session_open(comm, folder, &dataset, &session));
  RG_TRY(rg_impute(session, o->modality, batch, &mean));
  RG_TRY(rg_work_annot(file, &plan, &annot));
  annot.has_x = true;
  annot.x = rg_work_to_file(file, &dataset, &mean);
  rg_strings_copy(&rg_dataset_modality(&dataset, o->modality)->features, &annot.var_names);
  rg_work_provenance(comm, &annot, call, file, &plan);
  RG_TRY(rg_annot_write(comm, o->output, &annot));
  rg_say_result(comm, o->output);
out:
  rg_mat_fini(&mean);
  rg_annot_fini(&annot);
  rg_session_free(session);
  rg_dataset_fini(&dataset);
  rg_close(file);
  rg_plan_fini(&plan);
  return status;
}

const rg_command rg_cmd_impute = {.name = "impute",
                                  .arguments = "RUN FILE -o OUT.h5ad",
                                  .summary = "denoise a modality with a trained run",
                                  .help = "Writes the mean of the likelihood for every "
                                          "cell and feature, all cells at the "
                                          "same depth and batch, as X of OUT.h5ad. The "
                                          "matrix is dense: cells x features x "
                                          "4 bytes, spread over the ranks.",
                                  .example =
                                      "regatta impute run cells.h5mu -o imputed.h5ad",
                                  .options = options,
                                  .options_size = sizeof(impute_options),
                                  .min_arguments = 2,
                                  .max_arguments = 2,
                                  .order = 90,
                                  .run = run};
