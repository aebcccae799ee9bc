/* Dropout with keyed masks. */
#include "op_internal.h"

#include <string.h>

typedef struct dropout_options {
  double rate;
} dropout_options;

static const rg_field fields[] = {
    {"rate", RG_DOUBLE, offsetof(dropout_options, rate), "0.2", 0, 0.99, NULL, NULL,
     "share of values set to zero; the others are scaled up"},
    {0}};

typedef struct dropout_state {
  float *factor;
} dropout_state;

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  rg_node *out = rg_op_output(graph, op, op->in[0]->blocks, op->in[0]->width);
  out->batch_at = op->in[0]->batch_at;
  out->batches = op->in[0]->batches;
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  dropout_state *state = op->state;
  const rg_node *in = op->in[0];
  state->factor = rg_graph_scratch(graph, in->parts * rg_graph_cells(graph) * in->width);
}

static void draw(rg_run *run, rg_op *op)
{
  const dropout_options *o = op->options;
  const dropout_state *state = op->state;
  const rg_node *in = op->in[0];
  rg_key key = op_key(run, op, RG_FOR_DROPOUT);
  int64_t cells = cells_of(run);
  float keep = (float)(1 / (1 - o->rate));
#pragma omp parallel for collapse(2) schedule(static)
  for (int part = 0; part < in->parts; part++)
    for (int64_t i = 0; i < cells; i++) {
      float *factor = state->factor + (part * cells + i) * in->width;
      rg_key block = key;
      block.seed += (uint64_t)joined_column(in, part);
      rg_uniforms(&block, (uint64_t)run->cell[i], in->width, factor);
#pragma omp simd
      for (int j = 0; j < in->width; j++)
        factor[j] = (double)factor[j] < o->rate ? 0 : keep;
    }
}

static void forward(rg_run *run, rg_op *op)
{
  const dropout_options *o = op->options;
  const dropout_state *state = op->state;
  int64_t n = node_floats(run, op->out);
  const float *x = op->in[0]->x;
  if (!run->train || o->rate <= 0) {
    memcpy(op->out->x, x, sizeof *x * (size_t)n);
    return;
  }
  draw(run, op);
  for (int64_t i = 0; i < n; i++)
    op->out->x[i] = x[i] * state->factor[i];
}

static void backward(rg_run *run, rg_op *op)
{
  const dropout_options *o = op->options;
  const dropout_state *state = op->state;
  bool drops = run->train && o->rate > 0;
  int64_t n = op->in[0]->d ? node_floats(run, op->out) : 0;
  for (int64_t i = 0; i < n; i++)
    op->in[0]->d[i] += drops ? op->out->d[i] * state->factor[i] : op->out->d[i];
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", variant ? rg_probe_blocks() : NULL, 4);
  rg_node *y = rg_apply(graph, "dropout", "drop", "rate=0.3", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_dropout = {
    .name = "dropout",
    .cite = "Srivastava et al. 2014",
    .help = "set a share of values to zero in training, keyed by (seed, step, cell)",
    .options = fields,
    .options_size = sizeof(dropout_options),
    .state_size = sizeof(dropout_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
