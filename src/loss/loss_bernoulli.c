/* Bernoulli likelihood of dense logits. */
#include "masked.h"
#include "draw.h"

#include <string.h>

typedef struct bernoulli_options {
  double one_weight;
  char *reduction;
} bernoulli_options;

static const rg_field fields[] = {
    {"one_weight", RG_DOUBLE, offsetof(bernoulli_options, one_weight), "1", 0, 1e6, NULL,
     NULL, "weight of ones against zeros (PyTorch's pos_weight)"},
    RG_REDUCTION(bernoulli_options, "mean"),
    {0}};

typedef struct bernoulli_state {
  float *target; /* [lane][feature] */
  float *slope;  /* [cell][feature] */
} bernoulli_state;

/* in[0]: logits; in[1]: targets in [0, 1], dense or a sparse modality, of which what is
 * stored is 1; in[2]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_likelihood(op, 1);
}

static void plan(rg_graph *graph, rg_op *op)
{
  bernoulli_state *state = op->state;
  int64_t width = op->in[0]->width;
  state->target =
      rg_graph_scratch(graph, rg_range_n(rg_graph_share(graph)->my_lanes) * width);
  state->slope = rg_graph_scratch(graph, rg_graph_cells(graph) * width);
}

static void forward(rg_run *run, rg_op *op)
{
  const bernoulli_options *o = op->options;
  const bernoulli_state *state = op->state;
  const rg_node *mask = mask_at(op, 2);
  int64_t n = run->share->lane_cells, width = op->in[0]->width;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, (int)width);
#pragma omp parallel for schedule(dynamic)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    float *room = state->target + lane * width;
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++) {
      float *slope = state->slope + cell * width;
      if (!cell_counts(mask, cell)) {
        memset(slope, 0, sizeof *slope * (size_t)width);
        continue;
      }
      const float *x = rg_target_ones(run, op->in[1], cell, room);
      sum += rg_bernoulli_row_pass(width, x, op->in[0]->x + cell * width,
                                   (float)o->one_weight, slope);
      rg_target_clear(run, op->in[1], cell, room);
    }
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const bernoulli_state *state = op->state;
  rg_add_slopes(op->in[0]->d, op->scale / op->denominator, state->slope,
                node_floats(run, op->in[0]));
}

static void predict(rg_run *run, rg_op *op, float *mean)
{
  rg_v_sigmoid(node_floats(run, op->in[0]), op->in[0]->x, mean);
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell one_weight=3",
                           "reduction=mean"};
  if (variant > 2)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 13);
  rg_node *x = variant == 1 ? rg_apply(graph, "activation", "x", "kind=sigmoid",
                                       rg_input(graph, "real", 13), NULL)
                            : rg_input_sparse(graph, "x", rg_probe_blocks());
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  rg_loss(graph, "bernoulli", "loss", options[variant], y, x, mask, NULL);
  return true;
}

const rg_op_type rg_loss_bernoulli = {
    .name = "bernoulli",
    .cite = "binary cross-entropy with logits: PyTorch nn.BCEWithLogitsLoss",
    .help = "negative log likelihood of zeros and ones",
    .options = fields,
    .options_size = sizeof(bernoulli_options),
    .state_size = sizeof(bernoulli_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .draw = rg_draw_bits,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
