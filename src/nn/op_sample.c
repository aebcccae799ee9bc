/* Reparameterised draw of a Gaussian posterior; its mean outside training unless the run
 * draws. */
#include "op_internal.h"

#include <math.h>
#include <string.h>

typedef struct sample_options {
  char *std;
} sample_options;

static const rg_field fields[] = {
    {"std", RG_CHOICE, offsetof(sample_options, std), "half", 0, 0,
     "half|full|given", NULL,
     "standard deviation from the second input s: exp(s/2); exp(s), as released SAILER "
     "samples; or s itself"},
    {0}};

typedef struct sample_state {
  float *noise;
} sample_state;

static rg_status shape(rg_graph *graph, rg_op *op)
{
  rg_status status = RG_OK;
  RG_TRY(need_inputs(op, 2));
  RG_TRY(need_dense(op, 0));
  RG_TRY(need_dense(op, 1));
  rg_op_output(graph, op, NULL, op->in[0]->width);
out:
  return status;
}

static void plan(rg_graph *graph, rg_op *op)
{
  sample_state *state = op->state;
  state->noise = rg_graph_scratch(graph, rg_graph_cells(graph) * op->in[0]->width);
}

static float clamped(float s)
{
  return fminf(fmaxf(s, -20), 20);
}

static float deviation(const char *std, float s)
{
  return strcmp(std, "half") == 0   ? expf(clamped(s) / 2)
         : strcmp(std, "full") == 0 ? expf(clamped(s))
                                    : s;
}

static void forward(rg_run *run, rg_op *op)
{
  const sample_options *o = op->options;
  const sample_state *state = op->state;
  int width = op->out->width;
  const float *mu = op->in[0]->x, *s = op->in[1]->x;
  rg_key key = op_key(run, op, RG_FOR_LATENT);
  for (int64_t i = 0; i < cells_of(run); i++) {
    float *noise = state->noise + i * width, *z = op->out->x + i * width;
    memcpy(z, mu + i * width, sizeof *z * (size_t)width);
    if (!run->train && !run->draw)
      continue;
    rg_normals(&key, (uint64_t)run->cell[i], width, noise);
    for (int j = 0; j < width; j++)
      z[j] += noise[j] * deviation(o->std, s[i * width + j]);
  }
}

static void backward(rg_run *run, rg_op *op)
{
  const sample_options *o = op->options;
  const sample_state *state = op->state;
  const float *s = op->in[1]->x, *dz = op->out->d;
  float *dmu = op->in[0]->d, *ds = op->in[1]->d;
  float chain = strcmp(o->std, "half") == 0 ? 0.5F : 1;
  bool given = strcmp(o->std, "given") == 0;
  for (int64_t i = 0; i < node_floats(run, op->out); i++) {
    if (dmu)
      dmu[i] += dz[i];
    if (ds && given)
      ds[i] += dz[i] * state->noise[i];
    else if (ds && fabsf(s[i]) < 20)
      ds[i] += dz[i] * state->noise[i] * chain * deviation(o->std, s[i]);
  }
}

static bool probe(rg_graph *graph, int variant)
{
  const char *options[] = {"std=half", "std=full", "std=given"};
  if (variant > 2)
    return false;
  rg_node *mu = rg_input_free(graph, "mu", NULL, 4);
  rg_node *s = rg_input_free(graph, "s", NULL, 4);
  rg_node *z = rg_apply(graph, "sample", "z", options[variant], mu, s, NULL);
  rg_loss(graph, "probe", "loss", NULL, z, NULL);
  return true;
}

const rg_op_type rg_op_sample = {
    .name = "sample",
    .cite = "Kingma, Welling 2014",
    .help = "z = mean + deviation x noise, the noise keyed by (seed, step, cell)",
    .options = fields,
    .options_size = sizeof(sample_options),
    .state_size = sizeof(sample_state),
    .shape = shape,
    .plan = plan,
    .forward = forward,
    .backward = backward,
    .probe = probe,
    .tolerance = 3e-3,
    .tolerance_why = "float32 exponentials"};
