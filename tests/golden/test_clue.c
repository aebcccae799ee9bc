/* Ten iterations of CLUE as released, critic and autoencoder in turn, on cells of which
 * some lack a modality: losses, parameters and running statistics beside those of PyTorch
 * (make_clue.py, MANIFEST). */
#include "tests/golden/golden_model.h"

enum { MODALITIES = 2, STEPS = 2 };

/* Relative; see MANIFEST. */
static const double loss_tolerance = 1e-5;
/* Share of the largest movement of a parameter in ten iterations. */
static const double movement_tolerance = 5e-4;
static const double absorbed_tolerance = 0.25, mean_tolerance = 5e-3;

static const char *const names[MODALITIES] = {"rna", "atac"};
static const char *const counts[MODALITIES] = {"counts:rna", "counts:atac"};

static void check_tape(const trained *t, const golden *file)
{
  const char *noisy[] = {"drawn.rna", "drawn.atac", "noisy.rna", "noisy.atac"};
  for (int i = 0; i < 4; i++)
    check_place(t, noisy[i], file, "noise_ops", i);
}

static trained *trained_new(const golden *file)
{
  trained *t = RG_NEW(trained, 1);
  int64_t cells = get(file, "batch")->rows;
  rg_facts facts = {.n_modalities = MODALITIES, .n_cells = cells,
                    .n_batches = (int)get(file, "batch")->cols,
                    .steps_per_epoch = cells / BATCH};
  for (int k = 0; k < MODALITIES; k++)
    set_cut(t, &facts, file, k, names[k]);
  compose(t, file, "clue", &facts);
  cr_assert_eq(t->model.phase[0].n_steps, STEPS);
  check_tape(t, file);
  for (int s = 0; s < STEPS; s++) {
    t->sequence[s] = sequence_of(t, &t->model.phase[0].step[s]);
    t->optim[s] = optim_of(t);
  }
  return t;
}

/* ---- an iteration ---------------------------------------------------------------- */

/* Returns the number of terms. */
static int take_step(trained *t, int s, rg_run *run, double *value)
{
  const rg_step *step = &t->model.phase[0].step[s];
  rg_optim_begin(&t->optim[s], t->model.phase[0].rate);
  run->sequence = t->sequence[s];
  for (int i = 0; i < step->n_terms; i++)
    step->term[i].loss->scale = step->term[i].weight;
  take(step, &t->optim[s], run, value);
  return step->n_terms;
}

static void iterate(trained *t, const golden *file, int64_t n, uint64_t seed)
{
  batch b = {0};
  load_batch(&b, t, file, n, counts);
  int terms = 0;
  for (int s = 0; s < STEPS; s++) {
    rg_run run = run_of(t, &b, seed, (uint64_t)(n * RG_STEPS + s));
    run.epoch = (double)(n * BATCH) / (double)get(file, "batch")->rows;
    terms += take_step(t, s, &run, t->value[n] + terms);
  }
  cr_assert_eq(terms, get(file, "values")->cols);
  batch_fini(&b);
}

static trained *train(const golden *file, uint64_t seed)
{
  trained *t = trained_new(file);
  cr_assert_leq(get(file, "cells")->rows, GOLDEN_STEPS);
  for (int64_t n = 0; n < get(file, "cells")->rows; n++)
    iterate(t, file, n, seed);
  return t;
}

/* ---- comparison ------------------------------------------------------------------ */

/* The normalisation behind a leaky unit that is on one side for the whole batch takes the
 * bias ahead of it away: then its gradient is rounding, which RMSprop scales up. */
static double tolerance_of(const rg_param *param)
{
  bool bias = strstr(param->name, ".fc") && strstr(param->name, ".bias");
  return bias                                    ? absorbed_tolerance
         : strstr(param->name, ".running_mean") ? mean_tolerance
                                                 : movement_tolerance;
}

Test(golden, clue)
{
  golden *file = read_golden("clue");
  trained *t = train(file, (uint64_t)at(get(file, "seed"), 0, 0));
  double error = loss_error(t, file);
  cr_expect_leq(error, loss_tolerance, "losses are off by %g", error);
  for (int i = 0; i < rg_graph_params(t->graph); i++) {
    const rg_param *param = rg_graph_param(t->graph, i);
    error = movement_error(t, file, param);
    cr_expect_leq(error, tolerance_of(param), "%s is off by %g", param->name, error);
  }
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
