/* Decoders of scCross: counts, peaks, and values that are no counts. */
#include "sccross_parts.h"

#include <string.h>

static bool exact(const sccross_settings *s)
{
  return strcmp(s->compat, "code_exact") == 0;
}

bool rg_sccross_counts(const rg_sccross_side *k)
{
  return k->facts->values == RG_VALUES_COUNTS;
}

/* An operation of the decoder of k, in the use `use`; its parameters are those of all
 * uses. */
static const char *use_of(char *text, const rg_sccross_side *k, const char *what,
                          const char *use)
{
  snprintf(text, 128, "dec.%s.%.32s.%s:dec.%s.%.32s", what, k->name, use, what, k->name);
  return text;
}

static rg_node *scaled_linear(rg_sccross *c, const rg_sccross_side *k, const char *use,
                              rg_node *u)
{
  char op[128], text[64];
  snprintf(text, sizeof text, "width=%lld", (long long)k->facts->n_features);
  rg_node *y = rg_apply(c->graph, "linear", use_of(op, k, "out", use), text, u, NULL);
  return rg_apply(c->graph, "affine", use_of(op, k, "by_batch", use), NULL, y, c->batch,
                  NULL);
}

/* A row of numbers for the batch of a cell. */
rg_node *rg_sccross_table(rg_sccross *c, const rg_sccross_side *k, const char *what,
                          const char *use)
{
  char op[128], text[64];
  snprintf(text, sizeof text, "width=%lld", (long long)k->facts->n_features);
  return rg_apply(c->graph, "lookup", use_of(op, k, what, use), text, c->batch, NULL);
}

/* The released negative binomial forgets log theta in its logits: its mean is theta times
 * what it is meant to be. */
static rg_op *forgetful_counts(rg_sccross *c, const rg_sccross_side *k, const char *use,
                               rg_node *y, rg_node *library)
{
  char op[128], name[64];
  snprintf(name, sizeof name, "nll.%.32s.%.16s", k->name, use);
  rg_node *r = rg_sccross_table(c, k, "dispersion", use);
  rg_node *m = rg_apply(c->graph, "softmax", use_of(op, k, "share", use), NULL, y, NULL);
  m = rg_apply(c->graph, "multiply", use_of(op, k, "mu", use), NULL, m, library, NULL);
  rg_node *theta = rg_apply(c->graph, "activation", use_of(op, k, "theta", use), "kind=exp",
                            r, NULL);
  m = rg_apply(c->graph, "multiply", use_of(op, k, "mean", use), NULL, m, theta, NULL);
  return rg_loss(c->graph, "nb", name, "mean=given dispersion=given reduction=mean", m,
                 k->target, r, k->has, NULL);
}

static rg_op *count_decoder(rg_sccross *c, const rg_sccross_side *k, const char *use,
                            rg_node *u, rg_node *library)
{
  char name[64];
  const char *text = "mean=softmax dispersion=given reduction=mean";
  snprintf(name, sizeof name, "nll.%.32s.%.16s", k->name, use);
  rg_node *y = scaled_linear(c, k, use, u);
  if (!k->extra_zeros && exact(c->s))
    return forgetful_counts(c, k, use, y, library);
  rg_node *r = rg_sccross_table(c, k, "dispersion", use);
  if (!k->extra_zeros)
    return rg_loss(c->graph, "nb", name, text, y, k->target, library, r, k->has, NULL);
  rg_node *zero = rg_sccross_table(c, k, "zeros", use);
  return rg_loss(c->graph, "zinb", name, text, y, k->target, zero, library, r, k->has,
                 NULL);
}

/* Logits are linear in the latent, the log depth and the batch. */
static rg_op *peak_decoder(rg_sccross *c, const rg_sccross_side *k, const char *use,
                           rg_node *u, rg_node *level)
{
  char op[128], name[128];
  rg_node *h = rg_apply(c->graph, "concat", use_of(op, k, "in", use), NULL, u, level,
                        c->batch, NULL);
  h = rg_apply(c->graph, "repeat", use_of(op, k, "repeat", use), NULL, h, k->sparse, NULL);
  snprintf(name, sizeof name, "nll.%.32s.%.16s:dec.peaks.%.32s", k->name, use, k->name);
  return rg_loss(c->graph, "wide_bernoulli", name, "reduction=mean", h, k->sparse, k->has,
                 NULL);
}

rg_op *rg_sccross_decode(rg_sccross *c, const rg_sccross_side *k, const char *use,
                         rg_node *u, rg_node *library, rg_node *level)
{
  char name[64];
  if (k->wide)
    return peak_decoder(c, k, use, u, level);
  if (rg_sccross_counts(k))
    return count_decoder(c, k, use, u, library);
  snprintf(name, sizeof name, "nll.%.32s.%.16s", k->name, use);
  rg_node *y = scaled_linear(c, k, use, u);
  return rg_loss(c->graph, "normal", name, "scale=given reduction=mean", y, k->target,
                 rg_sccross_table(c, k, "log_scale", use), k->has, NULL);
}
