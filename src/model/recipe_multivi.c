/* MultiVI: a variational autoencoder per modality whose posteriors are drawn together and
 * averaged over what a cell has; counts and accessibility with a size of their own. */
#include "multivi_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(rg_multivi_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "the mathematics, or the released program with its quirks"},
    {"latent", RG_INT, offsetof(rg_multivi_settings, latent), "0", 0, 512, NULL, "axes",
     "size of the latent; 0: root of hidden"},
    {"hidden", RG_INT, offsetof(rg_multivi_settings, hidden), "0", 0, 4096, NULL,
     "units",
     "per layer; 0: 128; released: root of the number of peaks (else genes), at most 128"},
    {"layers", RG_INT, offsetof(rg_multivi_settings, layers), "2", 1, RG_MLP_LAYERS,
     NULL, NULL, "hidden layers of encoders and decoders"},
    {"likelihood", RG_CHOICE, offsetof(rg_multivi_settings, likelihood), "zinb", 0, 0,
     "zinb|nb", NULL, "of rna; that of adt is nb"},
    {"dispersion", RG_CHOICE, offsetof(rg_multivi_settings, dispersion), "feature", 0,
     0, "feature|batch", NULL, "one for each feature, or for each feature and batch"},
    {"weights", RG_CHOICE, offsetof(rg_multivi_settings, weights), "equal", 0, 0,
     "equal|learned", NULL,
     "of the modalities that a cell has, in its posterior: equal, or the softmax of "
     "one "
     "learned number a modality"},
    {"penalty", RG_DOUBLE, offsetof(rg_multivi_settings, penalty), "1", 0, 1e6, NULL,
     NULL, "weight of the Jeffreys divergence between the posteriors of a cell"},
    {"cross", RG_DOUBLE, offsetof(rg_multivi_settings, cross), "1", 0, 1e6, NULL, NULL,
     "weight of the losses of one modality from the posterior of another alone "
     "(correct)"},
    {"adversary", RG_DOUBLE, offsetof(rg_multivi_settings, adversary), "1", 0, 1e6,
     NULL, NULL,
     "weight of the classifier that tells from the latent which modalities a cell has; "
     "0: none"},
    {"dropout", RG_DOUBLE, offsetof(rg_multivi_settings, dropout), "0.1", 0, 0.99, NULL,
     NULL, "share of hidden units of the encoders"},
    {"warm_up", RG_DOUBLE, offsetof(rg_multivi_settings, warm_up), "0", 0, 1e6, NULL,
     "epochs",
     "over which the weight of the KL rises to 1; 0: a sixth of the epochs, released 50"},
    {"epochs", RG_INT, offsetof(rg_multivi_settings, epochs), "0", 0, 1000000, NULL,
     "epochs",
     "at most; 0: 60, on small data more until 1000 steps; released 500"},
    {"patience", RG_INT, offsetof(rg_multivi_settings, patience), "0", 0, 1000000, NULL,
     "epochs",
     "without a better validation, after which the best parameters are final; 0: a "
     "quarter of the epochs, released 50"},
    {"rate", RG_DOUBLE, offsetof(rg_multivi_settings, rate), "0", 0, 1, NULL, NULL,
     "learning rate; 0: 2e-3, released 1e-4"},
    {"weight_decay", RG_DOUBLE, offsetof(rg_multivi_settings, weight_decay), "1e-3", 0,
     10, NULL, NULL, "L2 added to the gradient"},
    {0}};

enum { CLASSIFIER = 32, HIDDEN = 128, EPOCHS = 60, LEAST_STEPS = 1000 };

/* ---- covariates ---- */

/* Which modalities a cell has, as a number from 1 to 2^K - 1; 0: none. */
static int combination(const rg_dataset *dataset, int64_t row)
{
  int bits = 0;
  for (int m = 0; m < dataset->n_modalities && m < RG_MULTIVI_MOST; m++)
    if (rg_has_counts(&dataset->modality[m], row))
      bits |= 1 << m;
  return bits;
}

/* "measured": one column per combination of modalities; "others": what fools a classifier
 * of them, the other combinations that there are; "mixed": 1 where there is more than one;
 * "root": of how many a cell has; "one": 1. */
static rg_status covariates(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                            bool fit, rg_constants *constants, rg_covariates *out)
{
  (void)settings;
  int n = dataset->n_modalities < RG_MULTIVI_MOST ? dataset->n_modalities : RG_MULTIVI_MOST;
  int width = (1 << n) - 1, kinds = 0;
  int64_t rows = rg_range_n(dataset->rows), *cells = RG_NEW(int64_t, width);
  double *known = rg_constants_get(constants, "combinations", width);
  for (int64_t i = 0; fit && i < rows; i++)
    if (combination(dataset, i))
      cells[combination(dataset, i) - 1]++;
  rg_sum_i64(comm, cells, width);
  for (int k = 0; k < width; k++) {
    known[k] = fit ? cells[k] > 0 : known[k];
    kinds += known[k] > 0;
  }
  rg_mat *measured = rg_covariates_add(out, "measured", rows, width);
  rg_mat *others = rg_covariates_add(out, "others", rows, width);
  rg_mat *mixed = rg_covariates_add(out, "mixed", rows, 1);
  rg_mat *root = rg_covariates_add(out, "root", rows, 1);
  rg_mat *one = rg_covariates_add(out, "one", rows, 1);
  for (int64_t i = 0; i < rows; i++) {
    int mine = combination(dataset, i) - 1, has = 0;
    for (int m = 0; m < n; m++)
      has += (mine + 1) >> m & 1;
    root->data[i] = sqrtf((float)has);
    mixed->data[i] = kinds > 1 && mine >= 0;
    one->data[i] = 1;
    for (int k = 0; k < width && mixed->data[i] > 0; k++) {
      rg_mat_row(measured, i)[k] = k == mine;
      rg_mat_row(others, i)[k] = k != mine && known[k] > 0 ? 1 / (float)(kinds - 1) : 0;
    }
  }
  rg_free(cells);
  return RG_OK;
}

/* ---- the posterior of a cell ---- */

static rg_node *fused(rg_multivi *w, const char *name, rg_node *const *x)
{
  const char *o =
      strcmp(w->s->weights, "equal") == 0 ? "weights=mean" : "weights=softmax";
  const rg_multivi_part *p = w->part;
  if (w->n == 2)
    return rg_apply(w->graph, "fuse", name, o, x[0], x[1], p[0].has, p[1].has, NULL);
  return rg_apply(w->graph, "fuse", name, o, x[0], x[1], x[2], p[0].has, p[1].has,
                  p[2].has, NULL);
}

/* Released: variances are averaged, with the roots of the weights. */
static rg_node *released_sigma(rg_multivi *w)
{
  rg_node *variance[RG_MULTIVI_MOST] = {NULL};
  char name[RG_MULTIVI_NAME];
  for (int k = 0; k < w->n; k++)
    variance[k] = rg_apply(w->graph, "activation",
                           rg_multivi_name(name, "v.%s%s", w->part[k].name, ""),
                           "kind=exp low=2e-9 high=5e8", w->part[k].log_variance, NULL);
  rg_node *v = fused(w, "variance:mix", variance);
  v = rg_apply(w->graph, "multiply", "variance.rooted", NULL, v,
               rg_input(w->graph, "root", 1), NULL);
  /* a cell that has nothing has variance 0 */
  v = rg_apply(w->graph, "activation", "variance.log", "kind=log low=-20", v, NULL);
  return rg_multivi_deviation(w, "sigma", v, 0.5);
}

static void mix(rg_multivi *w)
{
  rg_node *mean[RG_MULTIVI_MOST] = {NULL}, *sigma[RG_MULTIVI_MOST] = {NULL};
  for (int k = 0; k < w->n; k++) {
    mean[k] = w->part[k].mean;
    sigma[k] = w->part[k].sigma;
  }
  w->mean = fused(w, "mean:mix", mean);
  w->sigma = rg_multivi_exact(w->s) ? released_sigma(w) : fused(w, "sigma:mix", sigma);
  w->z = rg_apply(w->graph, "sample", "z", "std=given", w->mean, w->sigma, NULL);
}

/* ---- outputs ---- */

static void make_outputs(rg_multivi *w)
{
  char name[RG_MULTIVI_NAME];
  rg_model_embedding(w->model, "", w->mean, false);
  for (int k = 0; k < w->n; k++) {
    const rg_multivi_part *p = &w->part[k];
    rg_model_embedding_of(w->model, p->name, p->mean, false, p->has);
    rg_model_likelihood(w->model, p->name,
                        rg_multivi_decode(w, p, "read", w->z, NULL, NULL));
    if (rg_multivi_exact(w->s))
      continue;
    if (p->peaks)
      rg_model_start(w->model, "dec.atac.region.factor", p->name);
    else
      rg_model_start_shares(
          w->model, rg_multivi_name(name, "dec.%s.mean.bias%s", p->name, ""), p->name);
  }
}

/* ---- terms ---- */

/* Mean over the cells of the batch, as released, or over those that have the modality. */
static double per_cell(const rg_multivi *w)
{
  const rg_share *share = rg_graph_share(w->graph);
  return rg_multivi_exact(w->s) ? 1 / ((double)share->lanes * share->lane_cells) : 1;
}

static void add_reconstructions(rg_multivi *w, rg_step *step)
{
  for (int k = 0; k < w->n; k++) {
    const rg_multivi_part *p = &w->part[k];
    rg_op *loss = rg_multivi_decode(w, p, "joint", w->z, p->size, p->has);
    rg_step_term(step, loss, per_cell(w), RG_RAMP_NONE, 0);
    rg_model_watch(w->model, loss, per_cell(w));
  }
}

/* Every part decoded from the posterior of every other alone. */
static void add_translations(rg_multivi *w, rg_step *step)
{
  char name[RG_MULTIVI_NAME], from[48];
  bool crossed = !rg_multivi_exact(w->s) && w->s->cross > 0;
  for (int k = 0; k < w->n * w->n; k++) {
    const rg_multivi_part *p = &w->part[k / w->n], *q = &w->part[k % w->n];
    rg_node *z = rg_graph_find_node(w->graph, rg_multivi_name(name, "z.%s%s", p->name, ""));
    if (p == q)
      continue;
    if (!z)
      z = rg_apply(w->graph, "sample", name, "std=given", p->mean, p->sigma, NULL);
    rg_op *loss = NULL;
    if (crossed) {
      rg_multivi_name(name, "both:%s,%s", p->name, q->name);
      loss = rg_multivi_decode(w, q, p->name, z, p->size, rg_input(w->graph, name, 1));
      rg_step_term(step, loss, w->s->cross, RG_RAMP_NONE, 0);
      rg_model_watch(w->model, loss, w->s->cross);
    }
    snprintf(from, sizeof from, "read.%.20s", p->name);
    if (!crossed || !q->peaks)
      loss = rg_multivi_decode(w, q, from, z, NULL, NULL);
    rg_model_translation(w->model, p->name, q->name, loss);
  }
}

/* Small data have few steps in an epoch. */
static int64_t epochs_of(const rg_multivi *w)
{
  int64_t per_epoch = w->facts->steps_per_epoch;
  int64_t enough = (LEAST_STEPS + per_epoch - 1) / per_epoch;
  if (w->s->epochs > 0)
    return w->s->epochs;
  return rg_multivi_exact(w->s) ? 500 : enough > EPOCHS ? enough : EPOCHS;
}

static double warm_up_of(const rg_multivi *w)
{
  if (w->s->warm_up > 0)
    return w->s->warm_up;
  return rg_multivi_exact(w->s) ? 50 : (double)epochs_of(w) / 6;
}

static int64_t patience_of(const rg_multivi *w)
{
  if (w->s->patience > 0)
    return w->s->patience;
  return rg_multivi_exact(w->s) ? 50 : (epochs_of(w) + 3) / 4;
}

static void add_penalties(rg_multivi *w, rg_step *step)
{
  char name[RG_MULTIVI_NAME];
  rg_node *sigma[RG_MULTIVI_MOST] = {NULL};
  for (int k = 0; k < w->n; k++) {
    const rg_multivi_part *p = &w->part[k];
    sigma[k] =
        !rg_multivi_exact(w->s)
            ? p->sigma
            : rg_multivi_deviation(w, rg_multivi_name(name, "root.%s%s", p->name, ""),
                                   p->log_variance, 0.25);
  }
  for (int a = 0; a < w->n && w->s->penalty > 0; a++)
    for (int b = a + 1; b < w->n; b++) {
      const rg_multivi_part *p = &w->part[a], *q = &w->part[b];
      rg_multivi_name(name, "both:%s,%s", p->name, q->name);
      rg_node *both = rg_graph_find_node(w->graph, name);
      if (!both)
        both = rg_input(w->graph, name, 1);
      rg_op *loss = rg_loss(w->graph, "jeffreys",
                            rg_multivi_name(name, "jeffreys.%s.%s", p->name, q->name),
                            rg_multivi_exact(w->s) ? "reduction=sum" : "reduction=cell",
                            p->mean, sigma[a], q->mean, sigma[b], both, NULL);
      rg_step_term(step, loss, w->s->penalty * per_cell(w),
                   rg_multivi_exact(w->s) ? RG_RAMP_NONE : RG_RAMP_LINEAR, warm_up_of(w));
    }
}

/* Which modalities a cell has, from its latent: the classifier learns it, the others hide
 * it by making it look like the other combinations. */
static void add_adversary(rg_multivi *w, rg_phase *phase, rg_step *step, uint64_t group)
{
  rg_graph *graph = w->graph;
  int classes = (1 << w->n) - 1;
  rg_mlp mlp = rg_mlp_of(2, CLASSIFIER);
  mlp.norm = rg_multivi_exact(w->s) ? "batchnorm" : NULL;
  mlp.activation = "kind=relu";
  mlp.dropout = 0.1;
  rg_node *measured = rg_input(graph, "measured", classes);
  rg_node *others = rg_input(graph, "others", classes);
  rg_node *mixed = rg_input(graph, "mixed", 1);
  rg_node *h = rg_mlp_apply(graph, "fool:adversary", &mlp, w->z);
  rg_node *y =
      rg_mlp_linear(graph, "fool.out:adversary.out", NULL, classes, h, NULL);
  rg_op *fool = rg_loss(graph, "cross_entropy", "fool.loss", NULL, y, others, mixed, NULL);
  rg_step_term(step, fool, w->s->adversary, RG_RAMP_NONE, 0);
  rg_node *still = rg_apply(graph, "detach", "z.still", NULL, w->z, NULL);
  h = rg_mlp_apply(graph, "tell:adversary", &mlp, still);
  y = rg_mlp_linear(graph, "tell.out:adversary.out", NULL, classes, h, NULL);
  rg_op *tell =
      rg_loss(graph, "cross_entropy", "tell.loss", NULL, y, measured, mixed, NULL);
  rg_step *other = rg_phase_step(phase, "adversary", group);
  other->optimiser = 1;
  rg_step_term(other, tell, w->s->adversary, RG_RAMP_NONE, 0);
}

/* ---- whole ---- */

static void choose_sizes(rg_multivi *w)
{
  const rg_facts *facts = w->facts;
  int widest = rg_facts_find(facts, "atac");
  if (widest < 0)
    widest = rg_facts_find(facts, "rna");
  double root = sqrt((double)facts->modality[widest < 0 ? 0 : widest].n_features);
  int released = (int)fmax(fmin(root, HIDDEN), 1);
  w->hidden = w->s->hidden > 0           ? (int)w->s->hidden
              : rg_multivi_exact(w->s) ? released
                                         : HIDDEN;
  w->latent = w->s->latent > 0 ? (int)w->s->latent : (int)sqrt(w->hidden);
}

static void add_phase(rg_multivi *w, uint64_t model_groups, uint64_t adversary)
{
  const rg_multivi_settings *s = w->s;
  bool released = rg_multivi_exact(s);
  rg_phase *phase = rg_model_phase(
      w->model, "main", epochs_of(w), s->rate > 0 ? s->rate : released ? 1e-4 : 2e-3);
  phase->patience = patience_of(w);
  rg_step *step = rg_phase_step(phase, "model", model_groups);
  add_reconstructions(w, step);
  rg_op *kl = rg_loss(w->graph, "kl_std", "kl", "reduction=cell", w->mean, w->sigma, NULL);
  rg_step_term(step, kl, 1, RG_RAMP_LINEAR, warm_up_of(w));
  if (!released) /* the released program watches reconstructions alone */
    rg_model_watch(w->model, kl, 1);
  add_translations(w, step);
  add_penalties(w, step);
  if (s->adversary > 0) {
    rg_graph_group(w->graph, "adversary");
    add_adversary(w, phase, step, adversary);
  }
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  const rg_multivi_settings *s = settings;
  rg_multivi w = {.graph = graph, .facts = facts, .s = s, .model = model};
  if (facts->n_modalities > RG_MULTIVI_MOST)
    return rg_fail(RG_EUSAGE, "multivi takes at most %d modalities; the data have %d",
                   RG_MULTIVI_MOST, facts->n_modalities);
  if (rg_multivi_exact(s) && strcmp(s->weights, "equal") != 0)
    return rg_fail(RG_EUSAGE, "multivi.weights=learned needs multivi.compat=correct");
  if (strcmp(s->dispersion, "batch") == 0 && facts->n_batches < 2)
    return rg_fail(RG_EUSAGE, "multivi.dispersion=batch needs batches; name them with "
                              "data.batch");
  model->optimiser = RG_ADAM;
  model->weight_decay = s->weight_decay;
  uint64_t parts = (uint64_t)1 << rg_graph_group(graph, "model");
  choose_sizes(&w);
  if (facts->n_batches > 1)
    w.batch = rg_input(graph, "batch", facts->n_batches);
  for (w.n = 0; w.n < facts->n_modalities; w.n++) {
    rg_multivi_part *p = &w.part[w.n];
    *p = (rg_multivi_part){.name = facts->modality[w.n].name,
                .n = facts->modality[w.n].n_features,
                .peaks = strcmp(facts->modality[w.n].name, "atac") == 0};
    p->extra_zeros = strcmp(p->name, "rna") == 0 && strcmp(s->likelihood, "zinb") == 0;
    rg_multivi_encode(&w, p);
  }
  mix(&w);
  add_phase(&w, parts, parts << 1);
  rg_graph_group(graph, "model");
  make_outputs(&w);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=128", "train.validation=0.1",
                                       "prepare.top_genes=0", NULL};

const rg_recipe rg_recipe_multivi = {
    .name = "multivi",
    .cite = "Ashuach, Gabitto, Koodli, Saldi, Jordan, Yosef. MultiVI. Nature Methods 2023; "
            "github.com/scverse/scvi-tools",
    .help = "posteriors of each modality averaged over what a cell has; counts and "
            "accessibility read out by decoders",
    .good_for = "cells of which some have rna, some atac (and adt), some all; "
                "translation; batches",
    .modalities = "",
    .least = 2,
    .mosaic = true,
    .by_lanes = true,
    .fields = fields,
    .settings_size = sizeof(rg_multivi_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
