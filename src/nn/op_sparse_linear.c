/* Linear layer of a wide sparse input: only the nonzeros are touched. */
#include "op_internal.h"

#include <string.h>

typedef struct sparse_options {
  int64_t width;
  bool bias, joined;
  char *init;
} sparse_options;

static const rg_field fields[] = {
    {"width", RG_INT, offsetof(sparse_options, width), "64", 1, 1 << 14, NULL, NULL,
     "columns of the output of each block"},
    {"bias", RG_BOOL, offsetof(sparse_options, bias), "true", 0, 0, NULL, NULL,
     "add a bias"},
    {"joined", RG_BOOL, offsetof(sparse_options, joined), "false", 0, 0, NULL, NULL,
     "the blocks are one matrix cut by features: its fan-in counts all features"},
    {"init", RG_CHOICE, offsetof(sparse_options, init), "torch", 0, 0,
     "torch|xavier|kaiming|zero", NULL, "how weights are drawn"},
    {0}};

/* Fan-in of block sizes that differ: a typical block, or all features when joined. */
static int64_t fan_in_of(const rg_blocks *blocks, bool joined)
{
  int64_t all = blocks->offset[blocks->n];
  int64_t fan_in = joined ? all : all / blocks->n;
  return fan_in > 0 ? fan_in : 1;
}

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const sparse_options *o = op->options;
  RG_TRY(need_inputs(op, 1));
  const rg_blocks *blocks = op->in[0]->blocks;
  if (!op->in[0]->sparse)
    return rg_fail(RG_EUSAGE, "sparse_linear %s: the input is dense", op->name);
  int64_t fan_in = fan_in_of(blocks, o->joined);
  rg_op_param_wide(graph, op, "weight", blocks, o->width, rg_init_named(o->init), fan_in,
                   o->width);
  if (o->bias)
    rg_op_param(graph, op, "bias", blocks, 1, o->width, RG_INIT_TORCH, fan_in, o->width);
  rg_op_output(graph, op, blocks, (int)o->width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  const rg_node *y = op->out;
  const rg_csr *rows = &run->sparse[op->in[0]->slot].rows;
  const float *w = rg_param_value(run->graph, op->param[0]);
  rg_sparse_forward(rows, y->parts, my_offsets(y->blocks), w, y->width, y->x);
  if (op->n_param < 2)
    return;
  const float *b = rg_param_value(run->graph, op->param[1]);
  int64_t cells = cells_of(run);
#pragma omp parallel for schedule(static)
  for (int part = 0; part < y->parts; part++)
    for (int64_t i = 0; i < cells; i++)
      for (int j = 0; j < y->width; j++)
        part_x(run, y, part)[i * y->width + j] += b[part * y->width + j];
}

static void backward(rg_run *run, rg_op *op)
{
  const rg_node *y = op->out;
  rg_wide_gradient gradient;
  if (rg_wide_gradient_of(run, op, 0, &gradient))
    rg_sparse_backward(&run->sparse[op->in[0]->slot].columns, y->parts,
                       my_offsets(y->blocks), y->d, y->width,
                       rg_param_value(run->graph, op->param[0]), &gradient);
  if (op->n_param > 1)
    rg_bias_gradient(run, op, 1);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_sparse(graph, "x", rg_probe_blocks());
  rg_node *y = rg_apply(graph, "sparse_linear", "sparse", "width=3", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_sparse_linear = {
    .name = "sparse_linear",
    .cite = "nn.Linear per chromosome as in SAILERX (uci-cbcl/SAILERX) and BABEL",
    .help = "y[block] = x[block] w[block] + b[block] of a sparse modality",
    .options = fields,
    .options_size = sizeof(sparse_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32 sums"};
