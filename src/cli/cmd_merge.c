/* regatta merge: results inside a copy of the input. */

#include "regatta/cli.h"
#include "regatta/io.h"

typedef struct options {
  char *output;
} options;

static const rg_field fields[] = {
    {"output", RG_TEXT, offsetof(options, output), NULL, 0, 0, NULL, NULL,
     "the file to write: a copy of FILE with the results inside"},
    {0}};

static rg_status run(const rg_call *call)
{
  const options *o = call->options;
  const char *input = call->arguments[0], *results = call->arguments[1];
  rg_annot annot = {0};
  rg_status status = RG_OK;
  RG_TRY(rg_check_output(call->comm, o->output));
  RG_TRY(rg_annot_read(call->comm, results, &annot));
  rg_info("%s: %lld cells, %d columns, %d matrices, %d graphs", results,
          (long long)annot.n_cells, annot.n_columns, annot.n_obsm, annot.n_obsp);
  RG_TRY(rg_annot_merge(call->comm, input, &annot, o->output));
  rg_say_result(call->comm, o->output);

out:
  rg_annot_fini(&annot);
  return status;
}

const rg_command rg_cmd_merge = {
    .name = "merge",
    .arguments = "FILE RESULTS.h5ad -o OUT",
    .summary = "put results inside a copy of the input",
    .help =
        "Copies FILE (h5ad or h5mu) to OUT and adds the columns, embeddings, graphs "
        "and "
        "notes of RESULTS, matched by the names of cells; in an h5mu they go to the "
        "global obs, obsm, obsp and uns. What has the same name is replaced. Cells "
        "without results get missing values. FILE itself is not touched.",
    .example = "regatta merge data.h5mu run/results.h5ad -o data_with_results.h5mu",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 2,
    .max_arguments = 2,
    .light = true,
    .order = 120,
    .run = run,
};
