/* Ten steps of BABEL and of MULTIVI as released, on cells of which some lack a modality:
 * losses, parameters and running statistics beside those of PyTorch (make_babel.py,
 * make_multivi.py, MANIFEST). */
#include "tests/golden/golden_file.h"

#include <math.h>

enum { LANES = 4, LANE_CELLS = 8, BATCH = LANES * LANE_CELLS, MODALITIES = 2, TERMS = 4,
       STEPS = 10 };

/* Relative; what was reached is in MANIFEST. */
static const double loss_tolerance = 1e-5;
/* Shares of the largest movement of a parameter in ten steps. */
static const double movement_tolerance = 2e-3, mean_tolerance = 0.2;

static const char *const names[MODALITIES] = {"rna", "atac"};

typedef struct trained {
  const rg_recipe *recipe;
  void *settings;
  rg_blocks blocks[MODALITIES];
  rg_share share;
  rg_model model;
  rg_graph *graph;
  rg_optim optim;
  rg_sequence *sequence;
  double value[STEPS][TERMS];
} trained;

/* ---- the model ------------------------------------------------------------------- */

static void compose(trained *t, const golden *file)
{
  const array *batch = maybe_array(file, "", "batch");
  rg_facts facts = {.n_modalities = MODALITIES, .n_cells = get(file, "has:rna")->rows,
                    .n_batches = batch ? (int)batch->cols : 0, .steps_per_epoch = 2};
  for (int k = 0; k < MODALITIES; k++) {
    char name[64];
    snprintf(name, sizeof name, "offset:%s", names[k]);
    const array *offset = get(file, name);
    int n = (int)offset->cols - 1;
    t->blocks[k] =
        (rg_blocks){.n = n, .offset = RG_NEW(int64_t, n + 1), .mine = {0, n}};
    snprintf(t->blocks[k].name, sizeof t->blocks[k].name, "%s", names[k]);
    for (int b = 0; b <= n; b++)
      t->blocks[k].offset[b] = (int64_t)at(offset, 0, b);
    facts.modality[k] = (struct rg_fact_modality){names[k], t->blocks[k].offset[n],
                                                  &t->blocks[k], RG_VALUES_COUNTS};
  }
  t->settings = rg_alloc(1, t->recipe->settings_size);
  rg_fields_default(t->recipe->fields, t->settings);
  for (int i = 0; i < file->n_settings; i++)
    cr_assert_eq(rg_fields_set(t->recipe->fields, t->settings, file->setting[i][0],
                               file->setting[i][1], "golden"),
                 RG_OK, "%s", rg_error_text());
  t->share = rg_share_alone(LANES, LANE_CELLS);
  t->graph = rg_graph_new(&t->share, 1);
  cr_assert_eq(t->recipe->compose(t->graph, &facts, t->settings, &t->model), RG_OK);
  cr_assert_eq(rg_graph_plan(t->graph), RG_OK, "%s", rg_error_text());
}

static void check_tape(const trained *t, const golden *file)
{
  const array *place = maybe_array(file, "", "noise_op");
  if (!place)
    return;
  int is = rg_graph_find_op(t->graph, "z")->index;
  cr_assert_eq(is, (int)at(place, 0, 0),
               "the tape has changed: set NOISE_OP to %d and make the file again", is);
}

static trained *trained_new(const golden *file, const char *recipe)
{
  trained *t = RG_NEW(trained, 1);
  cr_assert_eq(rg_recipe_find(recipe, &t->recipe), RG_OK);
  compose(t, file);
  check_tape(t, file);
  for (int i = 0; i < rg_graph_params(t->graph); i++) {
    const rg_param *param = rg_graph_param(t->graph, i);
    const array *from = maybe_array(file, "begin:", param->name);
    cr_assert_not_null(from, "%s is not in the file", param->name);
    cr_assert_eq(from->rows * from->cols, rg_param_size(param), "%s", param->name);
    for (int64_t k = 0; k < rg_param_size(param); k++)
      rg_param_value(t->graph, param)[k] = (float)from->x[k];
  }
  const rg_step *step = &t->model.phase[0].step[0];
  rg_op *terms[RG_TERMS + 1] = {0};
  cr_assert_eq(step->n_terms, TERMS);
  for (int i = 0; i < step->n_terms; i++)
    terms[i] = step->term[i].loss;
  t->sequence = rg_sequence_new(t->graph, NULL, terms, step->groups);
  t->optim = rg_optim_new(t->graph, t->model.optimiser, t->model.weight_decay);
  return t;
}

static void trained_free(trained *t)
{
  rg_optim_fini(&t->optim);
  rg_graph_free(t->graph);
  rg_fields_fini(t->recipe->fields, t->settings);
  rg_free(t->settings);
  for (int k = 0; k < MODALITIES; k++)
    rg_free(t->blocks[k].offset);
  rg_free(t);
}

/* ---- a step ---------------------------------------------------------------------- */

static rg_csr rows_of(const array *from, const int64_t *cell)
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

static const char *name_of_sparse(const trained *t, int slot)
{
  for (int i = 0; i < rg_graph_nodes(t->graph); i++) {
    const rg_node *node = rg_graph_node(t->graph, i);
    if (node->sparse && node->slot == slot)
      return node->name;
  }
  return "";
}

static void fill_inputs(const trained *t, const golden *file, const int64_t *cell)
{
  for (int i = 0; i < rg_graph_nodes(t->graph); i++) {
    rg_node *node = rg_graph_node(t->graph, i);
    if (!node->input || node->sparse)
      continue;
    const array *from = get(file, node->name);
    for (int64_t k = 0; k < BATCH; k++)
      for (int j = 0; j < node->width; j++)
        node->x[k * node->width + j] = (float)at(from, cell[k], j);
  }
}

static void clip(const rg_run *run, double limit)
{
  double squares[2];
  rg_gradient_norms(run, &squares[0], &squares[1]);
  double norm = sqrt(squares[0] + squares[1]);
  if (limit > 0 && norm > limit)
    rg_gradient_scale(run, (float)(limit / norm));
}

static double ramp_at(const golden *file, const rg_term *term, int64_t s)
{
  return term->ramp == RG_RAMP_NONE ? 1 : at(get(file, "ramp"), 0, s);
}

static void take_step(trained *t, const golden *file, int64_t s, uint64_t seed)
{
  const rg_step *step = &t->model.phase[0].step[0];
  int64_t cell[BATCH];
  rg_sparse_batch batch[8] = {0};
  for (int i = 0; i < BATCH; i++)
    cell[i] = (int64_t)at(get(file, "cells"), s, i);
  for (int k = 0; k < t->model.n_sparse; k++) {
    batch[k].rows = rows_of(get(file, name_of_sparse(t, k)), cell);
    batch[k].columns = rg_csr_transpose(&batch[k].rows);
  }
  rg_run run = {.graph = t->graph, .share = &t->share, .sequence = t->sequence,
                .train = true, .seed = seed, .step = (uint64_t)s, .cell = cell,
                .sparse = batch};
  fill_inputs(t, file, cell);
  rg_optim_begin(&t->optim, t->model.phase[0].rate);
  for (int i = 0; i < TERMS; i++)
    step->term[i].loss->scale = step->term[i].weight * ramp_at(file, &step->term[i], s);
  rg_run_forward(&run);
  rg_run_backward(&run);
  clip(&run, step->clip);
  rg_optim_apply(&t->optim, &run);
  cr_assert(rg_run_terms(&run));
  for (int i = 0; i < TERMS; i++)
    t->value[s][i] = step->term[i].loss->value;
  for (int k = 0; k < t->model.n_sparse; k++) {
    rg_csr_fini(&batch[k].rows);
    rg_csr_fini(&batch[k].columns);
  }
}

static trained *train(const golden *file, const char *recipe, uint64_t other)
{
  const array *seed = maybe_array(file, "", "seed");
  trained *t = trained_new(file, recipe);
  cr_assert_eq(get(file, "cells")->rows, STEPS);
  for (int64_t s = 0; s < STEPS; s++)
    take_step(t, file, s, (seed ? (uint64_t)at(seed, 0, 0) : 0) + other);
  return t;
}

/* ---- comparison ------------------------------------------------------------------ */

static double loss_error(const trained *t, const golden *file)
{
  const array *values = get(file, "values");
  double worst = 0;
  for (int64_t s = 0; s < values->rows; s++)
    for (int i = 0; i < TERMS; i++) {
      double expected = at(values, s, i);
      worst = fmax(worst, fabs(t->value[s][i] - expected) / fmax(fabs(expected), 1e-3));
    }
  return worst;
}

/* A bias that the batch normalisation behind it takes away: its gradient is rounding, which
 * Adam scales up to whole steps. */
static bool is_absorbed(const trained *t, const char *name)
{
  const char *end = strrchr(name, '.');
  return strcmp(t->recipe->name, "babel") == 0 && strstr(name, ".fc") &&
         strcmp(end, ".bias") == 0;
}

static void check_parameter(const trained *t, const golden *file, const rg_param *param)
{
  const array *begin = maybe_array(file, "begin:", param->name);
  const array *end = maybe_array(file, "end:", param->name);
  const float *x = rg_param_value(t->graph, param);
  double off = 0, moved = 0;
  for (int64_t k = 0; k < rg_param_size(param); k++) {
    off = fmax(off, fabs((double)x[k] - end->x[k]));
    moved = fmax(moved, fabs(end->x[k] - begin->x[k]));
  }
  double allowed =
      strstr(param->name, ".running_mean") ? mean_tolerance : movement_tolerance;
  if (is_absorbed(t, param->name))
    return;
  cr_assert_gt(moved, 0, "%s has not moved", param->name);
  cr_expect_leq(off / moved, allowed, "%s is off by %g", param->name, off / moved);
}

static void check(const char *recipe)
{
  golden *file = read_golden(recipe);
  trained *t = train(file, recipe, 0);
  double error = loss_error(t, file);
  cr_expect_leq(error, loss_tolerance, "losses are off by %g", error);
  for (int i = 0; i < rg_graph_params(t->graph); i++)
    check_parameter(t, file, rg_graph_param(t->graph, i));
  trained_free(t);
  golden_free(file);
}

Test(golden_autoencoders, babel)
{
  check("babel");
}

Test(golden_autoencoders, multivi)
{
  check("multivi");
}

/* with another limit of the gradient the losses are others */
Test(must_fail, other_clip)
{
  golden *file = read_golden("babel");
  for (int i = 0; i < file->n_settings; i++)
    if (strcmp(file->setting[i][0], "clip") == 0)
      snprintf(file->setting[i][1], sizeof file->setting[i][1], "5");
  trained *t = train(file, "babel", 0);
  cr_expect_leq(loss_error(t, file), loss_tolerance);
  trained_free(t);
  golden_free(file);
}

/* with the noise of another seed too */
Test(must_fail, other_noise_of_multivi)
{
  golden *file = read_golden("multivi");
  trained *t = train(file, "multivi", 1);
  cr_expect_leq(loss_error(t, file), loss_tolerance);
  trained_free(t);
  golden_free(file);
}
