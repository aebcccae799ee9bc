/* Dense linear layer; block by block where the input is blocked. */
#include "op_internal.h"

#include <string.h>

typedef struct linear_options {
  int64_t width;
  bool bias, joined;
  char *init, *bias_init;
} linear_options;

static const rg_field fields[] = {
    {"width", RG_INT, offsetof(linear_options, width), "1", 1, 1 << 20, NULL, NULL,
     "columns of the output (of each part)"},
    {"bias", RG_BOOL, offsetof(linear_options, bias), "true", 0, 0, NULL, NULL,
     "add a bias"},
    {"joined", RG_BOOL, offsetof(linear_options, joined), "false", 0, 0, NULL, NULL,
     "the parts are one matrix cut by input columns: its fan-in counts all blocks"},
    {"init", RG_CHOICE, offsetof(linear_options, init), "torch", 0, 0,
     "torch|xavier|kaiming|zero", NULL, "how weights are drawn"},
    {"bias_init", RG_CHOICE, offsetof(linear_options, bias_init), "torch", 0, 0,
     "torch|zero", NULL, "how biases are drawn"},
    {0}};

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const linear_options *o = op->options;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  const rg_node *in = op->in[0];
  int64_t blocks = o->joined && in->blocks ? in->blocks->n : 1;
  int64_t fan_in = in->width * blocks;
  rg_batch_columns_of(rg_op_param(graph, op, "weight", in->blocks, o->width, in->width,
                                  rg_init_named(o->init), fan_in, o->width),
                      in);
  if (o->bias)
    rg_op_param(graph, op, "bias", in->blocks, 1, o->width, rg_init_named(o->bias_init),
                fan_in, o->width);
  rg_op_output(graph, op, in->blocks, (int)o->width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0], *y = op->out;
  const float *w = rg_param_value(run->graph, op->param[0]);
  const float *b = op->n_param > 1 ? rg_param_value(run->graph, op->param[1]) : NULL;
  int64_t n = run->share->lane_cells, lanes = rg_run_lanes(run);
#pragma omp parallel for collapse(2) schedule(static)
  for (int part = 0; part < y->parts; part++)
    for (int64_t lane = 0; lane < lanes; lane++) {
      float *out = lane_x(run, y, part, lane);
      for (int64_t i = 0; b && i < n; i++)
        memcpy(out + i * y->width, b + (int64_t)part * y->width,
               sizeof *b * (size_t)y->width);
      rg_gemm(false, true, n, y->width, in->width, 1, lane_x(run, in, part, lane),
              in->width, w + (int64_t)part * y->width * in->width, in->width, b ? 1 : 0,
              out, y->width);
    }
}

typedef struct lane_leaf {
  const rg_run *run;
  const rg_op *op;
} lane_leaf;

/* dw[part] (out, in) = dy^T x over one lane */
static void weight_of_lane(void *self, int64_t lane, float *dw)
{
  const lane_leaf *leaf = self;
  const rg_run *run = leaf->run;
  const rg_node *in = leaf->op->in[0], *y = leaf->op->out;
#pragma omp parallel for schedule(static)
  for (int part = 0; part < y->parts; part++)
    rg_gemm(true, false, y->width, in->width, run->share->lane_cells, 1,
            lane_d(run, y, part, lane), y->width, lane_x(run, in, part, lane), in->width,
            0, dw + (int64_t)part * y->width * in->width, in->width);
}

static void backward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0], *y = op->out;
  const float *w = rg_param_value(run->graph, op->param[0]);
  int64_t n = run->share->lane_cells, lanes = rg_run_lanes(run);
  if (in->d) {
#pragma omp parallel for collapse(2) schedule(static)
    for (int part = 0; part < y->parts; part++)
      for (int64_t lane = 0; lane < lanes; lane++)
        rg_gemm(false, false, n, in->width, y->width, 1, lane_d(run, y, part, lane),
                y->width, w + (int64_t)part * y->width * in->width, in->width, 1,
                lane_d(run, in, part, lane), in->width);
  }
  lane_leaf leaf = {run, op};
  rg_gradient_over_lanes(run, op, 0, weight_of_lane, &leaf);
  if (op->n_param > 1)
    rg_bias_gradient(run, op, 1);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  const rg_blocks *blocks = variant ? rg_probe_blocks() : NULL;
  rg_node *x = rg_input_free(graph, "x", blocks, 4);
  rg_node *y = rg_apply(graph, "linear", "linear", "width=3", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_linear = {
    .name = "linear",
    .cite = "PyTorch nn.Linear",
    .help = "y = x w^T + b; of each block its own where the input is blocked",
    .options = fields,
    .options_size = sizeof(linear_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32 products"};
