/* Optimisers over the flat arrays. */
#include "regatta/optim.h"

#include <math.h>

rg_optim rg_optim_new(const rg_graph *graph, rg_update_kind kind, double decay)
{
  int64_t n = rg_graph_param_floats(graph);
  bool rms = kind == RG_RMSPROP;
  return (rg_optim){.update = {.kind = kind,
                               .beta1 = rms ? 0 : 0.9F, /* no momentum */
                               .beta2 = rms ? 0.99F : 0.999F,
                               .epsilon = 1e-8F,
                               .decay = (float)decay,
                               .first = RG_NEW(float, n),
                               .second = RG_NEW(float, n)}};
}

void rg_optim_fini(rg_optim *optim)
{
  rg_free(optim->update.first);
  rg_free(optim->update.second);
  *optim = (rg_optim){0};
}

void rg_optim_begin(rg_optim *optim, double rate)
{
  double t = (double)++optim->steps;
  optim->update.rate = (float)rate;
  optim->update.correct1 = (float)(1 - pow((double)optim->update.beta1, t));
  optim->update.correct2 = (float)(1 - pow((double)optim->update.beta2, t));
}

static bool takes_stored_gradient(const rg_run *run, const rg_param *param)
{
  return rg_run_updates(run, param) && !rg_run_fused(run, param);
}

void rg_optim_apply(rg_optim *optim, const rg_run *run)
{
  for (int i = 0; i < rg_graph_params(run->graph); i++) {
    const rg_param *param = rg_graph_param(run->graph, i);
    if (takes_stored_gradient(run, param))
      rg_update_apply(&optim->update, (float)param->decay, rg_param_size(param),
                      rg_param_value(run->graph, param),
                      rg_param_gradient(run->graph, param),
                      optim->update.first + param->offset,
                      optim->update.second + param->offset);
  }
}

void rg_gradient_norms(const rg_run *run, double *whole_squares, double *blocked_squares)
{
  *whole_squares = *blocked_squares = 0;
  for (int i = 0; i < rg_graph_params(run->graph); i++) {
    const rg_param *param = rg_graph_param(run->graph, i);
    if (!takes_stored_gradient(run, param))
      continue;
    const float *g = rg_param_gradient(run->graph, param);
    double squares = 0;
    for (int64_t k = 0; k < rg_param_size(param); k++)
      squares += (double)g[k] * (double)g[k];
    *(param->blocks ? blocked_squares : whole_squares) += squares;
  }
}

void rg_gradient_scale(const rg_run *run, float factor)
{
  for (int i = 0; i < rg_graph_params(run->graph); i++) {
    const rg_param *param = rg_graph_param(run->graph, i);
    if (!takes_stored_gradient(run, param))
      continue;
    float *g = rg_param_gradient(run->graph, param);
    for (int64_t k = 0; k < rg_param_size(param); k++)
      g[k] *= factor;
  }
}
