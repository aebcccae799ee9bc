/* Structure alignment: cosines between cells in the latent follow those of a teacher. */
#include "src/nn/op_internal.h"

#include <math.h>
#include <string.h>

typedef struct cosine_options {
  char *reduction;
  double floor;
} cosine_options;

static const rg_field fields[] = {
    {"reduction", RG_CHOICE, offsetof(cosine_options, reduction), "sum", 0, 0,
     "sum|mean|cell", NULL,
     "sum over pairs; (weighted) mean over pairs; or that times the cells of the batch"},
    {"floor", RG_DOUBLE, offsetof(cosine_options, floor), "1e-12", 0, 1e6, NULL, NULL,
     "smallest length that a latent row is divided by"},
    {0}};

typedef struct cosine_state {
  float *unit, *teacher, *weight;             /* this rank's rows */
  float *all_unit, *all_teacher, *all_weight; /* of the batch */
  float *latent_cosine, *teacher_cosine;      /* [cell][batch] */
  float *gradient;                            /* of the unit rows */
  float *length;
} cosine_state;

/* in[0]: latent; in[1]: teacher (constant); in[2]: weight per cell (constant), optional */
static rg_status shape(rg_graph *graph, rg_op *op)
{
  (void)graph;
  if (op->n_in != 2 && op->n_in != 3)
    return rg_fail(RG_EUSAGE, "pairwise_cosine %s needs 2 or 3 inputs", op->name);
  return RG_OK;
}

static void plan(rg_graph *graph, rg_op *op)
{
  cosine_state *state = op->state;
  const rg_share *share = rg_graph_share(graph);
  int64_t cells = rg_graph_cells(graph), batch = (int64_t)share->lanes * share->lane_cells;
  int d = op->in[0]->width, t = op->in[1]->width;
  state->unit = rg_graph_scratch(graph, cells * d);
  state->teacher = rg_graph_scratch(graph, cells * t);
  state->all_unit = rg_graph_scratch(graph, batch * d);
  state->all_teacher = rg_graph_scratch(graph, batch * t);
  state->latent_cosine = rg_graph_scratch(graph, cells * batch);
  state->teacher_cosine = rg_graph_scratch(graph, cells * batch);
  state->gradient = rg_graph_scratch(graph, cells * d);
  state->length = rg_graph_scratch(graph, cells);
  state->weight = rg_graph_scratch(graph, cells);
  state->all_weight = rg_graph_scratch(graph, batch);
}

static void unit_rows(const float *x, int64_t rows, int width, double floor, float *unit,
                      float *length)
{
  for (int64_t i = 0; i < rows; i++) {
    double sum = 0;
    for (int j = 0; j < width; j++)
      sum += (double)x[i * width + j] * (double)x[i * width + j];
    float by = (float)fmax(sqrt(sum), floor);
    for (int j = 0; j < width; j++)
      unit[i * width + j] = x[i * width + j] / by;
    if (length)
      length[i] = (float)sqrt(sum);
  }
}

static void gather(rg_run *run, rg_op *op)
{
  const cosine_options *o = op->options;
  const cosine_state *state = op->state;
  int64_t cells = cells_of(run);
  int d = op->in[0]->width, t = op->in[1]->width;
  unit_rows(op->in[0]->x, cells, d, o->floor, state->unit, state->length);
  unit_rows(op->in[1]->x, cells, t, 1e-12, state->teacher, NULL);
  for (int64_t i = 0; i < cells; i++)
    state->weight[i] = op->n_in > 2 ? op->in[2]->x[i] : 1;
  run->share->gather_lanes(run->share, state->unit, d, state->all_unit);
  run->share->gather_lanes(run->share, state->teacher, t, state->all_teacher);
  run->share->gather_lanes(run->share, state->weight, 1, state->all_weight);
}

/* Sum of the weights over the global batch; 1 when no cell counts. */
static double weight_of_batch(const rg_run *run, const rg_op *op)
{
  const cosine_state *state = op->state;
  double sum = 0;
  for (int64_t i = 0; i < (int64_t)batch_cells(run); i++)
    sum += (double)state->all_weight[i];
  return sum > 0 ? sum : 1;
}

/* Error of the pairs of one lane's rows with the whole batch; turns latent_cosine into
 * W (c2 - c1), the factor of the gradient. */
static double pairs_of_lane(rg_run *run, rg_op *op, int64_t lane)
{
  const cosine_state *state = op->state;
  int64_t n = run->share->lane_cells, batch = (int64_t)batch_cells(run);
  int d = op->in[0]->width, t = op->in[1]->width;
  float *c2 = state->latent_cosine + lane * n * batch;
  float *c1 = state->teacher_cosine + lane * n * batch;
  rg_gemm(false, true, n, batch, d, 1, state->unit + lane * n * d, d, state->all_unit, d, 0,
          c2, batch);
  rg_gemm(false, true, n, batch, t, 1, state->teacher + lane * n * t, t,
          state->all_teacher, t, 0, c1, batch);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    float weight = state->weight[lane * n + i];
    for (int64_t j = 0; j < batch; j++) {
      float error = c2[i * batch + j] - c1[i * batch + j];
      float w = weight * state->all_weight[j];
      sum += (double)w * (double)error * (double)error;
      c2[i * batch + j] = w * error;
    }
  }
  rg_gemm(false, false, n, d, batch, 4, c2, batch, state->all_unit, d, 0,
          state->gradient + lane * n * d, d);
  return sum;
}

static void forward(rg_run *run, rg_op *op)
{
  const cosine_options *o = op->options;
  gather(run, op);
  double weight = weight_of_batch(run, op);
  op->denominator = strcmp(o->reduction, "sum") == 0    ? 1
                    : strcmp(o->reduction, "mean") == 0 ? weight * weight
                                                        : weight;
#pragma omp parallel for schedule(static)
  for (int64_t lane = 0; lane < rg_run_lanes(run); lane++)
    op->partial[lane] = pairs_of_lane(run, op, lane);
}

/* through u = x / max(|x|, floor) */
static void backward(rg_run *run, rg_op *op)
{
  const cosine_options *o = op->options;
  const cosine_state *state = op->state;
  int d = op->in[0]->width;
  float scale = (float)(op->scale / op->denominator);
  for (int64_t i = 0; op->in[0]->d && i < cells_of(run); i++) {
    const float *g = state->gradient + i * d, *u = state->unit + i * d;
    bool short_row = (double)state->length[i] < o->floor;
    float by = scale / (short_row ? (float)o->floor : state->length[i]);
    double along = 0;
    for (int j = 0; j < d && !short_row; j++)
      along += (double)g[j] * (double)u[j];
    for (int j = 0; j < d; j++)
      op->in[0]->d[i * d + j] += by * (g[j] - (float)along * u[j]);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"reduction=sum", "reduction=mean", "reduction=cell floor=3"};
  if (variant > 2)
    return false;
  rg_node *x = rg_input_free(graph, "x", NULL, 4), *t = rg_input(graph, "t", 5);
  rg_node *w = rg_input(graph, "w", 1);
  if (variant == 0)
    rg_loss(graph, "pairwise_cosine", "cos", options[variant], x, t, w, NULL);
  else
    rg_loss(graph, "pairwise_cosine", "cos", options[variant], x, t, NULL);
  return true;
}

const rg_op_type rg_loss_pairwise_cosine = {
    .name = "pairwise_cosine",
    .cite = "SAILERX: Cao, Fu, Wu, Liu, Xie 2022 (uci-cbcl/SAILERX)",
    .help = "squared differences between the cosines of all pairs of the batch in the "
            "latent and in the teacher",
    .options = fields,
    .options_size = sizeof(cosine_options),
    .state_size = sizeof(cosine_state),
    .is_loss = true,
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 5e-3,
    .tolerance_why = "curvature of 1/|x| in four columns"};
