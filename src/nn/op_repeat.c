/* From whole to blocked: the same rows for every block. */
#include "op_internal.h"

#include <string.h>

typedef struct repeat_state {
  float *sum;
} repeat_state;

/* in[1] is any node of the blocking wanted: only its blocks are read */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 2));
  RG_TRY(need_dense(op, 0));
  if (op->in[0]->blocks || !op->in[1]->blocks)
    return rg_fail(RG_EUSAGE, "repeat %s: needs a whole and a blocked input", op->name);
  rg_node *out = rg_op_output(graph, op, op->in[1]->blocks, op->in[0]->width);
  out->batch_at = op->in[0]->batch_at;
  out->batches = op->in[0]->batches;
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  repeat_state *state = op->state;
  state->sum = rg_graph_scratch(graph, rg_graph_cells(graph) * op->in[0]->width);
}

static void forward(rg_run *run, rg_op *op)
{
  size_t bytes = sizeof(float) * (size_t)node_floats(run, op->in[0]);
  for (int part = 0; part < op->out->parts; part++)
    memcpy(part_x(run, op->out, part), op->in[0]->x, bytes);
}

static void backward(rg_run *run, rg_op *op)
{
  const repeat_state *state = op->state;
  int64_t n = node_floats(run, op->in[0]);
  if (!op->in[0]->d)
    return;
  run->share->sum_blocks(run->share, op->out->blocks, op->out->d, n, state->sum);
  for (int64_t i = 0; i < n; i++)
    op->in[0]->d[i] += state->sum[i];
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *like = rg_input_sparse(graph, "like", rg_probe_blocks());
  rg_node *y = rg_apply(graph, "repeat", "repeat", NULL, x, like, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_repeat = {
    .name = "repeat",
    .cite = "torch.expand",
    .help = "the same rows for every block of the second input",
    .state_size = sizeof(repeat_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
