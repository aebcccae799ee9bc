/* Cross entropy of logits and labels. */
#include "masked.h"

#include <math.h>
#include <string.h>

typedef struct entropy_options {
  char *reduction;
} entropy_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(entropy_options, reduction), "mean", 0, 0,
     "sum|mean", NULL, "sum over cells, or (weighted) mean over the cells that count"},
    {0}};

/* in[0]: logits; in[1]: labels, one-hot or shares; in[2]: weight of the cell, optional:
 * that of its class, 0 where there is no label */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 2, 1);
}

static double weight_of(const rg_op *op, int64_t cell)
{
  return op->n_in > 2 ? fmax((double)op->in[2]->x[cell], 0) : 1;
}

static double weight_of_batch(rg_run *run, rg_op *op)
{
  int64_t n = run->share->lane_cells;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    op->partial[lane] = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++)
      op->partial[lane] += weight_of(op, i);
  }
  double sum = 0;
  run->share->sum_lanes(run->share, op->partial, 1, &sum);
  return sum > 0 ? sum : 1;
}

static double level_of(const float *y, int width)
{
  double top = (double)y[0], sum = 0;
  for (int j = 1; j < width; j++)
    top = fmax(top, (double)y[j]);
  for (int j = 0; j < width; j++)
    sum += exp((double)y[j] - top);
  return top + log(sum);
}

static void forward(rg_run *run, rg_op *op)
{
  const entropy_options *o = op->options;
  int width = op->in[0]->width;
  int64_t n = run->share->lane_cells;
  op->denominator = strcmp(o->reduction, "sum") == 0 ? 1 : weight_of_batch(run, op);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t i = lane * n; i < (lane + 1) * n; i++) {
      const float *y = op->in[0]->x + i * width, *x = op->in[1]->x + i * width;
      double weight = weight_of(op, i), level = level_of(y, width);
      for (int j = 0; weight > 0 && j < width; j++)
        sum += weight * (double)x[j] * (level - (double)y[j]);
    }
    op->partial[lane] = sum;
  }
}

/* dy = w (sum(x) softmax(y) - x) */
static void backward(rg_run *run, rg_op *op)
{
  int width = op->in[0]->width;
  for (int64_t i = 0; op->in[0]->d && i < cells_of(run); i++) {
    const float *y = op->in[0]->x + i * width, *x = op->in[1]->x + i * width;
    double scale = op->scale / op->denominator * weight_of(op, i);
    double level = level_of(y, width), total = 0;
    for (int j = 0; j < width; j++)
      total += (double)x[j];
    for (int j = 0; scale != 0 && j < width; j++)
      op->in[0]->d[i * width + j] +=
          (float)(scale * (total * exp((double)y[j] - level) - (double)x[j]));
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=mean"};
  if (variant > 1)
    return false;
  rg_node *y = rg_input_free(graph, "y", NULL, 4), *x = rg_input(graph, "x", 4);
  rg_node *weight = variant ? rg_input(graph, "weight", 1) : NULL;
  x = rg_apply(graph, "softmax", "labels", NULL, x, NULL);
  rg_loss(graph, "cross_entropy", "loss", options[variant], y, x, weight, NULL);
  return true;
}

const rg_op_type rg_loss_cross_entropy = {
    .name = "cross_entropy",
    .cite = "PyTorch nn.CrossEntropyLoss",
    .help = "cross entropy of logits and labels, for classifiers and discriminators",
    .options = fields,
    .options_size = sizeof(entropy_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
