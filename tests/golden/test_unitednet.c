/* Ten steps of UnitedNet as released, translations and groupings in turn: losses,
 * parameters and running statistics beside those of PyTorch (make_unitednet.py,
 * MANIFEST). */
#include "tests/golden/golden_model.h"

enum { STEPS = 10, TURNS = 2 }; /* turns: translations, groupings */

/* Relative; what was reached is in MANIFEST. */
static const double loss_tolerance = 1e-5;
/* Shares of the largest movement of a parameter in ten steps. */
static const double movement_tolerance = 2e-3;
static const double mean_tolerance = 5e-2;

static const char *const names[] = {"atac", "rna"};

static int turn_of(const golden *file, int64_t s)
{
  return at(get(file, "turns"), 0, s) > 0;
}

/* The step of a turn. */
static const rg_step *step_of(const trained *t, int turn)
{
  const rg_phase *phase = &t->model.phase[0];
  int s = strcmp(phase->step[0].name, "translation") == 0 ? turn : 1 - turn;
  return &phase->step[s];
}

static trained *trained_new(const golden *file)
{
  trained *t = RG_NEW(trained, 1);
  rg_facts facts = {.n_modalities = 2, .n_labels = (int)get(file, "label")->cols,
                    .n_cells = get(file, "atac")->rows, .steps_per_epoch = 2};
  for (int m = 0; m < 2; m++)
    set_blocks(t, &facts, m, names[m], get(file, names[m])->cols, NULL);
  compose(t, file, "unitednet", &facts);
  check_place(t, "contrast", file, "contrast_op", 0);
  cr_assert_eq(t->model.phase[0].n_steps, TURNS);
  for (int k = 0; k < TURNS; k++) {
    t->sequence[k] = sequence_of(t, step_of(t, k));
    t->optim[k] = optim_of(t);
  }
  return t;
}

static void take_step(trained *t, const golden *file, int64_t s, uint64_t seed)
{
  int turn = turn_of(file, s);
  const rg_step *step = step_of(t, turn);
  batch b = {0};
  load_batch(&b, t, file, s, NULL);
  rg_run run = run_of(t, &b, seed, (uint64_t)s);
  run.sequence = t->sequence[turn];
  rg_optim_begin(&t->optim[turn], at(get(file, "rate"), 0, 0));
  for (int i = 0; i < step->n_terms; i++)
    step->term[i].loss->scale = step->term[i].weight;
  take(step, &t->optim[turn], &run, t->value[s]);
  batch_fini(&b);
}

static trained *train(const golden *file, uint64_t seed)
{
  trained *t = trained_new(file);
  for (int64_t s = 0; s < STEPS; s++)
    take_step(t, file, s, seed);
  return t;
}

/* ---- comparison ------------------------------------------------------------------ */

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
    movement m = movement_of(t, file, param);
    double allowed = ends_with(param->name, ".running_mean") ? mean_tolerance
                                                             : movement_tolerance;
    if (!is_absorbed(param->name))
      cr_expect_leq(m.off, allowed * m.moved + 1e-7, "%s is off by %g of %g", param->name,
                    m.off, m.moved);
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
