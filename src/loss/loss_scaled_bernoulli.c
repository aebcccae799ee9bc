/* Bernoulli likelihood of a product: a probability of the peak in the cell, a factor of the
 * cell and one of the region, all through their logarithms. */
#include "masked.h"
#include "draw.h"

#include <math.h>
#include <string.h>

typedef struct product_options {
  char *depth, *reduction, *predicts;
} product_options;

static const rg_field fields[] = {
    {"depth", RG_CHOICE, offsetof(product_options, depth), "logit", 0, 0, "logit|value",
     NULL, "the factor of the cell is given as its logit, or itself, in (0, 1]"},
    RG_REDUCTION(product_options, "cell"),
    {"predicts", RG_CHOICE, offsetof(product_options, predicts), "product", 0, 0,
     "product|peak", NULL,
     "what is read out: the probability that a peak is seen, or, as released MultiVI does, "
     "without the factors of the cell and of the region"},
    {0}};

#define SMALLEST 1e-30F

typedef struct product_state {
  float *target;          /* [lane][feature] */
  float *by_y, *by_factor; /* [cell][feature] */
  float *by_depth;        /* [cell] */
} product_state;

/* in[0]: logits; in[1]: targets in [0, 1], dense or a sparse modality, of which what is
 * stored is 1; in[2]: the factor of the cell; in[3]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(rg_need_likelihood(op, 2));
  if (op->n_in < 3)
    return rg_fail(RG_EUSAGE, "%s %s needs the factor of the cell", op->type->name,
                   op->name);
  rg_op_param(graph, op, "factor", NULL, 1, op->in[0]->width, RG_INIT_ZERO, 1, 1);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  product_state *state = op->state;
  int64_t width = op->in[0]->width, cells = rg_graph_cells(graph);
  state->target =
      rg_graph_scratch(graph, rg_range_n(rg_graph_share(graph)->my_lanes) * width);
  state->by_y = rg_graph_scratch(graph, cells * width);
  state->by_factor = rg_graph_scratch(graph, cells * width);
  state->by_depth = rg_graph_scratch(graph, cells);
}

/* -log of the factor of a cell, and its derivative */
static float level_of(const rg_op *op, int64_t cell, float *slope)
{
  const product_options *o = op->options;
  float depth = op->in[2]->x[cell];
  if (strcmp(o->depth, "value") == 0) {
    bool inside = depth > SMALLEST && depth <= 1;
    float value = fminf(fmaxf(depth, SMALLEST), 1);
    *slope = inside ? -1 / value : 0;
    return isnan(depth) ? depth : -logf(value);
  }
  *slope = -1 / (1 + expf(depth));
  return fmaxf(-depth, 0) + log1pf(expf(-fabsf(depth)));
}

static double cell_loss(rg_run *run, rg_op *op, int64_t cell, float *room)
{
  const product_state *state = op->state;
  int64_t width = op->in[0]->width, first = cell * width;
  float slope;
  rg_product_row row = {.n = width,
                        .x = rg_target_ones(run, op->in[1], cell, room),
                        .y = op->in[0]->x + first,
                        .factor = rg_param_value(run->graph, op->param[0]),
                        .level = level_of(op, cell, &slope),
                        .by_y = state->by_y + first,
                        .by_factor = state->by_factor + first};
  double value = rg_product_row_pass(&row);
  state->by_depth[cell] = row.by_level * slope;
  rg_target_clear(run, op->in[1], cell, room);
  return value;
}

static void clear_cell(const rg_op *op, int64_t cell)
{
  const product_state *state = op->state;
  int64_t width = op->in[0]->width;
  memset(state->by_y + cell * width, 0, sizeof(float) * (size_t)width);
  memset(state->by_factor + cell * width, 0, sizeof(float) * (size_t)width);
  state->by_depth[cell] = 0;
}

static void forward(rg_run *run, rg_op *op)
{
  const product_options *o = op->options;
  const product_state *state = op->state;
  const rg_node *mask = mask_at(op, 3);
  int64_t n = run->share->lane_cells, width = op->in[0]->width;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, (int)width);
#pragma omp parallel for schedule(dynamic)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++)
      if (cell_counts(mask, cell))
        sum += cell_loss(run, op, cell, state->target + lane * width);
      else
        clear_cell(op, cell);
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const product_state *state = op->state;
  double scale = op->scale / op->denominator;
  rg_add_slopes(op->in[0]->d, scale, state->by_y, node_floats(run, op->in[0]));
  rg_add_slopes(op->in[2]->d, scale, state->by_depth, cells_of(run));
  rg_column_gradient(run, op, 0, state->by_factor, scale);
}

static void predict(rg_run *run, rg_op *op, float *mean)
{
  const product_options *o = op->options;
  const float *factor = rg_param_value(run->graph, op->param[0]);
  int64_t width = op->in[0]->width;
  rg_v_sigmoid(node_floats(run, op->in[0]), op->in[0]->x, mean);
  if (strcmp(o->predicts, "peak") == 0)
    return;
#pragma omp parallel for schedule(static)
  for (int64_t cell = 0; cell < cells_of(run); cell++) {
    float slope, depth = expf(-level_of(op, cell, &slope)), *row = mean + cell * width;
    for (int64_t j = 0; j < width; j++)
      row[j] *= depth / (1 + expf(-factor[j]));
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=mean",
                           "reduction=cell depth=value"};
  if (variant > 2)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 13);
  rg_node *x = variant == 1 ? rg_apply(graph, "activation", "x", "kind=sigmoid",
                                       rg_input(graph, "real", 13), NULL)
                            : rg_input_sparse(graph, "x", rg_probe_blocks());
  rg_node *depth = rg_input_free(graph, "depth", NULL, 1);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  if (variant == 2)
    depth = rg_apply(graph, "activation", "value", "kind=sigmoid", depth, NULL);
  rg_loss(graph, "scaled_bernoulli", "loss", options[variant], y, x, depth, mask, NULL);
  return true;
}

const rg_op_type rg_loss_scaled_bernoulli = {
    .name = "scaled_bernoulli",
    .cite = "MultiVI: Ashuach et al. 2023; PeakVI: Ashuach et al. 2022",
    .help = "negative log likelihood of zeros and ones whose probability has a factor of "
            "the cell and one of the region",
    .options = fields,
    .options_size = sizeof(product_options),
    .state_size = sizeof(product_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .predict = predict,
    .draw = rg_draw_bits,
    .probe = probe,
    .tolerance = 3e-3,
    .tolerance_why = "curvature of log(1 - p)"};
