/* What is in a run folder. */
#include "work.h"

#include <inttypes.h>
#include <string.h>

static void say_state(rg_comm *comm, const char *run)
{
  char *path = rg_format("%s/STATUS", run), state[64] = "unknown";
  FILE *file = fopen(path, "r");
  if (file) {
    if (fgets(state, sizeof state, file))
      state[strcspn(state, "\n")] = '\0';
    fclose(file);
  }
  rg_say(comm, "  state       %s\n", state);
  rg_free(path);
}

static rg_status say_dataset(rg_comm *comm, const char *run)
{
  rg_status status = RG_OK;
  rg_dataset dataset = {0};
  char *path = rg_format("%s/prepared", run);
  RG_TRY(rg_dataset_read(comm, path, &dataset));
  rg_say(comm, "  cells       %lld\n", (long long)dataset.n_cells);
  for (int m = 0; m < dataset.n_modalities; m++)
    rg_say(comm, "  %-11s %lld features, %s\n", dataset.modality[m].name,
           (long long)dataset.modality[m].features.n, dataset.modality[m].embedding_name);
out:
  rg_dataset_fini(&dataset);
  rg_free(path);
  return status;
}

rg_status rg_work_inspect(rg_comm *comm, const char *run)
{
  rg_status status = RG_OK;
  rg_plan plan = {0};
  uint64_t hash = 0;
  RG_TRY(rg_plan_read(comm, run, &plan));
  rg_say(comm, "%s: run of %s\n", run, plan.recipe->name);
  say_state(comm, run);
  RG_TRY(say_dataset(comm, run));
  RG_TRY(rg_run_hash(comm, run, &hash));
  rg_say(comm, "  parameters  %016" PRIx64 "\n", hash);
out:
  rg_plan_fini(&plan);
  return status;
}
