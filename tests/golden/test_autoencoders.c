/* Ten steps of BABEL and of MULTIVI as released, on cells of which some lack a modality:
 * losses, parameters and running statistics beside those of PyTorch (make_babel.py,
 * make_multivi.py, MANIFEST). */
#include "tests/golden/golden_model.h"

enum { MODALITIES = 2, STEPS = 10 };

/* Relative; what was reached is in MANIFEST. */
static const double loss_tolerance = 1e-5;
/* Shares of the largest movement of a parameter in ten steps. */
static const double movement_tolerance = 2e-3, mean_tolerance = 0.2;

static const char *const names[MODALITIES] = {"rna", "atac"};

static trained *trained_new(const golden *file, const char *recipe)
{
  trained *t = RG_NEW(trained, 1);
  const array *batches = maybe_array(file, "", "batch");
  rg_facts facts = {.n_modalities = MODALITIES, .n_cells = get(file, "has:rna")->rows,
                    .n_batches = batches ? (int)batches->cols : 0, .steps_per_epoch = 2};
  for (int k = 0; k < MODALITIES; k++)
    set_cut(t, &facts, file, k, names[k]);
  compose(t, file, recipe, &facts);
  if (maybe_array(file, "", "noise_op"))
    check_place(t, "z", file, "noise_op", 0);
  t->sequence[0] = sequence_of(t, &t->model.phase[0].step[0]);
  t->optim[0] = optim_of(t);
  return t;
}

static double ramp_at(const golden *file, const rg_term *term, int64_t s)
{
  return term->ramp == RG_RAMP_NONE ? 1 : at(get(file, "ramp"), 0, s);
}

static void take_step(trained *t, const golden *file, int64_t s, uint64_t seed)
{
  const rg_step *step = &t->model.phase[0].step[0];
  batch b = {0};
  load_batch(&b, t, file, s, NULL);
  rg_run run = run_of(t, &b, seed, (uint64_t)s);
  run.sequence = t->sequence[0];
  rg_optim_begin(&t->optim[0], t->model.phase[0].rate);
  for (int i = 0; i < step->n_terms; i++)
    step->term[i].loss->scale = step->term[i].weight * ramp_at(file, &step->term[i], s);
  take(step, &t->optim[0], &run, t->value[s]);
  batch_fini(&b);
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
  double allowed =
      strstr(param->name, ".running_mean") ? mean_tolerance : movement_tolerance;
  if (is_absorbed(t, param->name))
    return;
  double error = movement_error(t, file, param);
  cr_expect_leq(error, allowed, "%s is off by %g", param->name, error);
}

static void check(const char *recipe)
{
  golden *file = read_golden(recipe);
  trained *t = train(file, recipe, 0);
  cr_assert_eq(t->model.phase[0].step[0].n_terms, get(file, "values")->cols);
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
