/* Directional finite differences of an operation's probe graph. */
#include "graph_internal.h"

#include <math.h>
#include <string.h>

enum { LANES = 2, LANE_CELLS = 3, CELLS = LANES * LANE_CELLS };

const rg_blocks *rg_probe_blocks(void)
{
  static int64_t offset[] = {0, 5, 6, 13};
  static rg_blocks blocks = {.name = "probe", .n = 3, .offset = offset, .mine = {0, 3}};
  return &blocks;
}

static rg_csr random_counts(rg_range cells, int64_t cols, uint64_t slot)
{
  rg_key key = {.seed = 7, .step = slot, .purpose = RG_FOR_TEST};
  rg_csr csr = rg_csr_new(rg_range_n(cells), cols, rg_range_n(cells) * cols);
  int64_t n = 0;
  for (int64_t i = 0; i < csr.rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      double u = rg_uniform(&key, (uint64_t)(cells.low + i), (uint64_t)j);
      if (u < 0.6)
        continue;
      csr.indices[n] = (int32_t)j;
      csr.values[n++] = u < 0.8 ? 1 : 3;
    }
    csr.indptr[i + 1] = n;
  }
  return csr;
}

typedef struct check {
  rg_graph *graph;
  rg_run run;
  rg_sparse_batch sparse[4];
  int64_t *cell;
} check;

static void fill_inputs(check *c)
{
  rg_graph *graph = c->graph;
  const rg_share *share = graph->share;
  rg_range cells = {share->my_lanes.low * share->lane_cells,
                    share->my_lanes.high * share->lane_cells};
  int64_t all = (int64_t)share->lanes * share->lane_cells;
  for (int64_t k = 0; k < graph->cells; k++)
    c->cell[k] = 100 + cells.low + k;
  for (int i = 0; i < graph->n_nodes; i++) {
    rg_node *node = graph->node[i];
    if (node->sparse) {
      rg_sparse_batch *batch = &c->sparse[node->slot];
      batch->rows = random_counts(cells, node->blocks->offset[node->blocks->n],
                                  (uint64_t)node->slot);
      batch->columns = rg_csr_transpose(&batch->rows);
    } else if (node->input || node->free) {
      rg_key key = {.seed = 9, .step = (uint64_t)i, .purpose = RG_FOR_TEST};
      for (int64_t k = 0; k < node->parts * graph->cells; k++) {
        int64_t row = k / graph->cells * all + cells.low + k % graph->cells;
        rg_normals(&key, (uint64_t)row, node->width, node->x + k * node->width);
      }
    }
  }
}

static double loss_at(check *c, const rg_sequence *sequence)
{
  c->run.sequence = sequence;
  rg_run_forward(&c->run);
  rg_run_terms(&c->run);
  double sum = 0;
  for (int i = 0; i < c->graph->n_ops; i++)
    if (c->graph->op[i]->type->is_loss)
      sum += c->graph->op[i]->scale * c->graph->op[i]->value;
  return sum;
}

/* Slope of the loss along `direction` of x[0..n): central differences at two widths,
 * extrapolated, so that only the fifth derivative is left. */
static double slope(check *c, const rg_sequence *sequence, float *x,
                    const float *direction, int64_t n)
{
  float *at = RG_NEW(float, n);
  memcpy(at, x, sizeof *x * (size_t)n);
  double estimate[2];
  for (int k = 0; k < 2; k++) {
    float h = k == 0 ? 0.04F : 0.02F;
    double f[2];
    for (int side = 0; side < 2; side++) {
      for (int64_t i = 0; i < n; i++)
        x[i] = at[i] + (side ? h : -h) * direction[i];
      f[side] = loss_at(c, sequence);
    }
    estimate[k] = (f[1] - f[0]) / (2 * (double)h);
  }
  memcpy(x, at, sizeof *x * (size_t)n);
  rg_free(at);
  return (4 * estimate[1] - estimate[0]) / 3;
}

static double error_of(check *c, const rg_sequence *sequence, float *x, const float *g,
                       int64_t n, uint64_t name)
{
  rg_key key = {.seed = 11, .step = name, .purpose = RG_FOR_TEST};
  float *gradient = RG_NEW(float, n), *direction = RG_NEW(float, n);
  memcpy(gradient, g, sizeof *g * (size_t)n);
  double norm = 0, squares = 0, analytic = 0;
  for (int64_t i = 0; i < n; i++) {
    direction[i] = (float)rg_normal(&key, (uint64_t)i, 0);
    norm += (double)direction[i] * (double)direction[i];
  }
  for (int64_t i = 0; i < n; i++) {
    direction[i] /= (float)sqrt(norm);
    analytic += (double)gradient[i] * (double)direction[i];
    squares += (double)gradient[i] * (double)gradient[i];
  }
  double numeric = slope(c, sequence, x, direction, n);
  rg_free(gradient);
  rg_free(direction);
  /* relative to the typical slope of a random direction, so that a direction that happens
   * to be orthogonal to the gradient does not count */
  double scale = fmax(fmax(fabs(analytic), fabs(numeric)), sqrt(squares / (double)n));
  return scale > 0 ? fabs(analytic - numeric) / scale : 0;
}

static double worst_of(check *c, const rg_sequence *sequence, int variant, char *text,
                       size_t text_n)
{
  rg_graph *graph = c->graph;
  double worst = 0;
  for (int i = 0; i < graph->n_params + graph->n_nodes; i++) {
    loss_at(c, sequence);
    rg_run_backward(&c->run);
    bool is_param = i < graph->n_params;
    rg_param *param = is_param ? graph->param[i] : NULL;
    rg_node *node = is_param ? NULL : graph->node[i - graph->n_params];
    if (is_param ? param->buffer || param->frozen : !node->free)
      continue;
    int64_t n = is_param ? rg_param_size(param)
                         : (int64_t)node->parts * CELLS * node->width;
    double error =
        error_of(c, sequence, is_param ? rg_param_value(graph, param) : node->x,
                 is_param ? rg_param_gradient(graph, param) : node->d, n, (uint64_t)i);
    if (!(error <= worst)) { /* a NaN is worst of all */
      worst = error;
      snprintf(text, text_n, "variant %d, %s: %g", variant,
               is_param ? param->name : node->name, error);
    }
  }
  return worst;
}

/* The probe composed, planned and filled; NULL when there is no such variant or, with a
 * status, when it cannot be planned. */
static rg_sequence *check_new(check *c, const rg_op_type *type, int variant,
                              const rg_share *share, rg_status *status)
{
  *c = (check){.graph = rg_graph_new(share, 3)};
  *status = RG_OK;
  if (!type->probe || !type->probe(c->graph, variant))
    return NULL;
  *status = rg_graph_plan(c->graph);
  if (*status != RG_OK)
    return NULL;
  c->cell = RG_NEW(int64_t, c->graph->cells);
  c->run = (rg_run){.graph = c->graph, .share = share, .train = true, .seed = 5,
                    .step = 2, .cell = c->cell, .sparse = c->sparse};
  rg_op *terms[RG_MAX_OPS] = {0};
  for (int i = 0, k = 0; i < c->graph->n_ops; i++)
    if (c->graph->op[i]->type->is_loss)
      terms[k++] = c->graph->op[i];
  fill_inputs(c);
  return rg_sequence_new(c->graph, NULL, terms, ~(uint64_t)0);
}

static void check_fini(check *c)
{
  for (int i = 0; i < 4; i++) {
    rg_csr_fini(&c->sparse[i].rows);
    rg_csr_fini(&c->sparse[i].columns);
  }
  rg_free(c->cell);
  rg_graph_free(c->graph);
}

static bool check_variant(const rg_op_type *type, int variant, double *worst, char *text,
                          size_t n)
{
  rg_share share = rg_share_alone(LANES, LANE_CELLS);
  check c;
  rg_status status;
  rg_sequence *sequence = check_new(&c, type, variant, &share, &status);
  if (status != RG_OK) {
    snprintf(text, n, "variant %d: %s", variant, rg_error_text());
    *worst = INFINITY;
  } else if (sequence) {
    char here[200] = "";
    double error = worst_of(&c, sequence, variant, here, sizeof here);
    if (!(error <= *worst)) {
      *worst = error;
      snprintf(text, n, "%s", here);
    }
  }
  check_fini(&c);
  return sequence || status != RG_OK;
}

double rg_gradcheck(const rg_op_type *type, char *text, size_t n)
{
  double worst = 0;
  snprintf(text, n, "no probe");
  int variant = 0;
  while (check_variant(type, variant, &worst, text, n))
    variant++;
  return variant > 0 ? worst : INFINITY;
}

/* Gradients of a free input for the whole batch, part by part; returns the floats. */
static int64_t gather_gradient(const rg_share *share, const rg_graph *graph,
                               const rg_node *node, float *out)
{
  int64_t all = (int64_t)share->lanes * share->lane_cells * node->width;
  for (int part = 0; part < node->parts; part++)
    share->gather_lanes(share, node->d + part * graph->cells * node->width, node->width,
                        out + part * all);
  return all * node->parts;
}

static int64_t floats_of(const rg_graph *graph)
{
  int64_t n = 0, all = (int64_t)graph->share->lanes * graph->share->lane_cells;
  for (int i = 0; i < graph->n_ops; i++)
    n += graph->op[i]->type->is_loss;
  for (int i = 0; i < graph->n_params; i++)
    n += rg_param_size(graph->param[i]);
  for (int i = 0; i < graph->n_nodes; i++)
    n += graph->node[i]->free ? all * graph->node[i]->parts * graph->node[i]->width : 0;
  return n;
}

float *rg_probe_values(const rg_op_type *type, int variant, const rg_share *share,
                       int64_t *n)
{
  check c;
  rg_status status;
  rg_sequence *sequence = check_new(&c, type, variant, share, &status);
  float *values = NULL;
  *n = 0;
  if (sequence) {
    const rg_graph *graph = c.graph;
    values = RG_NEW(float, floats_of(graph));
    loss_at(&c, sequence);
    rg_run_backward(&c.run);
    for (int i = 0; i < graph->n_ops; i++)
      if (graph->op[i]->type->is_loss)
        values[(*n)++] = (float)graph->op[i]->value;
    for (int i = 0; i < graph->n_params; i++) {
      int64_t size = graph->param[i]->buffer || graph->param[i]->frozen
                         ? 0
                         : rg_param_size(graph->param[i]);
      memcpy(values + *n, rg_param_gradient(graph, graph->param[i]),
             sizeof *values * (size_t)size);
      *n += size;
    }
    for (int i = 0; i < graph->n_nodes; i++)
      if (graph->node[i]->free && graph->node[i]->d)
        *n += gather_gradient(share, graph, graph->node[i], values + *n);
  }
  check_fini(&c);
  return values;
}
