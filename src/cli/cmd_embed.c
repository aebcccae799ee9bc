/* regatta embed: the latent of every cell of a file by a trained run. */
#include "opened.h"

typedef struct embed_options {
  char *output;
} embed_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(embed_options, output), NULL, 0, 0, NULL, NULL,
     "results, an .h5ad"},
    {0}};

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const embed_options *o = call->options;
  rg_opened opened = {0};
  RG_TRY(rg_opened_make(call, o->output, &opened));
  RG_TRY(rg_opened_embeddings(&opened));
  RG_TRY(rg_opened_groupings(&opened));
  RG_TRY(rg_work_before(opened.file, call->arguments[0], &opened.dataset, &opened.annot));
  RG_TRY(rg_opened_write(call, o->output, &opened));
out:
  rg_opened_fini(&opened);
  return status;
}

const rg_command rg_cmd_embed = {
    .name = "embed",
    .arguments = "RUN FILE -o RESULTS.h5ad",
    .summary = "embed the cells of a file with a trained run",
    .help =
        "Writes RESULTS.h5ad with obsm/X_<recipe> for every cell of FILE in its order "
        "(NaN where a cell lacks the modality), the columns of obs, what the model "
        "makes "
        "of groups or labels (<recipe>_label and its probability) and the provenance "
        "under uns/regatta. FILE may hold cells that were not trained on; features are "
        "matched by name.",
    .example = "regatta embed run cells.h5mu -o results.h5ad",
    .options = options,
    .options_size = sizeof(embed_options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 40,
    .run = run};
