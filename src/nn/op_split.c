/* From whole to blocked: a linear layer whose output is cut into one part per block. */
#include "op_internal.h"

#include <string.h>

typedef struct split_options {
  int64_t width;
  char *init;
} split_options;

static const rg_field fields[] = {
    {"width", RG_INT, offsetof(split_options, width), "32", 1, 1 << 14, NULL, NULL,
     "columns of each part"},
    {"init", RG_CHOICE, offsetof(split_options, init), "torch", 0, 0, "torch|xavier",
     NULL, "how weights are drawn; fan-out counts all blocks"},
    {0}};

typedef struct split_state {
  float *dx; /* [part][cell][in] */
  float *sum;
} split_state;

/* in[1] is any node of the blocking wanted: only its blocks are read */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const split_options *o = op->options;
  RG_TRY(need_inputs(op, 2));
  RG_TRY(need_dense(op, 0));
  const rg_node *in = op->in[0];
  const rg_blocks *blocks = op->in[1]->blocks;
  if (in->blocks || !blocks)
    return rg_fail(RG_EUSAGE, "split %s: needs a whole and a blocked input", op->name);
  rg_batch_columns_of(rg_op_param(graph, op, "weight", blocks, o->width, in->width,
                                  rg_init_named(o->init), in->width,
                                  o->width * blocks->n),
                      in);
  rg_op_param(graph, op, "bias", blocks, 1, o->width, RG_INIT_TORCH, in->width, o->width);
  rg_op_output(graph, op, blocks, (int)o->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  split_state *state = op->state;
  int64_t n = rg_graph_cells(graph) * op->in[0]->width;
  state->dx = rg_graph_scratch(graph, op->out->parts * n);
  state->sum = rg_graph_scratch(graph, n);
}

static void forward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0], *y = op->out;
  const float *w = rg_param_value(run->graph, op->param[0]);
  const float *b = rg_param_value(run->graph, op->param[1]);
  int64_t n = run->share->lane_cells, lanes = rg_run_lanes(run);
#pragma omp parallel for collapse(2) schedule(static)
  for (int part = 0; part < y->parts; part++)
    for (int64_t lane = 0; lane < lanes; lane++) {
      float *out = lane_x(run, y, part, lane);
      for (int64_t i = 0; i < n; i++)
        memcpy(out + i * y->width, b + (int64_t)part * y->width,
               sizeof *b * (size_t)y->width);
      rg_gemm(false, true, n, y->width, in->width, 1, lane_x(run, in, 0, lane), in->width,
              w + (int64_t)part * y->width * in->width, in->width, 1, out, y->width);
    }
}

typedef struct lane_leaf {
  const rg_run *run;
  const rg_op *op;
} lane_leaf;

static void weight_of_lane(void *self, int64_t lane, float *dw)
{
  const lane_leaf *leaf = self;
  const rg_run *run = leaf->run;
  const rg_node *in = leaf->op->in[0], *y = leaf->op->out;
#pragma omp parallel for schedule(static)
  for (int part = 0; part < y->parts; part++)
    rg_gemm(true, false, y->width, in->width, run->share->lane_cells, 1,
            lane_d(run, y, part, lane), y->width, lane_x(run, in, 0, lane), in->width, 0,
            dw + (int64_t)part * y->width * in->width, in->width);
}

static void input_gradient(rg_run *run, rg_op *op)
{
  const split_state *state = op->state;
  const rg_node *in = op->in[0], *y = op->out;
  const float *w = rg_param_value(run->graph, op->param[0]);
  int64_t n = run->share->lane_cells, lanes = rg_run_lanes(run);
  int64_t size = cells_of(run) * in->width;
#pragma omp parallel for collapse(2) schedule(static)
  for (int part = 0; part < y->parts; part++)
    for (int64_t lane = 0; lane < lanes; lane++)
      rg_gemm(false, false, n, in->width, y->width, 1, lane_d(run, y, part, lane),
              y->width, w + (int64_t)part * y->width * in->width, in->width, 0,
              state->dx + part * size + lane * n * in->width, in->width);
  run->share->sum_blocks(run->share, y->blocks, state->dx, size, state->sum);
  for (int64_t i = 0; i < size; i++)
    in->d[i] += state->sum[i];
}

static void backward(rg_run *run, rg_op *op)
{
  if (op->in[0]->d)
    input_gradient(run, op);
  lane_leaf leaf = {run, op};
  rg_gradient_over_lanes(run, op, 0, weight_of_lane, &leaf);
  rg_bias_gradient(run, op, 1);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *like = rg_input_sparse(graph, "like", rg_probe_blocks());
  rg_node *y = rg_apply(graph, "split", "split", "width=3", x, like, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_split = {
    .name = "split",
    .cite = "decoder of SAILERX (uci-cbcl/SAILERX): Linear(z, 32 C) cut into C chunks",
    .help = "y[block] = x w[block]^T + b[block]; the blocks are those of the second input",
    .options = fields,
    .options_size = sizeof(split_options),
    .state_size = sizeof(split_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32 products"};
