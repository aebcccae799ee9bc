/* SAILERX: the autoencoder of SAILER with a teacher: cosines between cells in the latent
 * of ATAC follow those of a fixed embedding of their RNA. */
#include "sailer_parts.h"

#include <math.h>

enum { EPOCHS = 10, LEAST_STEPS = 150, EXACT_EPOCHS = 400 };

typedef struct sailerx_settings {
  char *compat, *pairs;
  int64_t latent, hidden, chunk, warm_up, epochs;
  double ones_weight, invariance, gamma, match, elbo, anneal, rate, rate_decay,
      weight_decay;
  bool centre;
} sailerx_settings;

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(sailerx_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "the form that generalises to cells left out of training, or the released program "
     "with its quirks (then set gamma=6000 ones_weight=20 rate=1e-4 epochs=400 warm_up=10 "
     "weight_decay=5e-4, train.batch=200)"},
    {"latent", RG_INT, offsetof(sailerx_settings, latent), "50", 1, 512, NULL, "axes",
     "size of the latent"},
    {"hidden", RG_INT, offsetof(sailerx_settings, hidden), "64", 1, 1024, NULL, "units",
     "units per chromosome next to the peaks"},
    {"chunk", RG_INT, offsetof(sailerx_settings, chunk), "32", 1, 1024, NULL, "units",
     "units per chromosome next to the latent"},
    {"warm_up", RG_INT, offsetof(sailerx_settings, warm_up), "0", 0, 100000, NULL,
     "epochs", "reconstruction and structure alone at first (code_exact)"},
    {"epochs", RG_INT, offsetof(sailerx_settings, epochs), "0", 0, 1000000, NULL, "epochs",
     "of the main phase; 0: ten, and more on small data until 150 steps (correct), or the "
     "400 of the released program (code_exact)"},
    {"ones_weight", RG_DOUBLE, offsetof(sailerx_settings, ones_weight), "1", 0, 1e6, NULL,
     NULL, "weight of open peaks (warm-up), of the reconstruction (code_exact main phase)"},
    {"invariance", RG_DOUBLE, offsetof(sailerx_settings, invariance), "1", 0, 1e6, NULL,
     NULL, "weight of the KL to the aggregated posterior"},
    {"gamma", RG_DOUBLE, offsetof(sailerx_settings, gamma), "1", 0, 1e9, NULL, NULL,
     "weight of the structure loss over pairs"},
    {"pairs", RG_CHOICE, offsetof(sailerx_settings, pairs), "batch", 0, 0, "batch|graph",
     NULL,
     "pairs of the structure loss: all of the batch, or each cell and a partner drawn from "
     "its 15 neighbours in the teacher's graph (half of the time) or from all cells "
     "(correct)"},
    {"match", RG_DOUBLE, offsetof(sailerx_settings, match), "1", 0, 1e6, NULL, NULL,
     "weight of the distance to the teacher's row (correct)"},
    {"elbo", RG_DOUBLE, offsetof(sailerx_settings, elbo), "1", 0, 1e6, NULL, NULL,
     "weight of reconstruction, KL and invariance, per peak (correct)"},
    {"centre", RG_BOOL, offsetof(sailerx_settings, centre), "true", 0, 0, NULL, NULL,
     "take the mean of its batch from the teacher's rows, so that the batch is not taught; "
     "supposes that batches hold types in like shares (correct)"},
    {"anneal", RG_DOUBLE, offsetof(sailerx_settings, anneal), "100", 0.01, 1e6, NULL,
     "epochs", "period of the cyclic annealing of the KL (code_exact)"},
    {"rate", RG_DOUBLE, offsetof(sailerx_settings, rate), "2e-3", 0, 1, NULL, NULL,
     "learning rate"},
    {"rate_decay", RG_DOUBLE, offsetof(sailerx_settings, rate_decay), "0.995", 0, 1, NULL,
     NULL, "factor of the learning rate per epoch (code_exact)"},
    {"weight_decay", RG_DOUBLE, offsetof(sailerx_settings, weight_decay), "1.5e-3", 0, 10,
     NULL, NULL, "L2 added to the gradient: of the encoder (correct), of all (code_exact)"},
    {0}};

static bool exact(const sailerx_settings *s)
{
  return s->compat[2] == 'd';
}

static rg_status covariates(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                            bool fit, rg_constants *constants, rg_covariates *out)
{
  return rg_sailer_covariates(comm, dataset, exact(settings), true, fit, constants, out);
}

/* ---- as released ---- */

static rg_node *exact_encoder(rg_graph *graph, const sailerx_settings *s, rg_node *x)
{
  char text[64];
  snprintf(text, sizeof text, "width=%d init=xavier", (int)s->hidden);
  rg_node *h = rg_apply(graph, "sparse_linear", "enc.fc1", text, x, NULL);
  h = rg_apply(graph, "batchnorm", "enc.bn1", NULL, h, NULL);
  h = rg_apply(graph, "prelu", "enc.act1", NULL, h, NULL);
  snprintf(text, sizeof text, "width=%d init=xavier", (int)s->chunk);
  h = rg_apply(graph, "linear", "enc.fc2", text, h, NULL);
  h = rg_apply(graph, "batchnorm", "enc.bn2", NULL, h, NULL);
  return rg_apply(graph, "prelu", "enc.act2", NULL, h, NULL);
}

/* Linear(32 C, latent): one product per block, summed over blocks */
static rg_node *joined_linear(rg_graph *graph, const char *name, rg_node *h, int width)
{
  char text[64], product[64], sum[64];
  snprintf(text, sizeof text, "width=%d bias=false joined=true init=xavier", width);
  snprintf(product, sizeof product, "%s.product", name);
  snprintf(sum, sizeof sum, "%s", name);
  rg_node *y = rg_apply(graph, "linear", product, text, h, NULL);
  snprintf(text, sizeof text, "fan_in=%d", h->width * h->blocks->n);
  return rg_apply(graph, "sum_blocks", sum, text, y, NULL);
}

static void exact_phases(const sailerx_settings *s, rg_model *model, rg_op *const *loss)
{
  if (s->warm_up > 0) {
    rg_step *step = rg_phase_step(rg_model_phase(model, "warm_up", s->warm_up, s->rate),
                                  "all", ~(uint64_t)0);
    rg_step_term(step, loss[0], 1, RG_RAMP_NONE, 0);
    rg_step_term(step, loss[1], s->gamma, RG_RAMP_NONE, 0);
  }
  rg_phase *phase =
      rg_model_phase(model, "main", s->epochs > 0 ? s->epochs : EXACT_EPOCHS, s->rate);
  phase->schedule = RG_RATE_DECAY;
  phase->factor = s->rate_decay;
  rg_step *step = rg_phase_step(phase, "all", ~(uint64_t)0);
  rg_step_term(step, loss[2], s->ones_weight, RG_RAMP_NONE, 0);
  rg_step_term(step, loss[3], 1, RG_RAMP_CYCLIC_EXACT, s->anneal);
  rg_step_term(step, loss[4], s->invariance, RG_RAMP_CYCLIC_EXACT, s->anneal);
  rg_step_term(step, loss[5], s->gamma, RG_RAMP_NONE, 0);
}

static void compose_exact(rg_graph *graph, const rg_facts *facts, const sailerx_settings *s,
                          rg_model *model)
{
  rg_node *x = rg_model_counts(model, graph, "atac", facts, "atac", RG_WEIGH_ONES, 1, 1);
  rg_node *h = exact_encoder(graph, s, x);
  rg_node *mu = joined_linear(graph, "mu", h, (int)s->latent);
  rg_node *logvar = joined_linear(graph, "logvar", h, (int)s->latent);
  rg_node *z = rg_apply(graph, "sample", "z", "std=full", mu, logvar, NULL);
  rg_node *d = rg_sailer_split_decoder(graph, rg_sailer_condition(graph, facts, z), x,
                                       (int)s->chunk, (int)s->hidden);
  rg_node *teacher = rg_input(graph, "teacher", facts->teacher_axes);
  rg_node *weight = rg_input(graph, "pair_weight", 1);
  char text[64];
  snprintf(text, sizeof text, "reduction=mean one_weight=%g", s->ones_weight);
  rg_op *loss[] = {
      rg_loss(graph, "wide_bernoulli", "warm_bce:dec.out", text, d, x, NULL),
      rg_loss(graph, "pairwise_cosine", "warm_structure", "reduction=mean", mu, teacher,
              NULL),
      rg_loss(graph, "wide_bernoulli", "bce:dec.out", "reduction=sum", d, x, NULL),
      rg_loss(graph, "kl_normal", "kl", "reduction=sum", mu, logvar, NULL),
      rg_loss(graph, "aggregated_kl", "invariance", "reduction=mean", mu, logvar, NULL),
      rg_loss(graph, "pairwise_cosine", "structure", "reduction=sum", mu, teacher, weight,
              NULL)};
  exact_phases(s, model, loss);
  rg_model_embedding(model, "", mu, false);
  rg_model_likelihood(model, "atac", loss[2]);
}

/* ---- correct: what carries the teacher to cells left out of training ---- */

/* A linear map of all peaks with the parameters of head `head`. */
static rg_node *linear_head(rg_graph *graph, const char *name, const char *head,
                            const sailerx_settings *s, rg_node *x, const char *init)
{
  char text[96], product[64], sum[64];
  snprintf(text, sizeof text, "width=%d bias=false joined=true init=%s", (int)s->latent,
           init);
  snprintf(product, sizeof product, "%s.product:%s.product", name, head);
  snprintf(sum, sizeof sum, "%s:%s", name, head);
  rg_graph_decay(graph, 1);
  rg_node *y = rg_apply(graph, "sparse_linear", product, text, x, NULL);
  rg_graph_decay(graph, 0);
  return rg_apply(graph, "sum_blocks", sum, NULL, y, NULL);
}

/* The structure loss over the batch, or over drawn edges of the teacher's graph. */
static rg_op *structure_term(rg_graph *graph, const sailerx_settings *s, rg_model *model,
                             rg_node *x, rg_node *mu, rg_node *teacher, rg_node *taught)
{
  char text[64];
  double radius = sqrt((double)s->latent);
  if (s->pairs[0] == 'b') {
    snprintf(text, sizeof text, "reduction=mean floor=%.17g", radius);
    return rg_loss(graph, "pairwise_cosine", "structure", text, mu, teacher, taught, NULL);
  }
  model->partner_neighbours = 15;
  model->partner_share = 0.5;
  rg_node *near_x = rg_model_partner(model, graph, "near:atac", x);
  rg_node *near_mu = linear_head(graph, "near_mu", "mu", s, near_x, "torch");
  rg_node *near_teacher = rg_input(graph, "near:teacher", teacher->width);
  rg_node *near_taught = rg_input(graph, "near:taught", 1);
  snprintf(text, sizeof text, "floor=%.17g", radius);
  return rg_loss(graph, "edge_cosine", "structure", text, mu, near_mu, teacher,
                 near_teacher, taught, near_taught, NULL);
}

static void correct_terms(rg_graph *graph, const rg_facts *facts, const sailerx_settings *s,
                          rg_model *model, rg_node *mu, rg_node *logvar, rg_node *d,
                          rg_node *x)
{
  double radius = sqrt((double)s->latent);
  double peaks = (double)x->blocks->offset[x->blocks->n];
  rg_node *teacher = rg_input(graph, "teacher", facts->teacher_axes);
  char text[96];
  rg_node *taught = rg_input(graph, "taught", 1);
  rg_op *structure = structure_term(graph, s, model, x, mu, teacher, taught);
  rg_op *match =
      rg_loss(graph, "match_rows", "match", "reduction=cell", mu, teacher, taught, NULL);
  snprintf(text, sizeof text, "reduction=cell one_weight=%g", s->ones_weight);
  rg_op *bce = rg_loss(graph, "wide_bernoulli", "bce:dec.out", text, d, x, NULL);
  rg_op *kl = rg_loss(graph, "kl_normal", "kl", "reduction=cell", mu, logvar, NULL);
  rg_op *akl = rg_loss(graph, "aggregated_kl", "invariance", "reduction=mean", mu, logvar,
                       NULL);
  rg_phase *phase =
      rg_model_phase(model, "main", s->epochs > 0 ? s->epochs : EPOCHS, s->rate);
  phase->schedule = RG_RATE_COSINE;
  phase->least_steps = s->epochs > 0 ? 0 : LEAST_STEPS;
  rg_step *step = rg_phase_step(phase, "all", ~(uint64_t)0);
  rg_step_term(step, match, s->match / (radius * radius), RG_RAMP_NONE, 0);
  rg_step_term(step, structure, s->gamma, RG_RAMP_NONE, 0);
  rg_step_term(step, bce, s->elbo * (1 + s->invariance) / peaks, RG_RAMP_NONE, 0);
  rg_step_term(step, kl, s->elbo / peaks, RG_RAMP_NONE, 0);
  rg_step_term(step, akl, s->elbo * s->invariance / peaks, RG_RAMP_NONE, 0);
  rg_model_likelihood(model, "atac", bce);
}

static void compose_correct(rg_graph *graph, const rg_facts *facts,
                            const sailerx_settings *s, rg_model *model)
{
  rg_node *x = rg_model_counts(model, graph, "atac", facts, "atac", RG_WEIGH_IDF, 2, 10);
  rg_node *mu = linear_head(graph, "mu", "mu", s, x, "torch");
  rg_node *logvar = linear_head(graph, "logvar", "logvar", s, x, "zero");
  rg_node *z = rg_apply(graph, "sample", "z", "std=half", mu, logvar, NULL);
  rg_node *d = rg_sailer_split_decoder(graph, rg_sailer_condition(graph, facts, z), x,
                                       (int)s->chunk, (int)s->hidden);
  correct_terms(graph, facts, s, model, mu, logvar, d, x);
  rg_model_start(model, "dec.out.bias", "atac");
  rg_model_embedding(model, "", mu, true);
  model->teacher_centred = s->centre;
  model->teacher_neighbours = 15;
  model->teacher_length = sqrt((double)s->latent);
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  const sailerx_settings *s = settings;
  if (!exact(s) && s->latent != facts->teacher_axes)
    return rg_fail(RG_EUSAGE, "sailerx.latent is %d but the teacher has %d axes; make them "
                              "equal (prepare.axes)", (int)s->latent, facts->teacher_axes);
  if (exact(s) && s->pairs[0] != 'b')
    return rg_fail(RG_EUSAGE, "sailerx.pairs=graph needs sailerx.compat=correct");
  model->optimiser = RG_ADAM;
  model->weight_decay = s->weight_decay;
  if (exact(s))
    compose_exact(graph, facts, s, model);
  else
    compose_correct(graph, facts, s, model);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=512", NULL};

const rg_recipe rg_recipe_sailerx = {
    .name = "sailerx",
    .cite = "Cao, Fu, Wu, Liu, Xie. Integrated analysis of multimodal single-cell data "
            "with "
            "structural similarity. Nucleic Acids Research 2022; "
            "github.com/uci-cbcl/SAILERX",
    .help = "accessibility whose latent takes over the structure of the RNA of the "
            "same cells",
    .good_for = "paired RNA and ATAC, and ATAC of further cells",
    .modalities = "atac",
    .teacher = true,
    .fields = fields,
    .settings_size = sizeof(sailerx_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
