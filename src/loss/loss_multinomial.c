/* Multinomial of counts: the proportions are the softmax of logits. */
#include "masked.h"

#include <string.h>

typedef struct multinomial_options {
  char *reduction, *size;
} multinomial_options;

static const rg_field fields[] = {
    RG_REDUCTION(multinomial_options, "cell"),
    {"size", RG_CHOICE, offsetof(multinomial_options, size), "none", 0, 0, "none|given",
     NULL, "whether a third input says how many counts predictions are of (none: one)"},
    {0}};

typedef struct multinomial_state {
  float *target; /* [lane][feature] */
  float *slope;  /* [cell][feature] */
} multinomial_state;

/* Of how many counts predictions are, or NULL; no gradient goes there. */
static const rg_node *size_of(const rg_op *op)
{
  const multinomial_options *o = op->options;
  return o->size[0] == 'g' ? op->in[2] : NULL;
}

static const rg_node *mask_of(const rg_op *op)
{
  return mask_at(op, size_of(op) ? 3 : 2);
}

/* in[0]: logits; in[1]: counts, dense or a sparse modality; size=given: in[2]: sizes; last:
 * mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  const multinomial_options *o = op->options;
  bool given = o->size[0] == 'g';
  (void)graph;
  if (given && op->n_in < 3)
    return rg_fail(RG_EUSAGE, "multinomial %s: size=given, but there is no third input",
                   op->name);
  return rg_need_likelihood(op, given ? 2 : 1);
}

static void plan(rg_graph *graph, rg_op *op)
{
  multinomial_state *state = op->state;
  int64_t width = op->in[0]->width;
  state->target =
      rg_graph_scratch(graph, rg_range_n(rg_graph_share(graph)->my_lanes) * width);
  state->slope = rg_graph_scratch(graph, rg_graph_cells(graph) * width);
}

/* -sum x log softmax(y); slope: sum(x) softmax(y) - x */
static double cell_loss(const float *y, const float *x, int64_t width, float *slope)
{
  double total = 0, along = 0, level = rg_softmax_row(width, y, 1, slope);
#pragma omp simd reduction(+ : total, along)
  for (int64_t j = 0; j < width; j++) {
    total += (double)x[j];
    along += (double)x[j] * (double)y[j];
  }
  for (int64_t j = 0; j < width; j++)
    slope[j] = (float)total * slope[j] - x[j];
  return total * level - along;
}

static void forward(rg_run *run, rg_op *op)
{
  const multinomial_options *o = op->options;
  const multinomial_state *state = op->state;
  const rg_node *mask = mask_of(op);
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
      const float *x = rg_target_row(run, op->in[1], cell, room);
      sum += cell_loss(op->in[0]->x + cell * width, x, width, slope);
      rg_target_clear(run, op->in[1], cell, room);
    }
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const multinomial_state *state = op->state;
  rg_add_slopes(op->in[0]->d, op->scale / op->denominator, state->slope,
                node_floats(run, op->in[0]));
}

/* The proportions, times the size. */
static void predict(rg_run *run, rg_op *op, float *mean)
{
  int64_t width = op->in[0]->width;
  const rg_node *size = size_of(op);
#pragma omp parallel for schedule(static)
  for (int64_t cell = 0; cell < cells_of(run); cell++) {
    float *row = mean + cell * width;
    rg_softmax_row(width, op->in[0]->x + cell * width, 1, row);
    for (int64_t j = 0; size && j < width; j++)
      row[j] *= size->x[cell];
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean",
                           "reduction=cell size=given"};
  if (variant > 3)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 13);
  rg_node *x = rg_input_sparse(graph, "counts", rg_probe_blocks());
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  if (variant < 2)
    x = rg_apply(graph, "densify", "x", NULL, x, NULL);
  rg_node *size = variant == 3 ? rg_input(graph, "size", 1) : mask;
  rg_loss(graph, "multinomial", "loss", options[variant], y, x, size,
          variant == 3 ? mask : NULL, NULL);
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
    .predict = predict,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32"};
