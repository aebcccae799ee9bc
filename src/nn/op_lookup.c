/* The row of a table that belongs to the batch of a cell. */
#include "by_batch.h"

#include <string.h>

typedef struct lookup_options {
  int64_t width;
  double init;
} lookup_options;

static const rg_field fields[] = {
    {"width", RG_INT, offsetof(lookup_options, width), "1", 1, 1 << 24, NULL, NULL,
     "columns"},
    {"init", RG_DOUBLE, offsetof(lookup_options, init), "0", -1e6, 1e6, NULL, NULL,
     "what the table holds at first"},
    {0}};

typedef struct lookup_state {
  float *share; /* [cell][batch] */
} lookup_state;

static const rg_node *batch_of(const rg_op *op)
{
  return op->n_in ? op->in[0] : NULL;
}

/* in[0]: one-hot batch, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  const lookup_options *o = op->options;
  if (op->n_in > 1 || (op->n_in && (op->in[0]->sparse || op->in[0]->blocks)))
    return rg_fail(RG_EUSAGE, "lookup %s: at most a batch, dense and whole", op->name);
  rg_param *table = rg_op_param(graph, op, "table", NULL, batches_of(batch_of(op)),
                                o->width, RG_INIT_CONSTANT, 1, 1);
  table->init_value = o->init;
  table->batch_rows = batch_of(op) != NULL;
  rg_op_output(graph, op, NULL, (int)o->width);
  return RG_OK;
}

static void plan(rg_graph *graph, rg_op *op)
{
  lookup_state *state = op->state;
  state->share = rg_graph_scratch(graph, rg_graph_cells(graph) * batches_of(batch_of(op)));
}

static void forward(rg_run *run, rg_op *op)
{
  const lookup_state *state = op->state;
  int64_t batches = batches_of(batch_of(op)), width = op->out->width;
  const float *table = rg_param_value(run->graph, op->param[0]);
  rg_batch_shares(run, batch_of(op), state->share);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    float *y = op->out->x + i * width;
    memset(y, 0, sizeof *y * (size_t)width);
    for (int64_t b = 0; b < batches; b++) {
      float share = state->share[i * batches + b];
      for (int64_t j = 0; share != 0 && j < width; j++)
        y[j] += share * table[b * width + j];
    }
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const lookup_state *state = op->state;
  rg_table_gradient(run, op, 0, state->share, NULL, NULL);
}

/* As in affine: cells of one batch, of several and of none. */
static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *batch = variant ? rg_apply(graph, "activation", "batch", "kind=relu",
                                      rg_input(graph, "b", 3), NULL)
                           : NULL;
  rg_node *y = rg_apply(graph, "lookup", "lookup", "width=4 init=0.5", batch, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_lookup = {
    .name = "lookup",
    .cite = "dispersions per batch of GLUE and CLUE (gao-lab/GLUE); torch.nn.Embedding",
    .help = "the row of a table for the batch of a cell; of a batch that is not known the "
            "mean of the rows",
    .options = fields,
    .options_size = sizeof(lookup_options),
    .state_size = sizeof(lookup_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
