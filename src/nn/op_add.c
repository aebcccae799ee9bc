/* Sum of nodes. */
#include "op_internal.h"

static rg_status shape(rg_graph *graph, rg_op *op)
{
  if (op->n_in < 2)
    return rg_fail(RG_EUSAGE, "add %s: two inputs or more", op->name);
  for (int k = 0; k < op->n_in; k++)
    if (op->in[k]->sparse || op->in[k]->blocks != op->in[0]->blocks ||
        op->in[k]->width != op->in[0]->width)
      return rg_fail(RG_EUSAGE, "add %s: input %d differs in shape", op->name, k);
  rg_op_output(graph, op, op->in[0]->blocks, op->in[0]->width);
  return RG_OK;
}

static void forward(rg_run *run, rg_op *op)
{
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < node_floats(run, op->out); i++) {
    float sum = op->in[0]->x[i];
    for (int k = 1; k < op->n_in; k++)
      sum += op->in[k]->x[i];
    op->out->x[i] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  for (int k = 0; k < op->n_in; k++)
    for (int64_t i = 0; op->in[k]->d && i < node_floats(run, op->out); i++)
      op->in[k]->d[i] += op->out->d[i];
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  const rg_blocks *blocks = variant ? rg_probe_blocks() : NULL;
  rg_node *a = rg_input_free(graph, "a", blocks, 3);
  rg_node *b = rg_input_free(graph, "b", blocks, 3);
  rg_node *y = rg_apply(graph, "add", "add", NULL, a, b, variant ? a : NULL, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_add = {
    .name = "add",
    .cite = "none: a sum",
    .help = "sum of two inputs or more of one shape",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
