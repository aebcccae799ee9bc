/* One latent from those of the modalities a cell has. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

typedef struct fuse_options {
  char *weights;
} fuse_options;

static const rg_field fields[] = {{"weights", RG_CHOICE,
                                   offsetof(fuse_options, weights), "mean", 0, 0,
                                   "mean|softmax|feature", NULL,
                                   "equal; the softmax of one learned number a "
                                   "modality; or of one for each column of it"},
                                  {0}};

enum { MOST = RG_OP_INPUTS / 2 };

/* in[0..K): latents; in[K..2K): masks, > 0 where the cell has the modality */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  const fuse_options *o = op->options;
  int k = op->n_in / 2;
  if (op->n_in < 2 || op->n_in % 2)
    return rg_fail(RG_EUSAGE, "fuse %s: as many masks as latents", op->name);
  for (int i = 0; i < op->n_in; i++)
    if (op->in[i]->sparse || op->in[i]->blocks ||
        op->in[i]->width != (i < k ? op->in[0]->width : 1))
      return rg_fail(RG_EUSAGE, "fuse %s: input %d has a wrong shape", op->name, i);
  if (strcmp(o->weights, "mean") != 0)
    rg_op_param(graph, op, "weight", NULL,
                strcmp(o->weights, "feature") == 0 ? op->in[0]->width : 1, k, RG_INIT_ZERO,
                k, 1);
  rg_op_output(graph, op, NULL, op->in[0]->width);
  return RG_OK;
}

/* Sets of shares: one of all columns, or one of each. */
static int sets_of(const rg_op *op)
{
  return op->n_param ? (int)op->param[0]->rows : 1;
}

/* Shares of the latents in the fused one; all zero where nothing is measured. */
static void shares_of(const rg_run *run, const rg_op *op, int64_t cell, int set, double *a)
{
  int k = op->n_in / 2;
  const float *w = op->n_param ? rg_param_value(run->graph, op->param[0]) + set * k : NULL;
  double top = -INFINITY, sum = 0;
  for (int i = 0; i < k; i++)
    if (op->in[k + i]->x[cell] > 0)
      top = fmax(top, w ? (double)w[i] : 0);
  for (int i = 0; i < k; i++) {
    bool has = op->in[k + i]->x[cell] > 0;
    a[i] = has ? exp((w ? (double)w[i] : 0) - top) : 0;
    sum += a[i];
  }
  for (int i = 0; i < k && sum > 0; i++)
    a[i] /= sum;
}

static void forward(rg_run *run, rg_op *op)
{
  int width = op->out->width, k = op->n_in / 2, sets = sets_of(op);
#pragma omp parallel for schedule(static)
  for (int64_t cell = 0; cell < cells_of(run); cell++) {
    double a[MOST];
    float *z = op->out->x + cell * width;
    memset(z, 0, sizeof *z * (size_t)width);
    for (int set = 0; set < sets; set++) {
      shares_of(run, op, cell, set, a);
      for (int i = 0; i < k; i++)
        for (int j = set; a[i] > 0 && j < width; j += sets)
          z[j] += (float)a[i] * op->in[i]->x[cell * width + j];
    }
  }
}

typedef struct lane_leaf {
  const rg_run *run;
  const rg_op *op;
} lane_leaf;

/* dw_k of a set = sum over cells and its columns of a_k (g . z_k - g . z) */
static void weight_of_lane(void *self, int64_t lane, float *dw)
{
  const lane_leaf *leaf = self;
  const rg_op *op = leaf->op;
  int width = op->out->width, k = op->n_in / 2, sets = sets_of(op);
  int64_t n = leaf->run->share->lane_cells;
  for (int set = 0; set < sets; set++) {
    double sum[MOST] = {0};
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++) {
      double a[MOST];
      shares_of(leaf->run, op, cell, set, a);
      const float *g = op->out->d + cell * width, *z = op->out->x + cell * width;
      for (int i = 0; i < k; i++) {
        const float *z_k = op->in[i]->x + cell * width;
        for (int j = set; a[i] > 0 && j < width; j += sets)
          sum[i] += a[i] * (double)g[j] * ((double)z_k[j] - (double)z[j]);
      }
    }
    for (int i = 0; i < k; i++)
      dw[set * k + i] = (float)sum[i];
  }
}

static void backward(rg_run *run, rg_op *op)
{
  int width = op->out->width, k = op->n_in / 2, sets = sets_of(op);
  lane_leaf leaf = {run, op};
  if (op->n_param)
    rg_gradient_over_lanes(run, op, 0, weight_of_lane, &leaf);
  for (int64_t cell = 0; cell < cells_of(run); cell++) {
    double a[MOST];
    for (int set = 0; set < sets; set++) {
      shares_of(run, op, cell, set, a);
      for (int i = 0; i < k; i++)
        for (int j = set; a[i] > 0 && op->in[i]->d && j < width; j += sets)
          op->in[i]->d[cell * width + j] += (float)a[i] * op->out->d[cell * width + j];
    }
  }
}

/* Cells with none, one, two and (from variant 3 on) three modalities. */
static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"weights=mean", "weights=softmax", "weights=feature"};
  if (variant > 5)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 3), *b = rg_input_free(graph, "b", NULL, 3);
  rg_node *c = rg_input_free(graph, "c", NULL, 3);
  rg_node *m = rg_input(graph, "m", 1), *n = rg_input(graph, "n", 1);
  if (variant > 2)
    m = rg_apply(graph, "activation", "all", "kind=exp", m, NULL);
  rg_node *y =
      rg_apply(graph, "fuse", "fuse", options[variant % 3], a, b, c, m, n, m, NULL);
  rg_loss(graph, "probe", "loss", NULL, y, NULL);
  return true;
}

const rg_op_type rg_op_fuse = {
    .name = "fuse",
    .cite = "UnitedNet: Tang et al. 2023; weighted mean of MultiVI: Ashuach et al. 2023",
    .help = "weighted mean of the latents of the modalities that a cell has",
    .options = fields,
    .options_size = sizeof(fuse_options),
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 2e-3,
    .tolerance_why = "float32"};
