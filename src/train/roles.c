/* What each cell is for: training, validation, or nothing. */
#include "internal.h"

#include <string.h>

/* Calls for every modality of a list "rna,atac", or of the data set where it is empty. */
static bool cell_has(const rg_dataset *dataset, const char *names, bool all, int64_t row)
{
  bool any = false, every = true;
  if (!*names) {
    for (int m = 0; m < dataset->n_modalities; m++) {
      bool has = rg_has_counts(&dataset->modality[m], row);
      any = any || has;
      every = every && has;
    }
    return all ? every : any;
  }
  char list[64], *rest = NULL;
  snprintf(list, sizeof list, "%s", names);
  for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
    bool has = rg_has_counts(rg_dataset_modality(dataset, name), row);
    any = any || has;
    every = every && has;
  }
  return all ? every : any;
}

static bool cell_validates(const rg_plan *plan, const rg_dataset *dataset, int64_t row)
{
  rg_key key = {.seed = (uint64_t)plan->train.seed, .purpose = RG_FOR_SPLIT};
  if (dataset->validates)
    return dataset->validates[row];
  return rg_uniform(&key, (uint64_t)(dataset->rows.low + row), 0) < plan->train.validation;
}

uint8_t *rg_roles(const rg_plan *plan, const rg_dataset *dataset)
{
  int64_t rows = rg_range_n(dataset->rows);
  uint8_t *role = RG_NEW(uint8_t, rows);
  for (int64_t i = 0; i < rows; i++) {
    bool held_out = dataset->held_out && dataset->held_out[i];
    if (held_out ||
        !cell_has(dataset, plan->recipe->modalities, !plan->recipe->mosaic, i))
      role[i] = RG_LEFT_OUT;
    else if (cell_validates(plan, dataset, i))
      role[i] = RG_VALIDATES;
    else
      role[i] = RG_TRAINS;
  }
  return role;
}

uint8_t *rg_roles_trained(const rg_model *model, const rg_dataset *dataset)
{
  int64_t rows = rg_range_n(dataset->rows);
  uint8_t *role = RG_NEW(uint8_t, rows);
  for (int64_t i = 0; i < rows; i++)
    for (int k = 0; k < model->n_sparse; k++)
      if (cell_has(dataset, model->sparse[k].modality, false, i))
        role[i] = RG_TRAINS;
  return role;
}

int64_t *rg_number_role(rg_comm *comm, const uint8_t *role, int64_t rows, rg_role which,
                        int64_t *total)
{
  int64_t here = 0, *number = RG_NEW(int64_t, rows);
  for (int64_t i = 0; i < rows; i++)
    number[i] = role[i] == which ? here++ : -1;
  int64_t first = rg_prefix_i64(comm, here, total);
  for (int64_t i = 0; i < rows; i++)
    if (number[i] >= 0)
      number[i] += first;
  return number;
}
