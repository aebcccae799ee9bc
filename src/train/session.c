/* A session: the model composed for the data and the grid, and the data spread. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- facts ---- */

/* Blocks of features: one per chromosome where known, else equal cuts. */
static void cut_features(const rg_prepared_modality *m, rg_blocks *blocks)
{
  enum { EQUAL = 16, SMALLEST = 64 };
  int64_t n = m->features.n;
  snprintf(blocks->name, sizeof blocks->name, "%s", m->name);
  blocks->offset = RG_NEW(int64_t, n + 2);
  blocks->n = 0;
  if (m->chromosome) {
    for (int64_t f = 0; f < n; f++)
      if (f == 0 || m->chromosome[f] != m->chromosome[f - 1])
        blocks->offset[blocks->n++] = f;
  } else {
    int64_t cuts = n / SMALLEST < 1 ? 1 : n / SMALLEST > EQUAL ? EQUAL : n / SMALLEST;
    for (int64_t c = 0; c < cuts; c++)
      blocks->offset[blocks->n++] = n * c / cuts;
  }
  blocks->offset[blocks->n] = n;
}

/* Cut all modalities; which feature group has most of all. A rank that is played alone
 * plays that one. */
static rg_status cut_modalities(rg_session *session, const rg_dataset *dataset)
{
  int groups = rg_grid_feature_groups(session->grid), busiest = 0;
  int64_t most = 0, all = 0;
  if (dataset->n_modalities > RG_MODALITIES)
    return rg_fail(RG_EINPUT, "%d modalities; at most %d", dataset->n_modalities,
                   RG_MODALITIES);
  for (int m = 0; m < dataset->n_modalities; m++) {
    cut_features(&dataset->modality[m], &session->blocks[m]);
    all += dataset->modality[m].features.n;
  }
  for (int g = 0; g < groups; g++) {
    int64_t features = 0;
    for (int m = 0; m < dataset->n_modalities; m++) {
      const rg_blocks *blocks = &session->blocks[m];
      rg_range b = rg_grid_blocks(blocks->offset, blocks->n, g, groups);
      features += blocks->offset[b.high] - blocks->offset[b.low];
    }
    busiest = features > most ? g : busiest;
    most = features > most ? features : most;
  }
  session->imbalance = (double)most * groups / fmax(1, (double)all);
  if (rg_grid_is_played(session->grid))
    rg_grid_play_group(session->grid, busiest);
  return RG_OK;
}

static void make_facts(rg_session *session, const rg_dataset *dataset, int axes)
{
  rg_facts *facts = &session->facts;
  facts->n_batches = (int)dataset->batch.categories.n;
  facts->n_labels = (int)dataset->label.categories.n;
  facts->teacher_axes = axes;
  for (int m = 0; m < dataset->n_modalities; m++) {
    const rg_prepared_modality *modality = &dataset->modality[m];
    rg_blocks *blocks = &session->blocks[m];
    blocks->mine = rg_grid_blocks(blocks->offset, blocks->n,
                                  rg_grid_feature_group(session->grid),
                                  rg_grid_feature_groups(session->grid));
    facts->modality[m] =
        (struct rg_fact_modality){modality->name, modality->features.n, blocks,
                                  modality->values};
  }
  facts->n_modalities = dataset->n_modalities;
}

/* What the recipe needs that the data lack. */
static rg_status check_needs(const rg_recipe *recipe, const rg_dataset *dataset)
{
  rg_strings names = {0};
  for (int m = 0; m < dataset->n_modalities; m++)
    rg_strings_add(&names, dataset->modality[m].name,
                   (int64_t)strlen(dataset->modality[m].name));
  rg_status status = rg_recipe_check(recipe, &names);
  rg_strings_fini(&names);
  return status;
}

static rg_status check_teacher(const rg_recipe *recipe, const rg_facts *facts)
{
  if (recipe->teacher && facts->teacher_axes < 1)
    return rg_fail(RG_EINPUT,
                   "recipe %s needs a teacher: set train.teacher to a modality or "
                   "to a key of obsm",
                   recipe->name);
  return RG_OK;
}

static rg_status check_grid(const rg_session *session)
{
  const rg_recipe *recipe = session->plan->recipe;
  if (!recipe->by_lanes || rg_grid_feature_groups(session->grid) == 1)
    return RG_OK;
  return rg_fail(RG_EUSAGE,
                 "train.grid=%s: recipe %s needs all features of a cell on every rank; "
                 "choose lanes",
                 session->plan->train.grid, recipe->name);
}

/* Ranks with other features may fail alone. */
static rg_status compose_model(rg_session *session)
{
  rg_status status = RG_OK;
  const rg_plan *plan = session->plan;
  session->graph =
      rg_graph_new(rg_grid_share(session->grid), (uint64_t)plan->train.seed);
  session->model.graph = session->graph;
  if (rg_fault("train.compose"))
    return rg_fail(RG_EFAIL, "injected fault train.compose");
  RG_TRY(plan->recipe->compose(session->graph, &session->facts, plan->settings,
                               &session->model));
  RG_TRY(rg_graph_plan(session->graph));
out:
  return status;
}

rg_status rg_session_compose(rg_session *session, const rg_dataset *dataset,
                             int teacher_axes, int lanes, int lane_cells)
{
  rg_status status = RG_OK;
  const rg_plan *plan = session->plan;
  session->dataset = dataset;
  int ranks = session->rehearsal.ranks;
  if (ranks > 0 && ranks != rg_size(session->comm))
    RG_TRY(rg_grid_play(session->comm, plan->train.grid, ranks, lanes, lane_cells,
                        !plan->recipe->by_lanes, &session->grid));
  else
    RG_TRY(rg_grid_new(session->comm, plan->train.grid, lanes, lane_cells,
                       !plan->recipe->by_lanes, &session->grid));
  RG_TRY(cut_modalities(session, dataset));
  make_facts(session, dataset, teacher_axes);
  RG_TRY(check_needs(plan->recipe, dataset));
  RG_TRY(check_teacher(plan->recipe, &session->facts));
  RG_TRY(check_grid(session));
  RG_TRY_ALL(session->comm, compose_model(session));
out:
  return status;
}

/* ---- data ---- */

/* Make the covariate `name` unless it is there. */
static rg_status make_input(rg_session *session, const char *name, int width, bool fit,
                            const bool *trains, rg_covariates *all)
{
  rg_status status = RG_OK;
  int neighbours = 0;
  const char *of = rg_smooth_of(name, &neighbours);
  const struct rg_prior *prior = &session->model.prior;
  bool prior_input = strncmp(name, "prior:", 6) == 0 || strncmp(name, "anchored:", 9) == 0;
  if (rg_covariates_find(all, name))
    return RG_OK;
  if (of) {
    RG_TRY(make_input(session, of, width, fit, trains, all));
    return rg_smooth_input(session->comm, name, rg_covariates_find(all, of), neighbours,
                           all);
  }
  if (!prior_input)
    return rg_standard_input(session->comm, session->dataset, name, width, fit, trains,
                             &session->constants, all);
  for (int k = 0; k < prior->n; k++)
    RG_TRY(make_input(session, prior->input[k], prior->input_axes[k], fit, trains, all));
  status = rg_prior_inputs(session, fit, all);
out:
  return status;
}

/* Every dense input gets the covariate of its name, in the order of the inputs; those
 * that the recipe does not make itself are standard. */
static rg_status order_covariates(rg_session *session, bool fit, rg_covariates *all,
                                  rg_covariates *ordered)
{
  rg_status status = RG_OK;
  int64_t rows = rg_range_n(session->dataset->rows);
  bool *trains = RG_NEW(bool, rows);
  for (int64_t i = 0; fit && i < rows; i++)
    trains[i] = session->role[i] == RG_TRAINS;
  for (int i = 0; i < rg_graph_nodes(session->graph); i++) {
    const rg_node *node = rg_graph_node(session->graph, i);
    if (!node->input || node->sparse || rg_is_near(node->name))
      continue;
    RG_TRY(make_input(session, node->name, node->width, fit, trains, all));
    const rg_mat *mat = rg_covariates_find(all, node->name);
    if (mat->cols != node->width) {
      status = rg_fail(RG_EFAIL, "the input %s has %d columns, its covariate %lld",
                       node->name, node->width, (long long)mat->cols);
      goto out;
    }
    struct rg_covariate *item = &ordered->item[ordered->n++];
    memcpy(item->name, node->name, strlen(node->name) + 1);
    item->mat = *mat; /* view */
  }
out:
  rg_free(trains);
  return status;
}

/* Keep the cells of the sample, numbered as they were drawn. */
static rg_status draw_sample(rg_session *session, int64_t *number, int64_t total)
{
  rg_key key = {.seed = (uint64_t)session->plan->train.seed, .purpose = RG_FOR_SPLIT,
                .step = 1};
  int64_t rows = rg_range_n(session->dataset->rows), n = session->sample;
  if (total < n)
    return rg_fail(RG_EINPUT, "%lld cells have what the model reads; %lld were asked for",
                   (long long)total, (long long)n);
  int64_t *place = RG_NEW(int64_t, total);
  for (int64_t i = 0; i < total; i++)
    place[i] = -1;
  for (int64_t t = 0; t < n; t++)
    place[rg_permuted(&key, total, t)] = t;
  for (int64_t i = 0; i < rows; i++)
    number[i] = number[i] >= 0 ? place[number[i]] : -1;
  rg_free(place);
  session->deal = rg_deal_new(n, rg_grid_share(session->grid)->lanes, key.seed);
  return RG_OK;
}

rg_status rg_session_fill(rg_session *session, const rg_mat *teacher, bool fit)
{
  rg_status status = RG_OK;
  const rg_plan *plan = session->plan;
  rg_covariates all = {0}, ordered = {0};
  int64_t *eligible = NULL, total = 0;
  if (plan->recipe->covariates)
    RG_TRY(plan->recipe->covariates(session->comm, session->dataset, plan->settings, fit,
                                    &session->constants, &all));
  if (session->facts.teacher_axes > 0)
    RG_TRY(rg_teacher_covariates(session->comm, &session->model, &session->dataset->batch,
                                 teacher, &all));
  if (fit) {
    RG_TRY(rg_weigh_fit(session->comm, session->dataset, &session->model, session->role,
                        &session->constants));
    rg_start_biases(session->comm, session->dataset, &session->model);
    RG_TRY(rg_start_moments(session->comm, session->dataset, &session->model,
                            session->role, &session->constants));
  }
  RG_TRY(order_covariates(session, fit, &all, &ordered));
  if (!fit)
    session->role = rg_roles_trained(&session->model, session->dataset);
  eligible = rg_number_role(session->comm, session->role,
                            rg_range_n(session->dataset->rows), RG_TRAINS, &total);
  if (fit && session->model.partner_neighbours > 0)
    RG_TRY(rg_partner_links(session->comm, &session->model, &all, eligible, &ordered));
  if (session->sample > 0)
    RG_TRY(draw_sample(session, eligible, total));
  RG_TRY(rg_store_new(session->grid, fit || session->sample > 0 ? &session->deal : NULL,
                      session->dataset,
                      eligible, &session->model, &session->constants, &ordered,
                      &session->store));
  if (fit)
    RG_TRY(rg_validation_new(session, &ordered, &session->validation));
out:
  rg_free(eligible);
  rg_covariates_fini(&all);
  if (ordered.n > 0 && strcmp(ordered.item[ordered.n - 1].name, "#links") == 0)
    rg_mat_fini(&ordered.item[ordered.n - 1].mat); /* the others are views of `all` */
  return status;
}

/* ---- new and free ---- */

/* Cells that train, here and, where the data are a sample, in all of them. */
static int64_t count_training(rg_session *session, const rg_dataset *dataset,
                              int64_t *here)
{
  int64_t all = session->rehearsal.cells;
  session->role = rg_roles(session->plan, dataset);
  rg_free(rg_number_role(session->comm, session->role, rg_range_n(dataset->rows),
                         RG_TRAINS, here));
  return all > 0 ? llround((double)*here / (double)dataset->n_cells * (double)all) : *here;
}

/* Cells per lane: what the batch asks for, less where there are too few cells. */
static rg_status choose_lane_cells(rg_session *session, const rg_dataset *dataset,
                                   int *lane_cells)
{
  const rg_train_options *train = &session->plan->train;
  int64_t here, n = count_training(session, dataset, &here);
  const char *wanted_of = session->plan->recipe->modalities;
  if (!*wanted_of)
    wanted_of = "any modality";
  int lanes = (int)train->lanes;
  if (train->batch % lanes != 0)
    return rg_fail(RG_EUSAGE,
                   "train.batch is %lld; it has to be a multiple of train.lanes, "
                   "%d",
                   (long long)train->batch, lanes);
  if (n < lanes)
    return rg_fail(RG_EINPUT, "%lld cells to train on have %s; at least %d are needed",
                   (long long)n, wanted_of, lanes);
  int64_t all_cells = session->rehearsal.cells; /* of which these are a sample */
  rg_info("train: on %lld of %lld cells, which have counts of %s", (long long)n,
          (long long)(all_cells > 0 ? all_cells : dataset->n_cells), wanted_of);
  rg_deal all = rg_deal_new(n, lanes, (uint64_t)train->seed);
  int64_t smallest = rg_deal_smallest(&all), wanted = train->batch / lanes;
  if (wanted > smallest)
    rg_info("batch: %lld cells instead of %lld, for the data have %lld",
            (long long)(smallest * lanes), (long long)train->batch, (long long)n);
  *lane_cells = (int)(wanted < smallest ? wanted : smallest);
  session->steps_per_epoch = smallest / *lane_cells;
  session->deal = rg_deal_new(here > 0 ? here : 1, lanes, (uint64_t)train->seed);
  session->batches_here = rg_deal_smallest(&session->deal) / *lane_cells;
  session->facts.n_cells = n;
  session->facts.steps_per_epoch = session->steps_per_epoch;
  return RG_OK;
}

/* Small data have few steps in an epoch. */
static void lengthen_phases(rg_session *session)
{
  for (int p = 0; p < session->model.n_phases; p++) {
    rg_phase *phase = &session->model.phase[p];
    int64_t per_epoch = rg_phase_iterations(session, phase);
    if (phase->epochs == 0 || phase->epochs * per_epoch >= phase->least_steps)
      continue;
    int64_t epochs = (phase->least_steps + per_epoch - 1) / per_epoch;
    rg_info("train: %lld epochs instead of %lld in phase %s, for %lld steps",
            (long long)epochs, (long long)phase->epochs, phase->name,
            (long long)(epochs * per_epoch));
    phase->epochs = epochs;
  }
}

static void make_optimisers(rg_session *session)
{
  int64_t before = rg_memory_alive();
  int optimisers = 1;
  for (int p = 0; p < session->model.n_phases; p++)
    for (int s = 0; s < session->model.phase[p].n_steps; s++)
      if (session->model.phase[p].step[s].optimiser >= optimisers)
        optimisers = session->model.phase[p].step[s].optimiser + 1;
  session->n_optimisers = optimisers;
  for (int k = 0; k < optimisers; k++)
    session->optim[k] = rg_optim_new(session->graph, session->model.optimiser,
                                     session->model.weight_decay);
  session->bytes.moments = rg_memory_alive() - before;
}

/* Covariates and store; what they took is noted. */
static rg_status fill(rg_session *session, const rg_mat *teacher)
{
  int64_t before = rg_memory_alive();
  rg_memory_mark();
  rg_status status = rg_session_fill(session, teacher, true);
  session->bytes.held = rg_memory_alive() - before;
  session->bytes.filling = rg_memory_high() - rg_memory_alive();
  return status;
}

rg_status rg_session_make(rg_comm *comm, const rg_plan *plan, const rg_dataset *dataset,
                          const rg_mat *teacher, rg_rehearsal rehearsal, rg_session **out)
{
  rg_status status = RG_OK;
  rg_session *session = RG_NEW(rg_session, 1);
  session->comm = comm;
  session->plan = plan;
  session->rehearsal = rehearsal;
  int lane_cells = 1;
  RG_TRY(check_needs(plan->recipe, dataset));
  RG_TRY(choose_lane_cells(session, dataset, &lane_cells));
  RG_TRY(rg_session_compose(session, dataset,
                            plan->recipe->teacher ? (int)teacher->cols : 0,
                            (int)plan->train.lanes, lane_cells));
  session->bytes.graph = rg_graph_memory(session->graph);
  RG_TRY(rg_freeze(session));
  RG_TRY(rg_init_constants(session));
  RG_TRY(fill(session, teacher));
  RG_TRY(rg_init_parameters(session));
  lengthen_phases(session);
  make_optimisers(session);
  *out = session;
  return RG_OK;
out:
  rg_session_free(session);
  return status;
}

rg_status rg_session_new(rg_comm *comm, const rg_plan *plan, const rg_dataset *dataset,
                         const rg_mat *teacher, rg_session **session)
{
  return rg_session_make(comm, plan, dataset, teacher, (rg_rehearsal){0}, session);
}

void rg_session_free(rg_session *session)
{
  if (!session)
    return;
  for (int k = 0; k < session->n_optimisers; k++)
    rg_optim_fini(&session->optim[k]);
  rg_graph_free(session->graph);
  rg_validation_free(session->validation);
  rg_free(session->role);
  rg_store_fini(&session->store);
  rg_constants_fini(&session->constants);
  rg_grid_free(session->grid);
  for (int m = 0; m < RG_MODALITIES; m++)
    rg_free(session->blocks[m].offset);
  if (session->own_plan)
    rg_plan_fini(session->own_plan);
  rg_free(session->own_plan);
  rg_free(session);
}

rg_graph *rg_session_graph(rg_session *session)
{
  return session->graph;
}
