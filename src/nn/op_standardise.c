/* Columns less their mean and over their standard deviation in the training data. */
#include "op_internal.h"

typedef struct standard_options {
  bool back;
  double limit;
} standard_options;

static const rg_field fields[] = {
    {"back", RG_BOOL, offsetof(standard_options, back), "false", 0, 0, NULL, NULL,
     "the other way: times the standard deviation, plus the mean"},
    {"limit", RG_DOUBLE, offsetof(standard_options, limit), "10", 0.1, 1e9, NULL, NULL,
     "values are cut to so many standard deviations (not on the way back)"},
    {0}};

enum { MEAN, DEVIATION };

/* The parameters mean and deviation are filled by the trainer: rg_model_moments. */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  RG_TRY(need_dense(op, 0));
  if (op->in[0]->blocks)
    return rg_fail(RG_EUSAGE, "standardise %s: the input is blocked", op->name);
  int width = op->in[0]->width;
  rg_op_param(graph, op, "mean", NULL, 1, width, RG_INIT_ZERO, 1, 1)->buffer = true;
  rg_op_param(graph, op, "deviation", NULL, 1, width, RG_INIT_ONE, 1, 1)->buffer = true;
  rg_op_output(graph, op, NULL, width);
out:
  return status;
}

static void forward(rg_run *run, rg_op *op)
{
  const standard_options *o = op->options;
  const float *mean = rg_param_value(run->graph, op->param[MEAN]);
  const float *deviation = rg_param_value(run->graph, op->param[DEVIATION]);
  float limit = (float)o->limit;
  int width = op->out->width;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    const float *x = op->in[0]->x + i * width;
    float *y = op->out->x + i * width;
    for (int j = 0; j < width; j++) {
      float z = (x[j] - mean[j]) / deviation[j];
      y[j] = o->back ? x[j] * deviation[j] + mean[j]
                     : (z > limit ? limit : z < -limit ? -limit : z);
    }
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const standard_options *o = op->options;
  const float *deviation = rg_param_value(run->graph, op->param[DEVIATION]);
  float limit = (float)o->limit;
  int width = op->out->width;
  for (int64_t k = 0; op->in[0]->d && k < node_floats(run, op->out); k++) {
    float y = op->out->x[k], d = deviation[k % width];
    if (o->back)
      op->in[0]->d[k] += op->out->d[k] * d;
    else if (y < limit && y > -limit)
      op->in[0]->d[k] += op->out->d[k] / d;
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"back=false", "back=true"};
  if (variant > 1)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 3);
  rg_node *y = rg_apply(graph, "standardise", "standard", options[variant], x, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_standardise = {
    .name = "standardise",
    .cite = "z-scored inputs of UnitedNet: Tang et al. 2023",
    .help = "y = (x - mean) / deviation per column, fitted on the training cells",
    .options = fields,
    .options_size = sizeof(standard_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
