/* Products of the rows of two modalities follow those of a prior. */
#include "masked.h"

#include <string.h>

typedef struct gram_options {
  char *reduction;
} gram_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(gram_options, reduction), "cell", 0, 0,
     "sum|cell|mean", NULL,
     "sum over pairs; that over the rows u that count; or mean over pairs"},
    {0}};

typedef struct gram_state {
  float *all[4];       /* rows of the batch of each input */
  float *error;        /* [cell][batch], of one side */
  float *prior;
  float *gradient[2];  /* of this rank's rows of u and v */
  float *counts, *all_counts[2];
} gram_state;

/* in: u, v, then their priors p, q (constants); the mask of the rows u and that of the
 * rows v, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  if (op->n_in != 4 && op->n_in != 6)
    return rg_fail(RG_EUSAGE, "gram_match %s needs 4 inputs and no mask or two, got %d",
                   op->name, op->n_in);
  for (int k = 0; k < op->n_in; k++)
    if (op->in[k]->sparse || op->in[k]->blocks ||
        op->in[k]->width != (k < 4 ? op->in[k / 2 * 2]->width : 1))
      return rg_fail(RG_EUSAGE, "gram_match %s: input %d has a wrong shape", op->name, k);
  return RG_OK;
}

static void plan(rg_graph *graph, rg_op *op)
{
  gram_state *state = op->state;
  const rg_share *share = rg_graph_share(graph);
  int64_t cells = rg_graph_cells(graph), batch = (int64_t)share->lanes * share->lane_cells;
  for (int k = 0; k < 4; k++)
    state->all[k] = rg_graph_scratch(graph, batch * op->in[k]->width);
  for (int k = 0; k < 2; k++) {
    state->gradient[k] = rg_graph_scratch(graph, cells * op->in[0]->width);
    state->all_counts[k] = rg_graph_scratch(graph, batch);
  }
  state->counts = rg_graph_scratch(graph, cells);
  state->error = rg_graph_scratch(graph, cells * batch);
  state->prior = rg_graph_scratch(graph, cells * batch);
}

/* One lane's rows of side a (0: u, 1: v) against the batch of the other: the sum of
 * squared errors, and 2 error other as the gradient. */
static double errors_of_lane(rg_run *run, rg_op *op, int a, int64_t lane)
{
  const gram_state *state = op->state;
  int64_t n = run->share->lane_cells, batch = (int64_t)batch_cells(run);
  int d = op->in[0]->width, t = op->in[2]->width;
  float *error = state->error + lane * n * batch, *prior = state->prior + lane * n * batch;
  rg_gemm(false, true, n, batch, d, 1, lane_x(run, op->in[a], 0, lane), d,
          state->all[1 - a], d, 0, error, batch);
  rg_gemm(false, true, n, batch, t, 1, lane_x(run, op->in[2 + a], 0, lane), t,
          state->all[3 - a], t, 0, prior, batch);
  double sum = 0;
  for (int64_t i = 0; i < n * batch; i++) {
    bool pair = cell_counts(mask_at(op, 4 + a), lane * n + i / batch) &&
                state->all_counts[1 - a][i % batch] > 0;
    error[i] = pair ? error[i] - prior[i] : 0;
    sum += (double)error[i] * (double)error[i];
  }
  rg_gemm(false, false, n, d, batch, 2, error, batch, state->all[1 - a], d, 0,
          state->gradient[a] + lane * n * d, d);
  return sum;
}

static void forward(rg_run *run, rg_op *op)
{
  const gram_options *o = op->options;
  const gram_state *state = op->state;
  double cells[2];
  for (int k = 0; k < 2; k++) {
    const rg_node *mask = mask_at(op, 4 + k);
    cells[k] = rg_cells_that_count(run, op, mask);
    for (int64_t i = 0; i < cells_of(run); i++)
      state->counts[i] = cell_counts(mask, i);
    run->share->gather_lanes(run->share, state->counts, 1, state->all_counts[k]);
  }
  op->denominator = strcmp(o->reduction, "sum") == 0    ? 1
                    : strcmp(o->reduction, "cell") == 0 ? cells[0]
                                                        : cells[0] * cells[1];
  for (int k = 0; k < 4; k++)
    run->share->gather_lanes(run->share, op->in[k]->x, op->in[k]->width, state->all[k]);
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    op->partial[lane] = errors_of_lane(run, op, 0, lane);
    errors_of_lane(run, op, 1, lane);
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const gram_state *state = op->state;
  float scale = (float)(op->scale / op->denominator);
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; op->in[k]->d && i < node_floats(run, op->in[k]); i++)
      op->in[k]->d[i] += scale * state->gradient[k][i];
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean",
                           "reduction=mean"};
  if (variant > 3)
    return false;
  rg_node *u = rg_input_free(graph, "u", NULL, 3), *v = rg_input_free(graph, "v", NULL, 3);
  rg_node *p = rg_input(graph, "p", 4), *q = rg_input(graph, "q", 4);
  rg_node *m = variant == 3 ? rg_input(graph, "m", 1) : NULL;
  rg_node *n = variant == 3 ? rg_input(graph, "n", 1) : NULL;
  rg_loss(graph, "gram_match", "loss", options[variant], u, v, p, q, m, n, NULL);
  return true;
}

const rg_op_type rg_loss_gram_match = {
    .name = "gram_match",
    .cite = "scCross: Yang et al. 2024 (mcgilldinglab/scCross)",
    .help = "squared differences between the products of all rows of two modalities and "
            "those of their priors",
    .options = fields,
    .options_size = sizeof(gram_options),
    .state_size = sizeof(gram_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32 products"};
