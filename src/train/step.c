/* One iteration: forwards, backwards, update, and a look for numbers that are none. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* ---- iterations, weights and rates ---- */

static int64_t passes_of(const rg_phase *phase)
{
  int64_t passes = 0;
  for (int s = 0; s < phase->n_steps; s++)
    passes += phase->step[s].together ? 0 : phase->step[s].passes;
  return phase->turns ? passes : 1;
}

int64_t rg_phase_iterations(const rg_session *session, const rg_phase *phase)
{
  return session->steps_per_epoch * passes_of(phase);
}

/* True when step s runs in this iteration. */
static bool runs(const rg_session *session, const rg_phase *phase, int s,
                 int64_t iteration)
{
  int64_t pass = iteration / session->steps_per_epoch, first = 0;
  if (!phase->turns)
    return iteration % phase->step[s].every == 0;
  while (s > 0 && phase->step[s].together)
    s--;
  for (int k = 0; k < s; k++)
    first += phase->step[k].together ? 0 : phase->step[k].passes;
  return pass >= first && pass < first + phase->step[s].passes;
}

static double ramp_at(const rg_session *session, const rg_term *term,
                      const rg_progress_state *state)
{
  const rg_phase *phase = &session->model.phase[state->phase];
  double per_epoch = (double)rg_phase_iterations(session, phase);
  double t = (double)state->epoch * per_epoch + (double)state->iteration;
  double cells = (double)session->deal.n_cells;
  double batch = (double)session->plan->train.batch;
  switch (term->ramp) {
  case RG_RAMP_NONE:
    return 1;
  case RG_RAMP_LINEAR:
    return rg_ramp_linear(t, term->period * per_epoch);
  case RG_RAMP_CYCLIC:
    return rg_ramp_cyclic(t, term->period * per_epoch, false);
  case RG_RAMP_CYCLIC_EXACT:
    /* the released counter starts one epoch early: its whole first epoch has ramp 1 */
    return state->epoch == 0
               ? 1
               : rg_ramp_cyclic(t - per_epoch, floor(term->period * cells / batch), true);
  case RG_RAMP_CYCLIC_EPOCH:
    return state->epoch == 0 ? 1
                             : rg_ramp_cyclic((double)(state->epoch - 1) * per_epoch,
                                              floor(term->period * cells / batch), false);
  case RG_RAMP_BURN_IN:
    return rg_ramp_burn_in(t, term->period * per_epoch);
  }
  return 1;
}

double rg_rate_at(const rg_session *session, const rg_phase *phase,
                  const rg_progress_state *state)
{
  double per_epoch = (double)rg_phase_iterations(session, phase);
  double t = (double)state->epoch * per_epoch + (double)state->iteration;
  double all = (double)phase->epochs * per_epoch;
  switch (phase->schedule) {
  case RG_RATE_DECAY:
    return phase->rate * pow(phase->factor, (double)state->epoch);
  case RG_RATE_COSINE:
    return phase->rate * rg_ramp_cosine(t, all);
  case RG_RATE_PLATEAU:
    return phase->rate * state->watched.factor;
  case RG_RATE_CONSTANT:
    break;
  }
  return phase->rate;
}

/* ---- divergence ---- */

static const char *bad_parameter(const rg_session *session)
{
  for (int i = 0; i < rg_graph_params(session->graph); i++) {
    const rg_param *param = rg_graph_param(session->graph, i);
    const float *x = rg_param_value(session->graph, param);
    for (int64_t k = 0; k < rg_param_size(param); k++)
      if (!isfinite(x[k]))
        return param->name;
  }
  return NULL;
}

/* First cells of the batch in whose values a dense node has no number. */
static void bad_cells(const rg_session *session, const rg_batch *batch, char *text,
                      size_t n)
{
  int64_t cells = rg_graph_cells(session->graph);
  int named = 0;
  size_t used = 0;
  text[0] = '\0';
  for (int64_t i = 0; i < cells && named < 3; i++) {
    bool bad = false;
    for (int k = 0; k < rg_graph_nodes(session->graph) && !bad; k++) {
      const rg_node *node = rg_graph_node(session->graph, k);
      for (int j = 0; !node->sparse && j < node->width && !bad; j++)
        bad = node->parts > 0 && !isfinite(node->x[i * node->width + j]);
    }
    if (bad && used < n)
      used += (size_t)snprintf(text + used, n - used, "%s%lld", named++ ? ", " : "",
                               (long long)batch->cell[i]);
  }
  if (!named)
    snprintf(text, n, "none alone");
}

static rg_status diverged(rg_session *session, const rg_batch *batch, const rg_step *step,
                          const rg_phase *phase, const rg_progress_state *state)
{
  const char *term = "?";
  for (int i = step->n_terms - 1; i >= 0; i--)
    if (!isfinite(step->term[i].loss->value))
      term = step->term[i].loss->name;
  char cells[200];
  bad_cells(session, batch, cells, sizeof cells);
  const char *parameter = bad_parameter(session);
  return rg_fail(RG_EDIVERGED,
                 "the loss is not a number in phase %s, epoch %lld, step %lld: term %s, "
                 "parameter %s, cells %s; lower the rate, or look at these cells with "
                 "regatta check",
                 phase->name, (long long)state->epoch, (long long)state->step, term,
                 parameter ? parameter : "none", cells);
}

/* ---- the step ---- */

static rg_sequence *sequence_of(rg_session *session, const rg_step *step)
{
  rg_op *terms[RG_TERMS + 1] = {0};
  for (int i = 0; i < step->n_terms; i++)
    terms[i] = step->term[i].loss;
  return rg_sequence_new(session->graph, NULL, terms, step->groups);
}

static rg_sequence *cached_sequence(rg_session *session, const rg_phase *phase, int s)
{
  int p = (int)(phase - session->model.phase);
  if (!session->sequence[p][s])
    session->sequence[p][s] = sequence_of(session, &phase->step[s]);
  return session->sequence[p][s];
}

static void clip(rg_session *session, const rg_run *run, double limit)
{
  double squares[2];
  rg_gradient_norms(run, &squares[0], &squares[1]);
  rg_grid_sum_features(session->grid, &squares[1], 1);
  double norm = sqrt(squares[0] + squares[1]);
  if (norm > limit)
    rg_gradient_scale(run, (float)(limit / norm));
}

static void spoil_on_fault(rg_session *session)
{
  if (rg_fault("train.nan"))
    rg_param_value(session->graph, rg_graph_param(session->graph, 0))[0] = NAN;
}

static rg_status take_step(rg_session *session, rg_batch *batch, const rg_phase *phase,
                           int s, const rg_progress_state *state)
{
  const rg_step *step = &phase->step[s];
  rg_optim *optim = &session->optim[step->optimiser];
  rg_optim_begin(optim, rg_rate_at(session, phase, state));
  rg_run run = {.graph = session->graph,
                .share = rg_grid_share(session->grid),
                .sequence = cached_sequence(session, phase, s),
                .train = true,
                .seed = (uint64_t)session->plan->train.seed,
                .step = (uint64_t)state->step * RG_STEPS + (uint64_t)s,
                .epoch = (double)state->epoch + (double)state->iteration /
                         (double)rg_phase_iterations(session, phase),
                .cell = batch->cell,
                .sparse = batch->sparse,
                .update = step->clip > 0 ? NULL : &optim->update};
  for (int i = 0; i < step->n_terms; i++)
    step->term[i].loss->scale =
        step->term[i].weight * ramp_at(session, &step->term[i], state);
  rg_run_forward(&run);
  rg_run_backward(&run);
  if (step->clip > 0)
    clip(session, &run, step->clip);
  rg_optim_apply(optim, &run);
  return rg_run_terms(&run) ? RG_OK : diverged(session, batch, step, phase, state);
}

rg_status rg_iterate(rg_session *session, rg_batch *batch, const rg_phase *phase,
                     rg_progress_state *state, double *values)
{
  rg_status status = RG_OK;
  const rg_share *share = rg_grid_share(session->grid);
  int64_t pass = state->iteration / session->steps_per_epoch;
  /* phases have their own orders of cells, and so has every pass */
  int64_t order = state->epoch * passes_of(phase) + pass +
                  ((int64_t)(phase - session->model.phase) << 40);
  rg_timer_start("batch");
  rg_batch_choose(batch, &session->store, share, (uint64_t)session->plan->train.seed, order,
                  state->iteration % session->steps_per_epoch % session->batches_here);
  rg_batch_fill(batch, &session->store, session->graph, true);
  if (session->model.partner_neighbours > 0)
    rg_partner_fill(session, batch, (uint64_t)state->step);
  rg_timer_stop("batch");
  spoil_on_fault(session);
  for (int s = 0; s < phase->n_steps && status == RG_OK; s++) {
    if (!runs(session, phase, s, state->iteration))
      continue;
    state->counts[s]++;
    rg_timer_start("step");
    status = take_step(session, batch, phase, s, state);
    rg_timer_stop("step");
    for (int i = 0; i < phase->step[s].n_terms; i++)
      values[s * RG_TERMS + i] = phase->step[s].term[i].loss->value;
  }
  return rg_agree(session->comm, status);
}
