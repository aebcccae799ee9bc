/* Leaky rectifier with a learned slope: one per part, or one for all parts. */
#include "op_internal.h"

typedef struct prelu_options {
  bool shared;
} prelu_options;

static const rg_field fields[] = {
    {"shared", RG_BOOL, offsetof(prelu_options, shared), "false", 0, 0, NULL, NULL,
     "one slope for all parts"},
    {0}};

typedef struct prelu_state {
  double *by_part; /* [part][lane] */
  double *by_lane;
} prelu_state;

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  const prelu_options *o = op->options;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  const rg_node *in = op->in[0];
  rg_param *slope = rg_op_param(graph, op, "weight", o->shared ? NULL : in->blocks, 1, 1,
                                RG_INIT_CONSTANT, 1, 1);
  slope->init_value = 0.25;
  rg_op_output(graph, op, in->blocks, in->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  prelu_state *state = op->state;
  int64_t lanes = rg_range_n(rg_graph_share(graph)->my_lanes);
  state->by_part = rg_graph_scratch_f64(graph, op->in[0]->parts * lanes);
  state->by_lane = rg_graph_scratch_f64(graph, lanes);
}

static float slope_of(const rg_run *run, const rg_op *op, int part)
{
  const prelu_options *o = op->options;
  const float *a = rg_param_value(run->graph, op->param[0]);
  return o->shared ? a[0] : a[part];
}

static void forward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0];
  int64_t n = cells_of(run) * in->width;
#pragma omp parallel for schedule(static)
  for (int part = 0; part < in->parts; part++) {
    const float *x = part_x(run, in, part);
    float *y = part_x(run, op->out, part), a = slope_of(run, op, part);
    for (int64_t i = 0; i < n; i++)
      y[i] = x[i] > 0 ? x[i] : a * x[i];
  }
}

/* Sum over a lane of x dy where x is not positive: interleaved sums, then those. */
static double slope_gradient(const rg_run *run, const rg_op *op, int part, int64_t lane)
{
  enum { SUMS = 16 };
  const float *x = lane_x(run, op->in[0], part, lane);
  const float *dy = lane_d(run, op->out, part, lane);
  int64_t n = run->share->lane_cells * op->in[0]->width, i = 0;
  double sum[SUMS] = {0};
  for (; i + SUMS <= n; i += SUMS)
#pragma omp simd
    for (int k = 0; k < SUMS; k++)
      sum[k] += x[i + k] > 0 ? 0.0 : (double)x[i + k] * (double)dy[i + k];
  for (int k = 0; i < n; i++, k++)
    sum[k] += x[i] > 0 ? 0.0 : (double)x[i] * (double)dy[i];
  for (int k = 1; k < SUMS; k++)
    sum[0] += sum[k];
  return sum[0];
}

typedef struct lane_leaf {
  const rg_op *op;
  int64_t lanes;
} lane_leaf;

static void slope_of_lane(void *self, int64_t lane, float *da)
{
  const lane_leaf *leaf = self;
  const prelu_state *state = leaf->op->state;
  const prelu_options *o = leaf->op->options;
  if (o->shared)
    da[0] = (float)state->by_lane[lane];
  for (int part = 0; !o->shared && part < leaf->op->out->parts; part++)
    da[part] = (float)state->by_part[part * leaf->lanes + lane];
}

static void backward(rg_run *run, rg_op *op)
{
  const prelu_options *o = op->options;
  const prelu_state *state = op->state;
  const rg_node *in = op->in[0];
  int64_t lanes = rg_run_lanes(run), n = cells_of(run) * in->width;
#pragma omp parallel for schedule(static)
  for (int part = 0; part < in->parts; part++) {
    for (int64_t lane = 0; lane < lanes; lane++)
      state->by_part[part * lanes + lane] = slope_gradient(run, op, part, lane);
    if (!in->d)
      continue;
    const float *x = part_x(run, in, part), *dy = part_d(run, op->out, part);
    float *dx = part_d(run, in, part), a = slope_of(run, op, part);
    for (int64_t i = 0; i < n; i++)
      dx[i] += x[i] > 0 ? dy[i] : a * dy[i];
  }
  if (o->shared && in->blocks)
    run->share->sum_blocks_f64(run->share, in->blocks, state->by_part, lanes,
                               state->by_lane);
  else if (o->shared)
    for (int64_t lane = 0; lane < lanes; lane++)
      state->by_lane[lane] = state->by_part[lane];
  lane_leaf leaf = {op, lanes};
  rg_gradient_over_lanes(run, op, 0, slope_of_lane, &leaf);
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 2)
    return false;
  rg_node *x = rg_input_free(graph, "x", variant ? rg_probe_blocks() : NULL, 4);
  const char *options = variant == 2 ? "shared=true" : NULL;
  rg_node *y = rg_apply(graph, "prelu", "prelu", options, x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_prelu = {
    .name = "prelu",
    .cite = "He et al. 2015; PyTorch nn.PReLU",
    .help = "x above zero, a learned slope times x below",
    .options = fields,
    .options_size = sizeof(prelu_options),
    .state_size = sizeof(prelu_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-2,
    .tolerance_why = "kink at zero inside the difference"};
