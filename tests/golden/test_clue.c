/* Ten iterations of CLUE as released, critic and autoencoder in turn, on cells of which
 * some lack a modality: losses, parameters and running statistics beside those of PyTorch
 * (make_clue.py, MANIFEST). */
#include "tests/golden/golden_file.h"

#include <math.h>

enum { LANES = 4, LANE_CELLS = 8, BATCH = LANES * LANE_CELLS, MODALITIES = 2, STEPS = 2 };

/* Relative; see MANIFEST. */
static const double loss_tolerance = 1e-5;
/* Share of the largest movement of a parameter in ten iterations. */
static const double movement_tolerance = 5e-4;
static const double absorbed_tolerance = 0.25, mean_tolerance = 5e-3;

static const char *const names[MODALITIES] = {"rna", "atac"};

typedef struct trained {
  const rg_recipe *recipe;
  void *settings;
  rg_blocks blocks[MODALITIES];
  rg_share share;
  rg_model model;
  rg_graph *graph;
  rg_optim optim[STEPS];
  rg_sequence *sequence[STEPS];
  double value[16][16]; /* [iteration][term of both steps] */
} trained;

/* ---- the model ------------------------------------------------------------------- */

static void set_settings(trained *t, const golden *file)
{
  t->settings = rg_alloc(1, t->recipe->settings_size);
  rg_fields_default(t->recipe->fields, t->settings);
  for (int i = 0; i < file->n_settings; i++)
    cr_assert_eq(rg_fields_set(t->recipe->fields, t->settings, file->setting[i][0],
                               file->setting[i][1], "golden"),
                 RG_OK, "%s", rg_error_text());
}

static void set_facts(trained *t, const golden *file, rg_facts *facts)
{
  *facts = (rg_facts){.n_modalities = MODALITIES,
                      .n_batches = (int)get(file, "batch")->cols,
                      .n_cells = get(file, "batch")->rows,
                      .steps_per_epoch = get(file, "batch")->rows / BATCH};
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
    facts->modality[k] = (struct rg_fact_modality){
        names[k], t->blocks[k].offset[n], &t->blocks[k], RG_VALUES_COUNTS};
  }
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

static void check_tape(const trained *t, const golden *file)
{
  const char *noisy[] = {"drawn.rna", "drawn.atac", "noisy.rna", "noisy.atac"};
  for (int i = 0; i < 4; i++)
    cr_assert_eq(rg_graph_find_op(t->graph, noisy[i])->index,
                 (int)at(get(file, "noise_ops"), 0, i),
                 "the tape has changed: %s is now operation %d; set NOISE_OPS in "
                 "make_clue.py and run it again", noisy[i],
                 rg_graph_find_op(t->graph, noisy[i])->index);
}

static trained *trained_new(const golden *file)
{
  trained *t = RG_NEW(trained, 1);
  rg_facts facts;
  cr_assert_eq(rg_recipe_find("clue", &t->recipe), RG_OK);
  set_settings(t, file);
  set_facts(t, file, &facts);
  t->share = rg_share_alone(LANES, LANE_CELLS);
  t->graph = rg_graph_new(&t->share, 1);
  cr_assert_eq(t->recipe->compose(t->graph, &facts, t->settings, &t->model), RG_OK);
  cr_assert_eq(rg_graph_plan(t->graph), RG_OK, "%s", rg_error_text());
  cr_assert_eq(t->model.phase[0].n_steps, STEPS);
  set_parameters(t, file);
  check_tape(t, file);
  for (int s = 0; s < STEPS; s++) {
    const rg_step *step = &t->model.phase[0].step[s];
    rg_op *terms[RG_TERMS + 1] = {0};
    for (int i = 0; i < step->n_terms; i++)
      terms[i] = step->term[i].loss;
    t->sequence[s] = rg_sequence_new(t->graph, NULL, terms, step->groups);
    t->optim[s] = rg_optim_new(t->graph, t->model.optimiser, t->model.weight_decay);
  }
  return t;
}

static void trained_free(trained *t)
{
  for (int s = 0; s < STEPS; s++)
    rg_optim_fini(&t->optim[s]);
  rg_graph_free(t->graph);
  rg_fields_fini(t->recipe->fields, t->settings);
  rg_free(t->settings);
  for (int k = 0; k < MODALITIES; k++)
    rg_free(t->blocks[k].offset);
  rg_free(t);
}

/* ---- an iteration ---------------------------------------------------------------- */

static rg_csr counts_of(const golden *file, const char *modality, const int64_t *cell)
{
  char name[64];
  snprintf(name, sizeof name, "counts:%s", modality);
  const array *from = get(file, name);
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
    const array *from = get(file, node->name);
    for (int64_t k = 0; k < BATCH; k++)
      for (int j = 0; j < node->width; j++)
        node->x[k * node->width + j] = (float)at(from, cell[k], j);
  }
}

/* Returns the number of terms. */
static int take_step(trained *t, int s, rg_run *run, double *value)
{
  const rg_step *step = &t->model.phase[0].step[s];
  rg_optim_begin(&t->optim[s], t->model.phase[0].rate);
  run->sequence = t->sequence[s];
  for (int i = 0; i < step->n_terms; i++)
    step->term[i].loss->scale = step->term[i].weight;
  rg_run_forward(run);
  rg_run_backward(run);
  rg_optim_apply(&t->optim[s], run);
  cr_assert(rg_run_terms(run));
  for (int i = 0; i < step->n_terms; i++)
    value[i] = step->term[i].loss->value;
  return step->n_terms;
}

static void iterate(trained *t, const golden *file, int64_t n, uint64_t seed)
{
  int64_t cell[BATCH];
  rg_sparse_batch batch[MODALITIES];
  for (int i = 0; i < BATCH; i++)
    cell[i] = (int64_t)at(get(file, "cells"), n, i);
  for (int k = 0; k < MODALITIES; k++) {
    batch[k].rows = counts_of(file, names[k], cell);
    batch[k].columns = rg_csr_transpose(&batch[k].rows);
  }
  fill_inputs(t, file, cell);
  int terms = 0;
  for (int s = 0; s < STEPS; s++) {
    rg_run run = {.graph = t->graph,
                  .share = &t->share,
                  .train = true,
                  .seed = seed,
                  .step = (uint64_t)(n * RG_STEPS + s),
                  .epoch = (double)(n * BATCH) / (double)get(file, "batch")->rows,
                  .cell = cell,
                  .sparse = batch};
    terms += take_step(t, s, &run, t->value[n] + terms);
  }
  cr_assert_eq(terms, get(file, "values")->cols);
  for (int k = 0; k < MODALITIES; k++) {
    rg_csr_fini(&batch[k].rows);
    rg_csr_fini(&batch[k].columns);
  }
}

static trained *train(const golden *file, uint64_t seed)
{
  trained *t = trained_new(file);
  for (int64_t n = 0; n < get(file, "cells")->rows; n++)
    iterate(t, file, n, seed);
  return t;
}

/* ---- comparison ------------------------------------------------------------------ */

static double loss_error(const trained *t, const golden *file)
{
  const array *values = get(file, "values");
  double worst = 0;
  for (int64_t n = 0; n < values->rows; n++)
    for (int i = 0; i < values->cols; i++) {
      double expected = at(values, n, i);
      worst = fmax(worst, fabs(t->value[n][i] - expected) / fmax(fabs(expected), 1e-3));
    }
  return worst;
}

/* The normalisation behind a leaky unit that is on one side for the whole batch takes the
 * bias ahead of it away: then its gradient is rounding, which RMSprop scales up. */
static double tolerance_of(const rg_param *param)
{
  bool bias = strstr(param->name, ".fc") && strstr(param->name, ".bias");
  return bias                                    ? absorbed_tolerance
         : strstr(param->name, ".running_mean") ? mean_tolerance
                                                 : movement_tolerance;
}

static void check_parameter(const trained *t, const golden *file, const rg_param *param)
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
  cr_expect_leq(difference / moved, tolerance_of(param), "%s is off by %g", param->name,
                difference / moved);
}

Test(golden, clue)
{
  golden *file = read_golden("clue");
  trained *t = train(file, (uint64_t)at(get(file, "seed"), 0, 0));
  double error = loss_error(t, file);
  cr_expect_leq(error, loss_tolerance, "losses are off by %g", error);
  for (int i = 0; i < rg_graph_params(t->graph); i++)
    check_parameter(t, file, rg_graph_param(t->graph, i));
  trained_free(t);
  golden_free(file);
}

/* with the noise of another seed the losses are others */
Test(must_fail, other_noise)
{
  golden *file = read_golden("clue");
  trained *t = train(file, (uint64_t)at(get(file, "seed"), 0, 0) + 1);
  cr_expect_leq(loss_error(t, file), loss_tolerance);
  trained_free(t);
  golden_free(file);
}
