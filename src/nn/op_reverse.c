/* The value as it is; the gradient turned round. */
#include "op_internal.h"

#include <string.h>

typedef struct reverse_options {
  double by;
} reverse_options;

static const rg_field fields[] = {
    {"by", RG_DOUBLE, offsetof(reverse_options, by), "1", 0, 1e6, NULL, NULL,
     "factor of the reversed gradient"},
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
  memcpy(op->out->x, op->in[0]->x, sizeof(float) * (size_t)node_floats(run, op->out));
}

static void backward(rg_run *run, rg_op *op)
{
  const reverse_options *o = op->options;
  int64_t n = op->in[0]->d ? node_floats(run, op->out) : 0;
  for (int64_t i = 0; i < n; i++)
    op->in[0]->d[i] -= (float)o->by * op->out->d[i];
}

/* Reversed twice, the gradient is one. */
static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  rg_node *y = rg_apply(graph, "reverse", "there", "by=2", x, NULL);
  y = rg_apply(graph, "reverse", "back", "by=0.5", y, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_reverse = {
    .name = "reverse",
    .cite = "Ganin, Lempitsky 2015: gradient reversal",
    .help = "pass the value on and the gradient with its sign changed: an adversary "
            "without steps of its own",
    .options = fields,
    .options_size = sizeof(reverse_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
