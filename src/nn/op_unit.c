/* Rows scaled to unit length. */
#include "op_internal.h"

#include <math.h>

#define SMALLEST 1e-12F

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  rg_op_output(graph, op, NULL, op->in[0]->width);
  if (op->in[0]->blocks)
    status = rg_fail(RG_EUSAGE, "unit %s: the input is blocked", op->name);
out:
  return status;
}

static float norm_of(const float *x, int n)
{
  double sum = 0;
  for (int j = 0; j < n; j++)
    sum += (double)x[j] * (double)x[j];
  return fmaxf((float)sqrt(sum), SMALLEST);
}

static void forward(rg_run *run, rg_op *op)
{
  int width = op->out->width;
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *x = op->in[0]->x + i * width;
    float norm = norm_of(x, width);
    for (int j = 0; j < width; j++)
      op->out->x[i * width + j] = x[j] / norm;
  }
}

/* dx = (dy - (dy . y) y) / |x| */
static void backward(rg_run *run, rg_op *op)
{
  int width = op->out->width;
  for (int64_t i = 0; op->in[0]->d && i < cells_of(run); i++) {
    const float *y = op->out->x + i * width, *dy = op->out->d + i * width;
    float norm = norm_of(op->in[0]->x + i * width, width);
    double along = 0;
    for (int j = 0; j < width; j++)
      along += (double)dy[j] * (double)y[j];
    for (int j = 0; j < width; j++)
      op->in[0]->d[i * width + j] += (dy[j] - (float)along * y[j]) / norm;
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *y = rg_apply(graph, "unit", "unit", NULL, x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_unit = {
    .name = "unit",
    .cite = "L2 normalisation of rows, as GLUE/CLUE's normalize_u",
    .help = "y = x / |x| per cell",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of 1/|x| in four columns"};
