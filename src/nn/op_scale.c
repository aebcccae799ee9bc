/* A constant factor. */
#include "op_internal.h"

typedef struct scale_options {
  double by;
} scale_options;

static const rg_field fields[] = {
    {"by", RG_DOUBLE, offsetof(scale_options, by), "1", -1e6, 1e6, NULL, NULL,
     "the factor"},
    {0}};

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
  const scale_options *o = op->options;
  for (int64_t i = 0; i < node_floats(run, op->out); i++)
    op->out->x[i] = (float)o->by * op->in[0]->x[i];
}

static void backward(rg_run *run, rg_op *op)
{
  const scale_options *o = op->options;
  for (int64_t i = 0; op->in[0]->d && i < node_floats(run, op->out); i++)
    op->in[0]->d[i] += (float)o->by * op->out->d[i];
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", rg_probe_blocks(), 3);
  rg_node *y = rg_apply(graph, "scale", "scale", "by=-1.7", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_scale = {
    .name = "scale",
    .cite = "none: a product",
    .help = "y = by x",
    .options = fields,
    .options_size = sizeof(scale_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
