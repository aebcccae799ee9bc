/* The negative binomial of counts: one pass makes values and slopes. */
#include "counts.h"
#include "draw.h"

#include <math.h>
#include <string.h>

const rg_field rg_counts_fields[] = {
    {"mean", RG_CHOICE, offsetof(rg_counts_options, mean), "given", 0, 0,
     "given|softmax", NULL,
     "the first input is the mean, or logits whose softmax is multiplied by the library"},
    {"dispersion", RG_CHOICE, offsetof(rg_counts_options, dispersion), "feature", 0, 0,
     "feature|given", NULL,
     "log of the inverse dispersion: a parameter per feature, or an input"},
    RG_REDUCTION(rg_counts_options, "mean"),
    {0}};

/* Where the inputs are; -1 where they are not. */
typedef struct places {
  int logit, library, r, mask;
} places;

static bool has_extra_zeros(const rg_op *op)
{
  return op->type == &rg_loss_zinb;
}

static places places_of(const rg_op *op)
{
  const rg_counts_options *o = op->options;
  places at = {-1, -1, -1, 2};
  if (has_extra_zeros(op))
    at.logit = at.mask++;
  if (strcmp(o->mean, "softmax") == 0)
    at.library = at.mask++;
  if (strcmp(o->dispersion, "given") == 0)
    at.r = at.mask++;
  return at;
}

rg_status rg_counts_shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  places at = places_of(op);
  if (op->n_in != at.mask && op->n_in != at.mask + 1)
    return rg_fail(RG_EUSAGE, "%s %s needs %d inputs and at most a mask, got %d",
                   op->type->name, op->name, at.mask, op->n_in);
  for (int k = 0; k < op->n_in; k++) {
    int width = k == at.library || k == at.mask ? 1 : op->in[0]->width;
    if (k != 1 && (op->in[k]->sparse || op->in[k]->blocks || op->in[k]->width != width))
      return rg_fail(RG_EUSAGE, "%s %s: input %d has a wrong shape", op->type->name,
                     op->name, k);
  }
  RG_TRY(rg_need_target(op, 1, op->in[0]->width));
  if (at.r < 0)
    rg_op_param(graph, op, "log_dispersion", NULL, 1, op->in[0]->width, RG_INIT_ZERO, 1,
                1);
out:
  return status;
}

void rg_counts_plan(rg_graph *graph, rg_op *op)
{
  rg_counts_state *state = op->state;
  int64_t n = rg_graph_cells(graph) * op->in[0]->width;
  int64_t lanes = rg_range_n(rg_graph_share(graph)->my_lanes);
  state->target = rg_graph_scratch(graph, lanes * op->in[0]->width);
  state->softmax = rg_graph_scratch(graph, lanes * op->in[0]->width);
  state->by_library = rg_graph_scratch(graph, rg_graph_cells(graph));
  state->by_y = rg_graph_scratch(graph, n);
  state->by_r = rg_graph_scratch(graph, n);
  state->by_logit = has_extra_zeros(op) ? rg_graph_scratch(graph, n) : NULL;
}

static double cell_loss(rg_run *run, rg_op *op, const places *at, int64_t cell)
{
  const rg_counts_state *state = op->state;
  int64_t width = op->in[0]->width, first = cell * width;
  int64_t lane = cell / run->share->lane_cells * width;
  rg_nb_row row = {
      .n = width,
      .x = rg_target_row(run, op->in[1], cell, state->target + lane),
      .y = op->in[0]->x + first,
      .softmax = at->library >= 0,
      .library = at->library < 0 ? 1 : op->in[at->library]->x[cell],
      .r = at->r < 0 ? rg_param_value(run->graph, op->param[0])
                     : op->in[at->r]->x + first,
      .logit = at->logit < 0 ? NULL : op->in[at->logit]->x + first,
      .scratch = state->softmax + lane,
      .by_y = state->by_y + first,
      .by_r = state->by_r + first,
      .by_logit = state->by_logit ? state->by_logit + first : NULL};
  double value = rg_nb_row_pass(&row);
  state->by_library[cell] = row.by_library;
  rg_target_clear(run, op->in[1], cell, state->target + lane);
  return value;
}

static void clear_cell(const rg_op *op, int64_t cell)
{
  const rg_counts_state *state = op->state;
  int64_t width = op->in[0]->width, row = cell * width;
  state->by_library[cell] = 0;
  memset(state->by_y + row, 0, sizeof(float) * (size_t)width);
  memset(state->by_r + row, 0, sizeof(float) * (size_t)width);
  if (state->by_logit)
    memset(state->by_logit + row, 0, sizeof(float) * (size_t)width);
}

void rg_counts_forward(rg_run *run, rg_op *op)
{
  const rg_counts_options *o = op->options;
  places at = places_of(op);
  const rg_node *mask = mask_at(op, at.mask);
  op->denominator =
      rg_masked_denominator(run, op, mask, o->reduction, op->in[0]->width);
  int64_t n = run->share->lane_cells;
#pragma omp parallel for schedule(dynamic)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++)
      if (cell_counts(mask, cell))
        sum += cell_loss(run, op, &at, cell);
      else
        clear_cell(op, cell);
    op->partial[lane] = sum;
  }
}

void rg_counts_backward(rg_run *run, rg_op *op)
{
  const rg_counts_state *state = op->state;
  places at = places_of(op);
  double scale = op->scale / op->denominator;
  int64_t n = node_floats(run, op->in[0]);
  rg_add_slopes(op->in[0]->d, scale, state->by_y, n);
  if (at.library >= 0)
    rg_add_slopes(op->in[at.library]->d, scale, state->by_library, cells_of(run));
  if (at.logit >= 0)
    rg_add_slopes(op->in[at.logit]->d, scale, state->by_logit, n);
  if (at.r >= 0)
    rg_add_slopes(op->in[at.r]->d, scale, state->by_r, n);
  else
    rg_column_gradient(run, op, 0, state->by_r, scale);
}

void rg_counts_predict(rg_run *run, rg_op *op, float *mean)
{
  places at = places_of(op);
  int64_t width = op->in[0]->width;
#pragma omp parallel for schedule(static)
  for (int64_t cell = 0; cell < cells_of(run); cell++) {
    const float *y = op->in[0]->x + cell * width;
    const float *p = at.logit < 0 ? NULL : op->in[at.logit]->x + cell * width;
    float *m = mean + cell * width;
    if (at.library < 0)
      memcpy(m, y, sizeof *m * (size_t)width);
    else
      rg_softmax_row(width, y, op->in[at.library]->x[cell], m);
    for (int64_t j = 0; p && j < width; j++)
      m[j] /= 1 + expf(p[j]);
  }
}

/* A count of mean m; with a logit p of extra zeros the mean is without them. */
static double draw_one(const rg_key *key, uint64_t cell, uint64_t feature, double mean,
                       double r, const float *p)
{
  double m = p ? mean * (1 + exp((double)*p)) : mean;
  rg_key zeros = *key;
  zeros.purpose = RG_FOR_NOISE;
  if (p && rg_uniform(&zeros, cell, feature) < 1 / (1 + exp(-(double)*p)))
    return 0;
  return rg_draw_count(key, cell, feature, m, exp(fmin(r, 16)));
}

void rg_counts_draw(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
                    float *values)
{
  places at = places_of(op);
  int64_t width = op->in[0]->width;
  const float *shared = at.r < 0 ? rg_param_value(run->graph, op->param[0]) : NULL;
#pragma omp parallel for schedule(static)
  for (int64_t cell = 0; cell < cells_of(run); cell++) {
    const float *r = shared ? shared : op->in[at.r]->x + cell * width;
    const float *p = at.logit < 0 ? NULL : op->in[at.logit]->x + cell * width;
    float *x = values + cell * width;
    for (int64_t j = 0; j < width; j++)
      x[j] = (float)draw_one(key, (uint64_t)number[cell], (uint64_t)j, (double)x[j],
                             (double)r[j], p ? p + j : NULL);
  }
}

/* The target is a modality, dense or as it is, or positive numbers that are not whole. */
bool rg_counts_probe(rg_graph *graph, int variant, const char *type)
{
  const char *options[] = {"reduction=sum", "mean=softmax reduction=cell",
                           "dispersion=given", "mean=softmax dispersion=given"};
  if (variant > 3)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 13);
  rg_node *x = variant < 2 ? rg_input_sparse(graph, "counts", rg_probe_blocks())
                           : rg_apply(graph, "activation", "x", "kind=exp",
                                      rg_input(graph, "real", 13), NULL);
  if (variant == 0)
    x = rg_apply(graph, "densify", "x", NULL, x, NULL);
  if (variant % 2 == 0)
    y = rg_apply(graph, "activation", "mean", "kind=softplus", y, NULL);
  rg_node *in[5] = {NULL};
  int n = 0;
  if (strcmp(type, rg_loss_zinb.name) == 0)
    in[n++] = rg_input_free(graph, "logit", NULL, 13);
  if (variant % 2)
    in[n++] = rg_apply(graph, "activation", "positive", "kind=exp",
                       rg_input_free(graph, "library", NULL, 1), NULL);
  if (variant > 1)
    in[n++] = rg_input_free(graph, "r", NULL, 13);
  if (variant > 0)
    in[n++] = rg_input(graph, "mask", 1);
  rg_loss(graph, type, "loss", options[variant], y, x, in[0], in[1], in[2], in[3], NULL);
  return true;
}
