/* From blocked to whole: the sum of all parts along the tree over blocks, plus a bias. */
#include "op_internal.h"

#include <string.h>

typedef struct sum_options {
  bool bias;
  int64_t fan_in;
} sum_options;

static const rg_field fields[] = {
    {"bias", RG_BOOL, offsetof(sum_options, bias), "true", 0, 0, NULL, NULL,
     "add a bias"},
    {"fan_in", RG_INT, offsetof(sum_options, fan_in), "0", 0, 1LL << 40, NULL, NULL,
     "of the bias's initial values U(+-1/sqrt(fan_in)); 0: zero"},
    {0}};

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const sum_options *o = op->options;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  const rg_node *in = op->in[0];
  if (!in->blocks)
    return rg_fail(RG_EUSAGE, "sum_blocks %s: the input is whole", op->name);
  if (o->bias)
    rg_op_param(graph, op, "bias", NULL, 1, in->width,
                o->fan_in > 0 ? RG_INIT_TORCH : RG_INIT_ZERO, o->fan_in, in->width);
  rg_op_output(graph, op, NULL, in->width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0], *y = op->out;
  int64_t cells = cells_of(run);
  run->share->sum_blocks(run->share, in->blocks, in->x, cells * in->width, y->x);
  const float *b = op->n_param ? rg_param_value(run->graph, op->param[0]) : NULL;
  for (int64_t i = 0; b && i < cells; i++)
    for (int j = 0; j < y->width; j++)
      y->x[i * y->width + j] += b[j];
}

static void backward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0], *y = op->out;
  int64_t n = cells_of(run) * in->width;
  for (int part = 0; in->d && part < in->parts; part++) {
    float *dx = part_d(run, in, part);
    for (int64_t i = 0; i < n; i++)
      dx[i] += y->d[i];
  }
  if (op->n_param)
    rg_bias_gradient(run, op, 0);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", rg_probe_blocks(), 4);
  rg_node *y = rg_apply(graph, "sum_blocks", "sum", "fan_in=13", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_sum_blocks = {
    .name = "sum_blocks",
    .cite = "concatenation followed by a linear layer, cut by blocks",
    .help = "y = sum over blocks of x[block], plus a bias; the exchange of a feature group",
    .options = fields,
    .options_size = sizeof(sum_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32 sums"};
