/* SAILER: a variational autoencoder of chromatin accessibility whose latent is made
 * invariant to depth and batch. */
#include "sailer_parts.h"

typedef struct sailer_settings {
  char *compat;
  int64_t latent, hidden, chunk, warm_up, epochs;
  double ones_weight, invariance, anneal, rate, rate_decay, weight_decay;
} sailer_settings;

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(sailer_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "the mathematics, or the released program with its quirks"},
    {"latent", RG_INT, offsetof(sailer_settings, latent), "10", 1, 512, NULL, "axes",
     "size of the latent"},
    {"hidden", RG_INT, offsetof(sailer_settings, hidden), "1000", 1, 8192, NULL,
     "units", "wide hidden layer of encoder and decoder"},
    {"chunk", RG_INT, offsetof(sailer_settings, chunk), "100", 1, 8192, NULL, "units",
     "narrow hidden layer of encoder and decoder"},
    {"warm_up", RG_INT, offsetof(sailer_settings, warm_up), "10", 0, 100000, NULL,
     "epochs", "reconstruction alone at first"},
    {"epochs", RG_INT, offsetof(sailer_settings, epochs), "400", 0, 1000000, NULL,
     "epochs", "of the main phase"},
    {"ones_weight", RG_DOUBLE, offsetof(sailer_settings, ones_weight), "20", 0, 1e6,
     NULL, NULL, "weight of open peaks in the warm-up, of all peaks after it"},
    {"invariance", RG_DOUBLE, offsetof(sailer_settings, invariance), "1", 0, 1e6, NULL,
     NULL, "weight of the KL to the aggregated posterior"},
    {"anneal", RG_DOUBLE, offsetof(sailer_settings, anneal), "100", 0.01, 1e6, NULL,
     "epochs", "period of the cyclic annealing of the KL"},
    {"rate", RG_DOUBLE, offsetof(sailer_settings, rate), "1e-3", 0, 1, NULL, NULL,
     "learning rate"},
    {"rate_decay", RG_DOUBLE, offsetof(sailer_settings, rate_decay), "0.995", 0, 1,
     NULL, NULL, "factor of the learning rate per epoch"},
    {"weight_decay", RG_DOUBLE, offsetof(sailer_settings, weight_decay), "5e-4", 0, 10,
     NULL, NULL, "L2 added to the gradient"},
    {0}};

static bool exact(const sailer_settings *s)
{
  return s->compat[0] == 'c' && s->compat[2] == 'd';
}

static rg_status covariates(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                            bool fit, rg_constants *constants, rg_covariates *out)
{
  return rg_sailer_covariates(comm, dataset, exact(settings), false, fit, constants, out);
}

/* the released program has LeakyReLU(0.2) and PyTorch's initial values */
static rg_node *bend(rg_graph *graph, const sailer_settings *s, const char *name,
                     rg_node *h)
{
  return exact(s) ? rg_apply(graph, "activation", name, "kind=leaky slope=0.2", h, NULL)
                  : rg_apply(graph, "prelu", name, NULL, h, NULL);
}

static const char *init_of(const sailer_settings *s)
{
  return exact(s) ? "torch" : "xavier";
}

/* all peaks - hidden - chunk: the first layer is summed over chromosomes */
static rg_node *encoder(rg_graph *graph, const sailer_settings *s, rg_node *x)
{
  char text[64];
  snprintf(text, sizeof text, "width=%d bias=false joined=true init=%s", (int)s->hidden,
           init_of(s));
  rg_node *h = rg_apply(graph, "sparse_linear", "enc.fc1", text, x, NULL);
  int64_t peaks = x->blocks->offset[x->blocks->n];
  snprintf(text, sizeof text, "fan_in=%lld", (long long)peaks);
  h = rg_apply(graph, "sum_blocks", "enc.sum1", text, h, NULL);
  h = rg_apply(graph, "batchnorm", "enc.bn1", NULL, h, NULL);
  h = bend(graph, s, "enc.act1", h);
  snprintf(text, sizeof text, "width=%d init=%s", (int)s->chunk, init_of(s));
  h = rg_apply(graph, "linear", "enc.fc2", text, h, NULL);
  h = rg_apply(graph, "batchnorm", "enc.bn2", NULL, h, NULL);
  return bend(graph, s, "enc.act2", h);
}

/* latent - chunk - hidden, the hidden layer repeated for every block of peaks */
static rg_node *decoder(rg_graph *graph, const sailer_settings *s, rg_node *z,
                        rg_node *like)
{
  char text[64];
  snprintf(text, sizeof text, "width=%d", (int)s->chunk);
  rg_node *h = rg_apply(graph, "linear", "dec.fc1", text, z, NULL);
  h = rg_apply(graph, "batchnorm", "dec.bn1", NULL, h, NULL);
  h = bend(graph, s, "dec.act1", h);
  snprintf(text, sizeof text, "width=%d init=%s", (int)s->hidden, init_of(s));
  h = rg_apply(graph, "linear", "dec.fc2", text, h, NULL);
  h = rg_apply(graph, "batchnorm", "dec.bn2", NULL, h, NULL);
  h = bend(graph, s, "dec.act2", h);
  return rg_apply(graph, "repeat", "dec.repeat", NULL, h, like, NULL);
}

static void phases(const sailer_settings *s, rg_model *model, rg_op *warm, rg_op *rec,
                   rg_op *kl, rg_op *akl)
{
  rg_ramp ramp = exact(s) ? RG_RAMP_CYCLIC_EPOCH : RG_RAMP_CYCLIC;
  if (s->warm_up > 0) {
    rg_step *step = rg_phase_step(rg_model_phase(model, "warm_up", s->warm_up, s->rate),
                                  "all", ~(uint64_t)0);
    rg_step_term(step, warm, 1, RG_RAMP_NONE, 0);
  }
  rg_phase *phase = rg_model_phase(model, "main", s->epochs, s->rate);
  phase->schedule = RG_RATE_DECAY;
  phase->factor = s->rate_decay;
  rg_step *step = rg_phase_step(phase, "all", ~(uint64_t)0);
  rg_step_term(step, rec, s->ones_weight * (1 + s->invariance), RG_RAMP_NONE, 0);
  rg_step_term(step, kl, 1, ramp, s->anneal);
  rg_step_term(step, akl, s->invariance, ramp, s->anneal);
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  const sailer_settings *s = settings;
  rg_node *x =
      rg_model_counts(model, graph, "atac", facts, "atac", RG_WEIGH_ONES, 1, 1);
  rg_node *h = encoder(graph, s, x);
  char text[64];
  snprintf(text, sizeof text, "width=%d", (int)s->latent);
  rg_node *mu = rg_apply(graph, "linear", "mu", text, h, NULL);
  rg_node *logvar = rg_apply(graph, "linear", "logvar", text, h, NULL);
  rg_node *z = rg_apply(graph, "sample", "z", exact(s) ? "std=full" : "std=half", mu,
                        logvar, NULL);
  h = decoder(graph, s, rg_sailer_condition(graph, facts, z), x);
  snprintf(text, sizeof text, "reduction=mean one_weight=%g init=%s", s->ones_weight,
           init_of(s));
  rg_op *warm = rg_loss(graph, "wide_bernoulli", "warm_bce:dec.out", text, h, x, NULL);
  snprintf(text, sizeof text, "reduction=sum init=%s", init_of(s));
  rg_op *rec = rg_loss(graph, "wide_bernoulli", "bce:dec.out", text, h, x, NULL);
  rg_op *kl = rg_loss(graph, "kl_normal", "kl", "reduction=sum", mu, logvar, NULL);
  rg_op *akl = rg_loss(graph, "aggregated_kl", "invariance",
                       exact(s) ? "reduction=mean" : "reduction=sum", mu, logvar, NULL);
  model->optimiser = RG_ADAM;
  model->weight_decay = s->weight_decay;
  phases(s, model, warm, rec, kl, akl);
  rg_model_embedding(model, "", mu, false);
  rg_model_likelihood(model, "atac", rec);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=200", NULL};

const rg_recipe rg_recipe_sailer = {
    .name = "sailer",
    .cite = "Cao, Fu, Wu, Peng, Nie, Zhang, Xie. SAILER: scalable and accurate invariant "
            "representation learning for single-cell ATAC-seq processing and integration. "
            "Bioinformatics 2021; github.com/uci-cbcl/SAILER",
    .help = "a variational autoencoder of accessibility, invariant to depth and batch",
    .good_for = "ATAC alone",
    .modalities = "atac",
    .fields = fields,
    .settings_size = sizeof(sailer_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
