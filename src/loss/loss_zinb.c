/* Negative binomial with extra zeros of counts. */
#include "counts.h"

static bool probe(rg_graph *graph, int variant)
{
  return rg_counts_probe(graph, variant, "zinb");
}

const rg_op_type rg_loss_zinb = {
    .name = "zinb",
    .cite = "scVI: Lopez, Regier, Cole, Jordan, Yosef 2018",
    .help = "negative log likelihood of counts: negative binomial with extra zeros",
    .options = rg_counts_fields,
    .options_size = sizeof(rg_counts_options),
    .state_size = sizeof(rg_counts_state),
    .is_loss = true,
    .shape = rg_counts_shape,
    .plan = rg_counts_plan,
    .forward = rg_counts_forward,
    .backward = rg_counts_backward,
    .predict = rg_counts_predict,
    .draw = rg_counts_draw,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32 and the curvature of 1/mean"};
