/* Scores of groups: products with directions of unit length. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

typedef struct unit_options {
  int64_t width;
  bool stored;
  char *init;
} unit_options;

static const rg_field fields[] = {
    {"width", RG_INT, offsetof(unit_options, width), "1", 1, 1 << 20, NULL, NULL,
     "groups"},
    {"stored", RG_BOOL, offsetof(unit_options, stored), "false", 0, 0, NULL, NULL,
     "rows are put back to unit length before they are used and the gradient takes them as "
     "they are (released UnitedNet); else the gradient knows of the scaling"},
    {"init", RG_CHOICE, offsetof(unit_options, init), "torch", 0, 0,
     "torch|xavier|kaiming", NULL, "how weights are drawn"},
    {0}};

#define SMALLEST 1e-12

typedef struct unit_state {
  float *unit;  /* [group][column]: rows of unit length */
  double *norm; /* of the rows as stored */
} unit_state;

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const unit_options *o = op->options;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  if (op->in[0]->blocks)
    return rg_fail(RG_EUSAGE, "unit_linear %s: the input is blocked", op->name);
  rg_op_param(graph, op, "weight", NULL, o->width, op->in[0]->width, rg_init_named(o->init),
              op->in[0]->width, o->width);
  rg_op_output(graph, op, NULL, (int)o->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  unit_state *state = op->state;
  state->unit = rg_graph_scratch(graph, (int64_t)op->out->width * op->in[0]->width);
  state->norm = rg_graph_scratch_f64(graph, op->out->width);
}

static void scale_rows(rg_run *run, rg_op *op)
{
  const unit_options *o = op->options;
  const unit_state *state = op->state;
  int width = op->in[0]->width;
  float *w = rg_param_value(run->graph, op->param[0]);
  for (int q = 0; q < op->out->width; q++) {
    double squares = 0;
    for (int j = 0; j < width; j++)
      squares += (double)w[q * width + j] * (double)w[q * width + j];
    state->norm[q] = fmax(sqrt(squares), SMALLEST);
    for (int j = 0; j < width; j++)
      state->unit[q * width + j] = (float)((double)w[q * width + j] / state->norm[q]);
  }
  if (o->stored)
    memcpy(w, state->unit, sizeof *w * (size_t)(op->out->width * width));
}

static void forward(rg_run *run, rg_op *op)
{
  const unit_state *state = op->state;
  const rg_node *in = op->in[0], *y = op->out;
  int64_t n = run->share->lane_cells;
  scale_rows(run, op);
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
    rg_gemm(false, true, n, y->width, in->width, 1, lane_x(run, in, 0, lane), in->width,
            state->unit, in->width, 0, lane_x(run, y, 0, lane), y->width);
}

typedef struct lane_leaf {
  const rg_run *run;
  const rg_op *op;
} lane_leaf;

/* With u = w / |w| and du = dy^T x: dw = (du - (du . u) u) / |w| */
static void weight_of_lane(void *self, int64_t lane, float *dw)
{
  const lane_leaf *leaf = self;
  const rg_run *run = leaf->run;
  const unit_options *o = leaf->op->options;
  const unit_state *state = leaf->op->state;
  const rg_node *in = leaf->op->in[0], *y = leaf->op->out;
  int width = in->width;
  rg_gemm(true, false, y->width, width, run->share->lane_cells, 1, lane_d(run, y, 0, lane),
          y->width, lane_x(run, in, 0, lane), width, 0, dw, width);
  for (int q = 0; !o->stored && q < y->width; q++) {
    const float *u = state->unit + q * width;
    double along = 0;
    for (int j = 0; j < width; j++)
      along += (double)dw[q * width + j] * (double)u[j];
    for (int j = 0; j < width; j++)
      dw[q * width + j] =
          (float)(((double)dw[q * width + j] - along * (double)u[j]) / state->norm[q]);
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const unit_state *state = op->state;
  const rg_node *in = op->in[0], *y = op->out;
  int64_t n = run->share->lane_cells;
  if (in->d) {
#pragma omp parallel for schedule(static)
    for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
      rg_gemm(false, false, n, in->width, y->width, 1, lane_d(run, y, 0, lane), y->width,
              state->unit, in->width, 1, lane_d(run, in, 0, lane), in->width);
  }
  lane_leaf leaf = {run, op};
  rg_gradient_over_lanes(run, op, 0, weight_of_lane, &leaf);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 0)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4);
  rg_node *y = rg_apply(graph, "unit_linear", "groups", "width=3", x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_unit_linear = {
    .name = "unit_linear",
    .cite = "cluster layer of UnitedNet: Tang et al. 2023",
    .help = "y = x (w / |w|)^T, the rows of w scaled to unit length",
    .options = fields,
    .options_size = sizeof(unit_options),
    .state_size = sizeof(unit_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32 products"};
