/* Structure alignment over edges: the cosine of a cell and its partner in the latent
 * follows the one in the teacher. */
#include "src/nn/op_internal.h"

#include <math.h>

typedef struct edge_options {
  double floor;
} edge_options;

static const rg_field fields[] = {
    {"floor", RG_DOUBLE, offsetof(edge_options, floor), "1e-12", 0, 1e6, NULL, NULL,
     "smallest length that a latent row is divided by"},
    {0}};

typedef struct edge_state {
  double *weight; /* per lane */
  float *error;   /* per cell: weight x (cosine - teacher's cosine) */
} edge_state;

enum { LATENT, PARTNER, TEACHER, PARTNER_TEACHER, TAUGHT, PARTNER_TAUGHT, INPUTS };

/* latent and partner's latent; teacher's rows of both; whether each is taught */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  return need_inputs(op, INPUTS);
}

static void plan(rg_graph *graph, rg_op *op)
{
  edge_state *state = op->state;
  state->weight =
      rg_graph_scratch_f64(graph, rg_range_n(rg_graph_share(graph)->my_lanes));
  state->error = rg_graph_scratch(graph, rg_graph_cells(graph));
}

static double dot(const float *a, const float *b, int n)
{
  double sum = 0;
  for (int j = 0; j < n; j++)
    sum += (double)a[j] * (double)b[j];
  return sum;
}

static double length_of(const float *x, int n, double floor)
{
  return fmax(sqrt(dot(x, x, n)), floor);
}

static double cosine(const float *a, const float *b, int n, double floor)
{
  return dot(a, b, n) / (length_of(a, n, floor) * length_of(b, n, floor));
}

static double lane_error(const rg_run *run, const rg_op *op, int64_t lane)
{
  const edge_options *o = op->options;
  const edge_state *state = op->state;
  int d = op->in[LATENT]->width, t = op->in[TEACHER]->width;
  int64_t n = run->share->lane_cells;
  double sum = 0;
  state->weight[lane] = 0;
  for (int64_t i = lane * n; i < (lane + 1) * n; i++) {
    double w = (double)(op->in[TAUGHT]->x[i] * op->in[PARTNER_TAUGHT]->x[i]);
    double e = cosine(op->in[LATENT]->x + i * d, op->in[PARTNER]->x + i * d, d, o->floor) -
               cosine(op->in[TEACHER]->x + i * t, op->in[PARTNER_TEACHER]->x + i * t, t,
                      1e-12);
    state->error[i] = (float)(w * e);
    state->weight[lane] += w;
    sum += w * e * e;
  }
  return sum;
}

static void forward(rg_run *run, rg_op *op)
{
  const edge_state *state = op->state;
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
    op->partial[lane] = lane_error(run, op, lane);
  double weight = 0;
  run->share->sum_lanes(run->share, state->weight, 1, &weight);
  op->denominator = weight > 0 ? weight : 1;
}

/* d cos / da = (b_hat - cos a_hat) / |a|, without the second part below the floor */
static void add_gradient(const float *a, const float *b, int n, double floor, double scale,
                         float *da)
{
  double la = length_of(a, n, floor), lb = length_of(b, n, floor);
  double c = dot(a, a, n) > floor * floor ? cosine(a, b, n, floor) : 0;
  for (int j = 0; j < n; j++)
    da[j] += (float)(scale * ((double)b[j] / lb - c * (double)a[j] / la) / la);
}

static void backward(rg_run *run, rg_op *op)
{
  const edge_options *o = op->options;
  const edge_state *state = op->state;
  int d = op->in[LATENT]->width;
  rg_node *a = op->in[LATENT], *b = op->in[PARTNER];
  for (int64_t i = 0; i < cells_of(run); i++) {
    double scale = 2 * op->scale / op->denominator * (double)state->error[i];
    if (a->d)
      add_gradient(a->x + i * d, b->x + i * d, d, o->floor, scale, a->d + i * d);
    if (b->d)
      add_gradient(b->x + i * d, a->x + i * d, d, o->floor, scale, b->d + i * d);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {NULL, "floor=3"};
  if (variant > 1)
    return false;
  rg_node *a = rg_input_free(graph, "a", NULL, 4), *b = rg_input_free(graph, "b", NULL, 4);
  rg_node *t = rg_input(graph, "t", 5), *s = rg_input(graph, "s", 5);
  rg_node *u = rg_input(graph, "u", 1), *v = rg_input(graph, "v", 1);
  rg_loss(graph, "edge_cosine", "edges", options[variant], a, b, t, s, u, v, NULL);
  return true;
}

const rg_op_type rg_loss_edge_cosine = {
    .name = "edge_cosine",
    .cite = "SAILERX: Cao, Fu, Wu, Liu, Xie 2022, its pairs taken from a graph",
    .help = "squared difference between the cosine of a cell and its partner in the latent "
            "and in the teacher",
    .options = fields,
    .options_size = sizeof(edge_options),
    .state_size = sizeof(edge_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of 1/|x| in four columns"};
