/* The network of UnitedNet: encoders, decoders, discriminators and heads. */
#include "unitednet.h"

#include <string.h>

#define LONGEST 128
static const char kaiming[] = "kaiming";

rg_node *rg_united_input(rg_graph *graph, const char *name, int width)
{
  rg_node *found = rg_graph_find_node(graph, name);
  return found ? found : rg_input(graph, name, width);
}

rg_node *rg_united_both(const rg_united *u, int from, int to)
{
  char name[LONGEST];
  if (from == to)
    return u->modality[to].has;
  if (from > to) /* the same either way */
    return rg_united_both(u, to, from);
  snprintf(name, sizeof name, "both:%s,%s", u->modality[from].name, u->modality[to].name);
  return rg_united_input(u->graph, name, 1);
}

/* ---- inputs ---- */

static rg_node *dense_values(const rg_united *u, const rg_united_modality *m)
{
  char name[LONGEST];
  snprintf(name, sizeof name, "values.%s", m->name);
  return rg_apply(u->graph, "densify", name, m->binary ? "value=binary" : "value=counts",
                  m->counts, NULL);
}

static rg_node *standardised(const rg_united *u, const rg_united_modality *m)
{
  char name[LONGEST];
  if (m->binary || !u->options->scale)
    return m->values;
  snprintf(name, sizeof name, "standard.%s", m->name);
  rg_model_moments(u->model, name, m->counts);
  return rg_apply(u->graph, "standardise", name, NULL, m->values, NULL);
}

static void make_inputs(rg_united *u, const rg_facts *facts, int k)
{
  rg_united_modality *m = &u->modality[k];
  const struct rg_fact_modality *fact = &facts->modality[k];
  bool counts = fact->values == RG_VALUES_COUNTS;
  char name[LONGEST];
  m->name = fact->name;
  m->features = fact->n_features;
  m->binary = counts && strcmp(fact->name, "atac") == 0;
  m->wide = m->binary && m->features > u->options->dense;
  m->counts = rg_model_counts(u->model, u->graph, fact->name, facts, fact->name,
                              m->binary ? RG_WEIGH_ONES
                              : counts  ? RG_WEIGH_LOG
                                        : RG_WEIGH_COUNTS,
                              1, 1);
  snprintf(name, sizeof name, "has:%s", fact->name);
  m->has = rg_united_input(u->graph, name, 1);
  if (m->wide)
    return;
  m->values = dense_values(u, m);
  m->target = standardised(u, m);
}

/* What the encoder reads: noise is added in training. */
static rg_node *noised(const rg_united *u, const rg_united_modality *m)
{
  char name[LONGEST], text[LONGEST];
  if (u->options->noise <= 0 || m->wide)
    return m->wide ? m->counts : m->target;
  snprintf(name, sizeof name, "noise.%s", m->name);
  snprintf(text, sizeof text, "scale=%.17g of=column", u->options->noise);
  return rg_apply(u->graph, "noise", name, text, m->target, NULL);
}

/* ---- encoders and decoders ---- */

static rg_node *encoder(const rg_united *u, const rg_united_modality *m)
{
  const rg_united_shape *shape = &u->options->shape;
  char prefix[LONGEST], name[LONGEST], rate[LONGEST];
  rg_mlp mlp = {.depth = shape->depth, .init = kaiming, .activation = "kind=relu"};
  memcpy(mlp.width, shape->hidden, sizeof shape->hidden);
  if (shape->batchnorm) {
    mlp.norm = "batchnorm";
    mlp.measured = u->options->exact ? NULL : m->has;
    mlp.width[mlp.depth++] = shape->latent;
  }
  snprintf(prefix, sizeof prefix, "enc.%s", m->name);
  rg_node *x = noised(u, m);
  mlp.drop_blocks = u->options->dropout;
  if (u->options->dropout > 0 && !m->wide) {
    snprintf(name, sizeof name, "enc.%s.drop", m->name);
    snprintf(rate, sizeof rate, "rate=%.17g", u->options->dropout);
    x = rg_apply(u->graph, "dropout", name, rate, x, NULL);
  }
  rg_node *h = rg_mlp_apply(u->graph, prefix, &mlp, x);
  if (shape->batchnorm)
    return h;
  snprintf(name, sizeof name, "enc.%s.out", m->name);
  h = rg_mlp_linear(u->graph, name, kaiming, shape->latent, h, NULL);
  snprintf(name, sizeof name, "enc.%s.norm", m->name);
  return rg_apply(u->graph, "layernorm", name, NULL, h, NULL);
}

/* Peaks start at how often each is open. */
static const char *last_init(const rg_united *u, const rg_united_modality *m)
{
  return m->binary && !u->options->exact ? "zero" : kaiming;
}

static void start(const rg_united *u, const rg_united_modality *m)
{
  char bias[LONGEST];
  snprintf(bias, sizeof bias, m->wide ? "dec.out.%s.bias" : "dec.%s.out.bias", m->name);
  if (m->binary && !u->options->exact)
    rg_model_start(u->model, bias, m->name);
}

static rg_node *decoder(const rg_united *u, int from, int to)
{
  const rg_united_shape *shape = &u->options->shape;
  const rg_united_modality *m = &u->modality[to];
  const char *source = u->modality[from].name;
  char name[LONGEST];
  rg_mlp mlp = {.depth = shape->depth, .init = kaiming, .activation = "kind=relu"};
  for (int k = 0; k < shape->depth; k++)
    mlp.width[k] = shape->hidden[shape->depth - 1 - k];
  snprintf(name, sizeof name, "dec.%s.%s:dec.%s", source, m->name, m->name);
  rg_node *h = rg_mlp_apply(u->graph, name, &mlp, u->modality[from].latent);
  if (m->wide) {
    snprintf(name, sizeof name, "dec.%s.%s.wide", source, m->name);
    return rg_apply(u->graph, "repeat", name, NULL, h, m->counts, NULL);
  }
  snprintf(name, sizeof name, "dec.%s.%s.out:dec.%s.out", source, m->name, m->name);
  return rg_mlp_linear(u->graph, name, last_init(u, m), m->features, h, NULL);
}

/* Reconstruction (from a modality to itself) and translation. */
static rg_op *decoder_loss(const rg_united *u, int from, int to)
{
  const rg_united_modality *m = &u->modality[to];
  rg_node *y = u->decoded[from][to], *mask = rg_united_both(u, from, to);
  char name[LONGEST];
  snprintf(name, sizeof name, "%s.%s.%s%s%s", from == to ? "rec" : "trans",
           u->modality[from].name, m->name, m->wide ? ":dec.out." : "",
           m->wide ? m->name : "");
  if (m->wide)
    return rg_loss(u->graph, "wide_bernoulli", name,
                   u->options->exact ? "reduction=mean init=kaiming"
                                     : "reduction=mean init=zero",
                   y, m->counts, mask, NULL);
  return rg_loss(u->graph, m->binary ? "bernoulli" : "match_rows", name, "reduction=mean",
                 y, m->target, mask, NULL);
}

/* What translate writes: of standardised values the way back. */
static rg_op *read_out(const rg_united *u, int from, int to)
{
  const rg_united_modality *m = &u->modality[to];
  char name[LONGEST];
  if (m->binary || !u->options->scale)
    return u->loss[from][to];
  snprintf(name, sizeof name, "back.%s.%s:standard.%s", u->modality[from].name, m->name,
           m->name);
  rg_node *y = rg_apply(u->graph, "standardise", name, "back=true", u->decoded[from][to],
                        NULL);
  snprintf(name, sizeof name, "out.%s.%s", u->modality[from].name, m->name);
  return rg_loss(u->graph, "match_rows", name, "reduction=mean", y, m->values, NULL);
}

static void make_decoders(rg_united *u)
{
  for (int to = 0; to < u->n; to++)
    for (int from = 0; from < u->n; from++) {
      u->decoded[from][to] = decoder(u, from, to);
      u->loss[from][to] = decoder_loss(u, from, to);
      rg_op *op = read_out(u, from, to);
      if (from == to)
        rg_model_likelihood(u->model, u->modality[to].name, op);
      else
        rg_model_translation(u->model, u->modality[from].name, u->modality[to].name, op);
    }
  for (int k = 0; k < u->n; k++)
    start(u, &u->modality[k]);
}

/* ---- discriminators ---- */

/* The released last layer normalises one column by itself, which leaves its bias alone:
 * that score never depends on the data. */
static rg_node *discriminator(const rg_united *u, const rg_united_modality *m,
                              const char *of, rg_node *x)
{
  const rg_united_shape *shape = &u->options->shape;
  char name[LONGEST];
  rg_mlp mlp = {.depth = shape->discriminator_depth, .init = kaiming,
                .activation = "kind=relu"};
  memcpy(mlp.width, shape->discriminator, sizeof shape->discriminator);
  snprintf(name, sizeof name, "%s.%s:disc.%s", of, m->name, m->name);
  rg_node *h = rg_mlp_apply(u->graph, name, &mlp, x);
  snprintf(name, sizeof name, "%s.%s.out:disc.%s.out", of, m->name, m->name);
  h = rg_mlp_linear(u->graph, name, kaiming, 1, h, NULL);
  snprintf(name, sizeof name, "%s.%s.norm:disc.%s.norm", of, m->name, m->name);
  if (u->options->exact)
    h = rg_apply(u->graph, "layernorm", name, NULL, h, NULL);
  snprintf(name, sizeof name, "%s.%s.score", of, m->name);
  return rg_apply(u->graph, "activation", name, "kind=sigmoid", h, NULL);
}

static void make_discriminator(rg_united *u, int k)
{
  rg_united_modality *m = &u->modality[k];
  rg_node *y = u->decoded[k][k];
  char name[LONGEST];
  if (m->wide)
    return;
  snprintf(name, sizeof name, "open.%s", m->name);
  if (m->binary)
    y = rg_apply(u->graph, "activation", name, "kind=sigmoid", y, NULL);
  m->real = discriminator(u, m, "real", m->target);
  m->made = discriminator(u, m, "made", y);
  snprintf(name, sizeof name, "fixed.%s", m->name);
  m->fake = discriminator(u, m, "fake", rg_apply(u->graph, "detach", name, NULL, y, NULL));
}

/* ---- heads ---- */

/* Masks of the fuser: the released program averages zeros where nothing was measured. */
static rg_node *fuser_mask(const rg_united *u, const rg_united_modality *m)
{
  char name[LONGEST];
  if (!u->options->exact)
    return m->has;
  snprintf(name, sizeof name, "zero.%s", m->name);
  rg_node *zero = rg_graph_find_node(u->graph, name);
  if (!zero)
    zero = rg_apply(u->graph, "scale", name, "by=0", m->has, NULL);
  snprintf(name, sizeof name, "one.%s", m->name);
  rg_node *one = rg_graph_find_node(u->graph, name);
  return one ? one : rg_apply(u->graph, "activation", name, "kind=exp", zero, NULL);
}

static rg_node *fuser(const rg_united *u, int h)
{
  const char *weights =
      u->options->shape.feature_fuser ? "weights=feature" : "weights=softmax";
  rg_node *in[2 * RG_UNITED_MOST + 1] = {0};
  char name[LONGEST];
  for (int k = 0; k < u->n; k++) {
    in[k] = u->modality[k].latent;
    in[u->n + k] = fuser_mask(u, &u->modality[k]);
  }
  snprintf(name, sizeof name, "head%d.fuse", h);
  return rg_apply(u->graph, "fuse", name, weights, in[0], in[1], in[2], in[3], in[4],
                  in[5], in[6], in[7], NULL);
}

static void make_head(rg_united *u, int h)
{
  const rg_united_shape *shape = &u->options->shape;
  rg_united_head *head = &u->head[h];
  char name[LONGEST], text[LONGEST];
  rg_mlp mlp = rg_mlp_of(1, shape->projector);
  mlp.init = kaiming;
  mlp.norm = "layernorm";
  mlp.activation = "kind=relu";
  head->fused = fuser(u, h);
  snprintf(name, sizeof name, "head%d", h);
  head->hidden = rg_mlp_apply(u->graph, name, &mlp, head->fused);
  snprintf(name, sizeof name, "head%d.group", h);
  snprintf(text, sizeof text, "width=%lld init=kaiming stored=%s",
           (long long)shape->clusters, u->options->exact ? "true" : "false");
  head->score = rg_apply(u->graph, "unit_linear", name, text, head->hidden, NULL);
  snprintf(name, sizeof name, "head%d.share", h);
  head->share = rg_apply(u->graph, "softmax", name, NULL, head->score, NULL);
}

/* ---- all ---- */

void rg_united_compose(rg_united *u, const rg_facts *facts)
{
  u->n = facts->n_modalities;
  for (int k = 0; k < u->n; k++)
    make_inputs(u, facts, k);
  u->encoders = rg_graph_group(u->graph, "encoders");
  for (int k = 0; k < u->n; k++) {
    char name[LONGEST];
    snprintf(name, sizeof name, "enc.%s.fc1", u->modality[k].name);
    u->modality[k].latent = encoder(u, &u->modality[k]);
    u->modality[k].first = rg_graph_find_node(u->graph, name);
  }
  u->decoders = rg_graph_group(u->graph, "decoders");
  make_decoders(u);
  u->discriminators = rg_graph_group(u->graph, "discriminators");
  for (int k = 0; k < u->n; k++)
    make_discriminator(u, k);
  u->heads = rg_graph_group(u->graph, "heads");
  for (int h = 0; h < u->options->shape.heads; h++)
    make_head(u, h);
}
