/* Product of two nodes, or of a node with one number a cell. */
#include "op_internal.h"

/* in[0]: rows; in[1]: rows of the same shape, or one column (a gate) */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 2));
  const rg_node *a = op->in[0], *b = op->in[1];
  if (a->sparse || b->sparse || a->blocks != b->blocks ||
      (b->width != a->width && b->width != 1))
    return rg_fail(RG_EUSAGE, "multiply %s: inputs of one shape, or the second of one "
                              "column", op->name);
  rg_op_output(graph, op, a->blocks, a->width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  int width = op->out->width, step = op->in[1]->width;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < op->out->parts * cells_of(run); i++) {
    const float *a = op->in[0]->x + i * width, *b = op->in[1]->x + i * step;
    for (int j = 0; j < width; j++)
      op->out->x[i * width + j] = a[j] * b[step > 1 ? j : 0];
  }
}

static void backward(rg_run *run, rg_op *op)
{
  int width = op->out->width, step = op->in[1]->width;
  float *da = op->in[0]->d, *db = op->in[1]->d;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < op->out->parts * cells_of(run); i++) {
    const float *a = op->in[0]->x + i * width, *b = op->in[1]->x + i * step;
    const float *dy = op->out->d + i * width;
    double sum = 0;
    for (int j = 0; da && j < width; j++)
      da[i * width + j] += dy[j] * b[step > 1 ? j : 0];
    for (int j = 0; db && step > 1 && j < width; j++)
      db[i * width + j] += dy[j] * a[j];
    for (int j = 0; db && step == 1 && j < width; j++)
      sum += (double)dy[j] * (double)a[j];
    if (db && step == 1)
      db[i] += (float)sum;
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 2)
    return false;
  const rg_blocks *blocks = variant == 2 ? rg_probe_blocks() : NULL;
  rg_node *a = rg_input_free(graph, "a", blocks, 3);
  rg_node *b = rg_input_free(graph, "b", blocks, variant ? 1 : 3);
  rg_node *y = rg_apply(graph, "multiply", "multiply", NULL, a, b, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_multiply = {
    .name = "multiply",
    .cite = "none: a product",
    .help = "product with an input of the same shape, or of one column",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
