/* Which operations a step needs, forwards and backwards. */
#include "graph_internal.h"

void rg_sequence_free(rg_sequence *sequence)
{
  rg_free(sequence->forward);
  rg_free(sequence->backward);
  rg_free(sequence->gradient);
  rg_free(sequence->uses);
  rg_free(sequence);
}

static void need_node(const rg_graph *graph, const rg_node *node, bool *forward)
{
  rg_op *op = node->op;
  if (!op || forward[op->index])
    return;
  forward[op->index] = true;
  for (int i = 0; i < op->n_in; i++)
    need_node(graph, op->in[i], forward);
}

static void need_op(const rg_graph *graph, const rg_op *op, bool *forward)
{
  forward[op->index] = true;
  for (int i = 0; i < op->n_in; i++)
    need_node(graph, op->in[i], forward);
}

static bool updates_own(const rg_sequence *sequence, const rg_op *op)
{
  for (int i = 0; i < op->n_param; i++)
    if (!op->param[i]->buffer && !op->param[i]->frozen &&
        (sequence->groups >> op->param[i]->group & 1))
      return true;
  return false;
}

/* Forwards over the tape: a node leads to what is varied when it is free, or when its
 * operation has one or an input of it does; an operation without backward stops
 * the gradient. */
static void mark_leading(const rg_graph *graph, const rg_sequence *sequence, bool *leads)
{
  for (int i = 0; i < graph->n_nodes; i++)
    leads[i] = graph->node[i]->free;
  for (int i = 0; i < graph->n_ops; i++) {
    const rg_op *op = graph->op[i];
    bool any = updates_own(sequence, op);
    for (int k = 0; k < op->n_in; k++)
      any = any || leads[rg_graph_node_index(graph, op->in[k])];
    if (op->out)
      leads[rg_graph_node_index(graph, op->out)] = any && op->type->backward;
  }
}

/* Backwards over the tape from the terms. */
static void mark_backward(const rg_graph *graph, rg_sequence *sequence,
                          rg_op *const *terms, const bool *leads)
{
  bool *reached = RG_NEW(bool, graph->n_ops);
  for (int i = 0; terms && terms[i]; i++)
    reached[terms[i]->index] = true;
  for (int i = graph->n_ops - 1; i >= 0; i--) {
    const rg_op *op = graph->op[i];
    if (!reached[i] || !op->type->backward)
      continue;
    bool any = updates_own(sequence, op);
    for (int k = 0; k < op->n_in; k++) {
      int node = rg_graph_node_index(graph, op->in[k]);
      if (!leads[node])
        continue;
      any = true;
      sequence->gradient[node] = true;
      if (op->in[k]->op)
        reached[op->in[k]->op->index] = true;
    }
    sequence->backward[i] = any;
    for (int k = 0; any && k < op->n_param; k++)
      sequence->uses[rg_graph_param_index(graph, op->param[k])]++;
  }
  rg_free(reached);
}

rg_sequence *rg_sequence_new(rg_graph *graph, rg_node *const *targets,
                             rg_op *const *terms, uint64_t groups)
{
  RG_ASSERT(graph->planned && graph->n_sequences < 64);
  rg_sequence *sequence = RG_NEW(rg_sequence, 1);
  sequence->forward = RG_NEW(bool, graph->n_ops);
  sequence->backward = RG_NEW(bool, graph->n_ops);
  sequence->gradient = RG_NEW(bool, graph->n_nodes);
  sequence->uses = RG_NEW(int, graph->n_params);
  sequence->groups = groups;
  sequence->trains = terms && terms[0] && groups;
  for (int i = 0; targets && targets[i]; i++)
    need_node(graph, targets[i], sequence->forward);
  for (int i = 0; terms && terms[i]; i++)
    need_op(graph, terms[i], sequence->forward);
  bool *leads = RG_NEW(bool, graph->n_nodes);
  mark_leading(graph, sequence, leads);
  mark_backward(graph, sequence, terms, leads);
  rg_free(leads);
  graph->sequence[graph->n_sequences++] = sequence;
  return sequence;
}

rg_sequence *rg_sequence_from(rg_graph *graph, const rg_node *given,
                              rg_node *const *targets)
{
  rg_sequence *sequence = rg_sequence_new(graph, NULL, NULL, 0);
  RG_ASSERT(given->op);
  sequence->forward[given->op->index] = true; /* as if it were needed already */
  for (int i = 0; targets[i]; i++)
    need_node(graph, targets[i], sequence->forward);
  sequence->forward[given->op->index] = false;
  return sequence;
}
