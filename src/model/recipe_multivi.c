/* MultiVI: a variational autoencoder per modality whose posteriors are drawn together and
 * averaged over what a cell has; counts and accessibility with a size of their own. */
#include "mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct multivi_settings {
  char *compat, *likelihood, *dispersion, *weights;
  int64_t latent, hidden, layers, epochs, patience;
  double dropout, penalty, adversary, warm_up, rate, weight_decay;
} multivi_settings;

static const rg_field fields[] = {
    {"compat", RG_CHOICE, offsetof(multivi_settings, compat), "correct", 0, 0,
     "correct|code_exact", NULL,
     "the mathematics, or the released program with its quirks"},
    {"latent", RG_INT, offsetof(multivi_settings, latent), "0", 0, 512, NULL, "axes",
     "size of the latent; 0: root of hidden"},
    {"hidden", RG_INT, offsetof(multivi_settings, hidden), "0", 0, 4096, NULL, "units",
     "per layer; 0: root of the number of peaks (else genes), at most 128"},
    {"layers", RG_INT, offsetof(multivi_settings, layers), "2", 1, RG_MLP_LAYERS, NULL,
     NULL, "hidden layers of encoders and decoders"},
    {"likelihood", RG_CHOICE, offsetof(multivi_settings, likelihood), "zinb", 0, 0,
     "zinb|nb", NULL, "of rna; that of adt is nb"},
    {"dispersion", RG_CHOICE, offsetof(multivi_settings, dispersion), "feature", 0, 0,
     "feature|batch", NULL, "one for each feature, or for each feature and batch"},
    {"weights", RG_CHOICE, offsetof(multivi_settings, weights), "equal", 0, 0,
     "equal|learned", NULL,
     "of the modalities that a cell has, in its posterior: equal, or the softmax of one "
     "learned number a modality"},
    {"penalty", RG_DOUBLE, offsetof(multivi_settings, penalty), "1", 0, 1e6, NULL, NULL,
     "weight of the Jeffreys divergence between the posteriors of a cell"},
    {"adversary", RG_DOUBLE, offsetof(multivi_settings, adversary), "1", 0, 1e6, NULL,
     NULL,
     "weight of the classifier that tells from the latent which modalities a cell has; "
     "0: none"},
    {"dropout", RG_DOUBLE, offsetof(multivi_settings, dropout), "0.1", 0, 0.99, NULL, NULL,
     "share of hidden units of the encoders"},
    {"warm_up", RG_DOUBLE, offsetof(multivi_settings, warm_up), "0", 0, 1e6, NULL,
     "epochs", "over which the weight of the KL rises to 1; 0: 10, released 50"},
    {"epochs", RG_INT, offsetof(multivi_settings, epochs), "0", 0, 1000000, NULL, "epochs",
     "at most; 0: 60, released 500"},
    {"patience", RG_INT, offsetof(multivi_settings, patience), "0", 0, 1000000, NULL,
     "epochs",
     "without a better validation, after which the best parameters are final; 0: 15, "
     "released 50"},
    {"rate", RG_DOUBLE, offsetof(multivi_settings, rate), "0", 0, 1, NULL, NULL,
     "learning rate; 0: 1e-3, released 1e-4"},
    {"weight_decay", RG_DOUBLE, offsetof(multivi_settings, weight_decay), "1e-3", 0, 10,
     NULL, NULL, "L2 added to the gradient"},
    {0}};

enum { MOST = 3, CLASSIFIER = 32, LONGEST = 160 };

typedef struct part {
  const char *name;
  int64_t n;
  bool peaks, extra_zeros;
  rg_node *x, *counts, *has;
  rg_node *mean, *log_variance, *sigma;
  rg_node *library; /* of the cell: its counts; of peaks the logit of a factor */
} part;

/* What compose hands around. */
typedef struct network {
  rg_graph *graph;
  const rg_facts *facts;
  const multivi_settings *s;
  rg_model *model;
  int hidden, latent, n;
  part part[MOST];
  rg_node *batch; /* NULL: none */
  rg_node *mean, *sigma, *z;
} network;

static bool exact(const multivi_settings *s)
{
  return strcmp(s->compat, "code_exact") == 0;
}

/* ---- covariates ---- */

/* Which modalities a cell has, as a number from 1 to 2^K - 1; 0: none. */
static int combination(const rg_dataset *dataset, int64_t row)
{
  int bits = 0;
  for (int m = 0; m < dataset->n_modalities && m < MOST; m++)
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
  int n = dataset->n_modalities < MOST ? dataset->n_modalities : MOST;
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

/* ---- encoders ---- */

static rg_mlp stack(const network *w, const char *activation, double dropout)
{
  rg_mlp mlp = rg_mlp_of((int)w->s->layers, w->hidden);
  mlp.norm = "layernorm";
  mlp.norm_options = exact(w->s) ? "affine=false" : NULL;
  mlp.activation = activation;
  mlp.dropout = dropout;
  return mlp;
}

static const char *named(char *text, const char *format, const char *a, const char *b)
{
  snprintf(text, LONGEST, format, a, b);
  return text;
}

/* sigma = exp(share s), of a log variance s, within what float32 holds */
static rg_node *deviation(network *w, const char *name, rg_node *s, double share)
{
  char text[LONGEST], half[LONGEST];
  snprintf(text, sizeof text, "by=%g", share);
  rg_node *log_sigma =
      rg_apply(w->graph, "scale", named(half, "%.100s.log%s", name, ""), text, s, NULL);
  return rg_apply(w->graph, "activation", name, "kind=exp low=4.5e-5 high=2.2e4",
                  log_sigma, NULL);
}

/* The size of a cell: observed, or as released from an encoder; of peaks always that. */
static rg_node *library_of(network *w, part *p)
{
  char name[LONGEST];
  if (!p->peaks && !exact(w->s))
    return rg_input(w->graph, named(name, "library:%s%s", p->name, ""), 1);
  rg_mlp mlp = stack(w, p->peaks ? "kind=leaky" : "kind=relu", 0);
  rg_node *h =
      rg_mlp_apply(w->graph, named(name, "size.%s%s", p->name, ""), &mlp, p->x);
  rg_node *l =
      rg_mlp_linear(w->graph, named(name, "size.%s.out%s", p->name, ""), NULL, 1, h, NULL);
  if (p->peaks)
    return l;
  l = rg_apply(w->graph, "activation", named(name, "size.%s.log%s", p->name, ""),
               "kind=leaky", l, NULL);
  return rg_apply(w->graph, "activation", named(name, "size.%s.exp%s", p->name, ""),
                  "kind=exp high=1e9", l, NULL);
}

static void encode(network *w, part *p)
{
  char name[LONGEST];
  rg_weigh weigh = exact(w->s) ? RG_WEIGH_COUNTS
                   : p->peaks  ? RG_WEIGH_ONES
                               : RG_WEIGH_LOG;
  p->x = rg_model_counts(w->model, w->graph, named(name, "in.%s%s", p->name, ""), w->facts,
                         p->name, weigh, 1, 1);
  p->counts = p->x;
  if (!p->peaks && !exact(w->s))
    p->counts = rg_model_counts(w->model, w->graph, named(name, "counts.%s%s", p->name, ""),
                                w->facts, p->name, RG_WEIGH_COUNTS, 1, 1);
  p->has = rg_input(w->graph, named(name, "has:%s%s", p->name, ""), 1);
  rg_mlp mlp = stack(w, "kind=leaky", w->s->dropout);
  rg_node *h = rg_mlp_apply(w->graph, named(name, "enc.%s%s", p->name, ""), &mlp, p->x);
  p->mean = rg_mlp_linear(w->graph, named(name, "mean.%s%s", p->name, ""), NULL, w->latent,
                          h, NULL);
  p->log_variance = rg_mlp_linear(w->graph, named(name, "variance.%s%s", p->name, ""),
                                  NULL, w->latent, h, NULL);
  p->sigma = deviation(w, named(name, "sigma.%s%s", p->name, ""), p->log_variance, 0.5);
  p->library = library_of(w, p);
}

/* ---- the posterior of a cell ---- */

static rg_node *fused(network *w, const char *name, rg_node *const *x)
{
  const char *o =
      strcmp(w->s->weights, "equal") == 0 ? "weights=mean" : "weights=softmax";
  const part *p = w->part;
  if (w->n == 2)
    return rg_apply(w->graph, "fuse", name, o, x[0], x[1], p[0].has, p[1].has, NULL);
  return rg_apply(w->graph, "fuse", name, o, x[0], x[1], x[2], p[0].has, p[1].has,
                  p[2].has, NULL);
}

/* Released: variances are averaged, with the roots of the weights. */
static rg_node *released_sigma(network *w)
{
  rg_node *variance[MOST] = {NULL};
  char name[LONGEST];
  for (int k = 0; k < w->n; k++)
    variance[k] =
        rg_apply(w->graph, "activation", named(name, "v.%s%s", w->part[k].name, ""),
                 "kind=exp low=2e-9 high=5e8", w->part[k].log_variance, NULL);
  rg_node *v = fused(w, "variance:mix", variance);
  v = rg_apply(w->graph, "multiply", "variance.rooted", NULL, v,
               rg_input(w->graph, "root", 1), NULL);
  /* a cell that has nothing has variance 0 */
  v = rg_apply(w->graph, "activation", "variance.log", "kind=log low=-20", v, NULL);
  return deviation(w, "sigma", v, 0.5);
}

static void mix(network *w)
{
  rg_node *mean[MOST] = {NULL}, *sigma[MOST] = {NULL};
  for (int k = 0; k < w->n; k++) {
    mean[k] = w->part[k].mean;
    sigma[k] = w->part[k].sigma;
  }
  w->mean = fused(w, "mean:mix", mean);
  w->sigma = exact(w->s) ? released_sigma(w) : fused(w, "sigma:mix", sigma);
  w->z = rg_apply(w->graph, "sample", "z", "std=given", w->mean, w->sigma, NULL);
}

/* ---- decoders ---- */

static rg_op *decode_peaks(network *w, const part *p, const char *from, rg_node *z,
                           rg_node *mask)
{
  char name[LONGEST], params[LONGEST];
  rg_mlp mlp = stack(w, "kind=leaky", 0);
  bool read = !mask; /* at factor 1, to be read out */
  rg_node *h =
      rg_mlp_apply(w->graph, named(name, "%s.%s:dec.atac", from, p->name), &mlp, z);
  rg_node *y = rg_mlp_linear(w->graph,
                             named(params, "%s.%s.out:dec.atac.out", from, p->name), NULL,
                             p->n, h, NULL);
  rg_node *depth = read ? rg_graph_find_node(w->graph, "one") : p->library;
  if (!depth)
    depth = rg_input(w->graph, "one", 1);
  return rg_loss(w->graph, "scaled_bernoulli",
                 named(name, "%s.%s.region:dec.atac.region", from, p->name),
                 read              ? "depth=value reduction=cell"
                 : exact(w->s)     ? "depth=logit reduction=sum"
                                   : "depth=logit reduction=cell",
                 y, p->counts, depth, mask, NULL);
}

static rg_op *decode_counts(network *w, const part *p, const char *from, rg_node *z,
                            rg_node *library, rg_node *mask)
{
  char prefix[64], name[LONGEST], options[96];
  rg_node *in[5] = {NULL};
  int n = 0;
  bool by_batch = strcmp(w->s->dispersion, "batch") == 0;
  snprintf(prefix, sizeof prefix, "%s.%s", from, p->name);
  rg_mlp mlp = stack(w, "kind=relu", 0);
#define PART(what)                                                                     \
  (snprintf(name, sizeof name, "%s%s:dec.%s%s", prefix, what, p->name, what), name)
  rg_node *h = rg_mlp_apply(w->graph, PART(""), &mlp, z);
  rg_node *y = rg_mlp_linear(w->graph, PART(".mean"), NULL, p->n, h, NULL);
  if (p->extra_zeros)
    in[n++] = rg_mlp_linear(w->graph, PART(".zeros"), NULL, p->n, h, NULL);
  in[n++] = library;
  if (by_batch) {
    snprintf(options, sizeof options, "width=%lld", (long long)p->n);
    in[n++] = rg_apply(w->graph, "lookup", PART(".dispersion"), options, w->batch, NULL);
  }
  in[n++] = mask;
  snprintf(options, sizeof options, "mean=softmax dispersion=%s reduction=%s",
           by_batch ? "given" : "feature", exact(w->s) ? "sum" : "cell");
  return rg_loss(w->graph, p->extra_zeros ? "zinb" : "nb", PART(".counts"), options, y,
                 p->counts, in[0], in[1], in[2], in[3], NULL);
#undef PART
}

/* The mean of part p from a latent, at a typical size. */
static rg_op *read_out(network *w, const part *p, const char *from, rg_node *z)
{
  char name[LONGEST];
  z = rg_mlp_beside(w->graph, named(name, "%s.%s.z", from, p->name), z, w->batch);
  if (p->peaks)
    return decode_peaks(w, p, from, z, NULL);
  named(name, "typical:%s%s", p->name, "");
  rg_node *typical = rg_graph_find_node(w->graph, name);
  if (!typical)
    typical = rg_input(w->graph, name, 1);
  return decode_counts(w, p, from, z, typical, NULL);
}

static void make_outputs(network *w)
{
  char name[LONGEST], from[32];
  rg_model_embedding(w->model, "", w->mean, false);
  for (int k = 0; k < w->n; k++) {
    const part *p = &w->part[k];
    rg_model_embedding_of(w->model, p->name, p->mean, false, p->has);
    rg_model_likelihood(w->model, p->name, read_out(w, p, "read", w->z));
    if (exact(w->s))
      continue;
    if (p->peaks)
      rg_model_start(w->model, "dec.atac.region.factor", p->name);
    else
      rg_model_start_shares(w->model, named(name, "dec.%s.mean.bias%s", p->name, ""),
                            p->name);
  }
  for (int a = 0; a < w->n; a++) {
    const part *p = &w->part[a];
    rg_node *z = rg_apply(w->graph, "sample", named(name, "z.%s%s", p->name, ""),
                          "std=given", p->mean, p->sigma, NULL);
    snprintf(from, sizeof from, "read.%.20s", p->name);
    for (int b = 0; b < w->n; b++)
      if (a != b)
        rg_model_translation(w->model, p->name, w->part[b].name,
                             read_out(w, &w->part[b], from, z));
  }
}

/* ---- terms ---- */

/* Mean over the cells of the batch, as released, or over those that have the modality. */
static double per_cell(const network *w)
{
  const rg_share *share = rg_graph_share(w->graph);
  return exact(w->s) ? 1 / ((double)share->lanes * share->lane_cells) : 1;
}

static void add_reconstructions(network *w, rg_step *step)
{
  rg_node *z = rg_mlp_beside(w->graph, "z.batch", w->z, w->batch);
  for (int k = 0; k < w->n; k++) {
    const part *p = &w->part[k];
    rg_op *loss = p->peaks ? decode_peaks(w, p, "joint", z, p->has)
                           : decode_counts(w, p, "joint", z, p->library, p->has);
    rg_step_term(step, loss, per_cell(w), RG_RAMP_NONE, 0);
    rg_model_watch(w->model, loss, per_cell(w));
  }
}

static void add_penalties(network *w, rg_step *step)
{
  char name[LONGEST];
  rg_node *sigma[MOST] = {NULL};
  for (int k = 0; k < w->n; k++) {
    const part *p = &w->part[k];
    sigma[k] = !exact(w->s) ? p->sigma
                            : deviation(w, named(name, "root.%s%s", p->name, ""),
                                        p->log_variance, 0.25);
  }
  for (int a = 0; a < w->n && w->s->penalty > 0; a++)
    for (int b = a + 1; b < w->n; b++) {
      const part *p = &w->part[a], *q = &w->part[b];
      rg_node *both = rg_input(w->graph, named(name, "both:%s,%s", p->name, q->name), 1);
      rg_op *loss =
          rg_loss(w->graph, "jeffreys", named(name, "jeffreys.%s.%s", p->name, q->name),
                  exact(w->s) ? "reduction=sum" : "reduction=cell", p->mean, sigma[a],
                  q->mean, sigma[b], both, NULL);
      rg_step_term(step, loss, w->s->penalty * per_cell(w), RG_RAMP_NONE, 0);
    }
}

/* Which modalities a cell has, from its latent: the classifier learns it, the others hide
 * it by making it look like the other combinations. */
static void add_adversary(network *w, rg_phase *phase, rg_step *step, uint64_t group)
{
  rg_graph *graph = w->graph;
  int classes = (1 << w->n) - 1;
  rg_mlp mlp = rg_mlp_of(2, CLASSIFIER);
  mlp.norm = exact(w->s) ? "batchnorm" : NULL;
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

static void choose_sizes(network *w)
{
  const rg_facts *facts = w->facts;
  int widest = rg_facts_find(facts, "atac");
  if (widest < 0)
    widest = rg_facts_find(facts, "rna");
  double root = sqrt((double)facts->modality[widest < 0 ? 0 : widest].n_features);
  w->hidden = w->s->hidden > 0 ? (int)w->s->hidden : (int)fmax(fmin(root, 128), 1);
  w->latent = w->s->latent > 0 ? (int)w->s->latent : (int)sqrt(w->hidden);
}

static void add_phase(network *w, uint64_t model_groups, uint64_t adversary)
{
  const multivi_settings *s = w->s;
  bool released = exact(s);
  rg_phase *phase = rg_model_phase(
      w->model, "main", s->epochs > 0 ? s->epochs : released ? 500 : 60,
      s->rate > 0 ? s->rate : released ? 1e-4 : 1e-3);
  phase->patience = s->patience > 0 ? s->patience : released ? 50 : 15;
  rg_step *step = rg_phase_step(phase, "model", model_groups);
  add_reconstructions(w, step);
  rg_op *kl = rg_loss(w->graph, "kl_std", "kl", "reduction=cell", w->mean, w->sigma, NULL);
  rg_step_term(step, kl, 1, RG_RAMP_LINEAR,
               s->warm_up > 0 ? s->warm_up : released ? 50 : 10);
  if (!released) /* the released program watches reconstructions alone */
    rg_model_watch(w->model, kl, 1);
  add_penalties(w, step);
  if (s->adversary > 0) {
    rg_graph_group(w->graph, "adversary");
    add_adversary(w, phase, step, adversary);
  }
}

static rg_status compose(rg_graph *graph, const rg_facts *facts, const void *settings,
                         rg_model *model)
{
  const multivi_settings *s = settings;
  network w = {.graph = graph, .facts = facts, .s = s, .model = model};
  if (facts->n_modalities > MOST)
    return rg_fail(RG_EUSAGE, "multivi takes at most %d modalities; the data have %d", MOST,
                   facts->n_modalities);
  if (exact(s) && strcmp(s->weights, "equal") != 0)
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
    part *p = &w.part[w.n];
    *p = (part){.name = facts->modality[w.n].name,
                .n = facts->modality[w.n].n_features,
                .peaks = strcmp(facts->modality[w.n].name, "atac") == 0};
    p->extra_zeros = strcmp(p->name, "rna") == 0 && strcmp(s->likelihood, "zinb") == 0;
    encode(&w, p);
  }
  mix(&w);
  add_phase(&w, parts, parts << 1);
  rg_graph_group(graph, "model");
  make_outputs(&w);
  return RG_OK;
}

static const char *const defaults[] = {"train.batch=128", "train.validation=0.1",
                                       "train.grid=lanes", "prepare.top_genes=0", NULL};

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
    .fields = fields,
    .settings_size = sizeof(multivi_settings),
    .defaults = defaults,
    .covariates = covariates,
    .compose = compose};
