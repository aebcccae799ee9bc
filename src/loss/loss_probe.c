/* A smooth loss for the gradient check of operations: sum of a(j) y + y^2 / 2. */
#include "src/nn/op_internal.h"

static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return need_inputs(op, 1);
}

static float slope_at(int64_t column)
{
  return 0.5F * (float)(column % 5) - 1;
}

static void forward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0];
  int64_t lanes = rg_run_lanes(run), n = run->share->lane_cells;
  for (int part = 0; part < in->parts; part++)
    for (int64_t lane = 0; lane < lanes; lane++) {
      const float *y = lane_x(run, in, part, lane);
      double sum = 0;
      for (int64_t i = 0; i < n * in->width; i++) {
        float a = slope_at(joined_column(in, part) + i % in->width);
        sum += (double)(a * y[i]) + 0.5 * (double)y[i] * (double)y[i];
      }
      op->partial[part * lanes + lane] = sum;
    }
}

static void backward(rg_run *run, rg_op *op)
{
  const rg_node *in = op->in[0];
  for (int part = 0; in->d && part < in->parts; part++) {
    const float *y = part_x(run, in, part);
    float *dy = part_d(run, in, part);
    for (int64_t i = 0; i < cells_of(run) * in->width; i++)
      dy[i] += (float)op->scale *
               (slope_at(joined_column(in, part) + i % in->width) + y[i]);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", variant ? rg_probe_blocks() : NULL, 3);
  rg_loss(graph, "probe", "loss", NULL, x, NULL);
  return true;
}

const rg_op_type rg_loss_probe = {
    .name = "probe",
    .cite = "none: made for the checks here",
    .help = "a smooth loss that the gradient check puts behind operations",
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 1e-3,
    .tolerance_why = "float32"};
