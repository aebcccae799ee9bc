/* Pairing: the latents of a cell's modalities point to their common direction. */
#include "masked.h"

#include <math.h>
#include <string.h>

#define SMALLEST 1e-12

enum { MOST = RG_OP_INPUTS / 2 };

typedef struct cos_state {
  double cells[MOST]; /* of the batch that have the modality */
} cos_state;

/* in[0..K): latents; in[K..2K): their masks */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  if (op->n_in % 2)
    return rg_fail(RG_EUSAGE, "cos_to_mean %s: as many masks as latents", op->name);
  return rg_need_rows(op, op->n_in / 2, op->n_in / 2);
}

/* One cell: lengths of the latents and the mean of their directions. */
typedef struct cell_view {
  int n; /* modalities measured */
  bool has[MOST];
  double length[MOST];
  double mean_length;
} cell_view;

static double along_mean(const rg_op *op, const cell_view *view, int k, int64_t cell,
                         int j)
{
  int64_t at = cell * op->in[0]->width + j;
  return view->has[k] ? (double)op->in[k]->x[at] / view->length[k] : 0;
}

static double mean_at(const rg_op *op, const cell_view *view, int64_t cell, int j)
{
  double sum = 0;
  for (int k = 0; k < op->n_in / 2; k++)
    sum += along_mean(op, view, k, cell, j);
  return sum / view->n;
}

static cell_view view_of(const rg_op *op, int64_t cell)
{
  cell_view view = {0};
  int width = op->in[0]->width, modalities = op->n_in / 2;
  for (int k = 0; k < modalities; k++) {
    const float *u = op->in[k]->x + cell * width;
    double sum = 0;
    for (int j = 0; j < width; j++)
      sum += (double)u[j] * (double)u[j];
    view.length[k] = fmax(sqrt(sum), SMALLEST);
    view.has[k] = cell_counts(op->in[modalities + k], cell);
    view.n += view.has[k];
  }
  double square = 0;
  for (int j = 0; view.n && j < width; j++) {
    double m = mean_at(op, &view, cell, j);
    square += m * m;
  }
  view.mean_length = fmax(sqrt(square), SMALLEST);
  return view;
}

/* sum over k of (1 - cos(u_k, mean)) / cells that have k */
static double cell_loss(const rg_op *op, int64_t cell)
{
  const cos_state *state = op->state;
  cell_view view = view_of(op, cell);
  double sum = 0;
  for (int k = 0; k < op->n_in / 2; k++) {
    double cosine = 0;
    for (int j = 0; view.has[k] && j < op->in[0]->width; j++)
      cosine += along_mean(op, &view, k, cell, j) * mean_at(op, &view, cell, j) /
                view.mean_length;
    sum += view.has[k] && view.n > 1 ? (1 - cosine) / state->cells[k] : 0;
  }
  return sum;
}

static void forward(rg_run *run, rg_op *op)
{
  cos_state *state = op->state;
  int64_t n = run->share->lane_cells;
  int modalities = op->n_in / 2;
  op->denominator = 1;
  for (int k = 0; k < modalities; k++)
    state->cells[k] = rg_cells_that_count(run, op, op->in[modalities + k]);
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++) {
    double sum = 0;
    for (int64_t cell = lane * n; cell < (lane + 1) * n; cell++)
      sum += cell_loss(op, cell);
    op->partial[lane] = sum;
  }
}

/* w_k = 1 / cells with k; g = -sum w_k u^_k; dm = (g - (g . u-) u-) / |m|;
 * h_k = -w_k u- + dm / n; du_k = (h_k - (h_k . u^_k) u^_k) / |u_k| */
static void cell_gradient(const rg_op *op, int64_t cell)
{
  const cos_state *state = op->state;
  cell_view view = view_of(op, cell);
  int width = op->in[0]->width, modalities = op->n_in / 2;
  double along = 0;
  for (int j = 0; j < width; j++)
    for (int k = 0; k < modalities; k++)
      along -= along_mean(op, &view, k, cell, j) / state->cells[k] *
               mean_at(op, &view, cell, j) / view.mean_length;
  for (int k = 0; k < modalities; k++) {
    double radial = 0;
    for (int pass = 0; view.has[k] && op->in[k]->d && pass < 2; pass++)
      for (int j = 0; j < width; j++) {
        double unit = mean_at(op, &view, cell, j) / view.mean_length, g = 0;
        for (int i = 0; i < modalities; i++)
          g -= along_mean(op, &view, i, cell, j) / state->cells[i];
        double h = -unit / state->cells[k] +
                   (g - along * unit) / view.mean_length / view.n;
        double own = along_mean(op, &view, k, cell, j);
        if (pass == 0)
          radial += h * own;
        else
          op->in[k]->d[cell * width + j] +=
              (float)(op->scale * (h - radial * own) / view.length[k]);
      }
  }
}

static void backward(rg_run *run, rg_op *op)
{
#pragma omp parallel for schedule(static)
  for (int64_t cell = 0; cell < cells_of(run); cell++)
    if (view_of(op, cell).n > 1)
      cell_gradient(op, cell);
}

/* Cells with one, two and (variant 1) three modalities. */
static bool probe(rg_graph *graph, int variant)
{
  if (variant > 1)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 4), *b = rg_input_free(graph, "b", NULL, 4);
  rg_node *c = rg_input_free(graph, "c", NULL, 4);
  rg_node *m = rg_input(graph, "m", 1), *n = rg_input(graph, "n", 1);
  if (variant == 1)
    m = rg_apply(graph, "activation", "all", "kind=exp", m, NULL);
  rg_loss(graph, "cos_to_mean", "loss", NULL, a, b, c, m, n, m, NULL);
  return true;
}

const rg_op_type rg_loss_cos_to_mean = {
    .name = "cos_to_mean",
    .cite = "CLUE: Tu et al. 2022 (gao-lab/GLUE, scclue)",
    .help = "1 - cosine between the latent of each modality and their mean direction",
    .state_size = sizeof(cos_state),
    .is_loss = true,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of 1/|x|"};
