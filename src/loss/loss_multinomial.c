/* Multinomial of dense counts: the proportions are the softmax of logits. */
#include "masked.h"

#include <math.h>

typedef struct multinomial_options {
  char *reduction;
} multinomial_options;

static const rg_field fields[] = {RG_REDUCTION(multinomial_options, "cell"), {0}};

typedef struct multinomial_state {
  float *slope; /* [cell][feature] */
} multinomial_state;

/* in[0]: logits; in[1]: counts; in[2]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 2, 1);
}

static void plan(rg_graph *graph, rg_op *op)
{
  multinomial_state *state = op->state;
  state->slope = rg_graph_scratch(graph, rg_graph_cells(graph) * op->in[0]->width);
}

/* -sum x log softmax(y); slope: sum(x) softmax(y) - x */
static double cell_loss(const float *y, const float *x, int width, bool counts,
                        float *slope)
{
  double sum = 0, total = 0, value = 0;
  float top = y[0];
  for (int j = 1; j < width; j++)
    top = fmaxf(top, y[j]);
  for (int j = 0; j < width; j++) {
    sum += exp((double)y[j] - (double)top);
    total += (double)x[j];
  }
  double level = (double)top + log(sum);
  for (int j = 0; j < width; j++) {
    value += (double)x[j] * (level - (double)y[j]);
    slope[j] = counts ? (float)(total * exp((double)y[j] - level) - (double)x[j]) : 0;
  }
  return counts ? value : 0;
}

static void forward(rg_run *run, rg_op *op)
{
  const multinomial_options *o = op->options;
  const multinomial_state *state = op->state;
  const rg_node *mask = mask_at(op, 2);
  int width = op->in[0]->width;
  int64_t n = run->share->lane_cells;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, width);
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      sum += cell_loss(op->in[0]->x + i * width, op->in[1]->x + i * width, width,
                       cell_counts(mask, i), state->slope + i * width);
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const multinomial_state *state = op->state;
  float scale = (float)(op->scale / op->denominator);
  for (int64_t i = 0; op->in[0]->d && i < node_floats(run, op->in[0]); i++)
    op->in[0]->d[i] += scale * state->slope[i];
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean"};
  if (variant > 2)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 13);
  rg_node *x = rg_input_sparse(graph, "counts", rg_probe_blocks());
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  x = rg_apply(graph, "densify", "x", NULL, x, NULL);
  rg_loss(graph, "multinomial", "loss", options[variant], y, x, mask, NULL);
  return true;
}

const rg_op_type rg_loss_multinomial = {
    .name = "multinomial",
    .cite = "Cobolt: Gong, Zhou, Purdom 2021 (epurdom/cobolt)",
    .help = "negative log likelihood of counts, without its constant: multinomial",
    .options = fields,
    .options_size = sizeof(multinomial_options),
    .state_size = sizeof(multinomial_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32"};
