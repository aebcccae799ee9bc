/* regatta translate: one modality of every cell from another, by a trained run. */
#include "opened.h"

typedef struct translate_options {
  char *output, *from, *to, *batch, *values;
  int64_t draws;
} translate_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(translate_options, output), NULL, 0, 0, NULL, NULL,
     "predicted matrix, an .h5ad"},
    {"from", RG_TEXT, offsetof(translate_options, from), NULL, 0, 0, NULL, NULL,
     "modality that is read; the others of FILE are not looked at"},
    {"to", RG_TEXT, offsetof(translate_options, to), NULL, 0, 0, NULL, NULL,
     "modality that is predicted"},
    {"batch", RG_TEXT, offsetof(translate_options, batch), NULL, 0, 0, NULL, NULL,
     "batch that all cells are read out as; unset: each of its own"},
    {"draws", RG_INT, offsetof(translate_options, draws), "0", 0, 100000, NULL, NULL,
     "mean over so many draws of the latent; 0: at the mean of the latent"},
    {"values", RG_CHOICE, offsetof(translate_options, values), "mean", 0, 0,
     "mean|drawn", NULL,
     "means; or one draw from the likelihood at one draw of the latent, which has the "
     "spread of measured values"},
    {0}};

static rg_status check(const translate_options *o)
{
  if (!o->from || !o->to)
    return rg_fail(RG_EUSAGE, "say what to translate: --from MODALITY --to MODALITY");
  if (o->values[0] == 'd' && o->draws > 0)
    return rg_fail(RG_EUSAGE, "--draws are of means; --values drawn is one draw");
  return RG_OK;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const translate_options *o = call->options;
  rg_opened opened = {0};
  rg_read_out read_out = {.from = o->from, .to = o->to, .draws = o->draws,
                          .values = o->values[0] == 'd'};
  RG_TRY(check(o));
  RG_TRY(rg_opened_make(call, o->output, &opened));
  RG_TRY(rg_opened_batch(&opened, o->batch, -1, &read_out.batch));
  RG_TRY(rg_opened_predict(call, &read_out, o->output, &opened));
out:
  rg_opened_fini(&opened);
  return status;
}

const rg_command rg_cmd_translate = {
    .name = "translate",
    .arguments = "RUN FILE -o OUT.h5ad",
    .summary = "predict one modality from another with a trained run",
    .help =
        "Writes the predicted mean of the modality --to for every cell of FILE that "
        "has "
        "the modality --from, as X of OUT.h5ad; rows of other cells are NaN. Whatever "
        "else FILE holds is not read. `regatta list recipes` says which recipes "
        "translate. The matrix is dense: cells x features x 4 bytes, spread over the "
        "ranks.",
    .example = "regatta translate run cells.h5mu --from rna --to adt -o proteins.h5ad",
    .options = options,
    .options_size = sizeof(translate_options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 92,
    .run = run};
