/* The value without the gradient. */
#include "op_internal.h"

#include <string.h>

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

static void forward(rg_run *run, rg_op *op)
{
  memcpy(op->out->x, op->in[0]->x, sizeof(float) * (size_t)node_floats(run, op->out));
}

/* An operation without backward stops the gradient; the probe checks that what goes around
 * it is still right. */
static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input(graph, "x", 3), *y = rg_input_free(graph, "y", NULL, 3);
  rg_node *z = rg_apply(graph, "detach", "detach", NULL, x, NULL);
  rg_node *both = rg_apply(graph, "concat", "both", NULL, z, y, NULL);
  rg_loss(graph, "probe", "loss", NULL, both, NULL);
  return true;
}

const rg_op_type rg_op_detach = {
    .name = "detach",
    .cite = "stop-gradient; torch.Tensor.detach",
    .help = "pass the value on, stop the gradient",
    .shape = shape,
    .forward = forward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
