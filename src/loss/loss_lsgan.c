/* Least-squares adversary: scores of real data are pulled to 1, of made data to 0. */
#include "masked.h"

typedef struct lsgan_options {
  double target;
  char *reduction;
} lsgan_options;

static const rg_field fields[] = {
    {"target", RG_DOUBLE, offsetof(lsgan_options, target), "1", -1e3, 1e3, NULL, NULL,
     "1: real data, or what a generator wants; 0: made data seen by the discriminator"},
    RG_REDUCTION(lsgan_options, "mean"),
    {0}};

/* in[0]: scores; in[1]: mask, optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return rg_need_rows(op, 1, 1);
}

static void forward(rg_run *run, rg_op *op)
{
  const lsgan_options *o = op->options;
  const rg_node *mask = mask_at(op, 1);
  int width = op->in[0]->width;
  int64_t n = (int64_t)run->share->lane_cells * width;
  op->denominator = rg_masked_denominator(run, op, mask, o->reduction, width);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t k = lane * n; k < (lane + 1) * n; k++) {
      double error = (double)op->in[0]->x[k] - o->target;
      sum += cell_counts(mask, k / width) ? error * error : 0;
    }
    op->partial[lane] = sum;
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const lsgan_options *o = op->options;
  const rg_node *mask = mask_at(op, 1);
  double scale = 2 * op->scale / op->denominator;
  for (int64_t k = 0; op->in[0]->d && k < node_floats(run, op->in[0]); k++)
    if (cell_counts(mask, k / op->in[0]->width))
      op->in[0]->d[k] += (float)(scale * ((double)op->in[0]->x[k] - o->target));
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"target=1 reduction=sum", "target=0", "reduction=cell"};
  if (variant > 2)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 2);
  rg_node *mask = variant ? rg_input(graph, "mask", 1) : NULL;
  rg_loss(graph, "lsgan", "loss", options[variant], x, mask, NULL);
  return true;
}

const rg_op_type rg_loss_lsgan = {
    .name = "lsgan",
    .cite = "Mao et al. 2017; UnitedNet: Tang et al. 2023",
    .help = "squared distance of a discriminator's scores to a target",
    .options = fields,
    .options_size = sizeof(lsgan_options),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
