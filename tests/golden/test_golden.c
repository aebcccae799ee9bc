/* Ten steps of training as the released programs take them: losses, parameters and
 * running statistics beside those of PyTorch (make_sailer.py, MANIFEST). */
#include "tests/golden/golden_file.h"

#include <math.h>
#include <string.h>

enum { LANES = 4, LANE_CELLS = 8, BATCH = LANES * LANE_CELLS };

/* Relative; reached 2e-7, see MANIFEST for all three. */
static const double loss_tolerance = 1e-5;
/* Shares of the largest movement of a parameter in ten steps. */
static const double movement_tolerance = 5e-4;
static const double absorbed_tolerance = 2e-2;

/* ---- the model ------------------------------------------------------------------- */

typedef struct trained {
  const rg_recipe *recipe;
  void *settings;
  rg_blocks blocks;
  rg_share share;
  rg_model model;
  rg_graph *graph;
  rg_optim optim;
  rg_sequence *sequence[2];
  double value[16][4]; /* [step][term] */
} trained;

static void compose(trained *t, const golden *file, const char *name)
{
  cr_assert_eq(rg_recipe_find(name, &t->recipe), RG_OK);
  t->settings = rg_alloc(1, t->recipe->settings_size);
  rg_fields_default(t->recipe->fields, t->settings);
  for (int i = 0; i < file->n_settings; i++)
    cr_assert_eq(rg_fields_set(t->recipe->fields, t->settings, file->setting[i][0],
                               file->setting[i][1], "golden"),
                 RG_OK, "%s", rg_error_text());
  const array *offset = get(file, "offset");
  int n = (int)offset->cols - 1;
  t->blocks = (rg_blocks){
      .name = "atac", .n = n, .offset = RG_NEW(int64_t, n + 1), .mine = {0, n}};
  for (int b = 0; b <= n; b++)
    t->blocks.offset[b] = (int64_t)at(offset, 0, b);
  rg_facts facts = {.n_modalities = 1,
                    .modality = {{"atac", t->blocks.offset[n], &t->blocks}},
                    .n_batches = (int)get(file, "batch")->cols,
                    .n_cells = get(file, "open")->rows,
                    .teacher_axes = (int)get(file, "teacher")->cols};
  t->share = rg_share_alone(LANES, LANE_CELLS);
  t->graph = rg_graph_new(&t->share, 1);
  cr_assert_eq(t->recipe->compose(t->graph, &facts, t->settings, &t->model), RG_OK);
  cr_assert_eq(rg_graph_plan(t->graph), RG_OK, "%s", rg_error_text());
  cr_assert_eq(t->model.n_phases, 2);
}

static void set_parameters(const trained *t, const golden *file)
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

static rg_sequence *sequence_of(const trained *t, const rg_step *step)
{
  rg_op *terms[RG_TERMS + 1] = {0};
  for (int i = 0; i < step->n_terms; i++)
    terms[i] = step->term[i].loss;
  return rg_sequence_new(t->graph, NULL, terms, step->groups);
}

static trained *trained_new(const golden *file, const char *name)
{
  trained *t = RG_NEW(trained, 1);
  compose(t, file, name);
  set_parameters(t, file);
  t->optim = rg_optim_new(t->graph, t->model.optimiser, t->model.weight_decay);
  for (int p = 0; p < 2; p++)
    t->sequence[p] = sequence_of(t, &t->model.phase[p].step[0]);
  return t;
}

static void trained_free(trained *t)
{
  rg_optim_fini(&t->optim);
  rg_graph_free(t->graph);
  rg_fields_fini(t->recipe->fields, t->settings);
  rg_free(t->settings);
  rg_free(t->blocks.offset);
  rg_free(t);
}

/* ---- a step ---------------------------------------------------------------------- */

static rg_csr open_peaks(const golden *file, const int64_t *cell)
{
  const array *from = get(file, "open");
  int64_t nnz = 0;
  for (int pass = 0; pass < 2; pass++) {
    rg_csr rows = rg_csr_new(BATCH, from->cols, pass ? nnz : 0);
    nnz = 0;
    for (int i = 0; i < BATCH; i++) {
      for (int32_t k = 0; k < from->cols; k++)
        if (at(from, cell[i], k) > 0) {
          if (pass)
            rows.indices[nnz] = k, rows.values[nnz] = 1;
          nnz++;
        }
      rows.indptr[i + 1] = nnz;
    }
    if (pass)
      return rows;
    rg_csr_fini(&rows);
  }
  return (rg_csr){0};
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

/* Weights of the phase's terms, after a look at the schedule. */
static void set_weights(const trained *t, const golden *file, int64_t s)
{
  const array *steps = get(file, "steps");
  const rg_phase *phase = &t->model.phase[(int)at(steps, s, 0)];
  double ramp = at(steps, s, 2), when = at(steps, s, 3), period = at(steps, s, 4);
  for (int i = 0; i < phase->step[0].n_terms; i++) {
    const rg_term *term = &phase->step[0].term[i];
    bool ramped = term->ramp != RG_RAMP_NONE;
    if (ramped)
      cr_assert_float_eq(
          rg_ramp_cyclic(when, period, term->ramp == RG_RAMP_CYCLIC_EXACT), ramp, 1e-8);
    term->loss->scale = term->weight * (ramped ? ramp : 1);
  }
}

static void take_step(trained *t, const golden *file, int64_t s, uint64_t seed, bool fused)
{
  const array *steps = get(file, "steps"), *cells = get(file, "cells");
  int p = (int)at(steps, s, 0);
  int64_t cell[BATCH];
  for (int i = 0; i < BATCH; i++)
    cell[i] = (int64_t)at(cells, s, i);
  rg_sparse_batch batch = {.rows = open_peaks(file, cell)};
  batch.columns = rg_csr_transpose(&batch.rows);
  rg_optim_begin(&t->optim, at(steps, s, 1));
  rg_run run = {.graph = t->graph,
                .share = &t->share,
                .sequence = t->sequence[p],
                .train = true,
                .seed = seed,
                .step = (uint64_t)s,
                .cell = cell,
                .sparse = &batch,
                .update = fused ? &t->optim.update : NULL};
  fill_inputs(t, file, cell);
  set_weights(t, file, s);
  rg_run_forward(&run);
  rg_run_backward(&run);
  rg_optim_apply(&t->optim, &run);
  cr_assert(rg_run_terms(&run));
  const rg_step *step = &t->model.phase[p].step[0];
  for (int i = 0; i < step->n_terms; i++)
    t->value[s][i] = step->term[i].loss->value;
  rg_csr_fini(&batch.rows);
  rg_csr_fini(&batch.columns);
}

static trained *train(const golden *file, const char *name, uint64_t seed, bool fused)
{
  trained *t = trained_new(file, name);
  const rg_op *noise = rg_graph_find_op(t->graph, "z");
  cr_assert_eq(noise->index, (int)at(get(file, "noise_op"), 0, 0),
               "the tape has changed: set noise_op in make_sailer.py and run it again");
  cr_assert_leq(get(file, "steps")->rows, 16);
  for (int64_t s = 0; s < get(file, "steps")->rows; s++)
    take_step(t, file, s, seed, fused);
  return t;
}

/* ---- comparison ------------------------------------------------------------------ */

static double loss_error(const trained *t, const golden *file)
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

/* Largest difference of a parameter from PyTorch's, as a share of how far its elements
 * have moved. */
static double movement_error(const trained *t, const golden *file, const rg_param *param)
{
  const array *begin = maybe_array(file, "begin:", param->name);
  const array *end = maybe_array(file, "end:", param->name);
  const float *x = rg_param_value(t->graph, param);
  double difference = 0, moved = 0;
  for (int64_t k = 0; k < rg_param_size(param); k++) {
    difference = fmax(difference, fabs((double)x[k] - end->x[k]));
    moved = fmax(moved, fabs(end->x[k] - begin->x[k]));
  }
  cr_assert_gt(moved, 0, "%s has not moved", param->name);
  return difference / moved;
}

/* A bias that the batch normalisation behind it takes away again: its gradient is the
 * decay and rounding. */
static bool is_absorbed(const rg_graph *graph, const rg_param *param)
{
  for (int i = 0; i < rg_graph_ops(graph); i++) {
    const rg_op *op = rg_graph_op(graph, i);
    if (strcmp(op->type->name, "batchnorm") != 0)
      continue;
    const rg_op *before = op->in[0]->op;
    if (before->param[before->n_param - 1] == param && strstr(param->name, ".bias"))
      return true;
  }
  return false;
}

static void check_parameters(const trained *t, const golden *file)
{
  int absorbed = 0;
  for (int i = 0; i < rg_graph_params(t->graph); i++) {
    const rg_param *param = rg_graph_param(t->graph, i);
    bool loose = is_absorbed(t->graph, param);
    absorbed += loose;
    double error = movement_error(t, file, param);
    cr_expect_leq(error, loose ? absorbed_tolerance : movement_tolerance,
                  "%s is off by %g", param->name, error);
  }
  cr_expect_eq(absorbed, 4);
}

static void check_recipe(const char *name)
{
  golden *file = read_golden(name);
  uint64_t seed = (uint64_t)at(get(file, "seed"), 0, 0);
  trained *stored = train(file, name, seed, false);
  trained *fused = train(file, name, seed, true);
  double error = loss_error(stored, file);
  cr_expect_leq(error, loss_tolerance, "losses are off by %g", error);
  check_parameters(stored, file);
  size_t bytes = sizeof(float) * (size_t)rg_graph_param_floats(stored->graph);
  cr_expect_arr_eq(rg_graph_flat(stored->graph), rg_graph_flat(fused->graph), bytes,
                   "gradients used in the kernels and stored ones differ");
  cr_expect_arr_eq(stored->value, fused->value, sizeof stored->value);
  trained_free(stored);
  trained_free(fused);
  golden_free(file);
}

Test(golden, sailer)
{
  check_recipe("sailer");
}

Test(golden, sailerx)
{
  check_recipe("sailerx");
}

/* with the noise of another seed the losses are others */
Test(must_fail, other_noise)
{
  golden *file = read_golden("sailerx");
  uint64_t seed = (uint64_t)at(get(file, "seed"), 0, 0);
  trained *t = train(file, "sailerx", seed + 1, true);
  double error = loss_error(t, file);
  cr_expect_leq(error, loss_tolerance);
  trained_free(t);
  golden_free(file);
}
