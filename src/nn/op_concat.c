/* Columns of whole inputs side by side. */
#include "op_internal.h"

#include <string.h>

static rg_status shape(rg_graph *graph, rg_op *op)
{
  int width = 0;
  for (int k = 0; k < op->n_in; k++) {
    if (op->in[k]->sparse || op->in[k]->blocks)
      return rg_fail(RG_EUSAGE, "concat %s: input %d is not whole", op->name, k);
    width += op->in[k]->width;
  }
  rg_node *out = rg_op_output(graph, op, NULL, width);
  for (int k = 0, at = 0; k < op->n_in; at += op->in[k++]->width)
    if (op->in[k]->batches > 0) {
      out->batch_at = at + op->in[k]->batch_at;
      out->batches = op->in[k]->batches;
    }
  return RG_OK;
}

static void forward(rg_run *run, rg_op *op)
{
  for (int64_t i = 0; i < cells_of(run); i++) {
    float *y = op->out->x + i * op->out->width;
    for (int k = 0; k < op->n_in; k++) {
      int width = op->in[k]->width;
      memcpy(y, op->in[k]->x + i * width, sizeof *y * (size_t)width);
      y += width;
    }
  }
}

static void backward(rg_run *run, rg_op *op)
{
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *dy = op->out->d + i * op->out->width;
    for (int k = 0; k < op->n_in; k++) {
      int width = op->in[k]->width;
      for (int j = 0; op->in[k]->d && j < width; j++)
        op->in[k]->d[i * width + j] += dy[j];
      dy += width;
    }
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 2), *b = rg_input_free(graph, "b", NULL, 3);
  rg_node *y = rg_apply(graph, "concat", "concat", NULL, a, b, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_concat = {
    .name = "concat",
    .cite = "torch.cat",
    .help = "columns of the inputs side by side",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
