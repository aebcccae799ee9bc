/* regatta embed: the latent of every cell of a file by a trained run. */
#include "work.h"

#include <string.h>

typedef struct embed_options {
  char *output;
} embed_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(embed_options, output), NULL, 0, 0, NULL, NULL,
     "results, an .h5ad"},
    {0}};

/* obsm/X_<recipe> and X_<recipe>_<name>, rows in the order of the file */
static rg_status add_embeddings(rg_session *session, const rg_plan *plan, rg_file *file,
                                const rg_dataset *dataset, rg_annot *annot)
{
  rg_status status = RG_OK;
  for (int k = 0; k < rg_session_embeddings(session); k++) {
    const char *name = rg_session_embedding_name(session, k);
    rg_mat rows = {0};
    RG_TRY(rg_embed(session, k, &rows));
    char *key = rg_format("X_%s%s%s", plan->recipe->name, *name ? "_" : "", name);
    rg_annot_set_obsm(annot, key, rg_work_to_file(file, dataset, &rows));
    rg_free(key);
    rg_mat_fini(&rows);
  }
out:
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const embed_options *o = call->options;
  rg_comm *comm = call->comm;
  const char *folder = call->arguments[0];
  rg_plan plan = {0};
  rg_file *file = NULL;
  rg_dataset dataset = {0};
  rg_session *session = NULL;
  rg_annot annot = {0};
  RG_TRY(rg_check_output(comm, o->output));
  RG_TRY(rg_plan_read(comm, folder, &plan));
  RG_TRY(rg_work_open(comm, call->arguments[1], &plan, &file));
  RG_TRY(rg_work_dataset(comm, folder, &plan, file, &dataset));
  RG_TRY(rg_session_open(comm, folder, &dataset, &session));
  RG_TRY(rg_work_annot(file, &plan, &annot));
  RG_TRY(add_embeddings(session, &plan, file, &dataset, &annot));
  RG_TRY(rg_work_before(file, folder, &dataset, &annot));
  rg_work_provenance(comm, &annot, call, file, &plan);
  RG_TRY(rg_annot_write(comm, o->output, &annot));
  rg_say_result(comm, o->output);
out:
  rg_annot_fini(&annot);
  rg_session_free(session);
  rg_dataset_fini(&dataset);
  rg_close(file);
  rg_plan_fini(&plan);
  return status;
}

const rg_command rg_cmd_embed = {
    .name = "embed",
    .arguments = "RUN FILE -o RESULTS.h5ad",
    .summary = "embed the cells of a file with a trained run",
    .help = "Writes RESULTS.h5ad with obsm/X_<recipe> for every cell of FILE in its order "
            "(NaN where a cell lacks the modality), the columns of obs and the provenance "
            "under uns/regatta. FILE may hold cells that were not trained on; features are "
            "matched by name.",
    .example = "regatta embed run cells.h5mu -o results.h5ad",
    .options = options,
    .options_size = sizeof(embed_options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 40,
    .run = run};
