/* The training loop: phases, epochs, iterations; checkpoints and requests to stop. */
#include "internal.h"

#include <math.h>
#include <string.h>

typedef struct training {
  rg_session *session;
  const char *run;
  const rg_watch *watch;
  rg_progress_state state;
  rg_record *record;
  rg_batch batch;
  double started, epoch_started, last_checkpoint;
  int64_t first_step, epoch_first_step;
} training;

static int64_t total_steps(const rg_session *session)
{
  int64_t steps = 0;
  for (int p = 0; p < session->model.n_phases; p++)
    steps += session->model.phase[p].epochs *
             rg_phase_iterations(session, &session->model.phase[p]);
  return steps;
}

static int64_t batch_of(const rg_session *session)
{
  const rg_share *share = rg_grid_share(session->grid);
  return (int64_t)share->lanes * share->lane_cells;
}

int64_t rg_session_work(const rg_session *session)
{
  return total_steps(session) * batch_of(session);
}

static double weighted_loss(const rg_phase *phase, const double *values)
{
  double sum = 0;
  for (int s = 0; s < phase->n_steps; s++)
    for (int i = 0; i < phase->step[s].n_terms; i++)
      sum += phase->step[s].term[i].loss->scale * values[s * RG_TERMS + i];
  return sum;
}

static void tell(training *t, const rg_phase *phase, double loss)
{
  if (!t->watch)
    return;
  char note[96];
  snprintf(note, sizeof note, "%s epoch %lld/%lld loss %.5g", phase->name,
           (long long)t->state.epoch + 1, (long long)phase->epochs, loss);
  t->watch->at(t->watch->self, t->state.step * batch_of(t->session),
               rg_session_work(t->session), note);
}

/* ---- stopping and checkpoints ---- */

static bool wants_stop(training *t)
{
  const rg_train_options *o = &t->session->plan->train;
  bool here = rg_rank(t->session->comm) == 0 || t->state.step % 8 == 0
                  ? rg_stop_requested(t->run, t->started, o->max_hours)
                  : false;
  bool enough = o->max_steps > 0 && t->state.step - t->first_step >= o->max_steps;
  return rg_any(t->session->comm, here || enough);
}

static rg_status checkpoint(training *t)
{
  t->last_checkpoint = rg_now();
  rg_timer_start("checkpoint");
  rg_status status = rg_checkpoint_write(t->session, t->run, &t->state,
                                         (int)t->session->plan->train.keep);
  rg_timer_stop("checkpoint");
  return status;
}

static bool checkpoint_due(const training *t)
{
  const rg_train_options *o = &t->session->plan->train;
  bool by_epoch = o->checkpoint_epochs > 0 && t->state.epoch % o->checkpoint_epochs == 0;
  bool by_time = o->checkpoint_minutes > 0 &&
                 rg_now() - t->last_checkpoint > o->checkpoint_minutes * 60;
  return rg_any(t->session->comm, by_epoch || by_time);
}

static rg_status stop_now(training *t)
{
  rg_status status = checkpoint(t);
  if (status != RG_OK)
    return status;
  return rg_fail(RG_ESTOPPED, "%s: stopped on request at step %lld of %lld; go on with "
                              "--resume", t->run, (long long)t->state.step,
                 (long long)total_steps(t->session));
}

/* ---- loops ---- */

static rg_status iteration(training *t, const rg_phase *phase)
{
  double values[RG_TERMS * RG_STEPS] = {0};
  rg_status status = rg_iterate(t->session, &t->batch, phase, &t->state, values);
  if (status != RG_OK)
    return status;
  for (int k = 0; k < RG_TERMS * RG_STEPS; k++)
    t->state.sums[k] += values[k];
  t->state.iteration++;
  t->state.step++;
  tell(t, phase, weighted_loss(phase, values));
  return RG_OK;
}

static double epoch_rate(const training *t)
{
  double cells =
      (double)((t->state.step - t->epoch_first_step) * batch_of(t->session));
  return cells / fmax(rg_now() - t->epoch_started, 1e-9);
}

static rg_status epoch(training *t, const rg_phase *phase)
{
  rg_status status = RG_OK;
  rg_progress_state start = {.epoch = t->state.epoch, .watched = t->state.watched};
  double rate = rg_rate_at(t->session, phase, &start);
  t->epoch_started = rg_now();
  t->epoch_first_step = t->state.step;
  while (t->state.iteration < rg_phase_iterations(t->session, phase)) {
    if (wants_stop(t))
      return stop_now(t);
    RG_TRY(iteration(t, phase));
  }
  rg_choices_count(t->session, phase, &t->state);
  if (t->session->validation)
    RG_TRY(rg_validate(t->session, phase, &t->state));
  rg_record_epoch(t->record, t->session, phase, &t->state, rate, epoch_rate(t));
  t->state.epoch++;
  t->state.iteration = 0;
  memset(t->state.counts, 0, sizeof t->state.counts);
  memset(t->state.sums, 0, sizeof t->state.sums);
  if (checkpoint_due(t))
    RG_TRY(checkpoint(t));
out:
  return status;
}

static rg_status all_phases(training *t)
{
  rg_status status = RG_OK;
  for (; t->state.phase < t->session->model.n_phases; t->state.phase++) {
    const rg_phase *phase = &t->session->model.phase[t->state.phase];
    while (t->state.epoch < phase->epochs &&
           !rg_validation_ends(t->session, phase, &t->state))
      RG_TRY(epoch(t, phase));
    rg_validation_restore(t->session, phase, &t->state);
    t->state.epoch = 0;
    t->state.watched = (struct rg_watched){.factor = 1};
  }
  RG_TRY(rg_fit_regressions(t->session));
  status = checkpoint(t);
out:
  return status;
}

rg_status rg_train(rg_session *session, const char *run, bool resume,
                   const rg_watch *watch, rg_outcome *outcome)
{
  rg_status status = RG_OK;
  training t = {.session = session, .run = run, .watch = watch,
                .state = {.watched = {.factor = 1}}};
  bool found = false;
  if (resume)
    RG_TRY(rg_checkpoint_read(session, run, &t.state, &found));
  if (found)
    rg_info("resume: %s at step %lld of %lld", run, (long long)t.state.step,
            (long long)total_steps(session));
  t.started = t.last_checkpoint = rg_now();
  t.first_step = t.state.step;
  t.batch = rg_batch_new(session->graph, &session->store);
  RG_TRY(rg_record_open(session, run, t.state.step, &t.record));
  RG_TRY(all_phases(&t));
out:
  outcome->seconds = rg_now() - t.started;
  outcome->steps = t.state.step;
  outcome->epochs = session->steps_per_epoch ? t.state.step / session->steps_per_epoch : 0;
  outcome->cells_per_second = (double)((t.state.step - t.first_step) * batch_of(session)) /
                              fmax(outcome->seconds, 1e-9);
  outcome->hash = rg_parameter_hash(session);
  rg_record_close(t.record);
  rg_batch_fini(&t.batch);
  return status;
}
