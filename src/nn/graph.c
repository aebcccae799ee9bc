/* Composing the tape: nodes, operations and what they own. */
#include "graph_internal.h"

#include <stdarg.h>
#include <string.h>

rg_graph *rg_graph_new(const rg_share *share, uint64_t seed)
{
  rg_graph *graph = RG_NEW(rg_graph, 1);
  graph->share = share;
  graph->seed = seed;
  graph->cells = rg_range_n(share->my_lanes) * share->lane_cells;
  graph->current_decay = 1;
  rg_graph_group(graph, "model");
  return graph;
}

static void op_free(rg_op *op)
{
  if (op->type && op->type->options)
    rg_fields_fini(op->type->options, op->options);
  rg_free(op->options);
  rg_free(op->state);
  rg_free(op);
}

void rg_graph_free(rg_graph *graph)
{
  if (!graph)
    return;
  for (int i = 0; i < graph->n_ops; i++)
    op_free(graph->op[i]);
  for (int i = 0; i < graph->n_sequences; i++)
    rg_sequence_free(graph->sequence[i]);
  for (int i = 0; i < graph->n_params; i++) {
    rg_free(graph->use_offset[i]);
    rg_free(graph->param[i]);
  }
  for (int i = 0; i < graph->n_nodes; i++)
    rg_free(graph->node[i]);
  for (int i = 0; i < graph->n_buffers; i++)
    rg_free(graph->buffer[i]);
  rg_free(graph->failure);
  rg_free(graph);
}

const rg_share *rg_graph_share(const rg_graph *graph)
{
  return graph->share;
}

int64_t rg_graph_cells(const rg_graph *graph)
{
  return graph->cells;
}

void *rg_graph_own(rg_graph *graph, void *memory)
{
  RG_ASSERT(graph->n_buffers < RG_MAX_BUFFERS);
  graph->buffer[graph->n_buffers++] = memory;
  return memory;
}

float *rg_graph_scratch(rg_graph *graph, int64_t n)
{
  graph->scratch_bytes += n * (int64_t)sizeof(float);
  return rg_graph_own(graph, RG_NEW(float, n));
}

double *rg_graph_scratch_f64(rg_graph *graph, int64_t n)
{
  graph->scratch_bytes += n * (int64_t)sizeof(double);
  return rg_graph_own(graph, RG_NEW(double, n));
}

void rg_graph_fail(rg_graph *graph, rg_status status)
{
  if (graph->status != RG_OK)
    return;
  graph->status = status;
  graph->failure = rg_strdup(rg_error_text());
}

int rg_graph_find_group(const rg_graph *graph, const char *name)
{
  for (int i = 0; i < graph->n_groups; i++)
    if (strcmp(graph->group[i], name) == 0)
      return i;
  return -1;
}

int rg_graph_group(rg_graph *graph, const char *name)
{
  int found = rg_graph_find_group(graph, name);
  if (found < 0) {
    RG_ASSERT(graph->n_groups < RG_MAX_GROUPS);
    found = graph->n_groups++;
    snprintf(graph->group[found], sizeof graph->group[found], "%s", name);
  }
  graph->current_group = found;
  return found;
}

int rg_graph_groups(const rg_graph *graph)
{
  return graph->n_groups;
}

const char *rg_graph_group_name(const rg_graph *graph, int i)
{
  return graph->group[i];
}

void rg_graph_decay(rg_graph *graph, double factor)
{
  graph->current_decay = factor;
}

/* ---- nodes ---- */

static rg_node *node_new(rg_graph *graph, const char *name, const rg_blocks *blocks)
{
  RG_ASSERT(graph->n_nodes < RG_MAX_NODES);
  rg_node *node = RG_NEW(rg_node, 1);
  node->name = rg_graph_own(graph, rg_strdup(name));
  node->blocks = blocks;
  node->parts = blocks ? (int)rg_range_n(blocks->mine) : 1;
  graph->node[graph->n_nodes++] = node;
  return node;
}

int rg_graph_node_index(const rg_graph *graph, const rg_node *node)
{
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i] == node)
      return i;
  return -1;
}

rg_node *rg_input(rg_graph *graph, const char *name, int width)
{
  rg_node *node = node_new(graph, name, NULL);
  node->width = width;
  node->input = true;
  if (strcmp(name, "batch") == 0 || strcmp(name, "near:batch") == 0)
    node->batches = width;
  return node;
}

rg_node *rg_input_free(rg_graph *graph, const char *name, const rg_blocks *blocks,
                       int width)
{
  rg_node *node = node_new(graph, name, blocks);
  node->width = width;
  node->free = true;
  return node;
}

rg_node *rg_input_sparse(rg_graph *graph, const char *name, const rg_blocks *blocks)
{
  rg_node *node = node_new(graph, name, blocks);
  node->sparse = node->input = true;
  node->slot = graph->n_sparse++;
  return node;
}

rg_node *rg_op_output(rg_graph *graph, rg_op *op, const rg_blocks *blocks, int width)
{
  rg_node *node = node_new(graph, op->name, blocks);
  node->width = width;
  node->op = op;
  op->out = node;
  return node;
}

int rg_graph_nodes(const rg_graph *graph)
{
  return graph->n_nodes;
}

rg_node *rg_graph_node(const rg_graph *graph, int i)
{
  return graph->node[i];
}

rg_node *rg_graph_find_node(const rg_graph *graph, const char *name)
{
  for (int i = 0; i < graph->n_nodes; i++)
    if (strcmp(graph->node[i]->name, name) == 0)
      return graph->node[i];
  return NULL;
}

/* ---- operations ---- */

int rg_graph_ops(const rg_graph *graph)
{
  return graph->n_ops;
}

rg_op *rg_graph_op(const rg_graph *graph, int i)
{
  return graph->op[i];
}

rg_op *rg_graph_find_op(const rg_graph *graph, const char *name)
{
  for (int i = 0; i < graph->n_ops; i++)
    if (strcmp(graph->op[i]->name, name) == 0)
      return graph->op[i];
  return NULL;
}

static const rg_op_type *find_type(const rg_op_type *const *table, const char *name)
{
  for (; *table; table++)
    if (strcmp((*table)->name, name) == 0)
      return *table;
  return NULL;
}

/* "key=value key=value" into the options struct */
static rg_status set_options(const rg_op_type *type, void *options, const char *text)
{
  if (!type->options)
    return text && *text ? rg_fail(RG_EUSAGE, "%s takes no options", type->name) : RG_OK;
  rg_fields_default(type->options, options);
  rg_status status = RG_OK;
  char *copy = rg_strdup(text ? text : ""), *rest = NULL;
  for (char *word = strtok_r(copy, " ", &rest); word && status == RG_OK;
       word = strtok_r(NULL, " ", &rest)) {
    char *equals = strchr(word, '=');
    if (!equals) {
      status = rg_fail(RG_EUSAGE, "%s: option %s has no value", type->name, word);
      break;
    }
    *equals = '\0';
    status = rg_fields_set(type->options, options, word, equals + 1, type->name);
  }
  rg_free(copy);
  return status;
}

static rg_op *op_new(rg_graph *graph, const rg_op_type *type, const char *name)
{
  RG_ASSERT(graph->n_ops < RG_MAX_OPS);
  rg_op *op = RG_NEW(rg_op, 1);
  op->type = type;
  const char *colon = strchr(name, ':');
  int length = colon ? (int)(colon - name) : (int)strlen(name);
  snprintf(op->name, sizeof op->name, "%.*s", length, name);
  op->options = rg_alloc(1, type->options_size ? type->options_size : 1);
  op->state = rg_alloc(1, type->state_size ? type->state_size : 1);
  op->scale = 1;
  op->denominator = 1;
  op->index = graph->n_ops;
  graph->op_params[graph->n_ops] =
      rg_graph_own(graph, rg_strdup(colon ? colon + 1 : op->name));
  graph->op[graph->n_ops++] = op;
  return op;
}

static rg_op *add(rg_graph *graph, const rg_op_type *const *table, const char *type_name,
                  const char *name, const char *options, va_list inputs)
{
  const rg_op_type *type = find_type(table, type_name);
  if (!type) {
    rg_graph_fail(graph, rg_fail(RG_EUSAGE, "unknown operation %s", type_name));
    return NULL;
  }
  rg_op *op = op_new(graph, type, name);
  for (rg_node *in; (in = va_arg(inputs, rg_node *));) {
    RG_ASSERT(op->n_in < RG_OP_INPUTS);
    op->in[op->n_in++] = in;
  }
  rg_status status = set_options(type, op->options, options);
  if (status == RG_OK)
    status = type->shape(graph, op);
  if (status != RG_OK)
    rg_graph_fail(graph, status);
  return op;
}

rg_node *rg_apply(rg_graph *graph, const char *type, const char *name,
                  const char *options, ...)
{
  va_list inputs;
  va_start(inputs, options);
  rg_op *op = add(graph, rg_op_types, type, name, options, inputs);
  va_end(inputs);
  return op && op->out ? op->out : rg_input(graph, "missing", 1);
}

rg_op *rg_loss(rg_graph *graph, const char *type, const char *name, const char *options,
               ...)
{
  va_list inputs;
  va_start(inputs, options);
  rg_op *op = add(graph, rg_loss_types, type, name, options, inputs);
  va_end(inputs);
  return op;
}

/* ---- planning ---- */

static void plan_nodes(rg_graph *graph)
{
  for (int i = 0; i < graph->n_nodes; i++) {
    rg_node *node = graph->node[i];
    if (node->sparse)
      continue;
    int64_t n = (int64_t)node->parts * graph->cells * node->width;
    node->x = rg_graph_scratch(graph, n);
    graph->node_gradient[i] = node->input ? NULL : rg_graph_scratch(graph, n);
  }
}

static void plan_ops(rg_graph *graph)
{
  int64_t lanes = rg_range_n(graph->share->my_lanes);
  for (int i = 0; i < graph->n_ops; i++) {
    rg_op *op = graph->op[i];
    if (op->type->is_loss)
      op->partial = rg_graph_scratch_f64(graph, op->in[0]->parts * lanes);
    if (op->type->plan)
      op->type->plan(graph, op);
  }
}

rg_status rg_graph_plan(rg_graph *graph)
{
  if (graph->status != RG_OK)
    return rg_fail(graph->status, "%s", graph->failure);
  RG_ASSERT(!graph->planned);
  graph->n_slots =
      rg_tree_cover(graph->share->lanes, graph->share->my_lanes, graph->slots);
  plan_nodes(graph);
  rg_graph_plan_params(graph);
  plan_ops(graph);
  graph->planned = true;
  rg_graph_init_params(graph, graph->seed);
  return RG_OK;
}
