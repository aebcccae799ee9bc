/* Some columns of a node. */
#include "op_internal.h"

#include <string.h>

typedef struct slice_options {
  int64_t low, high;
} slice_options;

static const rg_field fields[] = {
    {"low", RG_INT, offsetof(slice_options, low), "0", 0, 1 << 24, NULL, NULL,
     "first column"},
    {"high", RG_INT, offsetof(slice_options, high), "1", 1, 1 << 24, NULL, NULL,
     "column after the last"},
    {0}};

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const slice_options *o = op->options;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  const rg_node *in = op->in[0];
  if (o->low >= o->high || o->high > in->width)
    return rg_fail(RG_EUSAGE, "slice %s: columns %lld to %lld of %d", op->name,
                   (long long)o->low, (long long)o->high, in->width);
  rg_op_output(graph, op, in->blocks, (int)(o->high - o->low));
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  const slice_options *o = op->options;
  int width = op->in[0]->width, n = op->out->width;
  for (int64_t i = 0; i < op->out->parts * cells_of(run); i++)
    memcpy(op->out->x + i * n, op->in[0]->x + i * width + o->low,
           sizeof(float) * (size_t)n);
}

static void backward(rg_run *run, rg_op *op)
{
  const slice_options *o = op->options;
  int width = op->in[0]->width, n = op->out->width;
  for (int64_t i = 0; op->in[0]->d && i < op->out->parts * cells_of(run); i++)
    for (int j = 0; j < n; j++)
      op->in[0]->d[i * width + o->low + j] += op->out->d[i * n + j];
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", variant ? rg_probe_blocks() : NULL, 5);
  rg_node *y = rg_apply(graph, "slice", "slice", "low=1 high=4", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_slice = {
    .name = "slice",
    .cite = "subspaces of CLUE: Tu et al. 2022 (gao-lab/GLUE, scclue)",
    .help = "columns low to high of each part",
    .options = fields,
    .options_size = sizeof(slice_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
