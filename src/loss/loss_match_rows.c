/* Squared distance between rows and target rows. */
#include "src/nn/op_internal.h"

#include <string.h>

typedef struct match_options {
  char *reduction;
} match_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(match_options, reduction), "cell", 0, 0,
     "sum|cell|mean", NULL,
     "sum; sum over columns and mean over cells; or mean over both"},
    {0}};

/* in[0]: rows; in[1]: targets; in[2]: weight per cell, optional. Whole. */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  if ((op->n_in != 2 && op->n_in != 3) || op->in[0]->width != op->in[1]->width)
    return rg_fail(RG_EUSAGE, "match_rows %s: two inputs of one width, and a weight",
                   op->name);
  return RG_OK;
}

static float weight_of(const rg_op *op, int64_t cell)
{
  return op->n_in > 2 ? op->in[2]->x[cell] : 1;
}

static void forward(rg_run *run, rg_op *op)
{
  const match_options *o = op->options;
  int width = op->in[0]->width;
  int64_t n = run->share->lane_cells;
  op->denominator = strcmp(o->reduction, "sum") == 0    ? 1
                    : strcmp(o->reduction, "cell") == 0 ? batch_cells(run)
                                                        : batch_cells(run) * width;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++) {
      double row = 0;
      for (int j = 0; j < width; j++) {
        double e = (double)(op->in[0]->x[i * width + j] - op->in[1]->x[i * width + j]);
        row += e * e;
      }
      sum += (double)weight_of(op, i) * row;
    }
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  int width = op->in[0]->width;
  float scale = (float)(2 * op->scale / op->denominator);
  for (int64_t i = 0; i < cells_of(run); i++)
    for (int j = 0; j < width; j++) {
      int64_t k = i * width + j;
      float d = scale * weight_of(op, i) * (op->in[0]->x[k] - op->in[1]->x[k]);
      if (op->in[0]->d)
        op->in[0]->d[k] += d;
      if (op->in[1]->d)
        op->in[1]->d[k] -= d;
    }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=cell", "reduction=mean"};
  if (variant > 2)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 4), *b = rg_input_free(graph, "b", NULL, 4);
  rg_loss(graph, "match_rows", "match", options[variant], a, b, NULL);
  return true;
}

const rg_op_type rg_loss_match_rows = {
    .name = "match_rows",
    .cite = "mean squared error",
    .help = "squared distance between two rows of a cell",
    .options = fields,
    .options_size = sizeof(match_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 1e-3,
    .tolerance_why = "float32"};
