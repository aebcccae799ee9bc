/* Encoders and decoders of MultiVI. */
#include "multivi_parts.h"

#include <string.h>

bool rg_multivi_exact(const rg_multivi_settings *s)
{
  return strcmp(s->compat, "code_exact") == 0;
}

/* ---- encoders ---- */

static rg_mlp stack(const rg_multivi *w, const char *activation, double dropout)
{
  rg_mlp mlp = rg_mlp_of((int)w->s->layers, w->hidden);
  mlp.norm = "layernorm";
  mlp.norm_options = rg_multivi_exact(w->s) ? "affine=false" : NULL;
  mlp.activation = activation;
  mlp.dropout = dropout;
  return mlp;
}

const char *rg_multivi_name(char *text, const char *format, const char *a, const char *b)
{
  snprintf(text, RG_MULTIVI_NAME, format, a, b);
  return text;
}

/* sigma = exp(share s), of a log variance s, within what float32 holds */
rg_node *rg_multivi_deviation(rg_multivi *w, const char *name, rg_node *s, double share)
{
  char text[RG_MULTIVI_NAME], half[RG_MULTIVI_NAME];
  snprintf(text, sizeof text, "by=%g", share);
  rg_node *log_sigma =
      rg_apply(w->graph, "scale", rg_multivi_name(half, "%.100s.log%s", name, ""), text,
               s, NULL);
  return rg_apply(w->graph, "activation", name, "kind=exp low=4.5e-5 high=2.2e4",
                  log_sigma, NULL);
}

/* As released: the size of a cell from an encoder of its own. */
static void encode_size(rg_multivi *w, rg_multivi_part *p)
{
  char name[RG_MULTIVI_NAME];
  rg_mlp mlp = stack(w, p->peaks ? "kind=leaky" : "kind=relu", 0);
  rg_node *h =
      rg_mlp_apply(w->graph, rg_multivi_name(name, "size.%s%s", p->name, ""), &mlp, p->x);
  rg_multivi_name(name, "size.%s.out%s", p->name, "");
  rg_node *l = rg_mlp_linear(w->graph, name, NULL, 1, h, NULL);
  if (p->peaks) {
    p->size = l;
    return;
  }
  l = rg_apply(w->graph, "activation", rg_multivi_name(name, "size.%s.log%s", p->name, ""),
               "kind=leaky", l, NULL);
  p->library =
      rg_apply(w->graph, "activation", rg_multivi_name(name, "size.%s.exp%s", p->name, ""),
               "kind=exp high=1e9", l, NULL);
}

/* Counts of a part, weighed, under the name ROLE.part. */
static rg_node *counts(rg_multivi *w, const rg_multivi_part *p, const char *role,
                       rg_weigh weigh)
{
  char name[RG_MULTIVI_NAME];
  return rg_model_counts(w->model, w->graph, rg_multivi_name(name, "%s.%s", role, p->name),
                         w->facts, p->name, weigh, 1, 1);
}

/* Hidden units, and beside them the depth, which layer norm takes away. */
static rg_node *encode_hidden(rg_multivi *w, rg_multivi_part *p)
{
  char name[RG_MULTIVI_NAME];
  bool released = rg_multivi_exact(w->s);
  p->x = counts(w, p, "in",
                released ? RG_WEIGH_COUNTS : p->peaks ? RG_WEIGH_ONES : RG_WEIGH_LOG);
  p->counts = released || p->peaks ? p->x : counts(w, p, "counts", RG_WEIGH_COUNTS);
  rg_mlp mlp = stack(w, "kind=leaky", w->s->dropout);
  rg_node *h =
      rg_mlp_apply(w->graph, rg_multivi_name(name, "enc.%s%s", p->name, ""), &mlp, p->x);
  if (released)
    return h;
  rg_node *depth =
      rg_input(w->graph, rg_multivi_name(name, "depth:%s%s", p->name, ""), 1);
  return rg_mlp_beside(w->graph, rg_multivi_name(name, "enc.%s.deep%s", p->name, ""), h,
                       depth);
}

void rg_multivi_encode(rg_multivi *w, rg_multivi_part *p)
{
  char name[RG_MULTIVI_NAME];
  rg_graph *graph = w->graph;
  p->has = rg_input(graph, rg_multivi_name(name, "has:%s%s", p->name, ""), 1);
  rg_node *h = encode_hidden(w, p);
  p->mean = rg_mlp_linear(graph, rg_multivi_name(name, "mean.%s%s", p->name, ""), NULL,
                          w->latent, h, NULL);
  p->log_variance =
      rg_mlp_linear(graph, rg_multivi_name(name, "variance.%s%s", p->name, ""), NULL,
                    w->latent, h, NULL);
  rg_multivi_name(name, "sigma.%s%s", p->name, "");
  p->sigma = rg_multivi_deviation(w, name, p->log_variance, 0.5);
  if (rg_multivi_exact(w->s)) {
    encode_size(w, p);
    return;
  }
  p->size = rg_mlp_linear(graph, rg_multivi_name(name, "size.%s%s", p->name, ""), NULL, 1,
                          h, NULL);
  if (!p->peaks)
    p->library = rg_input(graph, rg_multivi_name(name, "library:%s%s", p->name, ""), 1);
}

/* ---- decoders ---- */

/* A dense input of one column, for which others may have asked already. */
static rg_node *column(rg_multivi *w, const char *name)
{
  rg_node *found = rg_graph_find_node(w->graph, name);
  return found ? found : rg_input(w->graph, name, 1);
}

static rg_op *decode_peaks(rg_multivi *w, const rg_multivi_part *p, const char *from,
                           rg_node *z, rg_node *size, rg_node *mask)
{
  char name[RG_MULTIVI_NAME], options[64];
  bool released = rg_multivi_exact(w->s);
  rg_mlp mlp = stack(w, "kind=leaky", 0);
  rg_multivi_name(name, "%s.%s:dec.atac", from, p->name);
  rg_node *h = rg_mlp_apply(w->graph, name, &mlp, z);
  rg_multivi_name(name, "%s.%s.out:dec.atac.out", from, p->name);
  rg_node *y = rg_mlp_linear(w->graph, name, NULL, p->n, h, NULL);
  snprintf(options, sizeof options, "depth=%s reduction=%s predicts=%s",
           size ? "logit" : "value", released ? "sum" : "cell",
           released ? "peak" : "product");
  return rg_loss(w->graph, "scaled_bernoulli",
                 rg_multivi_name(name, "%s.%s.region:dec.atac.region", from, p->name),
                 options, y, p->counts, size ? size : column(w, "one"), mask, NULL);
}

static rg_op *decode_counts(rg_multivi *w, const rg_multivi_part *p, const char *from,
                            rg_node *z, rg_node *mask)
{
  char prefix[64], name[RG_MULTIVI_NAME], options[96];
  rg_node *in[5] = {NULL};
  int n = 0;
  bool by_batch = strcmp(w->s->dispersion, "batch") == 0;
  snprintf(prefix, sizeof prefix, "%s.%s", from, p->name);
  rg_mlp mlp = stack(w, "kind=relu", 0);
#define PART(what)                                                                        \
  (snprintf(name, sizeof name, "%s%s:dec.%s%s", prefix, what, p->name, what), name)
  rg_node *h = rg_mlp_apply(w->graph, PART(""), &mlp, z);
  rg_node *y = rg_mlp_linear(w->graph, PART(".mean"), NULL, p->n, h, NULL);
  if (p->extra_zeros)
    in[n++] = rg_mlp_linear(w->graph, PART(".zeros"), NULL, p->n, h, NULL);
  in[n++] = mask ? p->library
                 : column(w, rg_multivi_name(name, "typical:%s%s", p->name, ""));
  if (by_batch) {
    snprintf(options, sizeof options, "width=%lld", (long long)p->n);
    in[n++] = rg_apply(w->graph, "lookup", PART(".dispersion"), options, w->batch, NULL);
  }
  in[n++] = mask;
  snprintf(options, sizeof options, "mean=softmax dispersion=%s reduction=%s",
           by_batch ? "given" : "feature", rg_multivi_exact(w->s) ? "sum" : "cell");
  return rg_loss(w->graph, p->extra_zeros ? "zinb" : "nb", PART(".counts"), options, y,
                 p->counts, in[0], in[1], in[2], in[3], NULL);
#undef PART
}

rg_op *rg_multivi_decode(rg_multivi *w, const rg_multivi_part *p, const char *from,
                         rg_node *z, rg_node *size, rg_node *mask)
{
  char name[RG_MULTIVI_NAME];
  z = rg_mlp_beside(w->graph, rg_multivi_name(name, "%s.%s.z", from, p->name), z, w->batch);
  return p->peaks ? decode_peaks(w, p, from, z, size, mask)
                  : decode_counts(w, p, from, z, mask);
}
