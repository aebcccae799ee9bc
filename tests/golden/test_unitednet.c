/* Ten steps of UnitedNet as released, translations and groupings in turn: losses,
 * parameters and running statistics beside those of PyTorch (make_unitednet.py,
 * MANIFEST). */
#include "tests/golden/golden_file.h"

#include <math.h>
#include <string.h>

enum { LANES = 4, LANE_CELLS = 8, BATCH = LANES * LANE_CELLS, STEPS = 10 };

/* Relative; what was reached is in MANIFEST. */
static const double loss_tolerance = 1e-5;
/* Shares of the largest movement of a parameter in ten steps. */
static const double movement_tolerance = 2e-3;
static const double mean_tolerance = 5e-2;

typedef struct trained {
  const rg_recipe *recipe;
  void *settings;
  rg_blocks blocks[2];
  rg_share share;
  rg_model model;
  rg_graph *graph;
  rg_optim optim[2];       /* of translations, of groupings */
  const rg_step *turn[2];
  rg_sequence *sequence[2];
  double value[STEPS][RG_TERMS];
} trained;

/* ---- the model ------------------------------------------------------------------- */

static void compose(trained *t, const golden *file)
{
  const char *names[] = {"atac", "rna"};
  rg_facts facts = {.n_modalities = 2, .n_labels = (int)get(file, "label")->cols,
                    .n_cells = get(file, "atac")->rows, .steps_per_epoch = 2};
  cr_assert_eq(rg_recipe_find("unitednet", &t->recipe), RG_OK);
  t->settings = rg_alloc(1, t->recipe->settings_size);
  rg_fields_default(t->recipe->fields, t->settings);
  for (int i = 0; i < file->n_settings; i++)
    cr_assert_eq(rg_fields_set(t->recipe->fields, t->settings, file->setting[i][0],
                               file->setting[i][1], "golden"),
                 RG_OK, "%s", rg_error_text());
  for (int m = 0; m < 2; m++) {
    t->blocks[m] =
        (rg_blocks){.n = 1, .offset = RG_NEW(int64_t, 2), .mine = {0, 1}};
    t->blocks[m].offset[1] = get(file, names[m])->cols;
    facts.modality[m] = (struct rg_fact_modality){
        .name = names[m], .n_features = get(file, names[m])->cols,
        .blocks = &t->blocks[m], .values = RG_VALUES_COUNTS};
  }
  t->share = rg_share_alone(LANES, LANE_CELLS);
  t->graph = rg_graph_new(&t->share, 1);
  t->model.graph = t->graph;
  cr_assert_eq(t->recipe->compose(t->graph, &facts, t->settings, &t->model), RG_OK);
  cr_assert_eq(rg_graph_plan(t->graph), RG_OK, "%s", rg_error_text());
}

static void find_turns(trained *t)
{
  const rg_phase *phase = &t->model.phase[0];
  cr_assert_eq(phase->n_steps, 2);
  for (int s = 0; s < 2; s++) {
    int which = strcmp(phase->step[s].name, "translation") == 0 ? 0 : 1;
    rg_op *terms[RG_TERMS + 1] = {0};
    t->turn[which] = &phase->step[s];
    for (int i = 0; i < phase->step[s].n_terms; i++)
      terms[i] = phase->step[s].term[i].loss;
    t->sequence[which] = rg_sequence_new(t->graph, NULL, terms, phase->step[s].groups);
  }
}

static trained *trained_new(const golden *file)
{
  trained *t = RG_NEW(trained, 1);
  compose(t, file);
  find_turns(t);
  for (int i = 0; i < rg_graph_params(t->graph); i++) {
    const rg_param *param = rg_graph_param(t->graph, i);
    const array *from = maybe_array(file, "begin:", param->name);
    cr_assert_not_null(from, "%s is not in the file", param->name);
    cr_assert_eq(from->rows * from->cols, rg_param_size(param), "%s", param->name);
    for (int64_t k = 0; k < rg_param_size(param); k++)
      rg_param_value(t->graph, param)[k] = (float)from->x[k];
  }
  for (int k = 0; k < 2; k++)
    t->optim[k] = rg_optim_new(t->graph, t->model.optimiser, t->model.weight_decay);
  return t;
}

static void trained_free(trained *t)
{
  for (int k = 0; k < 2; k++) {
    rg_optim_fini(&t->optim[k]);
    rg_free(t->blocks[k].offset);
  }
  rg_graph_free(t->graph);
  rg_fields_fini(t->recipe->fields, t->settings);
  rg_free(t->settings);
  rg_free(t);
}

/* ---- a step ---------------------------------------------------------------------- */

static rg_csr rows_of(const array *from, const int64_t *cell)
{
  rg_csr rows = rg_csr_new(BATCH, from->cols, BATCH * from->cols);
  int64_t nnz = 0;
  for (int i = 0; i < BATCH; i++) {
    for (int32_t k = 0; k < from->cols; k++)
      if (at(from, cell[i], k) > 0) {
        rows.indices[nnz] = k;
        rows.values[nnz++] = (float)at(from, cell[i], k);
      }
    rows.indptr[i + 1] = nnz;
  }
  return rows;
}

static void fill_inputs(const trained *t, const golden *file, const int64_t *cell)
{
  for (int i = 0; i < rg_graph_nodes(t->graph); i++) {
    rg_node *node = rg_graph_node(t->graph, i);
    if (!node->input || node->sparse)
      continue;
    bool both = strncmp(node->name, "both:", 5) == 0;
    const array *from = both ? NULL : get(file, node->name);
    for (int64_t k = 0; k < BATCH; k++)
      for (int j = 0; j < node->width; j++)
        node->x[k * node->width + j] = both ? 1 : (float)at(from, cell[k], j);
  }
}

static void take_step(trained *t, const golden *file, int64_t s, uint64_t seed)
{
  int which = at(get(file, "turns"), 0, s) > 0;
  const rg_step *turn = t->turn[which];
  int64_t cell[BATCH];
  for (int i = 0; i < BATCH; i++)
    cell[i] = (int64_t)at(get(file, "cells"), s, i);
  rg_sparse_batch batch[2] = {{.rows = rows_of(get(file, "atac"), cell)},
                              {.rows = rows_of(get(file, "rna"), cell)}};
  rg_run run = {.graph = t->graph, .share = &t->share, .sequence = t->sequence[which],
                .train = true, .seed = seed, .step = (uint64_t)s, .cell = cell,
                .sparse = batch};
  fill_inputs(t, file, cell);
  rg_optim_begin(&t->optim[which], at(get(file, "rate"), 0, 0));
  for (int i = 0; i < turn->n_terms; i++)
    turn->term[i].loss->scale = turn->term[i].weight;
  rg_run_forward(&run);
  rg_run_backward(&run);
  rg_optim_apply(&t->optim[which], &run);
  cr_assert(rg_run_terms(&run));
  for (int i = 0; i < turn->n_terms; i++)
    t->value[s][i] = turn->term[i].loss->value;
  for (int m = 0; m < 2; m++)
    rg_csr_fini(&batch[m].rows);
}

static trained *train(const golden *file, uint64_t seed)
{
  trained *t = trained_new(file);
  const rg_op *contrast = rg_graph_find_op(t->graph, "contrast");
  cr_assert_eq(
      contrast->index, (int)at(get(file, "contrast_op"), 0, 0),
      "the tape has changed: set CONTRAST_OP in make_unitednet.py to %d and run it "
      "again",
      contrast->index);
  for (int64_t s = 0; s < STEPS; s++)
    take_step(t, file, s, seed);
  return t;
}

/* ---- comparison ------------------------------------------------------------------ */

static double loss_error(const trained *t, const golden *file)
{
  const array *values = get(file, "values");
  double worst = 0;
  for (int64_t s = 0; s < STEPS; s++) {
    int which = at(get(file, "turns"), 0, s) > 0;
    for (int i = 0; i < t->turn[which]->n_terms; i++) {
      double expected = at(values, s, i);
      worst = fmax(worst, fabs(t->value[s][i] - expected) / fmax(fabs(expected), 1e-3));
    }
  }
  return worst;
}

static bool ends_with(const char *name, const char *end)
{
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

/* A bias that the batch normalisation behind it takes away again: its gradient is rounding,
 * which Adam scales up to whole steps. The running mean follows it. */
static bool is_absorbed(const char *name)
{
  return strncmp(name, "enc.", 4) == 0 && strstr(name, ".fc") && ends_with(name, ".bias");
}

static void check_parameters(const trained *t, const golden *file)
{
  for (int i = 0; i < rg_graph_params(t->graph); i++) {
    const rg_param *param = rg_graph_param(t->graph, i);
    const array *begin = maybe_array(file, "begin:", param->name);
    const array *end = maybe_array(file, "end:", param->name);
    const float *x = rg_param_value(t->graph, param);
    double off = 0, moved = 0;
    for (int64_t k = 0; k < rg_param_size(param); k++) {
      off = fmax(off, fabs((double)x[k] - end->x[k]));
      moved = fmax(moved, fabs(end->x[k] - begin->x[k]));
    }
    double allowed = ends_with(param->name, ".running_mean") ? mean_tolerance
                                                             : movement_tolerance;
    if (!is_absorbed(param->name))
      cr_expect_leq(off, allowed * moved + 1e-7, "%s is off by %g of %g", param->name, off,
                    moved);
  }
}

static void check(const char *name)
{
  golden *file = read_golden(name);
  trained *t = train(file, (uint64_t)at(get(file, "seed"), 0, 0));
  double error = loss_error(t, file);
  cr_expect_leq(error, loss_tolerance, "losses are off by %g", error);
  check_parameters(t, file);
  trained_free(t);
  golden_free(file);
}

Test(golden_unitednet, supervised)
{
  check("unitednet_supervised");
}

Test(golden_unitednet, unsupervised)
{
  check("unitednet_unsupervised");
}

/* with other draws of negatives the losses are others */
Test(must_fail, other_negatives)
{
  golden *file = read_golden("unitednet_supervised");
  trained *t = train(file, (uint64_t)at(get(file, "seed"), 0, 0) + 1);
  double error = loss_error(t, file);
  cr_expect_leq(error, loss_tolerance);
  trained_free(t);
  golden_free(file);
}
