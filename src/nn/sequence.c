/* Which operations a step needs, forwards and backwards. */
#include "graph_internal.h"

void rg_sequence_free(rg_sequence *sequence)
{
  rg_free(sequence->forward);
  rg_free(sequence->backward);
  rg_free(sequence->gradient);
  rg_free(sequence->uses);
  rg_free(sequence->given);
  rg_free(sequence);
}

static bool is_given(const rg_graph *graph, const rg_sequence *sequence,
                     const rg_node *node)
{
  return sequence->given && sequence->given[rg_graph_node_index(graph, node)];
}

static void need_node(const rg_graph *graph, rg_sequence *sequence, const rg_node *node)
{
  rg_op *op = node->op;
  if (!op || sequence->forward[op->index] || is_given(graph, sequence, node))
    return;
  sequence->forward[op->index] = true;
  for (int i = 0; i < op->n_in; i++)
    need_node(graph, sequence, op->in[i]);
}

static void need_op(const rg_graph *graph, rg_sequence *sequence, const rg_op *op)
{
  sequence->forward[op->index] = true;
  for (int i = 0; i < op->n_in; i++)
    need_node(graph, sequence, op->in[i]);
}

static bool updates_own(const rg_sequence *sequence, const rg_op *op)
{
  for (int i = 0; i < op->n_param; i++)
    if (!op->param[i]->buffer && !op->param[i]->frozen &&
        (sequence->groups >> op->param[i]->group & 1))
      return true;
  return false;
}

/* Forwards over the tape: a node leads to what is varied when it is free or given, or when
 * its operation has one or an input of it does; an operation without backward stops
 * the gradient. */
static void mark_leading(const rg_graph *graph, const rg_sequence *sequence, bool *leads)
{
  for (int i = 0; i < graph->n_nodes; i++)
    leads[i] = graph->node[i]->free || (sequence->given && sequence->given[i]);
  for (int i = 0; i < graph->n_ops; i++) {
    const rg_op *op = graph->op[i];
    bool any = updates_own(sequence, op);
    for (int k = 0; k < op->n_in; k++)
      any = any || leads[rg_graph_node_index(graph, op->in[k])];
    if (op->out && !is_given(graph, sequence, op->out))
      leads[rg_graph_node_index(graph, op->out)] = any && op->type->backward;
  }
}

/* Backwards over the tape from the operations reached so far; `reached` is used up. */
static void mark_backward(const rg_graph *graph, rg_sequence *sequence, bool *reached,
                          const bool *leads)
{
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
      if (op->in[k]->op && !is_given(graph, sequence, op->in[k]))
        reached[op->in[k]->op->index] = true;
    }
    sequence->backward[i] = any;
    for (int k = 0; any && k < op->n_param; k++)
      sequence->uses[rg_graph_param_index(graph, op->param[k])]++;
  }
}

static rg_sequence *sequence_alloc(rg_graph *graph, uint64_t groups)
{
  RG_ASSERT(graph->planned && graph->n_sequences < 64);
  rg_sequence *sequence = RG_NEW(rg_sequence, 1);
  sequence->forward = RG_NEW(bool, graph->n_ops);
  sequence->backward = RG_NEW(bool, graph->n_ops);
  sequence->gradient = RG_NEW(bool, graph->n_nodes);
  sequence->uses = RG_NEW(int, graph->n_params);
  sequence->groups = groups;
  graph->sequence[graph->n_sequences++] = sequence;
  return sequence;
}

rg_sequence *rg_sequence_from(rg_graph *graph, const rg_node *given,
                              rg_node *const *targets)
{
  rg_sequence *sequence = sequence_alloc(graph, 0);
  sequence->given = RG_NEW(bool, graph->n_nodes);
  sequence->given[rg_graph_node_index(graph, given)] = true;
  for (int i = 0; targets[i]; i++)
    need_node(graph, sequence, targets[i]);
  return sequence;
}

rg_sequence *rg_sequence_new(rg_graph *graph, rg_node *const *targets,
                             rg_op *const *terms, uint64_t groups)
{
  rg_sequence *sequence = sequence_alloc(graph, groups);
  bool *leads = RG_NEW(bool, graph->n_nodes), *reached = RG_NEW(bool, graph->n_ops);
  sequence->trains = terms && terms[0] && groups;
  for (int i = 0; targets && targets[i]; i++)
    need_node(graph, sequence, targets[i]);
  for (int i = 0; terms && terms[i]; i++) {
    need_op(graph, sequence, terms[i]);
    reached[terms[i]->index] = true;
  }
  mark_leading(graph, sequence, leads);
  mark_backward(graph, sequence, reached, leads);
  rg_free(reached);
  rg_free(leads);
  return sequence;
}

rg_sequence *rg_sequence_given(rg_graph *graph, rg_node *const *given, rg_node *target)
{
  RG_ASSERT(target->op);
  rg_sequence *sequence = sequence_alloc(graph, 0);
  bool *leads = RG_NEW(bool, graph->n_nodes), *reached = RG_NEW(bool, graph->n_ops);
  sequence->given = RG_NEW(bool, graph->n_nodes);
  for (int i = 0; given[i]; i++)
    sequence->given[rg_graph_node_index(graph, given[i])] = true;
  need_node(graph, sequence, target);
  sequence->gradient[rg_graph_node_index(graph, target)] = true;
  reached[target->op->index] = true;
  mark_leading(graph, sequence, leads);
  mark_backward(graph, sequence, reached, leads);
  rg_free(reached);
  rg_free(leads);
  return sequence;
}
