/* A sparse modality as a dense node, for narrow modalities and dense targets. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

typedef struct densify_options {
  char *value;
} densify_options;

static const rg_field fields[] = {
    {"value", RG_CHOICE, offsetof(densify_options, value), "counts", 0, 0,
     "counts|log1p|binary", NULL,
     "counts as stored; log(1 + 1e4 x / sum of the row); or 1 where stored"},
    {0}};

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 1));
  if (!op->in[0]->sparse)
    return rg_fail(RG_EUSAGE, "densify %s: the input is dense", op->name);
  const rg_blocks *blocks = op->in[0]->blocks;
  if (rg_range_n(blocks->mine) != blocks->n)
    return rg_fail(RG_EUSAGE,
                   "densify %s needs all features of %s on every rank; choose "
                   "train.grid=lanes", op->name, blocks->name);
  rg_op_output(graph, op, NULL, (int)(blocks->offset[blocks->n] - blocks->offset[0]));
out:
  return status;
}

typedef enum kind { COUNTS, LOG1P, BINARY } kind;

static float value_of(kind k, float x, double sum)
{
  if (k == BINARY)
    return 1;
  if (k == COUNTS)
    return x;
  return sum > 0 ? (float)log1p(1e4 * (double)x / sum) : 0;
}

static void forward(rg_run *run, rg_op *op)
{
  const densify_options *o = op->options;
  kind k = strcmp(o->value, "binary") == 0  ? BINARY
           : strcmp(o->value, "log1p") == 0 ? LOG1P
                                            : COUNTS;
  const rg_csr *rows = &run->sparse[op->in[0]->slot].rows;
  int width = op->out->width;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < cells_of(run); i++) {
    float *y = op->out->x + i * width;
    memset(y, 0, sizeof *y * (size_t)width);
    double sum = 0;
    for (int64_t e = rows->indptr[i]; e < rows->indptr[i + 1]; e++)
      sum += rows->values ? (double)rows->values[e] : 1;
    for (int64_t e = rows->indptr[i]; e < rows->indptr[i + 1]; e++)
      y[rows->indices[e]] = value_of(k, rows->values ? rows->values[e] : 1, sum);
  }
}

/* Counts are constants: no backward. */
static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"value=counts", "value=log1p", "value=binary"};
  if (variant > 2)
    return false;
  rg_node *x = rg_input_sparse(graph, "x", rg_probe_blocks());
  rg_node *y = rg_apply(graph, "densify", "densify", options[variant], x, NULL);
  y = rg_apply(graph, "linear", "linear", "width=3", y, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_densify = {
    .name = "densify",
    .cite = "inputs of GLUE/CLUE: log1p of counts scaled to 1e4 a cell",
    .help = "a sparse modality as a dense node",
    .options = fields,
    .options_size = sizeof(densify_options),
    .shape = shape,
    .forward = forward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "float32 products of large inputs"};
