/* One of several nodes, by how often each has won. */
#include "op_internal.h"

#include <string.h>

/* in: nodes of one width */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  if (op->n_in < 1)
    return rg_fail(RG_EUSAGE, "choose %s needs an input", op->name);
  for (int k = 0; k < op->n_in; k++)
    if (op->in[k]->sparse || op->in[k]->blocks || op->in[k]->width != op->in[0]->width)
      return rg_fail(RG_EUSAGE, "choose %s: input %d has a wrong shape", op->name, k);
  rg_op_param(graph, op, "wins", NULL, 1, op->n_in, RG_INIT_ZERO, 1, 1)->buffer = true;
  rg_op_output(graph, op, NULL, op->in[0]->width);
  return RG_OK;
}

/* The input that won most often, the first of equals. */
static const rg_node *chosen(const rg_run *run, const rg_op *op)
{
  const float *wins = rg_param_value(run->graph, op->param[0]);
  int best = 0;
  for (int k = 1; k < op->n_in; k++)
    best = wins[k] > wins[best] ? k : best;
  return op->in[best];
}

static void forward(rg_run *run, rg_op *op)
{
  memcpy(op->out->x, chosen(run, op)->x,
         sizeof(float) * (size_t)node_floats(run, op->out));
}

static void backward(rg_run *run, rg_op *op)
{
  float *d = chosen(run, op)->d;
  for (int64_t k = 0; d && k < node_floats(run, op->out); k++)
    d[k] += op->out->d[k];
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 3), *b = rg_input_free(graph, "b", NULL, 3);
  rg_node *y = rg_apply(graph, "choose", "choose", NULL, a, b, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_choose = {
    .name = "choose",
    .cite = "best head of UnitedNet: Tang et al. 2023",
    .help = "the input whose loss was the lowest in most epochs (rg_model_choice)",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
