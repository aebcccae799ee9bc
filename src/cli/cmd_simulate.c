/* regatta simulate: a data set with planted truth. */

#include "regatta/cli.h"
#include "regatta/io.h"
#include "regatta/simulate.h"

static void describe(const rg_simulation *options, const rg_simulator *simulator)
{
  rg_info("%lld cells of %lld types in %lld batches, seed %lld",
          (long long)options->cells, (long long)options->types,
          (long long)options->batches, (long long)options->seed);
  for (int m = 0; m < rg_simulator_assays(simulator); m++) {
    const rg_assay *a = rg_simulator_assay(simulator, m);
    rg_info("%s: %lld features", a->name, (long long)a->n);
  }
}

static void drawn(void *self, int64_t cells)
{
  int64_t *done = self;
  *done += cells;
  rg_pace_at(*done, NULL);
}

/* Rank 0 speaks for all: the ranks draw equally many cells. */
static rg_status draw(const rg_call *call, const rg_simulator *simulator)
{
  const rg_simulation *options = call->options;
  rg_range mine = rg_part(options->cells, rg_rank(call->comm), rg_size(call->comm));
  int64_t rows = rg_range_n(mine) * rg_simulator_assays(simulator);
  int64_t done = 0;
  rg_simulator_watch watch = {drawn, &done};
  rg_pace_begin("simulate", rows, "rows");
  rg_status status = rg_simulator_write(call->comm, simulator, options->output, &watch);
  rg_pace_end();
  return status;
}

static rg_status run(const rg_call *call)
{
  const rg_simulation *options = call->options;
  rg_simulator *simulator = NULL;
  rg_status status = RG_OK;
  RG_TRY(rg_check_output(call->comm, options->output));
  RG_TRY_ALL(call->comm, rg_simulator_new(options, &simulator));
  describe(options, simulator);
  RG_TRY(draw(call, simulator));
  rg_say_result(call->comm, options->output);

out:
  rg_simulator_free(simulator);
  return status;
}

const rg_command rg_cmd_simulate = {
    .name = "simulate",
    .arguments = "-o FILE.h5mu",
    .summary = "write a data set with planted cell types, batches and depths",
    .help =
        "Draws cells of known types, in batches that shift every modality and with "
        "depths that vary, and writes an h5mu with counts in X and the truth in obs "
        "(cell_type, batch, depth). Peaks lie in order along chromosomes of falling "
        "size. With --paired below 1 some cells lack one modality, with --single all but "
        "one: three modalities and --paired 0.5 --single give a mosaic, --paired 0 "
        "--single data without pairs. With --private adt two types differ in their "
        "proteins alone; obs has cell_type_coarse then, where they are one. A value "
        "depends on the seed, the cell and the feature alone: the file is the same at "
        "any number of ranks.",
    .example = "regatta simulate -o toy.h5mu --cells 2000 --types 5 --paired 0.8",
    .options = rg_simulation_fields,
    .options_size = sizeof(rg_simulation),
    .max_arguments = 0,
    .order = 20,
    .run = run,
};
