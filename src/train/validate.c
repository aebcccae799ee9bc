/* Validation: watched losses over cells that no step sees, the best parameters, early
 * stopping and rate plateaus. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define PLATEAU 1e-4 /* relative; PyTorch ReduceLROnPlateau */

struct rg_validation {
  rg_store store;
  rg_batch batch;
  rg_sequence *sequence;
  int64_t batches; /* so many cover every lane; short lanes repeat cells */
  float *best;     /* parameters, as rg_graph_flat */
};

static rg_sequence *watched_terms(const rg_session *session)
{
  rg_op *terms[RG_TERMS + 1] = {0};
  for (int k = 0; k < session->model.n_watch; k++)
    terms[k] = session->model.watch[k].loss;
  return rg_sequence_new(session->graph, NULL, terms, 0);
}

static void keep_best(const rg_session *session)
{
  memcpy(session->validation->best, rg_graph_flat(session->graph),
         sizeof(float) * (size_t)rg_graph_param_floats(session->graph));
}

rg_status rg_validation_new(rg_session *session, const rg_covariates *covariates,
                            rg_validation **out)
{
  rg_status status = RG_OK;
  const rg_share *share = rg_grid_share(session->grid);
  int64_t n, rows = rg_range_n(session->dataset->rows);
  rg_validation *v = NULL;
  *out = NULL;
  if (session->model.n_watch == 0)
    return RG_OK;
  int64_t *number =
      rg_number_role(session->comm, session->role, rows, RG_VALIDATES, &n);
  rg_deal deal = rg_deal_new(n > 0 ? n : 1, share->lanes,
                             (uint64_t)session->plan->train.seed);
  if (n == 0 || rg_deal_smallest(&deal) == 0) {
    rg_info("validation: none, %lld cells are left out of the steps; every phase runs "
            "to its end", (long long)n);
    goto out;
  }
  v = RG_NEW(rg_validation, 1);
  RG_TRY(rg_store_new(session->grid, &deal, session->dataset, number, &session->model,
                      &session->constants, covariates, &v->store));
  for (int lane = 0; lane < share->lanes; lane++) {
    int64_t batches =
        (rg_deal_lane_size(&deal, lane) + share->lane_cells - 1) / share->lane_cells;
    v->batches = batches > v->batches ? batches : v->batches;
  }
  v->batch = rg_batch_new(session->graph, &v->store);
  v->sequence = watched_terms(session);
  v->best = RG_NEW(float, rg_graph_param_floats(session->graph));
  rg_info("validation: on %lld cells", (long long)n);
  *out = v;
out:
  if (status != RG_OK)
    rg_validation_free(v);
  rg_free(number);
  return status;
}

void rg_validation_free(rg_validation *validation)
{
  if (!validation)
    return;
  rg_batch_fini(&validation->batch);
  rg_store_fini(&validation->store);
  rg_free(validation->best);
  rg_free(validation);
}

float *rg_validation_best(rg_validation *validation)
{
  return validation->best;
}

/* ---- the value of an epoch ---- */

static void choose(rg_validation *v, const rg_share *share, int64_t t)
{
  int64_t n = share->lane_cells;
  for (int lane = 0; lane < v->store.n_lanes; lane++) {
    int64_t low = v->store.lane_start[lane], size = v->store.lane_start[lane + 1] - low;
    for (int64_t i = 0; i < n; i++) {
      int64_t row = low + (t * n + i) % size;
      v->batch.row[lane * n + i] = row;
      v->batch.cell[lane * n + i] = v->store.cell[row];
    }
  }
}

static rg_status watched_value(rg_session *session, double *value)
{
  rg_validation *v = session->validation;
  rg_run run = {.graph = session->graph,
                .share = rg_grid_share(session->grid),
                .sequence = v->sequence,
                .draw = true,
                .seed = (uint64_t)session->plan->train.seed,
                .cell = v->batch.cell,
                .sparse = v->batch.sparse};
  double sum = 0;
  for (int64_t t = 0; t < v->batches; t++) {
    choose(v, run.share, t);
    rg_batch_fill(&v->batch, &v->store, session->graph, true);
    rg_run_forward(&run);
    if (!rg_run_terms(&run))
      return rg_fail(RG_EDIVERGED, "the loss over the validation cells is not a number; "
                                   "lower the rate");
    for (int k = 0; k < session->model.n_watch; k++)
      sum += session->model.watch[k].weight * session->model.watch[k].loss->value;
  }
  *value = sum / (double)v->batches;
  return RG_OK;
}

/* ---- what follows from it ---- */

static void weigh_rate(const rg_phase *phase, struct rg_watched *w, bool first)
{
  if (phase->schedule != RG_RATE_PLATEAU)
    return;
  if (first || w->value < w->low - PLATEAU * fabs(w->low)) {
    w->low = w->value;
    w->since_drop = 0;
    return;
  }
  if (++w->since_drop <= (double)phase->plateau_patience)
    return;
  w->factor *= phase->factor;
  w->since_drop = 0;
}

rg_status rg_validate(rg_session *session, const rg_phase *phase,
                      rg_progress_state *state)
{
  rg_status status = RG_OK;
  struct rg_watched *w = &state->watched;
  rg_timer_start("validate");
  RG_TRY(rg_agree(session->comm, watched_value(session, &w->value)));
  w->epochs++;
  bool first = w->epochs == (double)phase->burn_in + 1;
  if (w->epochs <= (double)phase->burn_in)
    goto out;
  w->since_best++;
  if (first || w->value < w->best) {
    w->best = w->value;
    w->since_best = 0;
    keep_best(session);
  }
  weigh_rate(phase, w, first);
out:
  rg_timer_stop("validate");
  return status;
}

bool rg_validation_ends(const rg_session *session, const rg_phase *phase,
                        const rg_progress_state *state)
{
  const struct rg_watched *w = &state->watched;
  return session->validation && phase->patience > 0 && state->iteration == 0 &&
         w->epochs > (double)phase->burn_in && w->since_best >= (double)phase->patience;
}

void rg_validation_restore(rg_session *session, const rg_phase *phase,
                           const rg_progress_state *state)
{
  const struct rg_watched *w = &state->watched;
  if (!session->validation || phase->patience == 0 ||
      w->epochs <= (double)phase->burn_in)
    return;
  rg_info("validation: phase %s ends after %.0f epochs; best %.6g, %.0f epochs before",
          phase->name, w->epochs, w->best, w->since_best);
  memcpy(rg_graph_flat(session->graph), session->validation->best,
         sizeof(float) * (size_t)rg_graph_param_floats(session->graph));
}
