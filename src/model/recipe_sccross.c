/* scCross: an autoencoder per modality, whose latents are carried to a common space by
 * linear maps there and back; a prior of like cells and a discriminator make it common. */
#include "mlp.h"
#include "sccross_parts.h"

#include <math.h>
#include <string.h>

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(sccross_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "the mathematics, or the released program with its quirks"},
    {"latent", RG_INT, offsetof(sccross_settings, latent), "50", 2, 512, NULL, "axes",
     "size of the latents"},
    {"hidden", RG_INT, offsetof(sccross_settings, hidden), "256", 1, 8192, NULL, "units",
     "hidden layers of encoders and discriminator"},
    {"axes", RG_INT, offsetof(sccross_settings, axes), "100", 1, 1000, NULL, "axes",
     "principal components (of peaks: of the semantic index) that an encoder reads"},
    {"smooth", RG_INT, offsetof(sccross_settings, smooth), "0", 0, 1000, NULL, "neighbours",
     "encoders read the mean over so many nearest neighbours, weighed; 0: the cell "
     "itself; released: 20"},
    {"counts", RG_CHOICE, offsetof(sccross_settings, counts), "nb", 0, 0, "nb|zinb", NULL,
     "likelihood of counts: negative binomial, plain or with extra zeros"},
    {"atac", RG_CHOICE, offsetof(sccross_settings, atac), "bernoulli", 0, 0,
     "bernoulli|nb|zinb", NULL, "likelihood of peaks; bernoulli: open or not"},
    {"prior", RG_CHOICE, offsetof(sccross_settings, prior), "auto", 0, 0,
     "auto|pairs|mnn|none", NULL,
     "which cells of two modalities are alike: those measured in both, or mutual nearest "
     "neighbours on features of one name; auto: pairs where there are enough, else mnn"},
    {"pretrain", RG_INT, offsetof(sccross_settings, pretrain), "0", 0, 1000000, NULL,
     "epochs", "of the first stage; 0: 8, on small data more until 300 steps"},
    {"epochs", RG_INT, offsetof(sccross_settings, epochs), "0", 0, 1000000, NULL, "epochs",
     "of the second stage; 0: 16, on small data more until 600 steps"},
    {"rate", RG_DOUBLE, offsetof(sccross_settings, rate), "1e-3", 0, 1, NULL, NULL,
     "learning rate"},
    {"kl", RG_DOUBLE, offsetof(sccross_settings, kl), "1", 0, 1e6, NULL, NULL,
     "weight of the KL of the latents, over the number of features"},
    {"z_kl", RG_DOUBLE, offsetof(sccross_settings, z_kl), "0.04", 0, 1e6, NULL, NULL,
     "weight of the KL of the common latent to the mean latent of the cell, likewise"},
    {"first_match", RG_DOUBLE, offsetof(sccross_settings, first_match), "1e-4", 0, 1e6,
     NULL, NULL, "weight of the match with the prior in the first stage"},
    {"match", RG_DOUBLE, offsetof(sccross_settings, match), "1e-3", 0, 1e6, NULL, NULL,
     "weight of the match with the prior in the second stage"},
    {"adversary", RG_DOUBLE, offsetof(sccross_settings, adversary), "0.05", 0, 1e6, NULL,
     NULL, "weight of the discriminator of modalities"},
    {"burn_in", RG_DOUBLE, offsetof(sccross_settings, burn_in), "4", 0, 1e6, NULL, "epochs",
     "in which noise on what the discriminator sees fades"},
    {"patience", RG_INT, offsetof(sccross_settings, patience), "6", 0, 1000000, NULL,
     "epochs", "the second stage ends after so many without a better validation; 0: never"},
    {0}};

enum { FIRST_EPOCHS = 8, FIRST_STEPS = 300, EPOCHS = 16, STEPS = 600, PLATEAU = 3 };

/* ---- one modality ---- */

static const char *part(char *text, const char *what, const char *modality)
{
  snprintf(text, 96, "%s.%.32s", what, modality);
  return text;
}

static rg_node *given(rg_sccross *c, const char *what, const char *modality, int width)
{
  char name[96];
  snprintf(name, sizeof name, "%s:%.32s", what, modality);
  return rg_input(c->graph, name, width);
}

static void describe(rg_sccross *c, rg_sccross_side *k,
                     const struct rg_fact_modality *facts)
{
  bool peaks = strcmp(facts->name, "atac") == 0 && facts->values == RG_VALUES_COUNTS;
  const char *likelihood = peaks ? c->s->atac : c->s->counts;
  *k = (rg_sccross_side){.name = facts->name, .facts = facts, .wide = likelihood[0] == 'b',
              .extra_zeros = likelihood[0] == 'z'};
  k->has = given(c, "has", k->name, 1);
  k->is = given(c, "is", k->name, c->n);
  k->library = given(c, "library", k->name, 1);
  k->relative = given(c, "relative", k->name, 1);
  k->mean_library = given(c, "mean", k->name, 1);
  k->level = given(c, "level", k->name, 1);
}

static bool has_prior(const rg_sccross *c)
{
  return c->n > 1 && c->s->prior[0] != 'n';
}

static void wish_prior(rg_sccross *c)
{
  struct rg_prior *prior = &c->model->prior;
  int rna = rg_facts_find(c->facts, "rna");
  snprintf(prior->kind, sizeof prior->kind, "%s", c->s->prior);
  prior->reference = rna < 0 ? 0 : rna;
  prior->axes = rg_projection_axes(c->s->axes,
                                   c->facts->modality[prior->reference].n_features);
  prior->length = sqrt((double)c->s->latent);
}

/* What an encoder reads: components of the modality, perhaps smoothed. */
static rg_node *components(rg_sccross *c, rg_sccross_side *k)
{
  char name[96];
  const char *kind = strcmp(k->name, "atac") == 0 && rg_sccross_counts(k) ? "lsi" : "pca";
  int axes = rg_projection_axes(c->s->axes, k->facts->n_features);
  snprintf(name, sizeof name, "%s:%.32s", kind, k->name);
  if (has_prior(c)) {
    k->prior = given(c, "prior", k->name, c->model->prior.axes);
    rg_model_prior(c->model, k->name, name, axes);
  }
  if (c->s->smooth < 1)
    return rg_input(c->graph, name, axes);
  snprintf(name, sizeof name, "smooth:%d:%s:%.32s", (int)c->s->smooth, kind, k->name);
  return rg_input(c->graph, name, axes);
}

static rg_node *normal(rg_sccross *c, const char *name, rg_node *h, rg_node **mean,
                       rg_node **sigma)
{
  char op[96], params[96];
  *mean = rg_mlp_linear(c->graph, part(op, "mean", name), NULL, c->s->latent, h, NULL);
  rg_node *raw = rg_mlp_linear(c->graph, part(params, "spread", name), NULL, c->s->latent,
                               h, NULL);
  *sigma = rg_apply(c->graph, "softplus_std", part(op, "sigma", name), NULL, raw, NULL);
  return rg_apply(c->graph, "sample", part(op, "sample", name), "std=given", *mean, *sigma,
                  NULL);
}

/* Components - u - z */
static void encode(rg_sccross *c, rg_sccross_side *k)
{
  char op[96], name[96];
  rg_mlp mlp = rg_mlp_of(2, c->s->hidden);
  mlp.norm = "batchnorm";
  mlp.norm_last = true;
  mlp.activation = "kind=leaky slope=0.2";
  mlp.dropout = 0.2;
  mlp.measured = k->has;
  rg_node *h = rg_mlp_apply(c->graph, part(op, "enc", k->name), &mlp, components(c, k));
  k->u = normal(c, part(name, "u", k->name), h, &k->mean, &k->sigma);
  k->z = normal(c, part(name, "z", k->name), k->u, &k->zmean, &k->zsigma);
}

static void read_counts(rg_sccross *c, rg_sccross_side *k)
{
  char op[96];
  k->sparse = rg_model_counts(c->model, c->graph, part(op, "counts", k->name), c->facts,
                              k->name, k->wide ? RG_WEIGH_ONES : RG_WEIGH_COUNTS, 1, 1);
  if (!k->wide)
    k->target = rg_apply(c->graph, "densify", part(op, "target", k->name), NULL, k->sparse,
                         NULL);
}

/* ---- decoders ---- */

/* From the common space to the space of k. */
static rg_node *back(rg_sccross *c, const rg_sccross_side *k, const char *use, rg_node *z)
{
  char op[128];
  snprintf(op, sizeof op, "z2u.%.32s.%.40s:z2u.%.32s", k->name, use, k->name);
  return rg_mlp_linear(c->graph, op, NULL, c->s->latent, z, NULL);
}

static void own_terms(rg_sccross *c, rg_sccross_side *k)
{
  char op[96];
  k->nll_u = rg_sccross_decode(c, k, "u", k->u, k->library, k->level);
  k->nll_z = rg_sccross_decode(c, k, "z", back(c, k, "z", k->z), k->library, k->level);
  k->kl = rg_loss(c->graph, "kl_std", part(op, "kl", k->name), "reduction=cell", k->mean,
                  k->sigma, k->has, NULL);
}

/* ---- what makes the space common ---- */

/* Mean over the modalities that a cell has. */
static rg_node *mean_of(rg_sccross *c, const char *name, rg_node *const *x)
{
  rg_node *in[2 * RG_SCCROSS_MODALITIES + 1] = {0};
  for (int k = 0; k < c->n; k++) {
    in[k] = x[k];
    in[c->n + k] = c->side[k].has;
  }
  return rg_apply(c->graph, "fuse", name, NULL, in[0], in[1], in[2], in[3], in[4], in[5],
                  NULL);
}

/* KL(z_k || N(mean u, mean sigma)) over the modalities of the cell. */
static void common_terms(rg_sccross *c)
{
  char op[96];
  rg_node *means[RG_SCCROSS_MODALITIES] = {0}, *sigmas[RG_SCCROSS_MODALITIES] = {0};
  for (int k = 0; k < c->n; k++) {
    means[k] = c->side[k].mean;
    sigmas[k] = c->side[k].sigma;
  }
  rg_node *mean = mean_of(c, "mean.u", means), *sigma = mean_of(c, "sigma.u", sigmas);
  for (int k = 0; k < c->n; k++)
    c->side[k].z_kl = rg_loss(c->graph, "kl_pair", part(op, "z_kl", c->side[k].name),
                              "reduction=cell", c->side[k].zmean, c->side[k].zsigma, mean,
                              sigma, c->side[k].has, NULL);
}

/* Rows of cells without the modality or without a prior count for nothing: they and their
 * priors are zero. */
static rg_node *gated(rg_sccross *c, const rg_sccross_side *k, const char *what, rg_node *x)
{
  char op[96];
  return rg_apply(c->graph, "multiply", part(op, what, k->name), NULL, x, k->anchored,
                  NULL);
}

static void match_terms(rg_sccross *c, rg_op **first, rg_op **second)
{
  for (int k = 0; k < c->n; k++)
    c->side[k].anchored = given(c, "anchored", c->side[k].name, 1);
  for (int k = 0; k + 1 < c->n; k++) {
    rg_sccross_side *a = &c->side[k], *b = &c->side[k + 1];
    char name[64];
    snprintf(name, sizeof name, "first_match%d", k + 1);
    first[k] = rg_loss(c->graph, "gram_match", name, "reduction=cell",
                       gated(c, a, k ? "first2" : "first1", a->u),
                       gated(c, b, k ? "first4" : "first3", b->u), a->prior, b->prior,
                       NULL);
    snprintf(name, sizeof name, "match%d", k + 1);
    second[k] = rg_loss(c->graph, "gram_match", name, "reduction=cell",
                        gated(c, a, k ? "second2" : "second1", a->z),
                        gated(c, b, k ? "second4" : "second3", b->z), a->prior, b->prior,
                        NULL);
  }
}

/* Cross entropy of telling the modality from z. */
static rg_op *told(rg_sccross *c, const rg_sccross_side *k, const char *use, rg_node *z)
{
  char op[128], text[96];
  snprintf(text, sizeof text, "of=column scale=1.5 burn_in=%.17g", c->s->burn_in);
  snprintf(op, sizeof op, "noise.%.32s.%s", k->name, use);
  rg_node *h = rg_apply(c->graph, "noise", op, text, z, NULL);
  rg_mlp mlp = rg_mlp_of(2, c->s->hidden);
  mlp.activation = "kind=leaky slope=0.2";
  mlp.dropout = 0.2;
  snprintf(op, sizeof op, "disc.%.32s.%s:disc", k->name, use);
  h = rg_mlp_apply(c->graph, op, &mlp, h);
  snprintf(op, sizeof op, "disc_out.%.32s.%s:disc_out", k->name, use);
  h = rg_mlp_linear(c->graph, op, NULL, c->n, h, NULL);
  snprintf(op, sizeof op, "%s.%.32s", use, k->name);
  return rg_loss(c->graph, "cross_entropy", op, "reduction=mean", h, k->is, k->has, NULL);
}

static void adversary_terms(rg_sccross *c)
{
  char op[96];
  c->discriminator = (uint64_t)1 << rg_graph_group(c->graph, "discriminator");
  for (int k = 0; k < c->n; k++) {
    rg_sccross_side *one = &c->side[k];
    rg_node *z = rg_apply(c->graph, "detach", part(op, "seen_z", one->name), NULL,
                          one->zmean, NULL);
    one->seen = told(c, one, "seen", z);
    one->fooled = told(c, one, "fooled", one->zmean);
  }
  rg_graph_group(c->graph, "main");
}

/* ---- stages ---- */

static double features(const rg_sccross_side *k)
{
  return (double)k->facts->n_features;
}

static void elbo(rg_sccross *c, rg_step *step)
{
  for (int k = 0; k < c->n; k++) {
    rg_sccross_side *one = &c->side[k];
    rg_step_term(step, one->nll_u, 1, RG_RAMP_NONE, 0);
    rg_step_term(step, one->kl, c->s->kl / features(one), RG_RAMP_NONE, 0);
  }
}

static void first_stage(rg_sccross *c, rg_op *const *match)
{
  const sccross_settings *s = c->s;
  rg_phase *phase = rg_model_phase(c->model, "pretrain",
                                   s->pretrain > 0 ? s->pretrain : FIRST_EPOCHS, s->rate);
  phase->least_steps = s->pretrain > 0 ? 0 : FIRST_STEPS;
  rg_step *step = rg_phase_step(phase, "all", c->main);
  elbo(c, step);
  for (int k = 0; match[0] && k + 1 < c->n; k++)
    rg_step_term(step, match[k], s->first_match, RG_RAMP_NONE, 0);
}

static void discriminate(rg_sccross *c, rg_phase *phase, const char *name)
{
  rg_step *step = rg_phase_step(phase, name, c->discriminator);
  step->optimiser = 1;
  for (int k = 0; k < c->n; k++)
    rg_step_term(step, c->side[k].seen, c->s->adversary, RG_RAMP_NONE, 0);
}

static void second_stage(rg_sccross *c, rg_op *const *match)
{
  const sccross_settings *s = c->s;
  rg_phase *phase =
      rg_model_phase(c->model, "common", s->epochs > 0 ? s->epochs : EPOCHS, s->rate);
  phase->least_steps = s->epochs > 0 ? 0 : STEPS;
  phase->fresh = true;
  phase->schedule = RG_RATE_PLATEAU;
  phase->factor = 0.1;
  phase->plateau_patience = PLATEAU;
  phase->patience = s->patience;
  phase->burn_in = (int64_t)ceil(s->burn_in);
  if (c->n > 1 && s->adversary > 0) {
    discriminate(c, phase, "discriminator");
    discriminate(c, phase, "again");
  }
  rg_step *step = rg_phase_step(phase, "generator", c->main);
  elbo(c, step);
  for (int k = 0; k < c->n; k++) {
    rg_sccross_side *one = &c->side[k];
    rg_step_term(step, one->nll_z, 1, RG_RAMP_NONE, 0);
    rg_step_term(step, one->z_kl, s->z_kl / features(one), RG_RAMP_NONE, 0);
    if (c->n > 1 && s->adversary > 0)
      rg_step_term(step, one->fooled, -s->adversary, RG_RAMP_NONE, 0);
    rg_model_watch(c->model, one->nll_u, 1);
    rg_model_watch(c->model, one->kl, s->kl / features(one));
    rg_model_watch(c->model, one->nll_z, 1);
    rg_model_watch(c->model, one->z_kl, s->z_kl / features(one));
  }
  for (int k = 0; match[0] && k + 1 < c->n; k++)
    rg_step_term(step, match[k], s->match, RG_RAMP_NONE, 0);
}

/* ---- what is read out ---- */

static void translations(rg_sccross *c, const rg_sccross_side *from)
{
  char op[128], use[64];
  for (int j = 0; j < c->n; j++) {
    const rg_sccross_side *to = &c->side[j];
    if (to == from)
      continue;
    snprintf(use, sizeof use, "from_%.32s", from->name);
    snprintf(op, sizeof op, "library.%.32s.%.32s", from->name, to->name);
    rg_node *library = rg_apply(c->graph, "multiply", op, NULL, from->relative,
                                to->mean_library, NULL);
    rg_model_translation(
        c->model, from->name, to->name,
        rg_sccross_decode(c, to, use, back(c, to, use, from->zmean), library, from->level));
  }
}

/* Peaks start as open as they are. */
static void start_peaks(rg_sccross *c, const rg_sccross_side *k)
{
  char name[96];
  snprintf(name, sizeof name, "dec.peaks.%.32s.bias", k->name);
  if (k->wide)
    rg_model_start(c->model, name, k->name);
}

static void outputs(rg_sccross *c)
{
  rg_node *means[RG_SCCROSS_MODALITIES] = {0};
  for (int k = 0; k < c->n; k++)
    means[k] = c->side[k].zmean;
  rg_node *z = mean_of(c, "z", means);
  rg_model_embedding(c->model, "", z, false);
  c->model->latent = z;
  for (int k = 0; k < c->n; k++) {
    rg_sccross_side *one = &c->side[k];
    rg_model_likelihood(c->model, one->name,
                        rg_sccross_decode(c, one, "read", back(c, one, "read", z),
                                          one->library, one->level));
    start_peaks(c, one);
    if (c->n < 2)
      continue;
    rg_model_embedding_of(c->model, one->name, one->zmean, false, one->has);
    translations(c, one);
  }
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  rg_op *first[RG_SCCROSS_MODALITIES] = {0}, *second[RG_SCCROSS_MODALITIES] = {0};
  rg_sccross c = {.graph = graph, .facts = facts, .s = settings, .model = model,
               .n = facts->n_modalities};
  if (c.n > RG_SCCROSS_MODALITIES)
    return rg_fail(RG_EINPUT, "sccross takes at most %d modalities; the data have %d",
                   RG_SCCROSS_MODALITIES, c.n);
  model->optimiser = RG_RMSPROP;
  c.main = (uint64_t)1 << rg_graph_group(graph, "main");
  if (facts->n_batches > 1)
    c.batch = rg_input(graph, "batch", facts->n_batches);
  wish_prior(&c);
  for (int k = 0; k < c.n; k++) {
    describe(&c, &c.side[k], &facts->modality[k]);
    encode(&c, &c.side[k]);
    read_counts(&c, &c.side[k]);
    own_terms(&c, &c.side[k]);
  }
  common_terms(&c);
  if (has_prior(&c))
    match_terms(&c, first, second);
  if (c.n > 1)
    adversary_terms(&c);
  first_stage(&c, first);
  second_stage(&c, second);
  outputs(&c);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=128", "train.validation=0.1", NULL};

const rg_recipe rg_recipe_sccross = {
    .name = "sccross",
    .cite = "Yang, Mann, Wu, Ding. scCross: a deep generative model for unifying "
            "single-cell multi-omics with seamless integration, cross-modal generation, "
            "and in silico exploration. Genome Biology 2024; "
            "github.com/mcgilldinglab/scCross",
    .help = "autoencoders of the modalities with a common space between them, from which "
            "each can be generated",
    .good_for = "integration, translation and generation of modalities, paired or not",
    .modalities = "",
    .least = 1,
    .mosaic = true,
    .by_lanes = true,
    .fields = fields,
    .settings_size = sizeof(sccross_settings),
    .defaults = defaults,
    .covariates = rg_sccross_covariates,
    .compose = compose};
