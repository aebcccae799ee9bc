/* Negative binomial with extra zeros of counts. */
#include "counts.h"

static rg_status shape(rg_graph *graph, rg_op *op)
{
  return rg_counts_shape(op, graph, true);
}

static void plan(rg_graph *graph, rg_op *op)
{
  rg_counts_plan(graph, op, true);
}

static void forward(rg_run *run, rg_op *op)
{
  rg_counts_forward(run, op, true);
}

static void backward(rg_run *run, rg_op *op)
{
  rg_counts_backward(run, op, true);
}

static void predict(rg_run *run, rg_op *op, float *mean)
{
  rg_counts_predict(run, op, true, mean);
}

static void draw(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
                 float *values)
{
  rg_counts_draw(run, op, true, key, number, values);
}

static bool probe(rg_graph *graph, int variant)
{
  return rg_counts_probe(graph, variant, "zinb", true);
}

const rg_op_type rg_loss_zinb = {
    .name = "zinb",
    .cite = "scVI: Lopez, Regier, Cole, Jordan, Yosef 2018",
    .help = "negative log likelihood of counts: negative binomial with extra zeros",
    .options = rg_counts_fields,
    .options_size = sizeof(rg_counts_options),
    .state_size = sizeof(rg_counts_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .draw = draw,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32 and the curvature of 1/mean"};
