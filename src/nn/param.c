/* Parameters: named views of flat arrays. */
#include "graph_internal.h"

#include <math.h>
#include <string.h>

static rg_param *find(const rg_graph *graph, const char *name)
{
  for (int i = 0; i < graph->n_params; i++)
    if (strcmp(graph->param[i]->name, name) == 0)
      return graph->param[i];
  return NULL;
}

static rg_param *declare(rg_graph *graph, rg_op *op, const char *suffix,
                         const rg_blocks *blocks, int64_t cols)
{
  char name[sizeof((rg_param *)0)->name];
  snprintf(name, sizeof name, "%s.%s", graph->op_params[op->index], suffix);
  rg_param *param = find(graph, name);
  if (!param) {
    RG_ASSERT(graph->n_params < RG_MAX_PARAMS);
    param = RG_NEW(rg_param, 1);
    memcpy(param->name, name, sizeof name);
    param->group = graph->current_group;
    param->blocks = blocks;
    param->cols = cols;
    param->decay = graph->current_decay;
    graph->param[graph->n_params++] = param;
  }
  if (param->blocks != blocks || param->cols != cols)
    rg_graph_fail(graph, rg_fail(RG_EUSAGE, "the parameter %s is shared by layers of "
                                            "other shapes; choose train.grid=lanes",
                                 name));
  RG_ASSERT(op->n_param < RG_OP_PARAMS);
  op->use[op->n_param] = param->uses++;
  op->param[op->n_param++] = param;
  return param;
}

static void set_init(rg_param *param, rg_init init, int64_t fan_in, int64_t fan_out)
{
  param->init = init;
  param->fan_in = fan_in;
  param->fan_out = fan_out;
}

rg_param *rg_op_param(rg_graph *graph, rg_op *op, const char *suffix,
                      const rg_blocks *blocks, int64_t rows, int64_t cols, rg_init init,
                      int64_t fan_in, int64_t fan_out)
{
  rg_param *param = declare(graph, op, suffix, blocks, cols);
  param->total_rows = blocks ? blocks->n * rows : rows;
  param->row_low = blocks ? blocks->mine.low * rows : 0;
  param->rows = blocks ? rg_range_n(blocks->mine) * rows : rows;
  set_init(param, init, fan_in, fan_out);
  return param;
}

rg_param *rg_op_param_wide(rg_graph *graph, rg_op *op, const char *suffix,
                           const rg_blocks *blocks, int64_t cols, rg_init init,
                           int64_t fan_in, int64_t fan_out)
{
  rg_param *param = declare(graph, op, suffix, blocks, cols);
  param->total_rows = blocks->offset[blocks->n];
  param->row_low = blocks->offset[blocks->mine.low];
  param->rows = blocks->offset[blocks->mine.high] - param->row_low;
  param->wide = true;
  set_init(param, init, fan_in, fan_out);
  return param;
}

void rg_batch_columns_of(rg_param *param, const rg_node *node)
{
  param->batch_at = node->batch_at;
  param->batches = node->batches;
}

int rg_graph_freeze(rg_graph *graph, const char *name)
{
  int group = rg_graph_find_group(graph, name), frozen = 0;
  for (int i = 0; i < graph->n_params; i++) {
    rg_param *param = graph->param[i];
    bool hit = group >= 0 ? param->group == group
                          : strncmp(param->name, name, strlen(name)) == 0;
    param->frozen = param->frozen || hit;
    frozen += hit;
  }
  return frozen;
}

int rg_graph_params(const rg_graph *graph)
{
  return graph->n_params;
}

rg_param *rg_graph_param(const rg_graph *graph, int i)
{
  return graph->param[i];
}

const rg_param *rg_graph_find_param(const rg_graph *graph, const char *name)
{
  return find(graph, name);
}

int rg_graph_param_index(const rg_graph *graph, const rg_param *param)
{
  for (int i = 0; i < graph->n_params; i++)
    if (graph->param[i] == param)
      return i;
  return -1;
}

int64_t rg_graph_param_floats(const rg_graph *graph)
{
  return graph->floats;
}

rg_graph_bytes rg_graph_memory(const rg_graph *graph)
{
  int64_t values = graph->floats, tree = (graph->tree_depth + 1) * graph->tree_floats;
  int64_t gradients = graph->n_slots * graph->gradient_floats + tree;
  rg_graph_bytes bytes = {values * (int64_t)sizeof(float),
                          gradients * (int64_t)sizeof(float), 0};
  bytes.tape = graph->scratch_bytes - bytes.parameters - bytes.gradients;
  return bytes;
}

float *rg_graph_flat(const rg_graph *graph)
{
  return graph->value;
}

float *rg_param_value(const rg_graph *graph, const rg_param *param)
{
  return graph->value + param->offset;
}

float *rg_use_gradient(const rg_graph *graph, const rg_param *param, int use, int slot)
{
  int i = rg_graph_param_index(graph, param);
  return graph->gradient + slot * graph->gradient_floats + graph->use_offset[i][use];
}

float *rg_param_gradient(const rg_graph *graph, const rg_param *param)
{
  return rg_use_gradient(graph, param, 0, 0);
}

/* a cache line apart, so that no two parameters share one */
static int64_t padded(int64_t n)
{
  return (n + 15) / 16 * 16;
}

void rg_graph_plan_params(rg_graph *graph)
{
  int64_t largest = 0;
  for (int i = 0; i < graph->n_params; i++) {
    rg_param *param = graph->param[i];
    int64_t n = padded(rg_param_size(param));
    param->offset = graph->floats;
    graph->floats += n;
    graph->use_offset[i] = RG_NEW(int64_t, param->uses);
    for (int use = 0; use < param->uses; use++) {
      graph->use_offset[i][use] = graph->gradient_floats;
      graph->gradient_floats += n;
    }
    if (!param->wide && n > largest)
      largest = n;
  }
  graph->value = rg_graph_scratch(graph, graph->floats);
  graph->gradient = rg_graph_scratch(graph, graph->n_slots * graph->gradient_floats);
  graph->tree_floats = largest;
  while ((1 << graph->tree_depth) < graph->share->lanes)
    graph->tree_depth++;
  graph->tree = rg_graph_scratch(graph, (graph->tree_depth + 1) * largest);
}

static double init_bound(const rg_param *param)
{
  switch (param->init) {
  case RG_INIT_TORCH:
    return 1 / sqrt((double)param->fan_in);
  case RG_INIT_XAVIER:
    return sqrt(6.0 / (double)(param->fan_in + param->fan_out));
  default:
    return 0;
  }
}

static void init_row(const rg_param *param, const rg_key *key, int64_t row, float *x)
{
  uint64_t global = (uint64_t)(param->row_low + row);
  int n = (int)param->cols;
  switch (param->init) {
  case RG_INIT_TORCH:
  case RG_INIT_XAVIER:
    rg_uniforms(key, global, n, x);
    for (int j = 0; j < n; j++)
      x[j] = (float)(init_bound(param) * (2 * (double)x[j] - 1));
    break;
  case RG_INIT_KAIMING:
    rg_normals(key, global, n, x);
    for (int j = 0; j < n; j++)
      x[j] = (float)(sqrt(2.0 / (double)param->fan_in) * x[j]);
    break;
  case RG_INIT_ONE:
  case RG_INIT_ZERO:
  case RG_INIT_CONSTANT:
    for (int j = 0; j < n; j++)
      x[j] = param->init == RG_INIT_ONE        ? 1.0F
             : param->init == RG_INIT_CONSTANT ? (float)param->init_value
                                               : 0.0F;
    break;
  }
}

void rg_graph_init_params(rg_graph *graph, uint64_t seed)
{
  for (int i = 0; i < graph->n_params; i++) {
    const rg_param *param = graph->param[i];
    uint64_t name = rg_hash(param->name, strlen(param->name), 0);
    rg_key key = {.seed = seed, .step = name, .purpose = RG_FOR_INIT};
    float *x = rg_param_value(graph, param);
    for (int64_t row = 0; row < param->rows; row++)
      init_row(param, &key, row, x + row * param->cols);
  }
}
