/* Which of several heads of a model did best: a vote of the epochs. */
#include "internal.h"

#include <math.h>

/* Mean of a loss over the steps of the epoch; NAN where no step has it as a term. */
static double mean_of(const rg_phase *phase, const rg_progress_state *state,
                      const rg_op *loss)
{
  for (int s = 0; s < phase->n_steps; s++)
    for (int i = 0; i < phase->step[s].n_terms && state->counts[s] > 0; i++)
      if (phase->step[s].term[i].loss == loss)
        return state->sums[s * RG_TERMS + i] / state->counts[s];
  return NAN;
}

static void count(const rg_session *session, const struct rg_choice *choice,
                  const rg_phase *phase, const rg_progress_state *state)
{
  char name[128];
  snprintf(name, sizeof name, "%s.wins", choice->param);
  const rg_param *param = rg_graph_find_param(session->graph, name);
  RG_ASSERT(param && param->cols == choice->n);
  if (param->frozen)
    return;
  float *wins = rg_param_value(session->graph, param);
  double lowest = INFINITY;
  int best = -1;
  for (int k = 0; k < choice->n; k++) {
    double value = mean_of(phase, state, choice->loss[k]);
    if ((double)wins[k] >= choice->enough * (double)phase->epochs)
      return;
    if (value < lowest) {
      lowest = value;
      best = k;
    }
  }
  if (best >= 0)
    wins[best] += 1;
}

void rg_choices_count(rg_session *session, const rg_phase *phase,
                      const rg_progress_state *state)
{
  for (int k = 0; k < session->model.n_choices; k++)
    count(session, &session->model.choice[k], phase, state);
}
