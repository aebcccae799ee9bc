/* CLUE: every modality is encoded into the subspace of every modality; all meet in one
 * latent by a pairing loss, cross decoding and a critic. */
#include "clue_parts.h"

#include <math.h>
#include <string.h>

enum { EPOCHS = 10, STEPS = 1000 }; /* along a cosine: so many epochs and steps or more */

/* ---- settings ---- */

typedef struct clue_settings {
  char *compat, *configuration, *input, *adversary, *subspaces, *schedule;
  int64_t axes, latent, encoder_depth, encoder_width, decoder_depth, decoder_width,
      critic_depth, critic_width;
  double data, kl, align, joint_cross, real_cross, cos, supervised, dropout, rate;
  int64_t epochs, burn_in, patience, plateau_patience;
  bool unit, fine_tune;
} clue_settings;

#define FIELD(name) offsetof(clue_settings, name)
#define FROM_CONFIGURATION "; 0: as the configuration has it"
#define WEIGHT(name, help)                                                                \
  {#name, RG_DOUBLE, FIELD(name), "-1", -1, 1e6, NULL, NULL,                              \
   "weight of " help "; -1: as the configuration has it"}
#define SIZE(name, most, unit, help)                                                      \
  {#name, RG_INT, FIELD(name), "0", 0, most, NULL, unit, help FROM_CONFIGURATION}

static const rg_field fields[] = {
    {"compat", RG_CHOICE, FIELD(compat), "correct", 0, 0, "correct|code_exact", NULL,
     "the mathematics, or the released program with its quirks"},
    {"configuration", RG_CHOICE, FIELD(configuration), "close", 0, 0,
     "close|library|cite|multiome", NULL,
     "sizes and weights: those of cite with encoders half as wide and latents of a cell "
     "held closer together; the defaults of the released library; or those of its entry "
     "to the competition of NeurIPS 2021 for proteins or for peaks"},
    {"input", RG_CHOICE, FIELD(input), "projection", 0, 0, "projection|log", NULL,
     "what encoders read: principal components (of peaks: latent semantic indexing), or "
     "log1p of counts scaled to 1e4 of all features"},
    {"adversary", RG_CHOICE, FIELD(adversary), "reversal", 0, 0, "reversal|alternating",
     NULL,
     "the critic learns in the step of the autoencoder, whose gradient it gets with the "
     "sign changed; or in a step of its own before each (code_exact always)"},
    {"axes", RG_INT, FIELD(axes), "100", 1, 1024, NULL, "axes", "of the projection"},
    {"subspaces", RG_CHOICE, FIELD(subspaces), "own", 0, 0, "own|merged", NULL,
     "every modality is decoded from a subspace of its own, or all from one: what the "
     "subspaces are for is seen by comparing"},
    SIZE(latent, 512, "axes", "size of the subspace of a modality"),
    SIZE(encoder_depth, RG_MLP_LAYERS, "layers", "of the encoders"),
    SIZE(encoder_width, 8192, "units", "of the encoders"),
    SIZE(decoder_depth, RG_MLP_LAYERS, "layers", "of the decoders"),
    SIZE(decoder_width, 8192, "units", "of the decoders"),
    SIZE(critic_depth, RG_MLP_LAYERS, "layers", "of the critic"),
    SIZE(critic_width, 8192, "units", "of the critic"),
    WEIGHT(data, "reconstruction and KL"),
    WEIGHT(kl, "the KL, per feature, in that"),
    WEIGHT(align, "the critic"),
    WEIGHT(joint_cross, "reconstruction from the mean of the modalities' latents"),
    WEIGHT(real_cross, "reconstruction from the latent of another modality"),
    WEIGHT(cos, "the angle between the latents of a cell"),
    {"supervised", RG_DOUBLE, FIELD(supervised), "0", 0, 1e6, NULL, NULL,
     "weight of telling the labels of data.labels; 0: labels are not looked at"},
    {"dropout", RG_DOUBLE, FIELD(dropout), "0.2", 0, 0.99, NULL, NULL,
     "share of hidden units"},
    {"unit", RG_BOOL, FIELD(unit), "true", 0, 0, NULL, NULL,
     "decoders read latents at unit length"},
    {"rate", RG_DOUBLE, FIELD(rate), "0", 0, 1, NULL, NULL,
     "learning rate; 0: 2e-3, or 1e-3 with fine_tune"},
    {"schedule", RG_CHOICE, FIELD(schedule), "cosine", 0, 0, "cosine|plateau", NULL,
     "of the learning rate: to zero at the end, or to a tenth whenever the cells of "
     "train.validation get no better (code_exact always)"},
    {"epochs", RG_INT, FIELD(epochs), "0", 0, 1000000, NULL, "epochs",
     "at most; 0: from the size of the data: 1000 steps and ten epochs or more along a "
     "cosine (a quarter to fine_tune), else as released"},
    {"burn_in", RG_INT, FIELD(burn_in), "-1", -1, 1000000, NULL, "epochs",
     "in which the critic's input loses its noise and nothing is watched; -1: half of all "
     "along a cosine, else as released"},
    {"patience", RG_INT, FIELD(patience), "-1", -1, 1000000, NULL, "epochs",
     "without a better value on the cells of train.validation before training ends; 0: it "
     "never does; -1: 0 along a cosine, else as released"},
    {"plateau_patience", RG_INT, FIELD(plateau_patience), "-1", -1, 1000000, NULL,
     "epochs", "the same before the rate falls to a tenth; -1: derived"},
    {"fine_tune", RG_BOOL, FIELD(fine_tune), "false", 0, 0, NULL, NULL,
     "shorter and gentler, for a model that starts from another (--init-from)"},
    {0}};

typedef struct configuration {
  const char *name;
  int latent, encoder_depth, encoder_width, decoder_depth, decoder_width, critic_depth,
      critic_width;
  double data, kl, align, joint_cross, real_cross, cos;
} configuration;

static const configuration configurations[] = {
    {"close", 20, 2, 256, 1, 128, 2, 128, 1, 1, 2, 2, 2, 5},
    {"library", 50, 2, 256, 2, 256, 2, 256, 1, 1, 0.02, 0.02, 0.02, 0.02},
    {"cite", 20, 2, 512, 1, 128, 2, 128, 1, 1, 2, 2, 2, 1},
    {"multiome", 50, 2, 512, 1, 256, 1, 256, 1, 0.3, 0.02, 1, 1, 0.02},
};

static int64_t size_or(int64_t set, int otherwise)
{
  return set > 0 ? set : otherwise;
}

static void weight_or(double *set, double otherwise)
{
  if (*set < 0)
    *set = otherwise;
}

/* The settings with everything that the configuration has to say. */
static clue_settings settled(const clue_settings *given)
{
  clue_settings s = *given;
  const configuration *c = configurations;
  while (strcmp(c->name, s.configuration) != 0)
    c++;
  s.latent = size_or(s.latent, c->latent);
  s.encoder_depth = size_or(s.encoder_depth, c->encoder_depth);
  s.encoder_width = size_or(s.encoder_width, c->encoder_width);
  s.decoder_depth = size_or(s.decoder_depth, c->decoder_depth);
  s.decoder_width = size_or(s.decoder_width, c->decoder_width);
  s.critic_depth = size_or(s.critic_depth, c->critic_depth);
  s.critic_width = size_or(s.critic_width, c->critic_width);
  weight_or(&s.data, c->data);
  weight_or(&s.kl, c->kl);
  weight_or(&s.align, c->align);
  weight_or(&s.joint_cross, c->joint_cross);
  weight_or(&s.real_cross, c->real_cross);
  weight_or(&s.cos, c->cos);
  if (s.rate <= 0)
    s.rate = s.fine_tune ? 1e-3 : 2e-3;
  return s;
}

static bool exact(const clue_settings *s)
{
  return strcmp(s->compat, "code_exact") == 0;
}

/* ---- how long ---- */

/* Epochs in which `progress` / rate steps are done, and not fewer than progress. */
static int64_t epochs_of(double progress, const clue_settings *s, const rg_facts *facts)
{
  return (int64_t)fmax(ceil(progress / s->rate / (double)facts->steps_per_epoch),
                       progress);
}

static int64_t either(int64_t set, int64_t fine, int64_t derived, const clue_settings *s)
{
  return set >= 0 ? set : s->fine_tune ? fine : derived;
}

static bool follows_cosine(const clue_settings *s)
{
  return !exact(s) && s->schedule[0] == 'c';
}

/* Along a cosine training goes to its end; the released lengths are for plateaus. */
static void settle_length(clue_settings *s, const rg_facts *facts)
{
  bool cosine = follows_cosine(s);
  int64_t part = s->fine_tune ? 4 : 1, steps = STEPS / part, least = EPOCHS / part;
  int64_t whole = (steps + facts->steps_per_epoch - 1) / facts->steps_per_epoch;
  int64_t most = s->fine_tune ? 50 : epochs_of(72, s, facts);
  if (s->epochs == 0)
    s->epochs = !cosine ? most : whole > least ? whole : least;
  int64_t fade = cosine ? s->epochs / 2 : epochs_of(12, s, facts);
  s->burn_in = either(s->burn_in, 0, fade, s);
  s->patience = cosine && s->patience < 0
                    ? 0
                    : either(s->patience, 8, epochs_of(9, s, facts), s);
  s->plateau_patience = either(s->plateau_patience, 3, epochs_of(3, s, facts), s);
}

/* ---- losses ---- */

/* A term of the step that trains the autoencoder and of what is watched. */
static void add_term(rg_clue *c, rg_step *step, rg_op *loss, double weight)
{
  if (weight == 0)
    return;
  rg_step_term(step, loss, weight, RG_RAMP_NONE, 0);
  rg_model_watch(c->model, loss, weight);
}

static void own_terms(rg_clue *c, const clue_settings *s, rg_step *step, int k)
{
  rg_clue_modality *m = &c->m[k];
  char name[96];
  snprintf(name, sizeof name, "self.%s", m->name);
  rg_op *nll = rg_clue_decode(c, name, k, m->u, m->library, m->has);
  snprintf(name, sizeof name, "kl.%s", m->name);
  rg_op *kl = rg_loss(c->graph, "kl_std", name, "reduction=cell", m->mean, m->deviation,
                      m->has, NULL);
  snprintf(name, sizeof name, "joint.%s", m->name);
  rg_op *joint = rg_clue_decode(c, name, k, c->u, exact(s) ? m->library : c->library,
                                m->has);
  add_term(c, step, nll, s->data);
  add_term(c, step, kl, s->data * s->kl / (double)m->features);
  add_term(c, step, joint, s->joint_cross);
  rg_model_translation(c->model, m->name, m->name, nll);
  rg_model_likelihood(c->model, m->name, joint);
}

static void cross_terms(rg_clue *c, const clue_settings *s, rg_step *step, int from,
                        int to)
{
  const rg_clue_modality *a = &c->m[from], *b = &c->m[to];
  char name[96], mask[96];
  snprintf(mask, sizeof mask, "both:%s,%s", from < to ? a->name : b->name,
           from < to ? b->name : a->name);
  rg_node *both = rg_graph_find_node(c->graph, mask);
  if (!both)
    both = rg_input(c->graph, mask, 1);
  snprintf(name, sizeof name, "real.%s.%s", a->name, b->name);
  rg_op *nll = rg_clue_decode(c, name, to, a->u, a->library, both);
  add_term(c, step, nll, s->real_cross);
  rg_model_translation(c->model, a->name, b->name, nll);
}

static void pairing_term(rg_clue *c, const clue_settings *s, rg_step *step)
{
  rg_node *n[2 * RG_CLUE_MOST + 1] = {0};
  for (int k = 0; k < c->n; k++) {
    n[k] = c->m[k].u;
    n[c->n + k] = c->m[k].has;
  }
  add_term(c, step, rg_loss(c->graph, "cos_to_mean", "cos", NULL, n[0], n[1], n[2], n[3],
                            n[4], n[5], NULL),
           s->cos);
}

/* A linear map of the mean tells the label, of every modality where both are known. */
static void label_terms(rg_clue *c, const clue_settings *s, rg_step *step)
{
  char text[96], name[96];
  if (s->supervised <= 0 || c->facts->n_labels < 2)
    return;
  rg_node *label = rg_input(c->graph, "label", c->facts->n_labels);
  rg_node *labelled = rg_input(c->graph, "labelled", 1);
  snprintf(text, sizeof text, "width=%d", c->facts->n_labels);
  for (int k = 0; k < c->n; k++) {
    const rg_clue_modality *m = &c->m[k];
    snprintf(name, sizeof name, "classify.%s:classify", m->name);
    rg_node *y = rg_apply(c->graph, "linear", name, text, m->mean, NULL);
    snprintf(name, sizeof name, "labelled.%s", m->name);
    rg_node *known = rg_apply(c->graph, "multiply", name, NULL, labelled, m->has, NULL);
    snprintf(name, sizeof name, "supervised.%s", m->name);
    add_term(c, step, rg_loss(c->graph, "cross_entropy", name, "reduction=mean", y, label,
                              known, NULL),
             s->supervised / c->n);
  }
}

/* The critic learns, in a step of its own or with the autoencoder, which unlearns what it
 * can tell. */
static void critic_terms(rg_clue *c, const clue_settings *s, rg_step *critic,
                         rg_step *autoencoder)
{
  double weight = s->align / c->n;
  for (int k = 0; k < c->n; k++) {
    rg_op *align = rg_clue_criticise(c, k);
    if (critic)
      rg_step_term(critic, align, weight, RG_RAMP_NONE, 0);
    rg_step_term(autoencoder, align, critic ? -weight : weight, RG_RAMP_NONE, 0);
    if (exact(s))
      rg_model_watch(c->model, align, -weight);
  }
}

/* ---- the model ---- */

static rg_phase *main_phase(rg_model *model, const clue_settings *s)
{
  rg_phase *phase = rg_model_phase(model, "main", s->epochs, s->rate);
  phase->schedule = follows_cosine(s) ? RG_RATE_COSINE : RG_RATE_PLATEAU;
  phase->factor = 0.1;
  phase->burn_in = s->burn_in;
  phase->patience = s->patience;
  phase->plateau_patience = s->plateau_patience;
  return phase;
}

static void outputs(rg_clue *c)
{
  rg_model_embedding(c->model, "", c->mean, true);
  for (int k = 0; k < c->n; k++)
    rg_model_embedding_of(c->model, c->m[k].name, c->m[k].mean, true, c->m[k].has);
}

static void compose_steps(rg_clue *c, const clue_settings *s)
{
  rg_phase *phase = main_phase(c->model, s);
  uint64_t vae = (uint64_t)1 << rg_graph_find_group(c->graph, "autoencoder");
  uint64_t judge = (uint64_t)1 << rg_graph_find_group(c->graph, "critic");
  bool alone = s->align > 0 && !c->shape.reversal;
  rg_step *critic = alone ? rg_phase_step(phase, "critic", judge) : NULL;
  rg_step *step = rg_phase_step(phase, "autoencoder", alone ? vae : vae | judge);
  rg_graph_group(c->graph, "autoencoder");
  for (int k = 0; k < c->n; k++)
    own_terms(c, s, step, k);
  for (int from = 0; from < c->n; from++)
    for (int to = 0; to < c->n; to++)
      if (from != to)
        cross_terms(c, s, step, from, to);
  pairing_term(c, s, step);
  label_terms(c, s, step);
  rg_graph_group(c->graph, "critic");
  if (critic)
    critic->optimiser = 1;
  if (s->align > 0)
    critic_terms(c, s, critic, step);
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  rg_status status = RG_OK;
  clue_settings s = settled(settings);
  settle_length(&s, facts);
  rg_clue c = {.graph = graph,
               .facts = facts,
               .model = model,
               .shape = {.exact = exact(&s),
                         .projected = s.input[0] == 'p',
                         .unit = s.unit,
                         .merged = s.subspaces[0] == 'm',
                         .axes = s.axes,
                         .latent = s.latent,
                         .encoder_depth = (int)s.encoder_depth,
                         .decoder_depth = (int)s.decoder_depth,
                         .critic_depth = (int)s.critic_depth,
                         .encoder_width = s.encoder_width,
                         .decoder_width = s.decoder_width,
                         .critic_width = s.critic_width,
                         .dropout = s.dropout,
                         .fade = (double)s.burn_in,
                         .reversal = !exact(&s) && s.adversary[0] == 'r'}};
  model->optimiser = RG_RMSPROP;
  rg_graph_group(graph, "critic");
  rg_graph_group(graph, "autoencoder");
  RG_TRY(rg_clue_encode(&c));
  compose_steps(&c, &s);
  outputs(&c);
out:
  return status;
}

static rg_status covariates(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                            bool fit, rg_constants *constants, rg_covariates *out)
{
  if (exact(settings))
    return RG_OK;
  return rg_clue_covariates(comm, dataset, fit, constants, out);
}

static const char *const defaults[] = {"train.batch=128", "train.validation=0.1",
                                       "prepare.top_genes=5000", NULL};

const rg_recipe rg_recipe_clue = {
    .name = "clue",
    .cite = "Tu, Cao, Gao et al. Cross-Linked Unified Embedding for cross-modality "
            "representation learning. NeurIPS 2022; github.com/gao-lab/GLUE, scclue",
    .help = "one latent of all modalities, and each modality from every other",
    .good_for = "RNA with proteins or peaks, also where cells lack some of them; matching "
                "and translating modalities",
    .modalities = "",
    .least = 2,
    .mosaic = true,
    .by_lanes = true,
    .fields = fields,
    .settings_size = sizeof(clue_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
