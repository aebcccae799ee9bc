/* Bernoulli likelihood of a wide output: last layer and loss in one kernel. */
#include "masked.h"
#include "draw.h"

#include <string.h>

typedef struct bernoulli_options {
  double one_weight;
  char *reduction, *init;
} bernoulli_options;

static const rg_field fields[] = {
    {"one_weight", RG_DOUBLE, offsetof(bernoulli_options, one_weight), "1", 0, 1e6, NULL,
     NULL, "weight of open features against closed ones (PyTorch's pos_weight)"},
    {"reduction", RG_CHOICE, offsetof(bernoulli_options, reduction), "sum", 0, 0,
     "sum|mean|cell", NULL,
     "sum over cells and features; mean over both; or sum over features, mean over the "
     "cells that count"},
    {"init", RG_CHOICE, offsetof(bernoulli_options, init), "xavier", 0, 0,
     "torch|xavier|kaiming|zero", NULL, "how weights are drawn"},
    {0}};

typedef struct bernoulli_state {
  float *dh, *scratch, *weight;
  double *counted; /* per lane */
  int64_t scratch_n;
} bernoulli_state;

/* in[0]: hidden units, blocked; in[1]: the sparse modality; in[2]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const bernoulli_options *o = op->options;
  if (op->n_in != 3)
    RG_TRY(need_inputs(op, 2));
  if (op->n_in == 3 && (op->in[2]->sparse || op->in[2]->blocks || op->in[2]->width != 1))
    return rg_fail(RG_EUSAGE, "wide_bernoulli %s: the mask is not one whole column",
                   op->name);
  RG_TRY(need_dense(op, 0));
  const rg_blocks *blocks = op->in[0]->blocks;
  if (!blocks || !op->in[1]->sparse || op->in[1]->blocks != blocks)
    return rg_fail(RG_EUSAGE, "wide_bernoulli %s: hidden units and counts differ in blocks",
                   op->name);
  int64_t block = blocks->offset[blocks->n] / blocks->n;
  rg_param *weight =
      rg_op_param_wide(graph, op, "weight", blocks, op->in[0]->width,
                       rg_init_named(o->init), op->in[0]->width, block > 0 ? block : 1);
  rg_batch_columns_of(weight, op->in[0]);
  rg_op_param_wide(graph, op, "bias", blocks, 1, RG_INIT_TORCH, op->in[0]->width, 1);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  bernoulli_state *state = op->state;
  const rg_node *h = op->in[0];
  int64_t cells = rg_graph_cells(graph);
  state->dh = rg_graph_scratch(graph, h->parts * cells * h->width);
  state->scratch_n = rg_wide_scratch(h->parts, my_offsets(h->blocks), cells, h->width);
  state->scratch = rg_graph_scratch(graph, state->scratch_n);
  state->weight = rg_graph_scratch(graph, cells);
  state->counted =
      rg_graph_scratch_f64(graph, rg_range_n(rg_graph_share(graph)->my_lanes));
}

/* Cells of the batch that count, at least 1; the others get weight 0. */
static double cells_that_count(rg_run *run, rg_op *op)
{
  const bernoulli_state *state = op->state;
  int64_t n = run->share->lane_cells;
  if (op->n_in < 3)
    return batch_cells(run);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    state->counted[lane] = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++) {
      state->weight[i] = cell_counts(op->in[2], i) ? 1 : 0;
      state->counted[lane] += cell_counts(op->in[2], i);
    }
  }
  double sum = 0;
  run->share->sum_lanes(run->share, state->counted, 1, &sum);
  return sum > 0 ? sum : 1;
}

static double denominator(rg_run *run, rg_op *op)
{
  const bernoulli_options *o = op->options;
  const rg_blocks *blocks = op->in[0]->blocks;
  double cells = cells_that_count(run, op), features = (double)blocks->offset[blocks->n];
  if (strcmp(o->reduction, "sum") == 0)
    return 1;
  return strcmp(o->reduction, "mean") == 0 ? cells * features : cells;
}

/* Value and gradients in one pass: the gradient is known with the logits. */
static void forward(rg_run *run, rg_op *op)
{
  const bernoulli_options *o = op->options;
  const bernoulli_state *state = op->state;
  const rg_node *h = op->in[0];
  op->denominator = denominator(run, op);
  rg_wide_bernoulli pass = {
      .columns = &run->sparse[op->in[1]->slot].columns,
      .n_blocks = h->parts,
      .offset = my_offsets(h->blocks),
      .lanes = rg_run_lanes(run),
      .lane_cells = run->share->lane_cells,
      .width = h->width,
      .h = h->x,
      .w = rg_param_value(run->graph, op->param[0]),
      .bias = rg_param_value(run->graph, op->param[1]),
      .one_weight = (float)o->one_weight,
      .zero_weight = 1,
      .cell_weight = op->n_in > 2 ? state->weight : NULL,
      .scale = (float)(op->scale / op->denominator),
      .numerator = op->partial,
      .dh = run->train ? state->dh : NULL,
      .scratch = state->scratch};
  if (run->train)
    pass.update_parameters = rg_wide_gradient_of(run, op, 0, &pass.weight) &&
                             rg_wide_gradient_of(run, op, 1, &pass.shift);
  rg_wide_bernoulli_pass(&pass);
}

static void backward(rg_run *run, rg_op *op)
{
  const bernoulli_state *state = op->state;
  float *dh = op->in[0]->d;
  int64_t n = dh ? node_floats(run, op->in[0]) : 0;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; i++)
    dh[i] += state->dh[i];
}

static void predict(rg_run *run, rg_op *op, float *mean)
{
  const rg_node *h = op->in[0];
  const int64_t *offset = my_offsets(h->blocks);
  rg_wide_bernoulli_mean(h->parts, offset, cells_of(run), h->width, h->x,
                         rg_param_value(run->graph, op->param[0]),
                         rg_param_value(run->graph, op->param[1]), mean,
                         offset[h->parts] - offset[0]);
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"one_weight=3", "reduction=mean", "reduction=cell",
                           "reduction=mean one_weight=2"};
  if (variant > 3)
    return false;
  rg_node *h = rg_input_free(graph, "h", rg_probe_blocks(), 4);
  rg_node *x = rg_input_sparse(graph, "x", rg_probe_blocks());
  rg_node *mask = variant == 3 ? rg_input(graph, "mask", 1) : NULL;
  rg_loss(graph, "wide_bernoulli", "rec", options[variant], h, x, mask, NULL);
  return true;
}

const rg_op_type rg_loss_wide_bernoulli = {
    .name = "wide_bernoulli",
    .cite = "binary cross-entropy with logits; decoder of SAILERX (uci-cbcl/SAILERX)",
    .help = "last layer of a peak decoder with its Bernoulli likelihood, tile by tile",
    .options = fields,
    .options_size = sizeof(bernoulli_options),
    .state_size = sizeof(bernoulli_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .draw = rg_draw_bits,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32 products"};
