/* Replaying the tape. */
#include "graph_internal.h"

#include <math.h>
#include <string.h>

/* parameters so near to one another in the flat array are summed in one message */
#define RG_MERGE_GAP 64

void rg_run_forward(rg_run *run)
{
  rg_graph *graph = run->graph;
  run->n_slots = graph->n_slots;
  for (int s = 0; s < run->n_slots; s++)
    run->slots[s] = (rg_range){graph->slots[s].low - run->share->my_lanes.low,
                               graph->slots[s].high - run->share->my_lanes.low};
  for (int i = 0; i < graph->n_nodes; i++)
    graph->node[i]->d = (run->train || run->sequence->given) && run->sequence->gradient[i]
                            ? graph->node_gradient[i]
                            : NULL;
  for (int i = 0; i < graph->n_ops; i++)
    if (run->sequence->forward[i])
      graph->op[i]->type->forward(run, graph->op[i]);
}

/* ---- backward ---- */

static void zero_gradients(rg_run *run)
{
  rg_graph *graph = run->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    rg_node *node = graph->node[i];
    if (node->d)
      memset(node->d, 0, sizeof(float) * (size_t)(node->parts * graph->cells) *
                             (size_t)node->width);
  }
}

/* Gradient areas of the updated parameters, in the order of the flat array. */
static bool is_stored(const rg_run *run, int i)
{
  const rg_param *param = run->graph->param[i];
  return run->sequence->uses[i] && rg_run_updates(run, param) && !rg_run_fused(run, param);
}

/* Finish the sums over lanes: neighbouring areas travel together. */
static void sum_over_lanes(rg_run *run)
{
  rg_graph *graph = run->graph;
  int64_t low = 0, high = 0;
  for (int i = 0; i < graph->n_params; i++) {
    if (!is_stored(run, i))
      continue;
    const rg_param *param = graph->param[i];
    int64_t begin = graph->use_offset[i][0];
    int64_t end = graph->use_offset[i][param->uses - 1] + rg_param_size(param);
    if (begin - high >= RG_MERGE_GAP) {
      if (high > low)
        run->share->sum_slots(run->share, graph->gradient + low, graph->gradient_floats,
                              high - low);
      low = begin;
    }
    high = end;
  }
  if (high > low)
    run->share->sum_slots(run->share, graph->gradient + low, graph->gradient_floats,
                          high - low);
}

/* Add the areas of a shared parameter, in the order of its uses. */
static void sum_over_uses(rg_run *run, int i)
{
  rg_graph *graph = run->graph;
  const rg_param *param = graph->param[i];
  float *total = rg_use_gradient(graph, param, 0, 0);
  int64_t n = rg_param_size(param);
  bool first = true;
  for (int k = 0; k < graph->n_ops; k++) {
    const rg_op *op = graph->op[k];
    for (int j = 0; run->sequence->backward[k] && j < op->n_param; j++) {
      if (op->param[j] != param)
        continue;
      const float *g = rg_use_gradient(graph, param, op->use[j], 0);
      for (int64_t e = 0; g != total && e < n; e++)
        total[e] = first ? g[e] : total[e] + g[e];
      first = false;
    }
  }
}

void rg_run_pull(rg_run *run, rg_node *target, const float *d)
{
  rg_graph *graph = run->graph;
  RG_ASSERT(run->sequence->given && target->d);
  zero_gradients(run);
  memcpy(target->d, d, sizeof *d * (size_t)(target->parts * graph->cells) *
                           (size_t)target->width);
  for (int i = graph->n_ops - 1; i >= 0; i--)
    if (run->sequence->backward[i])
      graph->op[i]->type->backward(run, graph->op[i]);
}

void rg_run_backward(rg_run *run)
{
  rg_graph *graph = run->graph;
  zero_gradients(run);
  for (int i = graph->n_ops - 1; i >= 0; i--)
    if (run->sequence->backward[i])
      graph->op[i]->type->backward(run, graph->op[i]);
  sum_over_lanes(run);
  for (int i = 0; i < graph->n_params; i++)
    if (is_stored(run, i) && graph->param[i]->uses > 1)
      sum_over_uses(run, i);
}

bool rg_run_updates(const rg_run *run, const rg_param *param)
{
  return !param->buffer && !param->frozen &&
         (run->sequence->groups >> param->group & 1) &&
         run->sequence->uses[rg_graph_param_index(run->graph, param)] > 0;
}

bool rg_run_fused(const rg_run *run, const rg_param *param)
{
  bool all_here = rg_range_n(run->share->my_lanes) == run->share->lanes;
  return param->wide && run->update && all_here &&
         run->sequence->uses[rg_graph_param_index(run->graph, param)] == 1;
}

/* ---- gradients over lanes ---- */

typedef struct tree_walk {
  rg_graph *graph;
  int64_t n;
  void (*leaf)(void *self, int64_t lane, float *dw);
  void *self;
} tree_walk;

static void walk(const tree_walk *tree, rg_range node, float *out, int depth)
{
  if (rg_range_n(node) == 1) {
    tree->leaf(tree->self, node.low, out);
    return;
  }
  int64_t middle = rg_tree_split(node);
  float *right = tree->graph->tree + depth * tree->graph->tree_floats;
  walk(tree, (rg_range){node.low, middle}, out, depth + 1);
  walk(tree, (rg_range){middle, node.high}, right, depth + 1);
  for (int64_t i = 0; i < tree->n; i++)
    out[i] += right[i];
}

void rg_gradient_over_lanes(rg_run *run, const rg_op *op, int k,
                            void (*leaf)(void *self, int64_t lane, float *dw),
                            void *self)
{
  const rg_param *param = op->param[k];
  if (!rg_run_updates(run, param))
    return;
  tree_walk tree = {run->graph, rg_param_size(param), leaf, self};
  for (int s = 0; s < run->n_slots; s++)
    walk(&tree, run->slots[s], rg_use_gradient(run->graph, param, op->use[k], s), 0);
}

bool rg_wide_gradient_of(rg_run *run, const rg_op *op, int k, rg_wide_gradient *gradient)
{
  const rg_param *param = op->param[k];
  if (!rg_run_updates(run, param))
    return false;
  bool fused = rg_run_fused(run, param);
  float *m = fused ? run->update->first : NULL, *v = fused ? run->update->second : NULL;
  *gradient = (rg_wide_gradient){
      .lanes = rg_run_lanes(run),
      .lane_cells = run->share->lane_cells,
      .n_slots = run->n_slots,
      .slots = run->slots, /* the fused case has one slot: all lanes */
      .update = fused ? run->update : NULL,
      .decay_factor = (float)param->decay,
      .dw = rg_use_gradient(run->graph, param, op->use[k], 0),
      .stride = run->graph->gradient_floats,
      .m = m ? m + param->offset : NULL,
      .v = v ? v + param->offset : NULL};
  return true;
}

/* ---- terms ---- */

/* Numerators of this rank's lanes, blocked terms summed over blocks first. */
static int lane_numerators(rg_run *run, double *x)
{
  rg_graph *graph = run->graph;
  int64_t lanes = rg_run_lanes(run);
  int n = 0;
  for (int i = 0; i < graph->n_ops; i++) {
    const rg_op *op = graph->op[i];
    if (!op->type->is_loss || !run->sequence->forward[i])
      continue;
    double *out = x + n++ * lanes;
    if (op->in[0]->blocks)
      run->share->sum_blocks_f64(run->share, op->in[0]->blocks, op->partial, lanes, out);
    else
      memcpy(out, op->partial, sizeof *out * (size_t)lanes);
  }
  return n;
}

bool rg_run_terms(rg_run *run)
{
  rg_graph *graph = run->graph;
  int64_t lanes = rg_run_lanes(run);
  double *x = RG_NEW(double, graph->n_ops * lanes);
  double *by_lane = RG_NEW(double, graph->n_ops * lanes);
  double *total = RG_NEW(double, graph->n_ops);
  int n = lane_numerators(run, x);
  for (int64_t lane = 0; lane < lanes; lane++)
    for (int i = 0; i < n; i++)
      by_lane[lane * n + i] = x[i * lanes + lane];
  run->share->sum_lanes(run->share, by_lane, n, total);
  bool finite = true;
  for (int i = 0, k = 0; i < graph->n_ops; i++) {
    rg_op *op = graph->op[i];
    if (!op->type->is_loss || !run->sequence->forward[i])
      continue;
    op->value = total[k++] / op->denominator;
    finite = finite && isfinite(op->value);
  }
  rg_free(x);
  rg_free(by_lane);
  rg_free(total);
  return finite;
}
