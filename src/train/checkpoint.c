/* Checkpoints: RUN/ckpt/step_N, written whole or not at all, read on any grid. */
#include "internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "2" /* of the arrays and notes below */

enum { N_WATCHED = sizeof(struct rg_watched) / sizeof(double) };

/* ---- folders ---- */

static char *folder_of(const char *run, int64_t step)
{
  return rg_format("%s/ckpt/step_%012lld", run, (long long)step);
}

static int falling(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x < y) - (x > y);
}

/* Steps of the checkpoints of a run, newest first. Rank 0 looks, all get the list. */
static int64_t *list_steps(rg_comm *comm, const char *run, int64_t *n)
{
  char *path = rg_format("%s/ckpt", run);
  int64_t *steps = NULL;
  *n = 0;
  DIR *folder = rg_rank(comm) == 0 ? opendir(path) : NULL;
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    long long step;
    char rest;
    if (sscanf(entry->d_name, "step_%lld%c", &step, &rest) != 1)
      continue;
    steps = rg_realloc(steps, *n, *n + 1, sizeof *steps);
    steps[(*n)++] = step;
  }
  if (folder)
    closedir(folder);
  rg_free(path);
  if (steps)
    qsort(steps, (size_t)*n, sizeof *steps, falling);
  rg_broadcast(comm, n, sizeof *n, 0);
  if (!steps)
    steps = RG_NEW(int64_t, *n);
  rg_broadcast(comm, steps, *n * (int64_t)sizeof *steps, 0);
  return steps;
}

static void remove_folder(const char *path)
{
  DIR *folder = opendir(path);
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    char *file = rg_format("%s/%s", path, entry->d_name);
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      unlink(file);
    rg_free(file);
  }
  if (folder)
    closedir(folder);
  rmdir(path);
}

static void prune(rg_comm *comm, const char *run, int keep)
{
  int64_t n, *steps = list_steps(comm, run, &n);
  for (int64_t i = keep; i < n && rg_rank(comm) == 0; i++) {
    char *path = folder_of(run, steps[i]);
    remove_folder(path);
    rg_free(path);
  }
  rg_free(steps);
}

/* ---- arrays ---- */

/* Rows of a flat array that belong to a parameter; only the first lane group speaks. */
static rg_status put_param(rg_session *session, rg_vault *vault, const rg_param *param,
                           const char *suffix, const float *flat)
{
  char name[80];
  snprintf(name, sizeof name, "%.60s%s", param->name, suffix);
  const float *x = flat + param->offset;
  if (!param->blocks)
    return rg_vault_put(vault, name, 'f', x, param->rows, param->cols);
  bool speaks = rg_grid_lane_group(session->grid) == 0;
  return rg_vault_put_rows(vault, name, 'f', x, speaks ? param->rows : 0, param->cols);
}

static rg_status get_param(rg_vault *vault, const rg_param *param, const char *suffix,
                           float *flat)
{
  char name[80];
  snprintf(name, sizeof name, "%.60s%s", param->name, suffix);
  const rg_array_info *info = rg_vault_find(vault, name);
  if (!info || info->type != 'f' || info->rows != param->total_rows ||
      info->cols != param->cols)
    return rg_fail(RG_EINPUT, "the checkpoint is of another model: %s %s", name,
                   info ? "has another shape" : "is missing");
  return rg_vault_get_rows(vault, name, param->row_low, param->row_low + param->rows,
                           flat + param->offset);
}

static rg_status put_arrays(rg_session *session, rg_vault *vault)
{
  rg_status status = RG_OK;
  rg_graph *graph = session->graph;
  float *value = rg_graph_flat(graph);
  for (int i = 0; i < rg_graph_params(graph); i++) {
    const rg_param *param = rg_graph_param(graph, i);
    RG_TRY(put_param(session, vault, param, "", value));
    if (session->validation)
      RG_TRY(put_param(session, vault, param, "#best",
                       rg_validation_best(session->validation)));
    for (int k = 0; k < session->n_optimisers && !param->buffer; k++) {
      char suffix[16];
      snprintf(suffix, sizeof suffix, "#m%d", k);
      RG_TRY(put_param(session, vault, param, suffix, session->optim[k].update.first));
      snprintf(suffix, sizeof suffix, "#v%d", k);
      RG_TRY(put_param(session, vault, param, suffix, session->optim[k].update.second));
    }
  }
  for (int i = 0; i < session->constants.n; i++) {
    char name[80];
    snprintf(name, sizeof name, "constant:%.60s", session->constants.item[i].name);
    RG_TRY(rg_vault_put(vault, name, 'd', session->constants.item[i].x,
                        session->constants.item[i].n, 1));
  }
out:
  return status;
}

/* ---- notes ---- */

static rg_status note_integer(rg_vault *vault, const char *key, int64_t value)
{
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)value);
  return rg_vault_note(vault, key, text);
}

static rg_status put_notes(rg_session *session, rg_vault *vault,
                           const rg_progress_state *state)
{
  rg_status status = RG_OK;
  char hash[32];
  snprintf(hash, sizeof hash, "%016" PRIx64, rg_parameter_hash(session));
  RG_TRY(rg_vault_note(vault, "format", FORMAT));
  RG_TRY(rg_vault_note(vault, "recipe", session->plan->recipe->name));
  RG_TRY(rg_vault_note(vault, "hash", hash));
  RG_TRY(note_integer(vault, "phase", state->phase));
  RG_TRY(note_integer(vault, "epoch", state->epoch));
  RG_TRY(note_integer(vault, "iteration", state->iteration));
  RG_TRY(note_integer(vault, "step", state->step));
  RG_TRY(note_integer(vault, "cells", session->deal.n_cells));
  RG_TRY(note_integer(vault, "teacher_axes", session->facts.teacher_axes));
  RG_TRY(note_integer(vault, "batches", session->facts.n_batches));
  RG_TRY(note_integer(vault, "labels", session->facts.n_labels));
  RG_TRY(rg_vault_put(vault, "#sums", 'd', state->sums, RG_TERMS * RG_STEPS, 1));
  RG_TRY(rg_vault_put(vault, "#counts", 'd', state->counts, RG_STEPS, 1));
  RG_TRY(rg_vault_put(vault, "#watched", 'd', &state->watched, N_WATCHED, 1));
  for (int k = 0; k < session->n_optimisers; k++) {
    char key[32];
    snprintf(key, sizeof key, "optimiser%d", k);
    RG_TRY(note_integer(vault, key, session->optim[k].steps));
  }
out:
  return status;
}

static int64_t noted(const rg_vault *vault, const char *key)
{
  const char *text = rg_vault_text(vault, key);
  return text ? strtoll(text, NULL, 10) : 0;
}

/* ---- write ---- */

rg_status rg_checkpoint_write(rg_session *session, const char *run,
                              const rg_progress_state *state, int keep)
{
  rg_status status = RG_OK;
  rg_vault *vault = NULL;
  char *path = folder_of(run, state->step), *parent = rg_format("%s/ckpt", run);
  RG_TRY(rg_make_folder(session->comm, parent));
  RG_TRY(rg_vault_create(session->comm, path, &vault));
  RG_TRY(put_arrays(session, vault));
  RG_TRY(put_notes(session, vault, state));
  status = rg_vault_commit(vault);
  vault = NULL;
  if (status == RG_OK)
    prune(session->comm, run, keep);
out:
  rg_vault_abandon(vault);
  rg_free(parent);
  rg_free(path);
  return status;
}

/* ---- read ---- */

/* Open the newest checkpoint that is whole; damaged ones are named and passed over. */
static rg_status open_newest(rg_comm *comm, const char *run, rg_vault **vault)
{
  int64_t n, *steps = list_steps(comm, run, &n);
  *vault = NULL;
  for (int64_t i = 0; i < n && !*vault; i++) {
    char *path = folder_of(run, steps[i]);
    if (rg_vault_open(comm, path, vault) != RG_OK) {
      *vault = NULL;
      if (rg_rank(comm) == 0)
        rg_warn("%s is passed over: %s", path, rg_error_text());
    }
    rg_free(path);
  }
  rg_free(steps);
  return *vault ? RG_OK
                : rg_fail(RG_EINPUT, "%s: no %scheckpoint in it", run, n ? "whole " : "");
}

rg_status rg_checkpoint_open(rg_comm *comm, const char *run, rg_vault **vault)
{
  return open_newest(comm, run, vault);
}

rg_status rg_checkpoint_parameters(rg_session *session, rg_vault *vault)
{
  rg_status status = RG_OK;
  float *value = rg_graph_flat(session->graph);
  for (int i = 0; i < rg_graph_params(session->graph); i++)
    RG_TRY(get_param(vault, rg_graph_param(session->graph, i), "", value));
out:
  return status;
}

rg_status rg_checkpoint_constants(rg_session *session, rg_vault *vault)
{
  rg_status status = RG_OK;
  for (int i = 0; i < rg_vault_items(vault); i++) {
    const rg_array_info *info = rg_vault_item(vault, i);
    if (strncmp(info->name, "constant:", 9) != 0)
      continue;
    double *x = rg_constants_get(&session->constants, info->name + 9, info->rows);
    RG_TRY(rg_vault_get_rows(vault, info->name, 0, info->rows, x));
  }
out:
  return status;
}

static rg_status get_moments(rg_session *session, rg_vault *vault)
{
  rg_status status = RG_OK;
  for (int k = 0; k < session->n_optimisers; k++) {
    char m[16], v[16], key[32];
    snprintf(m, sizeof m, "#m%d", k);
    snprintf(v, sizeof v, "#v%d", k);
    snprintf(key, sizeof key, "optimiser%d", k);
    session->optim[k].steps = noted(vault, key);
    for (int i = 0; i < rg_graph_params(session->graph); i++) {
      const rg_param *param = rg_graph_param(session->graph, i);
      if (param->buffer)
        continue;
      RG_TRY(get_param(vault, param, m, session->optim[k].update.first));
      RG_TRY(get_param(vault, param, v, session->optim[k].update.second));
    }
  }
out:
  return status;
}

static rg_status get_best(rg_session *session, rg_vault *vault)
{
  rg_status status = RG_OK;
  float *best = rg_validation_best(session->validation);
  for (int i = 0; i < rg_graph_params(session->graph); i++)
    RG_TRY(get_param(vault, rg_graph_param(session->graph, i), "#best", best));
out:
  return status;
}

rg_status rg_checkpoint_read(rg_session *session, const char *run,
                             rg_progress_state *state, bool *found)
{
  rg_status status = RG_OK;
  int64_t n;
  rg_free(list_steps(session->comm, run, &n));
  *found = n > 0;
  if (!*found)
    return RG_OK;
  rg_vault *vault = NULL;
  RG_TRY(open_newest(session->comm, run, &vault));
  if (noted(vault, "cells") != session->deal.n_cells) {
    status = rg_fail(RG_EINPUT, "%s: the checkpoint was trained on %lld cells, not on %lld",
                     run, (long long)noted(vault, "cells"),
                     (long long)session->deal.n_cells);
    goto out;
  }
  RG_TRY(rg_checkpoint_parameters(session, vault));
  RG_TRY(get_moments(session, vault));
  if (session->validation)
    RG_TRY(get_best(session, vault));
  RG_TRY(rg_vault_get_rows(vault, "#sums", 0, RG_TERMS * RG_STEPS, state->sums));
  RG_TRY(rg_vault_get_rows(vault, "#counts", 0, RG_STEPS, state->counts));
  RG_TRY(rg_vault_get_rows(vault, "#watched", 0, N_WATCHED, &state->watched));
  state->phase = noted(vault, "phase");
  state->epoch = noted(vault, "epoch");
  state->iteration = noted(vault, "iteration");
  state->step = noted(vault, "step");
out:
  rg_vault_close(vault);
  return status;
}

rg_status rg_run_hash(rg_comm *comm, const char *run, uint64_t *hash)
{
  rg_vault *vault;
  rg_status status = open_newest(comm, run, &vault);
  if (status != RG_OK)
    return status;
  const char *text = rg_vault_text(vault, "hash");
  *hash = text ? strtoull(text, NULL, 16) : 0;
  rg_vault_close(vault);
  return RG_OK;
}
