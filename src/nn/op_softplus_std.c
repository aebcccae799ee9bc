/* A standard deviation from an unbounded number. */
#include "op_internal.h"

#include <math.h>

#define SMALLEST 1e-7F

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  rg_op_output(graph, op, op->in[0]->blocks, op->in[0]->width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  int64_t n = node_floats(run, op->out);
  rg_v_softplus(n, op->in[0]->x, op->out->x);
  for (int64_t i = 0; i < n; i++)
    op->out->x[i] += SMALLEST;
}

static void backward(rg_run *run, rg_op *op)
{
  for (int64_t i = 0; op->in[0]->d && i < node_floats(run, op->out); i++)
    op->in[0]->d[i] += op->out->d[i] / (1 + expf(-op->in[0]->x[i]));
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  rg_node *y = rg_apply(graph, "softplus_std", "std", NULL, x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_softplus_std = {
    .name = "softplus_std",
    .cite = "posteriors of GLUE, CLUE and scCross (gao-lab/GLUE)",
    .help = "y = softplus(x) + 1e-7",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
