/** A recipe on the data of a file of golden values, from the parameters it starts from:
 *  what its steps are made of, and how far it ends from the file. */
#ifndef REGATTA_GOLDEN_MODEL_H
#define REGATTA_GOLDEN_MODEL_H

#include "tests/golden/golden_file.h"

#include <math.h>

enum { LANES = 4, LANE_CELLS = 8, BATCH = LANES * LANE_CELLS, GOLDEN_STEPS = 16 };

typedef struct trained {
  const rg_recipe *recipe;
  void *settings;
  rg_blocks blocks[RG_MODALITIES];
  rg_share share;
  rg_model model;
  rg_graph *graph;
  rg_optim optim[RG_STEPS]; /* one for every step that has moments of its own */
  rg_sequence *sequence[RG_STEPS];
  double value[GOLDEN_STEPS][2 * RG_TERMS]; /* [step][term] */
} trained;

/* ---- the model ------------------------------------------------------------------- */

/** Cut modality k into the blocks whose ends are in `offset`, or leave it whole (NULL). */
static inline void set_blocks(trained *t, rg_facts *facts, int k, const char *name,
                              int64_t features, const array *offset)
{
  rg_blocks *to = &t->blocks[k];
  to->n = offset ? (int)offset->cols - 1 : 1;
  to->offset = RG_NEW(int64_t, to->n + 1);
  to->mine = (rg_range){0, to->n};
  snprintf(to->name, sizeof to->name, "%s", name);
  for (int b = 0; offset && b <= to->n; b++)
    to->offset[b] = (int64_t)at(offset, 0, b);
  if (!offset)
    to->offset[1] = features;
  facts->modality[k] =
      (struct rg_fact_modality){name, to->offset[to->n], to, RG_VALUES_COUNTS};
}

/** The same with the array offset:NAME. */
static inline void set_cut(trained *t, rg_facts *facts, const golden *file, int k,
                           const char *name)
{
  char offset[64];
  snprintf(offset, sizeof offset, "offset:%s", name);
  set_blocks(t, facts, k, name, 0, get(file, offset));
}

static inline void set_settings(trained *t, const golden *file, const char *recipe)
{
  cr_assert_eq(rg_recipe_find(recipe, &t->recipe), RG_OK);
  t->settings = rg_alloc(1, t->recipe->settings_size);
  rg_fields_default(t->recipe->fields, t->settings);
  for (int i = 0; i < file->n_settings; i++)
    cr_assert_eq(rg_fields_set(t->recipe->fields, t->settings, file->setting[i][0],
                               file->setting[i][1], "golden"),
                 RG_OK, "%s", rg_error_text());
}

static inline void set_parameters(const trained *t, const golden *file)
{
  for (int i = 0; i < rg_graph_params(t->graph); i++) {
    const rg_param *param = rg_graph_param(t->graph, i);
    const array *from = maybe_array(file, "begin:", param->name);
    cr_assert_not_null(from, "%s is not in the file", param->name);
    cr_assert_eq(from->rows * from->cols, rg_param_size(param), "%s", param->name);
    for (int64_t k = 0; k < rg_param_size(param); k++)
      rg_param_value(t->graph, param)[k] = (float)from->x[k];
  }
}

/** Compose the recipe with the settings and first parameters of the file. */
static inline void compose(trained *t, const golden *file, const char *recipe,
                           const rg_facts *facts)
{
  set_settings(t, file, recipe);
  t->share = rg_share_alone(LANES, LANE_CELLS);
  t->graph = rg_graph_new(&t->share, 1);
  t->model.graph = t->graph;
  cr_assert_eq(t->recipe->compose(t->graph, facts, t->settings, &t->model), RG_OK);
  cr_assert_eq(rg_graph_plan(t->graph), RG_OK, "%s", rg_error_text());
  set_parameters(t, file);
}

/** Random numbers depend on the place of the operation that draws them. */
static inline void check_place(const trained *t, const char *op, const golden *file,
                               const char *name, int64_t k)
{
  int is = rg_graph_find_op(t->graph, op)->index;
  cr_assert_eq(is, (int)at(get(file, name), 0, k),
               "the tape has changed: %s is now operation %d; set its place in the script "
               "that makes the file, and run it again", op, is);
}

static inline rg_sequence *sequence_of(const trained *t, const rg_step *step)
{
  rg_op *terms[RG_TERMS + 1] = {0};
  for (int i = 0; i < step->n_terms; i++)
    terms[i] = step->term[i].loss;
  return rg_sequence_new(t->graph, NULL, terms, step->groups);
}

static inline rg_optim optim_of(const trained *t)
{
  return rg_optim_new(t->graph, t->model.optimiser, t->model.weight_decay);
}

static inline void trained_free(trained *t)
{
  for (int s = 0; s < RG_STEPS; s++)
    rg_optim_fini(&t->optim[s]);
  rg_graph_free(t->graph);
  rg_fields_fini(t->recipe->fields, t->settings);
  rg_free(t->settings);
  for (int k = 0; k < RG_MODALITIES; k++)
    rg_free(t->blocks[k].offset);
  rg_free(t);
}

/* ---- a step ---------------------------------------------------------------------- */

typedef struct batch {
  int64_t cell[BATCH];
  rg_sparse_batch sparse[RG_MODALITIES];
} batch;

static inline rg_csr rows_of(const array *from, const int64_t *cell)
{
  rg_csr rows = rg_csr_new(BATCH, from->cols, BATCH * from->cols);
  int64_t nnz = 0;
  for (int i = 0; i < BATCH; i++) {
    for (int32_t k = 0; k < from->cols; k++)
      if (at(from, cell[i], k) != 0) {
        rows.indices[nnz] = k;
        rows.values[nnz++] = (float)at(from, cell[i], k);
      }
    rows.indptr[i + 1] = nnz;
  }
  return rows;
}

/* What says that a cell has two modalities is not in files whose cells have all. */
static inline void fill_input(const golden *file, rg_node *node, const int64_t *cell)
{
  const array *from = maybe_array(file, "", node->name);
  cr_assert(from || strncmp(node->name, "both:", 5) == 0, "no %s", node->name);
  for (int64_t k = 0; k < BATCH; k++)
    for (int j = 0; j < node->width; j++)
      node->x[k * node->width + j] = from ? (float)at(from, cell[k], j) : 1;
}

/** The cells of step s: dense inputs are filled; sparse inputs are rows of the arrays
 *  named in `sparse` by slot, or (NULL) of those named as the inputs are. */
static inline void load_batch(batch *b, const trained *t, const golden *file, int64_t s,
                              const char *const *sparse)
{
  for (int i = 0; i < BATCH; i++)
    b->cell[i] = (int64_t)at(get(file, "cells"), s, i);
  for (int i = 0; i < rg_graph_nodes(t->graph); i++) {
    rg_node *node = rg_graph_node(t->graph, i);
    if (node->input && !node->sparse)
      fill_input(file, node, b->cell);
    if (!node->input || !node->sparse)
      continue;
    const array *from = get(file, sparse ? sparse[node->slot] : node->name);
    b->sparse[node->slot].rows = rows_of(from, b->cell);
    b->sparse[node->slot].columns = rg_csr_transpose(&b->sparse[node->slot].rows);
  }
}

static inline void batch_fini(batch *b)
{
  for (int k = 0; k < RG_MODALITIES; k++) {
    rg_csr_fini(&b->sparse[k].rows);
    rg_csr_fini(&b->sparse[k].columns);
  }
}

static inline rg_run run_of(trained *t, batch *b, uint64_t seed, uint64_t step)
{
  return (rg_run){.graph = t->graph, .share = &t->share, .train = true, .seed = seed,
                  .step = step, .cell = b->cell, .sparse = b->sparse};
}

static inline void clip(const rg_run *run, double limit)
{
  double squares[2];
  rg_gradient_norms(run, &squares[0], &squares[1]);
  double norm = sqrt(squares[0] + squares[1]);
  if (norm > limit)
    rg_gradient_scale(run, (float)(limit / norm));
}

/** Forwards, backwards and the update that was begun; the values of the terms. */
static inline void take(const rg_step *step, rg_optim *optim, rg_run *run, double *value)
{
  rg_run_forward(run);
  rg_run_backward(run);
  if (step->clip > 0)
    clip(run, step->clip);
  rg_optim_apply(optim, run);
  cr_assert(rg_run_terms(run));
  for (int i = 0; i < step->n_terms; i++)
    value[i] = step->term[i].loss->value;
}

/* ---- comparison ------------------------------------------------------------------ */

/** Largest relative difference of a term from the file. */
static inline double loss_error(const trained *t, const golden *file)
{
  const array *values = get(file, "values");
  double worst = 0;
  for (int64_t s = 0; s < values->rows; s++)
    for (int i = 0; i < values->cols; i++) {
      double expected = at(values, s, i);
      worst = fmax(worst, fabs(t->value[s][i] - expected) / fmax(fabs(expected), 1e-3));
    }
  return worst;
}

typedef struct movement {
  double off, moved; /* largest difference from the file's end, and of it from the begin */
} movement;

static inline movement movement_of(const trained *t, const golden *file,
                                   const rg_param *param)
{
  const array *begin = maybe_array(file, "begin:", param->name);
  const array *end = maybe_array(file, "end:", param->name);
  const float *x = rg_param_value(t->graph, param);
  movement m = {0};
  for (int64_t k = 0; k < rg_param_size(param); k++) {
    m.off = fmax(m.off, fabs((double)x[k] - end->x[k]));
    m.moved = fmax(m.moved, fabs(end->x[k] - begin->x[k]));
  }
  return m;
}

/** The difference as a share of how far the elements have moved. */
static inline double movement_error(const trained *t, const golden *file,
                                    const rg_param *param)
{
  movement m = movement_of(t, file, param);
  cr_assert_gt(m.moved, 0, "%s has not moved", param->name);
  return m.off / m.moved;
}

#endif
