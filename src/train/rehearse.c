/* A run rehearsed: the steps of every phase timed, without a run folder. */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { LEAST_STEPS = 3 };

rg_status rg_session_rehearse(rg_comm *comm, const rg_plan *plan,
                              const rg_dataset *dataset, const rg_mat *teacher,
                              const rg_rehearsal *rehearsal, rg_session **session)
{
  return rg_session_make(comm, plan, dataset, teacher, *rehearsal, session);
}

rg_session_bytes rg_session_memory(const rg_session *session)
{
  return session->bytes;
}

/* ---- timing ---- */

typedef struct stopwatch {
  rg_session *session;
  rg_batch batch;
  double budget; /* seconds for one pass of a phase */
  double seconds;
  int64_t steps;
  rg_messages traffic;
} stopwatch;

static rg_status one_step(stopwatch *w, int phase, int64_t iteration)
{
  double values[RG_TERMS * RG_STEPS] = {0};
  rg_progress_state state = {.phase = phase, .iteration = iteration,
                             .watched = {.factor = 1}};
  return rg_iterate(w->session, &w->batch, &w->session->model.phase[phase], &state, values);
}

/* The longest interval between runs of a step. */
static int64_t longest_interval(const rg_phase *phase)
{
  int64_t every = 1;
  for (int s = 0; s < phase->n_steps; s++)
    every = phase->step[s].every > every ? phase->step[s].every : every;
  return every;
}

static rg_messages less(rg_messages a, rg_messages b)
{
  return (rg_messages){a.rounds - b.rounds, a.messages - b.messages, a.bytes - b.bytes};
}

static rg_messages more(rg_messages a, rg_messages b, double times)
{
  return (rg_messages){a.rounds + times * b.rounds, a.messages + times * b.messages,
                       a.bytes + times * b.bytes};
}

/* Steps of one pass over the data, the first of which only warms up. Steps that do not run
 * every time are timed in whole intervals. */
static rg_status time_pass(stopwatch *w, int phase, int64_t pass)
{
  rg_status status = RG_OK;
  rg_session *session = w->session;
  int64_t n = session->steps_per_epoch, first = pass * n, done = 0;
  int64_t every = longest_interval(&session->model.phase[phase]);
  RG_TRY(one_step(w, phase, first));
  rg_messages before = rg_grid_messages(session->grid);
  double started = rg_now();
  bool again = true;
  for (; again; done++) {
    RG_TRY(one_step(w, phase, first + (done + 1) % n));
    again = done + 1 < LEAST_STEPS || (done + 1) % every != 0 ||
            rg_now() - started < w->budget;
    again = rg_any(session->comm, again);
  }
  w->seconds += (rg_now() - started) / (double)done;
  w->traffic = more(w->traffic, less(rg_grid_messages(session->grid), before),
                    1 / (double)done);
  w->steps += done;
out:
  return status;
}

static rg_status time_phase(stopwatch *w, int p, double budget, rg_tempo *tempo)
{
  rg_status status = RG_OK;
  const rg_phase *phase = &w->session->model.phase[p];
  struct rg_phase_tempo *out = &tempo->phase[p];
  snprintf(out->name, sizeof out->name, "%s", phase->name);
  out->epochs = phase->epochs;
  out->iterations = rg_phase_iterations(w->session, phase);
  int64_t passes = out->iterations / w->session->steps_per_epoch;
  if (phase->epochs == 0)
    return RG_OK;
  w->seconds = 0;
  w->traffic = (rg_messages){0};
  w->budget = budget / (double)passes;
  for (int64_t pass = 0; pass < passes; pass++)
    RG_TRY(time_pass(w, p, pass));
  out->seconds = w->seconds / (double)passes;
  out->traffic = more((rg_messages){0}, w->traffic, 1 / (double)passes);
out:
  return status;
}

/* One validation, as often as all cells have it in a sample's place. */
static rg_status time_validation(rg_session *session, rg_tempo *tempo)
{
  rg_progress_state state = {.watched = {.factor = 1}};
  if (!session->validation)
    return RG_OK;
  double started = rg_now();
  rg_status status = rg_validate(session, &session->model.phase[0], &state);
  double scale = session->rehearsal.cells > 0 ? (double)session->rehearsal.cells /
                                                    (double)session->dataset->n_cells
                                              : 1;
  tempo->validation = scale * (rg_now() - started);
  return status;
}

rg_status rg_session_time(rg_session *session, double seconds, rg_tempo *tempo)
{
  rg_status status = RG_OK;
  const rg_share *share = rg_grid_share(session->grid);
  int phases = session->model.n_phases;
  *tempo = (rg_tempo){.lane_groups = rg_grid_lane_groups(session->grid),
                      .feature_groups = rg_grid_feature_groups(session->grid),
                      .lanes = share->lanes,
                      .batch = (int64_t)share->lanes * share->lane_cells,
                      .cells = session->facts.n_cells,
                      .imbalance = session->imbalance,
                      .n_phases = phases};
  if (session->batches_here < 1)
    return rg_fail(RG_EINPUT, "the sample has too few cells for a batch of %lld; take a "
                              "larger one", (long long)tempo->batch);
  stopwatch w = {.session = session};
  rg_memory_mark();
  int64_t before = rg_memory_alive();
  w.batch = rg_batch_new(session->graph, &session->store);
  for (int p = 0; p < phases; p++)
    RG_TRY(time_phase(&w, p, seconds / phases, tempo));
  RG_TRY(time_validation(session, tempo));
  tempo->steps = w.steps;
  tempo->working = rg_memory_high() - before;
  tempo->beside = rg_memory_resident() - rg_memory_alive();
out:
  rg_batch_fini(&w.batch);
  return status;
}
