/* regatta impute: denoised means by a trained run. */
#include "opened.h"

typedef struct impute_options {
  char *output, *modality, *batch;
} impute_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(impute_options, output), NULL, 0, 0, NULL, NULL,
     "denoised matrix, an .h5ad"},
    {"modality", RG_TEXT, offsetof(impute_options, modality), NULL, 0, 0, NULL, NULL,
     "modality to impute; unset: atac, or the first that the run imputes"},
    {"batch", RG_TEXT, offsetof(impute_options, batch), NULL, 0, 0, NULL, NULL,
     "batch that all cells are read out as; unset: the first"},
    {0}};

static rg_status choose(const rg_opened *opened, rg_read_out *read_out)
{
  if (!read_out->to)
    read_out->to = rg_session_imputes(opened->session);
  if (!read_out->to)
    return rg_fail(RG_EUSAGE, "recipe %s imputes nothing; see: regatta list recipes",
                   opened->plan.recipe->name);
  return RG_OK;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const impute_options *o = call->options;
  rg_opened opened = {0};
  rg_read_out read_out = {.to = o->modality, .level = true};
  RG_TRY(rg_opened_make(call, o->output, &opened));
  RG_TRY(choose(&opened, &read_out));
  RG_TRY(rg_opened_batch(&opened, o->batch, 0, &read_out.batch));
  RG_TRY(rg_opened_predict(call, &read_out, o->output, &opened));
out:
  rg_opened_fini(&opened);
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
