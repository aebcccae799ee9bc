/* Softmax of every row. */
#include "op_internal.h"

#include <math.h>

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  if (op->in[0]->blocks)
    return rg_fail(RG_EUSAGE, "softmax %s: the input is blocked", op->name);
  rg_op_output(graph, op, NULL, op->in[0]->width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  int width = op->out->width;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *x = op->in[0]->x + i * width;
    float *y = op->out->x + i * width, top = x[0];
    for (int j = 1; j < width; j++)
      top = fmaxf(top, x[j]);
    double sum = 0;
    for (int j = 0; j < width; j++) {
      y[j] = expf(x[j] - top);
      sum += (double)y[j];
    }
    for (int j = 0; j < width; j++)
      y[j] = (float)((double)y[j] / sum);
  }
}

/* dx = y (dy - dy . y) */
static void backward(rg_run *run, rg_op *op)
{
  int width = op->out->width;
  for (int64_t i = 0; op->in[0]->d && i < cells_of(run); i++) {
    const float *y = op->out->x + i * width, *dy = op->out->d + i * width;
    double along = 0;
    for (int j = 0; j < width; j++)
      along += (double)dy[j] * (double)y[j];
    for (int j = 0; j < width; j++)
      op->in[0]->d[i * width + j] += y[j] * (dy[j] - (float)along);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *y = rg_apply(graph, "softmax", "softmax", NULL, x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_softmax = {
    .name = "softmax",
    .cite = "PyTorch nn.Softmax",
    .help = "y = exp(x) / sum exp(x) per cell",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
