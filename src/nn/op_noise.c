/* Noise on a value in training, which may fade while a model settles. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

typedef struct noise_options {
  double scale, burn_in;
  char *of;
} noise_options;

static const rg_field fields[] = {
    {"scale", RG_DOUBLE, offsetof(noise_options, scale), "1", 0, 1e6, NULL, NULL,
     "standard deviation of the noise at first, in units of `of`"},
    {"burn_in", RG_DOUBLE, offsetof(noise_options, burn_in), "0", 0, 1e9, NULL, NULL,
     "epochs after which the noise has faded, linearly; 0: it stays"},
    {"of", RG_CHOICE, offsetof(noise_options, of), "one", 0, 0, "one|column", NULL,
     "1; or the standard deviation of each column over the batch, a constant for the "
     "gradient"},
    {0}};

typedef struct noise_state {
  double *per_lane, *mean, *deviation; /* [lane][column]; [column] */
} noise_state;

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  if (op->in[0]->blocks)
    return rg_fail(RG_EUSAGE, "noise %s: the input is blocked", op->name);
  rg_op_output(graph, op, NULL, op->in[0]->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  noise_state *state = op->state;
  int64_t lanes = rg_range_n(rg_graph_share(graph)->my_lanes), width = op->in[0]->width;
  state->per_lane = rg_graph_scratch_f64(graph, lanes * width);
  state->mean = rg_graph_scratch_f64(graph, width);
  state->deviation = rg_graph_scratch_f64(graph, width);
}

/* Sums over the batch of (x - mean)^power, power 1 or 2. */
static void moments(rg_run *run, rg_op *op, int power, double *out)
{
  const noise_state *state = op->state;
  int64_t n = run->share->lane_cells, width = op->out->width;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
    for (int64_t j = 0; j < width; j++) {
      double sum = 0;
      for (int64_t i = lane * n; i < (lane + 1) * n; i++) {
        double x = (double)op->in[0]->x[i * width + j] - state->mean[j];
        sum += power == 2 ? x * x : x;
      }
      state->per_lane[lane * width + j] = sum;
    }
  run->share->sum_lanes(run->share, state->per_lane, width, out);
}

/* Unbiased, as PyTorch's std. */
static void set_deviation(rg_run *run, rg_op *op)
{
  const noise_state *state = op->state;
  double cells = batch_cells(run);
  int width = op->out->width;
  memset(state->mean, 0, sizeof(double) * (size_t)width);
  moments(run, op, 1, state->deviation);
  for (int j = 0; j < width; j++)
    state->mean[j] = state->deviation[j] / cells;
  moments(run, op, 2, state->deviation);
  for (int j = 0; j < width; j++)
    state->deviation[j] = sqrt(state->deviation[j] / fmax(cells - 1, 1));
}

static void forward(rg_run *run, rg_op *op)
{
  const noise_options *o = op->options;
  const noise_state *state = op->state;
  int width = op->out->width;
  bool column = strcmp(o->of, "column") == 0;
  double fade = o->burn_in > 0 ? fmax(1 - run->epoch / o->burn_in, 0) : 1;
  rg_key key = op_key(run, op, RG_FOR_NOISE);
  if (!run->train || fade * o->scale <= 0) {
    memcpy(op->out->x, op->in[0]->x, sizeof(float) * (size_t)node_floats(run, op->out));
    return;
  }
  if (column)
    set_deviation(run, op);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    float *y = op->out->x + i * width;
    rg_normals(&key, (uint64_t)run->cell[i], width, y);
    for (int j = 0; j < width; j++) {
      double size = fade * o->scale * (column ? state->deviation[j] : 1);
      y[j] = (float)((double)op->in[0]->x[i * width + j] + size * (double)y[j]);
    }
  }
}

static void backward(rg_run *run, rg_op *op)
{
  for (int64_t i = 0; op->in[0]->d && i < node_floats(run, op->out); i++)
    op->in[0]->d[i] += op->out->d[i];
}

/* A deviation moves with its input, so there the input is a constant. */
static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"scale=0.5", "scale=2 burn_in=3", "of=column"};
  if (variant > 2)
    return false;
  rg_node *x = variant == 2 ? rg_input(graph, "x", 3) : rg_input_free(graph, "x", NULL, 3);
  rg_node *y = rg_apply(graph, "noise", "noise", options[variant], x, NULL);
  if (variant == 2)
    y = rg_apply(graph, "linear", "linear", "width=2", y, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_noise = {
    .name = "noise",
    .cite = "discriminators of GLUE, CLUE and scCross (gao-lab/GLUE); inputs of UnitedNet",
    .help = "y = x + max(1 - epoch / burn_in, 0) scale noise in training, keyed by (seed, "
            "step, cell)",
    .options = fields,
    .options_size = sizeof(noise_options),
    .state_size = sizeof(noise_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
