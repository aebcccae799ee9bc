/* The plan of a run: recipe, its settings, and the sections train and prepare, from
 * defaults, a file and assignments. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every section of every recipe, to find out which recipe is meant. */
static rg_status find_recipe(const rg_sources *sources, char **name)
{
  rg_status status = RG_OK;
  rg_config *config = rg_config_new();
  rg_train_options train;
  rg_prepare_options prepare;
  rg_data_options data;
  void *settings[64] = {0};
  rg_config_section(config, "train", rg_train_fields, &train, "");
  rg_config_section(config, "prepare", rg_prepare_fields, &prepare, "");
  rg_config_section(config, "data", rg_data_fields, &data, "");
  for (int i = 0; rg_recipes[i]; i++) {
    settings[i] = rg_alloc(1, rg_recipes[i]->settings_size);
    rg_config_section(config, rg_recipes[i]->name, rg_recipes[i]->fields, settings[i], "");
  }
  if (sources->file)
    RG_TRY(rg_config_file(config, sources->file));
  for (int i = 0; i < sources->n_assignments; i++)
    RG_TRY(rg_config_assign(config, sources->assignments[i]));
  *name = rg_strdup(sources->recipe ? sources->recipe : train.recipe);
out:
  rg_config_free(config);
  rg_fields_fini(rg_train_fields, &train);
  rg_fields_fini(rg_prepare_fields, &prepare);
  rg_fields_fini(rg_data_fields, &data);
  for (int i = 0; rg_recipes[i]; i++) {
    rg_fields_fini(rg_recipes[i]->fields, settings[i]);
    rg_free(settings[i]);
  }
  return status;
}

/* "section.key=value" of a recipe's defaults */
static rg_status apply_default(rg_config *config, const char *assignment)
{
  char text[200];
  snprintf(text, sizeof text, "%s", assignment);
  char *dot = strchr(text, '.'), *equals = strchr(text, '=');
  RG_ASSERT(dot && equals && dot < equals);
  *dot = *equals = '\0';
  return rg_config_recipe(config, text, dot + 1, equals + 1);
}

static rg_status fill(const rg_sources *sources, rg_plan *plan)
{
  rg_status status = RG_OK;
  rg_config *config = rg_config_new();
  rg_config_section(config, "data", rg_data_fields, &plan->data, "what is in the file");
  rg_config_section(config, "train", rg_train_fields, &plan->train,
                    "how the model is trained");
  rg_config_section(config, "prepare", rg_prepare_fields, &plan->prepare,
                    "filters and embeddings made before");
  rg_config_section(config, plan->recipe->name, plan->recipe->fields, plan->settings,
                    plan->recipe->help);
  RG_TRY(rg_config_recipe(config, "train", "recipe", plan->recipe->name));
  for (const char *const *d = plan->recipe->defaults; d && *d; d++)
    RG_TRY(apply_default(config, *d));
  if (sources->file)
    RG_TRY(rg_config_file(config, sources->file));
  for (int i = 0; i < sources->n_assignments; i++)
    RG_TRY(rg_config_assign(config, sources->assignments[i]));
  if (sources->recipe) {
    char *assignment = rg_format("train.recipe=%s", sources->recipe);
    status = rg_config_assign(config, assignment);
    rg_free(assignment);
  }
  plan->configuration = rg_config_text(config);
out:
  rg_config_free(config);
  return status;
}

static rg_status make(const rg_sources *sources, rg_plan *plan)
{
  rg_status status = RG_OK;
  char *name = NULL;
  *plan = (rg_plan){0};
  RG_TRY(find_recipe(sources, &name));
  RG_TRY(rg_recipe_find(name, &plan->recipe));
  plan->settings = rg_alloc(1, plan->recipe->settings_size);
  RG_TRY(fill(sources, plan));
out:
  rg_free(name);
  if (status != RG_OK)
    rg_plan_fini(plan);
  return status;
}

rg_status rg_plan_make(rg_comm *comm, const rg_sources *sources, rg_plan *plan)
{
  rg_status status = rg_agree(comm, make(sources, plan));
  if (status != RG_OK)
    return status;
  const char *text = plan->configuration;
  if (rg_same(comm, text, (int64_t)strlen(text)))
    return RG_OK;
  rg_plan_fini(plan);
  return rg_fail(RG_EINPUT, "%s: is not the same on every rank",
                 sources->file ? sources->file : "the configuration");
}

rg_status rg_plan_read(rg_comm *comm, const char *run, rg_plan *plan)
{
  char *path = rg_format("%s/used_config.yaml", run);
  rg_status status = RG_OK;
  if (rg_rank(comm) == 0 && access(path, R_OK) != 0)
    status = rg_fail(RG_EINPUT, "%s: is no run folder: %s cannot be read; regatta train "
                     "makes one", run, path);
  status = rg_agree(comm, status);
  if (status == RG_OK)
    status = rg_plan_make(comm, &(rg_sources){.file = path}, plan);
  rg_free(path);
  return status;
}

rg_status rg_plan_write(rg_comm *comm, const rg_plan *plan, const char *run)
{
  char *path = rg_format("%s/used_config.yaml", run);
  rg_status status = rg_write_text(comm, path, plan->configuration);
  rg_free(path);
  return status;
}

void rg_plan_fini(rg_plan *plan)
{
  if (!plan->recipe)
    return;
  rg_fields_fini(rg_train_fields, &plan->train);
  rg_fields_fini(rg_prepare_fields, &plan->prepare);
  rg_fields_fini(rg_data_fields, &plan->data);
  if (plan->settings)
    rg_fields_fini(plan->recipe->fields, plan->settings);
  rg_free(plan->settings);
  rg_free(plan->configuration);
  *plan = (rg_plan){0};
}
