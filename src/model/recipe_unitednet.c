/* UnitedNet: encoders and decoders of every modality that translate into one another, and
 * heads that group cells by a fused latent; both are learned in turn. */
#include "unitednet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct united_settings {
  char *compat, *mode, *preset, *hidden, *fuser;
  int64_t latent, projector, clusters, heads, epochs, finetune, patience, dense;
  double rate, reconstruction, translation, contrast, temperature, negatives, gan, ddc,
      entropy, classification, dropout, noise, clip;
  bool scale;
} united_settings;

enum { LEAST_STEPS = 500 }; /* of a phase of the preset regatta */
#define DROPOUT 0.5         /* of the inputs of its encoders */

#define OWN "0: as the preset has it"

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(united_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "what the paper means, or the released program with its quirks"},
    {"mode", RG_CHOICE, offsetof(united_settings, mode), "unsupervised", 0, 0,
     "unsupervised|supervised", NULL,
     "groups are found, and labels never looked at; or they are learned from data.labels"},
    {"preset", RG_CHOICE, offsetof(united_settings, preset), "regatta", 0, 0,
     "regatta|atac_rna|patch_seq|dbit|dlpfc", NULL,
     "sizes, rate and epochs: tuned here, or of the released configurations"},
    {"latent", RG_INT, offsetof(united_settings, latent), "0", 0, 512, NULL, "axes",
     "size of the latents; " OWN},
    {"hidden", RG_TEXT, offsetof(united_settings, hidden), NULL, 0, 0, NULL, "units",
     "units of the layers of encoders, as 128,64; decoders have them the other way round; "
     "unset: as the preset has it"},
    {"fuser", RG_CHOICE, offsetof(united_settings, fuser), "preset", 0, 0,
     "preset|scalar|feature", NULL,
     "what a head weighs: whole latents, or every column of them"},
    {"projector", RG_INT, offsetof(united_settings, projector), "0", 0, 4096, NULL, "units",
     "hidden units of a head; " OWN},
    {"clusters", RG_INT, offsetof(united_settings, clusters), "0", 0, 1000, NULL, NULL,
     "groups that are looked for (unsupervised); " OWN},
    {"heads", RG_INT, offsetof(united_settings, heads), "0", 0, RG_UNITED_HEADS, NULL, NULL,
     "heads, of which the best is read out; " OWN},
    {"rate", RG_DOUBLE, offsetof(united_settings, rate), "0", 0, 1, NULL, NULL,
     "learning rate; " OWN},
    {"epochs", RG_INT, offsetof(united_settings, epochs), "-1", -1, 1000000, NULL, "epochs",
     "of training; -1: as the preset has it"},
    {"finetune", RG_INT, offsetof(united_settings, finetune), "-1", -1, 1000000, NULL,
     "epochs", "of fine-tuning; -1: as the preset has it"},
    {"patience", RG_INT, offsetof(united_settings, patience), "0", 0, 1000000, NULL,
     "epochs",
     "a phase ends after so many epochs without a better value on the cells of "
     "train.validation and goes back to the best; 0: never"},
    {"reconstruction", RG_DOUBLE, offsetof(united_settings, reconstruction), "1", 0, 1e6,
     NULL, NULL, "weight"},
    {"translation", RG_DOUBLE, offsetof(united_settings, translation), "1", 0, 1e6, NULL,
     NULL, "weight"},
    {"contrast", RG_DOUBLE, offsetof(united_settings, contrast), "1", 0, 1e6, NULL, NULL,
     "weight"},
    {"temperature", RG_DOUBLE, offsetof(united_settings, temperature), "0.1", 0.01, 100,
     NULL, NULL, "of the contrast"},
    {"negatives", RG_DOUBLE, offsetof(united_settings, negatives), "0.25", 1e-3, 100, NULL,
     NULL,
     "rows of other groups that a row is told apart from, as a share of all rows: all of "
     "them, each counting in part (correct), or so many drawn (code_exact)"},
    {"gan", RG_DOUBLE, offsetof(united_settings, gan), "0.1", 0, 1e6, NULL, NULL,
     "weight of the discriminators and of what they want; 0 for a transfer"},
    {"ddc", RG_DOUBLE, offsetof(united_settings, ddc), "0.1", 0, 1e6, NULL, NULL,
     "weight of the divergence of groups"},
    {"entropy", RG_DOUBLE, offsetof(united_settings, entropy), "0.1", 0, 1e6, NULL, NULL,
     "weight of groups of like size"},
    {"classification", RG_DOUBLE, offsetof(united_settings, classification), "1", 0, 1e6,
     NULL, NULL, "weight"},
    {"dropout", RG_DOUBLE, offsetof(united_settings, dropout), "-1", -1, 0.95, NULL, NULL,
     "share of the inputs of encoders left out (of wide peaks: of the units that a "
     "chromosome leads to); -1: 0.5 with the preset regatta, else 0 (code_exact: 0)"},
    {"noise", RG_DOUBLE, offsetof(united_settings, noise), "0", 0, 100, NULL, NULL,
     "deviation of noise on the inputs of encoders, in deviations of the column"},
    {"clip", RG_DOUBLE, offsetof(united_settings, clip), "25", 0, 1e9, NULL, NULL,
     "norm of the gradient; 0: none (code_exact: never acts)"},
    {"scale", RG_BOOL, offsetof(united_settings, scale), "true", 0, 0, NULL, NULL,
     "features other than peaks are standardised on the training cells"},
    {"dense", RG_INT, offsetof(united_settings, dense), "16384", 0, 1 << 20, NULL, "peaks",
     "more than these stay sparse and have no discriminator"},
    {0}};

/* ---- what is composed ---- */

static const rg_united_shape presets[] = {
    {"regatta", 64, 2, {128, 64}, true, 1, {64}, 100, 20, 1, false, false, 2e-3, 5, 5},
    {"atac_rna", 64, 2, {64, 64}, true, 1, {64}, 100, 22, 1, false, false, 1e-2, 10, 10},
    {"patch_seq", 68, 4, {1024, 512, 256, 128}, false, 1, {512}, 100, 27, 10, true, true,
     1e-3, 20, 20},
    {"dbit", 22, 4, {512, 256, 128, 64}, false, 3, {512, 256, 256}, 64, 12, 10, false,
     false, 1e-3, 20, 10},
    {"dlpfc", 50, 3, {256, 128, 64}, true, 1, {64}, 100, 7, 5, false, false, 1e-1, 50, 20}};

/* "128,64" */
static rg_status parse_hidden(const char *text, rg_united_shape *shape)
{
  shape->depth = 0;
  for (const char *at = text; *at;) {
    char *end;
    long units = strtol(at, &end, 10);
    bool good = end != at && units > 0 && units <= 1 << 14 && shape->depth < 6 &&
                (*end == ',' || *end == '\0');
    if (!good)
      return rg_fail(RG_EUSAGE, "unitednet.hidden=%s: one to six numbers of units, as "
                                "128,64", text);
    shape->hidden[shape->depth++] = units;
    at = *end ? end + 1 : end;
  }
  if (shape->depth == 0)
    return rg_fail(RG_EUSAGE, "unitednet.hidden is empty");
  return RG_OK;
}

static rg_status make_options(const united_settings *s, const rg_facts *facts,
                              rg_united_options *o)
{
  const rg_united_shape *preset = presets;
  while (strcmp(preset->name, s->preset) != 0)
    preset++;
  *o = (rg_united_options){.shape = *preset,
                           .exact = s->compat[2] == 'd',
                           .supervised = s->mode[0] == 's',
                           .scale = s->scale,
                           .noise = s->noise,
                           .dense = s->dense};
  rg_united_shape *shape = &o->shape;
  shape->latent = s->latent > 0 ? s->latent : shape->latent;
  shape->projector = s->projector > 0 ? s->projector : shape->projector;
  shape->clusters = o->supervised     ? facts->n_labels
                    : s->clusters > 0 ? s->clusters
                                      : shape->clusters;
  shape->heads = s->heads > 0 ? (int)s->heads : shape->heads;
  shape->rate = s->rate > 0 ? s->rate : shape->rate;
  bool tuned = s->preset[0] == 'r' && !o->exact;
  o->dropout = s->dropout >= 0 ? s->dropout : tuned ? DROPOUT : 0;
  shape->epochs = s->epochs >= 0 ? s->epochs : shape->epochs;
  shape->finetune = s->finetune >= 0 ? s->finetune : shape->finetune;
  if (s->fuser[0] != 'p')
    shape->feature_fuser = s->fuser[0] == 'f';
  if (facts->n_modalities > RG_UNITED_MOST)
    return rg_fail(RG_EUSAGE, "unitednet takes up to %d modalities; the data have %d",
                   RG_UNITED_MOST, facts->n_modalities);
  if (shape->clusters < 2)
    return rg_fail(RG_EUSAGE, o->supervised
                                  ? "unitednet.mode=supervised learns labels: name their "
                                    "column with --labels; it needs two or more"
                                  : "unitednet.clusters has to be 2 or more");
  return s->hidden ? parse_hidden(s->hidden, shape) : RG_OK;
}

/* ---- terms ---- */

/* All that the steps are made of. */
typedef struct terms {
  const united_settings *s;
  const rg_united *u;
  rg_op *contrast;
  rg_op *real[RG_UNITED_MOST], *fake[RG_UNITED_MOST], *made[RG_UNITED_MOST];
  rg_op *head[RG_UNITED_HEADS], *entropy[RG_UNITED_HEADS];
  uint64_t latent_projector; /* group, as a mask */
} terms;

/* What the winner among the heads has. */
static rg_node *of_best_head(const rg_united *u, const char *name,
                             rg_node *(*of)(const rg_united_head *head))
{
  rg_node *in[RG_UNITED_HEADS + 1] = {0};
  int n = u->options->shape.heads;
  char text[64];
  for (int h = 0; h < n; h++)
    in[h] = of(&u->head[h]);
  if (n == 1)
    return in[0];
  snprintf(text, sizeof text, "%s:best", name);
  return rg_apply(u->graph, "choose", text, NULL, in[0], in[1], in[2], in[3], in[4], in[5],
                  in[6], in[7], in[8], in[9], NULL);
}

static rg_node *fused_of(const rg_united_head *head)
{
  return head->fused;
}

static rg_node *share_of(const rg_united_head *head)
{
  return head->share;
}

static rg_node *score_of(const rg_united_head *head)
{
  return head->score;
}

static void head_losses(terms *t)
{
  const rg_united *u = t->u;
  char name[64];
  for (int h = 0; h < u->options->shape.heads; h++) {
    const rg_united_head *head = &u->head[h];
    if (u->options->supervised) {
      rg_node *label = rg_united_input(u->graph, "label", head->score->width);
      rg_node *weight = rg_united_input(u->graph, "label_weight", 1);
      snprintf(name, sizeof name, "class.%d", h);
      t->head[h] = rg_loss(u->graph, "cross_entropy", name, "reduction=mean", head->score,
                           label, weight, NULL);
      continue;
    }
    snprintf(name, sizeof name, "ddc.%d", h);
    t->head[h] = rg_loss(u->graph, "ddc", name, NULL, head->share, head->hidden, NULL);
    snprintf(name, sizeof name, "entropy.%d", h);
    t->entropy[h] = rg_loss(u->graph, "entropy", name, NULL, head->share, NULL);
  }
}

static void adversary_losses(terms *t)
{
  const rg_united *u = t->u;
  char name[64];
  for (int k = 0; k < u->n; k++) {
    const rg_united_modality *m = &u->modality[k];
    if (m->wide)
      continue;
    snprintf(name, sizeof name, "real.%s.loss", m->name);
    t->real[k] = rg_loss(u->graph, "lsgan", name, "target=1", m->real, m->has, NULL);
    snprintf(name, sizeof name, "fake.%s.loss", m->name);
    t->fake[k] = rg_loss(u->graph, "lsgan", name, "target=0", m->fake, m->has, NULL);
    snprintf(name, sizeof name, "made.%s.loss", m->name);
    t->made[k] = rg_loss(u->graph, "lsgan", name, "target=1", m->made, m->has, NULL);
  }
}

/* Latents of all modalities against one another; rows of other groups are the rest. */
static void contrast_loss(terms *t)
{
  const rg_united *u = t->u;
  rg_node *in[2 * RG_UNITED_MOST + 1] = {0};
  char name[64], text[128];
  t->latent_projector = (uint64_t)1 << rg_graph_group(u->graph, "latent_projector");
  for (int k = 0; k < u->n; k++) {
    in[k] = u->modality[k].latent;
    if (u->options->shape.latent_projector) {
      snprintf(name, sizeof name, "projected.%s:latent_projector", u->modality[k].name);
      snprintf(text, sizeof text, "width=%d init=kaiming", in[k]->width);
      in[k] = rg_apply(u->graph, "linear", name, text, in[k], NULL);
    }
    snprintf(name, sizeof name, "unit.%s", u->modality[k].name);
    in[k] = rg_apply(u->graph, "unit", name, NULL, in[k], NULL);
    in[u->n + 1 + k] = u->modality[k].has;
  }
  in[u->n] = of_best_head(u, "best.share", share_of);
  snprintf(text, sizeof text, "temperature=%.17g share=%.17g negatives=%s",
           t->s->temperature, t->s->negatives, u->options->exact ? "drawn" : "all");
  t->contrast = rg_loss(u->graph, "hard_negatives", "contrast", text, in[0], in[1], in[2],
                        in[3], in[4], in[5], in[6], in[7], in[8], NULL);
}

/* ---- steps ---- */

static void add_adversary(const terms *t, rg_step *step, rg_op *const *loss)
{
  for (int k = 0; k < t->u->n && t->s->gan > 0; k++)
    if (loss[k])
      rg_step_term(step, loss[k], t->s->gan / t->u->n, RG_RAMP_NONE, 0);
}

static void add_translation(const terms *t, rg_phase *phase, bool gan)
{
  const rg_united *u = t->u;
  bool exact = u->options->exact;
  uint64_t own = (uint64_t)1 << u->encoders | (uint64_t)1 << u->decoders |
                 t->latent_projector;
  uint64_t discriminators = (uint64_t)1 << u->discriminators;
  rg_step *step = rg_phase_step(phase, "translation", exact ? own | discriminators : own);
  step->clip = exact ? 0 : t->s->clip;
  for (int to = 0; to < u->n; to++)
    for (int from = 0; from < u->n; from++)
      rg_step_term(step, u->loss[from][to],
                   from == to ? t->s->reconstruction / u->n
                              : t->s->translation / (u->n * (u->n - 1)),
                   RG_RAMP_NONE, 0);
  if (t->contrast)
    rg_step_term(step, t->contrast,
               exact ? t->s->contrast / u->options->shape.heads : t->s->contrast,
               RG_RAMP_NONE, 0);
  if (!gan || t->s->gan <= 0)
    return;
  add_adversary(t, step, t->made);
  if (!exact) {
    step = rg_phase_step(phase, "discriminators", discriminators);
    step->together = true;
    step->optimiser = 1;
    step->clip = t->s->clip;
  }
  add_adversary(t, step, t->real);
  add_adversary(t, step, t->fake);
}

static void add_grouping(const terms *t, rg_phase *phase)
{
  const rg_united *u = t->u;
  bool supervised = u->options->supervised;
  int heads = u->options->shape.heads;
  uint64_t groups = (uint64_t)1 << u->heads;
  rg_step *step = rg_phase_step(
      phase, supervised ? "classification" : "clustering",
      supervised ? groups | (uint64_t)1 << u->encoders : groups);
  step->optimiser = 2;
  step->passes = supervised ? 2 * u->n : 1;
  step->clip = u->options->exact ? 0 : t->s->clip;
  for (int h = 0; h < heads; h++) {
    rg_step_term(step, t->head[h], supervised ? t->s->classification / heads : t->s->ddc,
                 RG_RAMP_NONE, 0);
    if (!supervised)
      rg_step_term(step, t->entropy[h], t->s->entropy / heads, RG_RAMP_NONE, 0);
  }
}

/* The released order: what is learned first in training comes last in fine-tuning. */
static void add_phase(const terms *t, const char *name, int64_t epochs, bool first)
{
  const rg_united *u = t->u;
  if (epochs == 0)
    return;
  bool own = (first ? t->s->epochs : t->s->finetune) < 0;
  rg_phase *phase = rg_model_phase(u->model, name, epochs, u->options->shape.rate);
  phase->turns = true;
  phase->fresh = true;
  phase->patience = t->s->patience;
  phase->least_steps = own && t->s->preset[0] == 'r' ? LEAST_STEPS : 0;
  phase->schedule = u->options->exact ? RG_RATE_CONSTANT : RG_RATE_COSINE;
  bool gan = first || !u->options->supervised;
  bool translation_first = first == u->options->supervised;
  if (translation_first)
    add_translation(t, phase, gan);
  add_grouping(t, phase);
  if (!translation_first)
    add_translation(t, phase, gan);
}

/* ---- the recipe ---- */

static void add_outputs(const terms *t)
{
  const rg_united *u = t->u;
  int heads = u->options->shape.heads;
  rg_model_embedding(u->model, "", of_best_head(u, "best.fused", fused_of), false);
  for (int k = 0; k < u->n; k++)
    rg_model_embedding_of(u->model, u->modality[k].name, u->modality[k].latent, false,
                          u->modality[k].has);
  for (int k = 0; k < u->n; k++)
    rg_model_explains(u->model, u->modality[k].name, u->modality[k].first);
  rg_model_grouping(u->model, u->options->supervised ? "label" : "cluster",
                    of_best_head(u, "best.group", share_of),
                    of_best_head(u, "best.score", score_of), u->options->supervised);
  if (heads > 1)
    rg_model_choice(u->model, "best", heads, t->head, 1.0 / 3);
  for (int h = 0; h < heads; h++)
    rg_model_watch(u->model, t->head[h], 1.0 / heads);
  for (int to = 0; to < u->n; to++)
    for (int from = 0; from < u->n; from++)
      if (from != to)
        rg_model_watch(u->model, u->loss[from][to], 1.0 / (u->n * (u->n - 1)));
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  rg_united_options options;
  rg_united u = {.graph = graph, .model = model, .options = &options};
  terms t = {.s = settings, .u = &u};
  rg_status status = make_options(settings, facts, &options);
  if (status != RG_OK)
    return status;
  model->optimiser = RG_ADAM;
  rg_united_compose(&u, facts);
  head_losses(&t);
  adversary_losses(&t);
  if (t.s->contrast > 0)
    contrast_loss(&t);
  add_phase(&t, "train", options.shape.epochs, true);
  add_phase(&t, "finetune", options.shape.finetune, false);
  add_outputs(&t);
  return RG_OK;
}

/* Weight of a cell: all cells over those of its label and the number of labels, so that
 * labels count alike (scikit-learn's "balanced"); 0 without a label. */
static rg_status covariates(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                            bool fit, rg_constants *constants, rg_covariates *out)
{
  const united_settings *s = settings;
  const rg_column *label = &dataset->label;
  int64_t labels = label->categories.n, rows = rg_range_n(dataset->rows), all = 0;
  if (s->mode[0] != 's')
    return RG_OK;
  int64_t *cells = RG_NEW(int64_t, labels + 1);
  rg_mat *weight = rg_covariates_add(out, "label_weight", rows, 1);
  (void)constants;
  (void)fit;
  for (int64_t i = 0; i < label->n; i++)
    if (label->code[i] >= 0)
      cells[label->code[i]]++;
  rg_sum_i64(comm, cells, labels);
  for (int64_t k = 0; k < labels; k++)
    all += cells[k];
  for (int64_t i = 0; i < label->n; i++)
    if (label->code[i] >= 0)
      weight->data[i] =
          (float)((double)all / (double)(labels * cells[label->code[i]]));
  rg_free(cells);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=256", NULL};

const rg_recipe rg_recipe_unitednet = {
    .name = "unitednet",
    .cite = "Tang, Zhang, Jiang et al. Explainable multi-task learning for multi-modality "
            "biological data analysis. Nature Communications 2023; "
            "github.com/LiuLab-Bioelectronics-Harvard/UnitedNet",
    .help = "groups (or labels) of cells and translations between all modalities, learned "
            "in turn",
    .good_for = "two to four modalities of the same cells: labels carried over, predicted "
                "modalities, and explanations of both (regatta explain)",
    .modalities = "",
    .least = 2,
    .mosaic = true,
    .by_lanes = true,
    .fields = fields,
    .settings_size = sizeof(united_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
