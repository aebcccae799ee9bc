/* A factor above zero and a shift of every feature, for every batch its own. */
#include "by_batch.h"

#include <string.h>

enum { SCALE, BIAS };

typedef struct affine_state {
  float *share;          /* [cell][batch] */
  float *factor, *slope; /* softplus of the scale, and its derivative */
} affine_state;

static const rg_node *batch_of(const rg_op *op)
{
  return op->n_in > 1 ? op->in[1] : NULL;
}

/* in[0]: rows; in[1]: one-hot batch, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  if (op->n_in < 1 || op->n_in > 2)
    return rg_fail(RG_EUSAGE, "affine %s: one input and at most a batch", op->name);
  for (int k = 0; k < op->n_in; k++)
    if (op->in[k]->sparse || op->in[k]->blocks)
      return rg_fail(RG_EUSAGE, "affine %s: input %d is not whole", op->name, k);
  int width = op->in[0]->width;
  int64_t batches = batches_of(batch_of(op));
  bool by_batch = batch_of(op) != NULL;
  rg_op_param(graph, op, "scale", NULL, batches, width, RG_INIT_ZERO, 1, 1)->batch_rows =
      by_batch;
  rg_op_param(graph, op, "bias", NULL, batches, width, RG_INIT_ZERO, 1, 1)->batch_rows =
      by_batch;
  rg_op_output(graph, op, NULL, width);
  return RG_OK;
}

static void plan(rg_graph *graph, rg_op *op)
{
  affine_state *state = op->state;
  int64_t batches = batches_of(batch_of(op)), width = op->in[0]->width;
  state->share = rg_graph_scratch(graph, rg_graph_cells(graph) * batches);
  state->factor = rg_graph_scratch(graph, batches * width);
  state->slope = rg_graph_scratch(graph, batches * width);
}

static void forward(rg_run *run, rg_op *op)
{
  const affine_state *state = op->state;
  int64_t batches = batches_of(batch_of(op)), width = op->out->width;
  const float *scale = rg_param_value(run->graph, op->param[SCALE]);
  const float *bias = rg_param_value(run->graph, op->param[BIAS]);
  rg_batch_shares(run, batch_of(op), state->share);
  rg_v_softplus(batches * width, scale, state->factor);
  rg_v_sigmoid(batches * width, scale, state->slope);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *x = op->in[0]->x + i * width;
    float *y = op->out->x + i * width;
    memset(y, 0, sizeof *y * (size_t)width);
    for (int64_t b = 0; b < batches; b++) {
      float share = state->share[i * batches + b];
      for (int64_t j = b * width; share != 0 && j < (b + 1) * width; j++)
        y[j - b * width] += share * (state->factor[j] * x[j - b * width] + bias[j]);
    }
  }
}

/* dx = dy sp(scale); dscale = sum dy x sigm(scale); dbias = sum dy */
static void backward(rg_run *run, rg_op *op)
{
  const affine_state *state = op->state;
  int64_t batches = batches_of(batch_of(op)), width = op->out->width;
  rg_table_gradient(run, op, SCALE, state->share, op->in[0]->x, state->slope);
  rg_table_gradient(run, op, BIAS, state->share, NULL, NULL);
  if (!op->in[0]->d)
    return;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *dy = op->out->d + i * width;
    float *dx = op->in[0]->d + i * width;
    for (int64_t b = 0; b < batches; b++) {
      float share = state->share[i * batches + b];
      for (int64_t j = 0; share != 0 && j < width; j++)
        dx[j] += share * state->factor[b * width + j] * dy[j];
    }
  }
}

/* Rows of relu of a normal number: cells of one batch, of several and of none. */
static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 5);
  rg_node *batch = variant ? rg_apply(graph, "activation", "batch", "kind=relu",
                                      rg_input(graph, "b", 2), NULL)
                           : NULL;
  rg_node *y = rg_apply(graph, "affine", "affine", NULL, x, batch, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_affine = {
    .name = "affine",
    .cite = "decoders of GLUE and CLUE: Cao, Gao 2022; Tu et al. 2022 (gao-lab/GLUE)",
    .help = "y = softplus(scale) x + bias per feature and batch; of a batch that is not "
            "known the mean over batches",
    .state_size = sizeof(affine_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
