/* Training that goes on from another run: its constants and parameters are taken over, and
 * groups of parameters can be frozen. Parameters are matched by name; what belongs to a
 * batch goes by the name of the batch, for the data may have others. */
#include "internal.h"

#include <string.h>

/* ---- numbering ---- */

/* Categories of `trained` first, then those that it did not have. */
static void extend(const rg_column *trained, int64_t rows, rg_column *column)
{
  if (!trained->name)
    return;
  if (!column->name) {
    column->name = rg_strdup(trained->name);
    column->type = RG_COLUMN_CATEGORY;
    column->n = rows;
    column->code = RG_NEW(int32_t, rows);
    for (int64_t i = 0; i < rows; i++)
      column->code[i] = -1;
  }
  rg_strings old = column->categories;
  int32_t *number = RG_NEW(int32_t, old.n);
  column->categories = (rg_strings){0};
  rg_strings_copy(&trained->categories, &column->categories);
  for (int64_t k = 0; k < old.n; k++) {
    int64_t found = rg_strings_find(&trained->categories, rg_strings_at(&old, k));
    if (found < 0) {
      found = column->categories.n;
      rg_strings_add(&column->categories, rg_strings_at(&old, k), -1);
    }
    number[k] = (int32_t)found;
  }
  for (int64_t i = 0; i < column->n; i++)
    if (column->code[i] >= 0)
      column->code[i] = number[column->code[i]];
  rg_free(number);
  rg_strings_fini(&old);
}

void rg_extend_categories(const rg_dataset *trained, rg_dataset *dataset)
{
  int64_t rows = rg_range_n(dataset->rows);
  extend(&trained->batch, rows, &dataset->batch);
  extend(&trained->label, rows, &dataset->label);
}

/* ---- what is taken over ---- */

typedef struct origin {
  const char *run;
  rg_vault *vault;
  rg_dataset trained; /* as RUN/prepared has it */
  int n_batches;      /* of the new data */
  int *batch;         /* number of each among those of the run, -1: it did not have it */
  int taken, all;
} origin;

static rg_status check_recipe(const rg_session *session, const origin *o)
{
  const char *name = rg_vault_text(o->vault, "recipe");
  const char *mine = session->plan->recipe->name;
  if (name && strcmp(name, mine) == 0)
    return RG_OK;
  return rg_fail(RG_EINPUT, "%s: a run of recipe %s; it cannot be gone on from with %s",
                 o->run, name ? name : "unknown", mine);
}

static rg_status check_features(const rg_session *session, const origin *o)
{
  for (int m = 0; m < session->dataset->n_modalities; m++) {
    const rg_prepared_modality *mine = &session->dataset->modality[m];
    const rg_prepared_modality *old = rg_dataset_modality(&o->trained, mine->name);
    bool same = old && old->features.n == mine->features.n;
    for (int64_t f = 0; same && f < mine->features.n; f++)
      same = strcmp(rg_strings_at(&mine->features, f),
                    rg_strings_at(&old->features, f)) == 0;
    if (!same)
      return rg_fail(RG_EINPUT,
                     "%s: its features of modality %s are not those of the data; prepare "
                     "them with the features of the run",
                     o->run, mine->name);
  }
  return RG_OK;
}

static void match_batches(const rg_session *session, origin *o)
{
  const rg_strings *mine = &session->dataset->batch.categories;
  const rg_strings *old = &o->trained.batch.categories;
  o->n_batches = (int)mine->n;
  o->batch = RG_NEW(int, o->n_batches);
  for (int b = 0; b < o->n_batches; b++)
    o->batch[b] = (int)rg_strings_find(old, rg_strings_at(mine, b));
}

static rg_status origin_open(const rg_session *session, origin *o)
{
  rg_status status = RG_OK;
  *o = (origin){.run = session->plan->train.init_from};
  char *path = rg_format("%s/prepared", o->run);
  RG_TRY(rg_checkpoint_open(session->comm, o->run, &o->vault));
  RG_TRY(check_recipe(session, o));
  RG_TRY(rg_dataset_read(session->comm, path, &o->trained));
  RG_TRY(check_features(session, o));
  match_batches(session, o);
out:
  rg_free(path);
  return status;
}

static void origin_close(origin *o)
{
  rg_vault_close(o->vault);
  rg_dataset_fini(&o->trained);
  rg_free(o->batch);
}

/* ---- parameters ---- */

/* Columns that the batches of the run have in a parameter of `cols` columns there; -1 when
 * that is neither none nor all of them. */
static int64_t old_batches(const origin *o, const rg_param *param, int64_t cols)
{
  int64_t n = cols - (param->cols - param->batches);
  return n == 0 || n == o->trained.batch.categories.n ? n : -1;
}

/* A row: columns of no batch as they were, those of known batches to their new place. */
static void take_row(const origin *o, const rg_param *param, int64_t old, const float *from,
                     float *to)
{
  int64_t at = param->batch_at, end = at + param->batches;
  memcpy(to, from, (size_t)at * sizeof *to);
  for (int64_t b = 0; b < param->batches && old > 0; b++)
    if (b < o->n_batches && o->batch[b] >= 0)
      to[at + b] = from[at + o->batch[b]];
  memcpy(to + end, from + at + old, (size_t)(param->cols - end) * sizeof *to);
}

static rg_status take_columns(const origin *o, const rg_param *param,
                              const rg_array_info *info, float *value)
{
  rg_status status = RG_OK;
  int64_t old = old_batches(o, param, info->cols);
  float *rows = RG_NEW(float, param->rows * info->cols);
  RG_TRY(rg_vault_get_rows(o->vault, info->name, param->row_low,
                           param->row_low + param->rows, rows));
  for (int64_t i = 0; i < param->rows; i++)
    take_row(o, param, old, rows + i * info->cols, value + i * param->cols);
out:
  rg_free(rows);
  return status;
}

/* A table of batches: a new batch has the mean of the rows, as one that is not known. */
static rg_status take_table(const origin *o, const rg_param *param,
                            const rg_array_info *info, float *value)
{
  rg_status status = RG_OK;
  float *rows = RG_NEW(float, info->rows * info->cols);
  RG_TRY(rg_vault_get_rows(o->vault, info->name, 0, info->rows, rows));
  for (int64_t b = 0; b < param->rows; b++)
    for (int64_t j = 0; j < param->cols; j++) {
      int from = b < o->n_batches ? o->batch[b] : -1;
      double sum = 0;
      for (int64_t k = 0; k < info->rows; k++)
        sum += (double)rows[k * param->cols + j];
      value[b * param->cols + j] = from >= 0 && from < info->rows
                                       ? rows[from * param->cols + j]
                                       : (float)(sum / (double)info->rows);
    }
out:
  rg_free(rows);
  return status;
}

static rg_status take_param(rg_session *session, origin *o, const rg_param *param)
{
  float *value = rg_param_value(session->graph, param);
  char name[64];
  snprintf(name, sizeof name, "%.60s", param->name); /* as checkpoints do */
  const rg_array_info *info = rg_vault_find(o->vault, name);
  bool rows_fit = info && info->rows == param->total_rows;
  rg_status (*take)(const origin *, const rg_param *, const rg_array_info *, float *) =
      NULL;
  if (rows_fit && (info->cols == param->cols || param->batches > 0) &&
      old_batches(o, param, info->cols) >= 0)
    take = take_columns;
  if (info && param->batch_rows && info->cols == param->cols)
    take = take_table;
  o->all++;
  o->taken += take != NULL;
  if (take)
    return take(o, param, info, value);
  rg_info("init: %s stays as it is drawn: %s has %s", param->name, o->run,
          info ? "another shape of it" : "none");
  return RG_OK;
}

rg_status rg_init_constants(rg_session *session)
{
  rg_status status = RG_OK;
  origin o = {0};
  if (!session->plan->train.init_from)
    return RG_OK;
  RG_TRY(origin_open(session, &o));
  RG_TRY(rg_checkpoint_constants(session, o.vault));
out:
  origin_close(&o);
  return status;
}

rg_status rg_init_parameters(rg_session *session)
{
  rg_status status = RG_OK;
  origin o = {0};
  if (!session->plan->train.init_from)
    return RG_OK;
  RG_TRY(origin_open(session, &o));
  for (int i = 0; i < rg_graph_params(session->graph); i++)
    RG_TRY(take_param(session, &o, rg_graph_param(session->graph, i)));
  if (o.taken == 0) {
    status = rg_fail(RG_EINPUT, "%s: none of its parameters fits the model", o.run);
    goto out;
  }
  for (int b = 0; b < o.n_batches; b++)
    if (o.batch[b] < 0)
      rg_info("init: batch %s is new",
              rg_strings_at(&session->dataset->batch.categories, b));
  rg_info("init: %d of %d parameters from %s", o.taken, o.all, o.run);
out:
  origin_close(&o);
  return status;
}

/* ---- freezing ---- */

static bool has_parameters(const rg_graph *graph, int group)
{
  for (int i = 0; i < rg_graph_params(graph); i++)
    if (rg_graph_param(graph, i)->group == group)
      return true;
  return false;
}

static rg_status no_such_name(const rg_graph *graph, const char *name)
{
  char groups[400] = "";
  size_t used = 0;
  for (int g = 0; g < rg_graph_groups(graph) && used < sizeof groups; g++)
    if (has_parameters(graph, g))
      used += (size_t)snprintf(groups + used, sizeof groups - used, "%s%s",
                               used > 0 ? ", " : "", rg_graph_group_name(graph, g));
  return rg_fail(RG_EUSAGE,
                 "train.freeze: there is no group of parameters %s, and no parameter whose "
                 "name begins so; the groups are %s",
                 name, groups);
}

rg_status rg_freeze(rg_session *session)
{
  rg_status status = RG_OK;
  const char *wanted = session->plan->train.freeze;
  char *list = rg_strdup(wanted ? wanted : ""), *rest = NULL;
  for (char *name = strtok_r(list, ", ", &rest); name;
       name = strtok_r(NULL, ", ", &rest)) {
    int n = rg_graph_freeze(session->graph, name);
    if (n == 0)
      RG_TRY(no_such_name(session->graph, name));
    rg_info("freeze: %s, %d parameters", name, n);
  }
out:
  rg_free(list);
  return status;
}
