/* Cobolt: a product of experts over the modalities that a cell has, topic proportions as
 * latent, and a multinomial of counts for each modality. */
#include "mlp.h"

#include <math.h>
#include <string.h>

typedef struct cobolt_settings {
  char *compat, *correction;
  int64_t latent, hidden, chunk, epochs, features;
  double alpha, anneal, rate, ridge;
} cobolt_settings;

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(cobolt_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "the mathematics, or the released program with its quirks"},
    {"latent", RG_INT, offsetof(cobolt_settings, latent), "20", 2, 512, NULL, "topics",
     "size of the latent"},
    {"hidden", RG_INT, offsetof(cobolt_settings, hidden), "128", 1, 8192, NULL, "units",
     "first hidden layer of an encoder"},
    {"chunk", RG_INT, offsetof(cobolt_settings, chunk), "64", 1, 8192, NULL, "units",
     "second hidden layer of an encoder"},
    {"alpha", RG_DOUBLE, offsetof(cobolt_settings, alpha), "0", 0, 1e6, NULL, NULL,
     "of the Dirichlet prior; 0: 50 / latent"},
    {"epochs", RG_INT, offsetof(cobolt_settings, epochs), "0", 0, 1000000, NULL, "epochs",
     "passes over the cells; 0: 25, on small data more until 800 steps; released: 100"},
    {"anneal", RG_DOUBLE, offsetof(cobolt_settings, anneal), "0", 0, 1e6, NULL, "epochs",
     "over which the weight of the KL rises to 1; 0: 0.3 of the epochs; released: 30"},
    {"rate", RG_DOUBLE, offsetof(cobolt_settings, rate), "5e-3", 0, 1, NULL, NULL,
     "learning rate"},
    {"correction", RG_CHOICE, offsetof(cobolt_settings, correction), "kernel", 0, 0,
     "none|linear|kernel", NULL,
     "how the posterior from one modality is carried to the joint one: not, or by ridge "
     "regression on its mean, without or with random features"},
    {"features", RG_INT, offsetof(cobolt_settings, features), "128", 1, 400, NULL, NULL,
     "random features of correction=kernel"},
    {"ridge", RG_DOUBLE, offsetof(cobolt_settings, ridge), "1e-3", 0, 1e6, NULL, NULL,
     "penalty of the regression, in units of the mean variance of what it reads"},
    {0}};

enum { EPOCHS = 25, LEAST_STEPS = 800, EXACT_EPOCHS = 100, EXACT_ANNEAL = 30 };

static bool exact(const cobolt_settings *s)
{
  return strcmp(s->compat, "code_exact") == 0;
}

/* ---- covariates ---- */

static int count_measured(const rg_dataset *dataset, int64_t row, int *which)
{
  int n = 0;
  for (int m = 0; m < dataset->n_modalities; m++)
    if (rg_has_counts(&dataset->modality[m], row)) {
      *which = m;
      n++;
    }
  return n;
}

/* "several": 1 where a cell has two modalities or more; "only:M": 1 where M is all */
static rg_status covariates(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                            bool fit, rg_constants *constants, rg_covariates *out)
{
  (void)comm, (void)settings, (void)fit, (void)constants;
  int64_t rows = rg_range_n(dataset->rows);
  rg_mat *several = rg_covariates_add(out, "several", rows, 1), *only[RG_MODALITIES];
  for (int m = 0; m < dataset->n_modalities; m++) {
    char name[64];
    snprintf(name, sizeof name, "only:%.32s", dataset->modality[m].name);
    only[m] = rg_covariates_add(out, name, rows, 1);
  }
  for (int64_t i = 0; i < rows; i++) {
    int which = 0, n = count_measured(dataset, i, &which);
    if (n > 1)
      several->data[i] = 1;
    else if (n == 1)
      only[which]->data[i] = 1;
  }
  return RG_OK;
}

/* ---- the network ---- */

/* What belongs to one modality. */
typedef struct side {
  const char *name;
  rg_node *has, *only;
  rg_node *mean, *logvar; /* of its expert, in units of the prior */
  rg_node *counts;        /* dense */
  rg_node *alone;         /* mean of the posterior from it alone */
  rg_node *corrected;
  rg_op *loss_joint, *loss_alone;
  rg_op *kl;
} side;

typedef struct cobolt {
  rg_graph *graph;
  const rg_facts *facts;
  const cobolt_settings *s;
  rg_model *model;
  rg_node *batch; /* NULL: one batch */
  int n;
  side side[RG_MODALITIES];
  int main, fixed, fitted; /* groups of parameters */
} cobolt;

static char *part(char *text, const char *part, const char *modality)
{
  snprintf(text, 64, "%s.%.32s", part, modality);
  return text;
}

static rg_node *standard(cobolt *c, const char *what, const char *modality)
{
  char name[64];
  snprintf(name, sizeof name, "%s:%.32s", what, modality);
  return rg_input(c->graph, name, 1);
}

/* How many counts of `to` are to be expected by those of `from`. */
static rg_node *expected(cobolt *c, const char *from, const char *to)
{
  char pair[64];
  snprintf(pair, sizeof pair, "%.30s,%.30s", from, to);
  return standard(c, "expected", pair);
}

/* The same, the mean over all that a cell has. */
static rg_node *expected_by_all(cobolt *c, const side *to)
{
  rg_node *in[2 * RG_MODALITIES + 1] = {0};
  char op[64];
  for (int m = 0; m < c->n; m++) {
    const side *from = &c->side[m];
    in[m] = from == to ? standard(c, "library", to->name)
                       : expected(c, from->name, to->name);
    in[c->n + m] = from->has;
  }
  if (c->n < 2)
    return in[0];
  return rg_apply(c->graph, "fuse", part(op, "size", to->name), NULL, in[0], in[1], in[2],
                  in[3], in[4], in[5], in[6], in[7], NULL);
}

static void encode(cobolt *c, side *k)
{
  char name[64];
  k->has = standard(c, "has", k->name);
  k->only = standard(c, "only", k->name);
  rg_mlp mlp = rg_mlp_of(2, c->s->hidden);
  mlp.width[1] = c->s->chunk;
  mlp.norm = "batchnorm";
  mlp.activation = "kind=leaky slope=0.01";
  mlp.measured = k->has;
  rg_weigh weigh = exact(c->s) ? RG_WEIGH_LOG_COUNTS : RG_WEIGH_LOG;
  rg_node *x = rg_model_counts(c->model, c->graph, part(name, "in", k->name), c->facts,
                               k->name, weigh, 1, 1);
  rg_node *h = rg_mlp_apply(c->graph, part(name, "enc", k->name), &mlp, x);
  k->mean = rg_mlp_linear(c->graph, part(name, "mean", k->name), NULL, c->s->latent, h,
                          NULL);
  k->logvar = rg_mlp_linear(c->graph, part(name, "logvar", k->name), NULL, c->s->latent, h,
                            NULL);
  x = rg_model_counts(c->model, c->graph, part(name, "out", k->name), c->facts, k->name,
                      RG_WEIGH_COUNTS, 1, 1);
  k->counts = rg_apply(c->graph, "densify", part(name, "counts", k->name), NULL, x, NULL);
}

/* Mean and log variance of the product of the experts `first` to `last`, and the prior. */
typedef struct posterior {
  rg_node *mean, *logvar, *z;
} posterior;

static posterior product(cobolt *c, const char *name, int first, int last)
{
  rg_node *in[3 * RG_MODALITIES + 1] = {0};
  int n = last - first + 1;
  char text[64], op[64];
  for (int k = 0; k < n; k++) {
    in[2 * k] = c->side[first + k].mean;
    in[2 * k + 1] = c->side[first + k].logvar;
    in[2 * n + k] = c->side[first + k].has;
  }
  rg_node *both = rg_apply(c->graph, "poe", part(op, "poe", name), NULL, in[0], in[1],
                           in[2], in[3], in[4], in[5], in[6], in[7], in[8], in[9], in[10],
                           in[11], NULL);
  posterior p;
  int d = (int)c->s->latent;
  snprintf(text, sizeof text, "low=0 high=%d", d);
  p.mean = rg_apply(c->graph, "slice", part(op, "mu", name), text, both, NULL);
  snprintf(text, sizeof text, "low=%d high=%d", d, 2 * d);
  p.logvar = rg_apply(c->graph, "slice", part(op, "s", name), text, both, NULL);
  p.z = rg_apply(c->graph, "sample", part(op, "z", name), "std=half", p.mean, p.logvar,
                 NULL);
  return p;
}

/* Standard deviation of the normal in the softmax basis that is nearest to a symmetric
 * Dirichlet: (1/alpha) (1 - 1/d) is its variance (Laplace; MacKay 1998). The experts and z
 * are in units of it, in which the prior is the standard normal. */
static double prior_deviation(const cobolt_settings *s)
{
  double d = (double)s->latent, alpha = s->alpha > 0 ? s->alpha : 50 / d;
  return sqrt((1 - 1 / d) / alpha);
}

static rg_node *topics(cobolt *c, const char *name, rg_node *z)
{
  char text[64], op[64];
  snprintf(text, sizeof text, "by=%.17g", prior_deviation(c->s));
  rg_node *y = rg_apply(c->graph, "scale", part(op, "scaled", name), text, z, NULL);
  return rg_apply(c->graph, "softmax", part(op, "theta", name), NULL, y, NULL);
}

/* softmax(theta B (times a factor and plus a shift of the batch)); size: of how many counts
 * predictions are, or NULL. The bias is the same in every topic: it changes no model, but
 * starts at the shares of all counts, from which B otherwise takes long to get away. */
static rg_op *decode(cobolt *c, const side *k, const char *name, rg_node *theta,
                     rg_node *size)
{
  char text[64], op[128];
  snprintf(text, sizeof text, "width=%d bias=%s init=xavier", k->counts->width,
           exact(c->s) ? "false" : "true");
  snprintf(op, sizeof op, "dec.%.32s.%s:dec.%.32s", name, k->name, k->name);
  rg_node *y = rg_apply(c->graph, "linear", op, text, theta, NULL);
  if (c->batch) {
    snprintf(op, sizeof op, "by_batch.%.32s.%s:by_batch.%.32s", name, k->name, k->name);
    y = rg_apply(c->graph, "affine", op, NULL, y, c->batch, NULL);
  }
  snprintf(op, sizeof op, "counts.%.32s.%s", name, k->name);
  if (!size)
    return rg_loss(c->graph, "multinomial", op, "reduction=cell", y, k->counts, NULL);
  return rg_loss(c->graph, "multinomial", op, "reduction=cell size=given", y, k->counts,
                 size, NULL);
}

/* ---- from one modality to the joint posterior ---- */

/* What is regressed on: the mean, and with correction=kernel random features of it, which
 * no step trains. */
static rg_node *regressors(cobolt *c, side *k)
{
  char op[64], text[64];
  if (c->s->correction[0] == 'l')
    return k->alone;
  rg_graph_group(c->graph, "fixed");
  snprintf(text, sizeof text, "width=%d init=kaiming", (int)c->s->features);
  rg_node *h = rg_apply(c->graph, "linear", part(op, "random", k->name), text, k->alone,
                        NULL);
  h = rg_apply(c->graph, "activation", part(op, "bent", k->name), "kind=relu", h, NULL);
  return rg_apply(c->graph, "concat", part(op, "regressors", k->name), NULL, k->alone, h,
                  NULL);
}

static void correct(cobolt *c, side *k, rg_node *joint, rg_node *several)
{
  char op[64], text[64];
  k->corrected = k->alone;
  if (c->n < 2 || c->s->correction[0] == 'n')
    return;
  rg_node *x = regressors(c, k);
  rg_graph_group(c->graph, "fitted");
  snprintf(text, sizeof text, "width=%d", (int)c->s->latent);
  k->corrected =
      rg_apply(c->graph, "linear", part(op, "corrected", k->name), text, x, NULL);
  rg_node *mask = rg_apply(c->graph, "multiply", part(op, "joint", k->name), NULL, k->has,
                           several, NULL);
  rg_model_regress(c->model, k->corrected, joint, mask, c->s->ridge);
}

/* The joint mean; of a cell with one modality alone the corrected one. */
static rg_node *embedding(cobolt *c, rg_node *joint, rg_node *several)
{
  char op[64];
  if (c->n < 2)
    return joint;
  rg_node *sum = rg_apply(c->graph, "multiply", "gated.joint", NULL, joint, several, NULL);
  for (int k = 0; k < c->n; k++) {
    rg_node *one = rg_apply(c->graph, "multiply", part(op, "gated", c->side[k].name), NULL,
                            c->side[k].corrected, c->side[k].only, NULL);
    sum = rg_apply(c->graph, "add", part(op, "sum", c->side[k].name), NULL, sum, one, NULL);
  }
  return sum;
}

static void outputs(cobolt *c, rg_node *joint)
{
  char op[64];
  rg_node *several = rg_input(c->graph, "several", 1);
  for (int k = 0; k < c->n; k++)
    correct(c, &c->side[k], joint, several);
  rg_node *z = embedding(c, joint, several);
  rg_model_embedding(c->model, "", z, false);
  rg_node *theta = topics(c, "read", z);
  rg_model_embedding(c->model, "topics", theta, false);
  rg_graph_group(c->graph, "main");
  for (int k = 0; k < c->n; k++) {
    const side *one = &c->side[k];
    rg_op *read = decode(c, one, "read", theta, expected_by_all(c, one));
    rg_model_likelihood(c->model, one->name, read);
    snprintf(op, sizeof op, "dec.%.32s.bias", one->name);
    if (!exact(c->s))
      rg_model_start_shares(c->model, op, one->name);
  }
  for (int k = 0; k < c->n; k++) {
    side *from = &c->side[k];
    if (c->n < 2)
      continue;
    rg_model_embedding_of(c->model, from->name, from->corrected, false, from->has);
    theta = topics(c, part(op, "from", from->name), from->corrected);
    for (int j = 0; j < c->n; j++)
      if (j != k)
        rg_model_translation(c->model, from->name, c->side[j].name,
                             decode(c, &c->side[j], part(op, "from", from->name), theta,
                                    expected(c, from->name, c->side[j].name)));
  }
}

/* ---- training ---- */

static void phases(cobolt *c, rg_op *kl)
{
  const cobolt_settings *s = c->s;
  int64_t standard_epochs = exact(s) ? EXACT_EPOCHS : EPOCHS;
  rg_phase *phase = rg_model_phase(c->model, "main",
                                   s->epochs > 0 ? s->epochs : standard_epochs, s->rate);
  if (!exact(s)) {
    phase->schedule = RG_RATE_COSINE;
    phase->least_steps = s->epochs > 0 ? 0 : LEAST_STEPS;
  }
  double anneal = s->anneal > 0 ? s->anneal
                  : exact(s)    ? EXACT_ANNEAL
                                : 0.3 * fmax((double)phase->epochs,
                                             (double)phase->least_steps /
                                                 (double)c->facts->steps_per_epoch);
  rg_step *step = rg_phase_step(phase, "all", (uint64_t)1 << c->main);
  rg_step_term(step, kl, 1, RG_RAMP_LINEAR, anneal);
  for (int k = 0; k < c->n; k++) {
    rg_step_term(step, c->side[k].loss_joint, 1, RG_RAMP_NONE, 0);
    if (c->n < 2)
      continue;
    rg_step_term(step, c->side[k].loss_alone, 1, RG_RAMP_NONE, 0);
    rg_step_term(step, c->side[k].kl, 1, RG_RAMP_LINEAR, anneal);
  }
}

static rg_op *divergence(cobolt *c, const char *name, const posterior *p)
{
  char op[64];
  return rg_loss(c->graph, "kl_normal", part(op, "kl", name), "reduction=cell", p->mean,
                 p->logvar, NULL);
}

static rg_status check(const rg_facts *facts)
{
  enum { MOST = RG_OP_INPUTS / 3 };
  if (facts->n_modalities > MOST)
    return rg_fail(RG_EINPUT, "cobolt takes at most %d modalities; the data have %d", MOST,
                   facts->n_modalities);
  for (int m = 0; m < facts->n_modalities; m++)
    if (facts->modality[m].values != RG_VALUES_COUNTS)
      return rg_fail(RG_EINPUT,
                     "cobolt needs counts; the values of %s are none (data.layer)",
                     facts->modality[m].name);
  return RG_OK;
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  rg_status status = check(facts);
  if (status != RG_OK)
    return status;
  cobolt c = {.graph = graph, .facts = facts, .s = settings, .model = model,
              .n = facts->n_modalities};
  model->optimiser = RG_ADAM;
  c.main = rg_graph_group(graph, "main");
  if (facts->n_batches > 1)
    c.batch = rg_input(graph, "batch", facts->n_batches);
  for (int k = 0; k < c.n; k++) {
    c.side[k].name = facts->modality[k].name;
    encode(&c, &c.side[k]);
  }
  posterior joint = product(&c, "all", 0, c.n - 1);
  rg_node *theta = topics(&c, "all", joint.z);
  for (int k = 0; k < c.n; k++) {
    side *one = &c.side[k];
    one->loss_joint = decode(&c, one, "all", theta, NULL);
    if (c.n < 2)
      continue;
    posterior alone = product(&c, one->name, k, k);
    one->alone = alone.mean;
    one->kl = divergence(&c, one->name, &alone);
    one->loss_alone =
        decode(&c, one, one->name, topics(&c, one->name, alone.z), NULL);
  }
  phases(&c, divergence(&c, "all", &joint));
  outputs(&c, joint.mean);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=128", NULL};

const rg_recipe rg_recipe_cobolt = {
    .name = "cobolt",
    .cite = "Gong, Zhou, Purdom. Cobolt: integrative analysis of multimodal single-cell "
            "sequencing data. Genome Biology 2021; github.com/epurdom/cobolt",
    .help = "topics shared by the modalities: a product of experts over those that a cell "
            "has, and a multinomial of counts for each",
    .good_for = "counts of several modalities, of which cells may lack some",
    .modalities = "",
    .least = 1,
    .mosaic = true,
    .by_lanes = true,
    .fields = fields,
    .settings_size = sizeof(cobolt_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
