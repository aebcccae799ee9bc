/* Encoders and decoders of BABEL, as released and as they carry over to other cells. */
#include "babel_parts.h"

#include <string.h>

typedef struct title {
  char text[128];
} title;

static title titled(const char *format, const char *a, const char *b)
{
  title t;
  snprintf(t.text, sizeof t.text, format, a, b);
  return t;
}

static title numbered(const char *format, int64_t width)
{
  title t;
  snprintf(t.text, sizeof t.text, format, (int)width);
  return t;
}

/* A dense input; modalities may ask for the same one. */
static rg_node *input(const rg_babel *b, const char *what, const char *modality, int width)
{
  title name = titled("%s:%s", what, modality);
  rg_node *found = rg_graph_find_node(b->graph, name.text);
  return found ? found : rg_input(b->graph, name.text, width);
}

/* ---- encoders -------------------------------------------------------------------- */

/* Principal components and depth to the latent; as released, all features. */
static rg_node *encode_values(const rg_babel *b, const rg_babel_part *p)
{
  rg_mlp mlp = rg_mlp_of(b->exact ? 2 : 1, b->s->hidden);
  rg_node *x = p->x;
  title name = titled("enc.%s%s", p->name, "");
  mlp.norm = "batchnorm";
  mlp.activation = "prelu";
  mlp.init = "xavier";
  mlp.measured = p->has;
  if (b->exact) {
    mlp.width[1] = b->s->latent;
    return rg_mlp_apply(b->graph, name.text, &mlp, x);
  }
  enum { AXES = 50 };
  rg_node *depth = input(b, "depth", p->name, 1);
  x = input(b, "pca", p->name, rg_projection_axes(AXES, p->n));
  x = rg_apply(b->graph, "concat", titled("enc.%s.in%s", p->name, "").text, NULL, x, depth,
               NULL);
  x = rg_mlp_apply(b->graph, name.text, &mlp, x);
  return rg_mlp_linear(b->graph, titled("z.%s%s", p->name, "").text, "xavier", b->s->latent,
                       x, NULL);
}

/* Released: 32 and 16 units per chromosome, then all chromosomes to the latent. */
static rg_node *encode_peaks_released(const rg_babel *b, const rg_babel_part *p)
{
  rg_graph *graph = b->graph;
  rg_node *h = rg_apply(graph, "sparse_linear", "enc.atac.fc1",
                        numbered("width=%d init=xavier", b->s->split).text, p->x, NULL);
  h = rg_apply(graph, "batchnorm", "enc.atac.bn1", NULL, h, p->has, NULL);
  h = rg_apply(graph, "prelu", "enc.atac.act1", NULL, h, NULL);
  h = rg_apply(graph, "linear", "enc.atac.fc2",
               numbered("width=%d init=xavier", b->s->chunk).text, h, NULL);
  h = rg_apply(graph, "batchnorm", "enc.atac.bn2", NULL, h, p->has, NULL);
  h = rg_apply(graph, "prelu", "enc.atac.act2", NULL, h, NULL);
  h = rg_apply(
      graph, "linear", "enc.atac.fc3.product",
      numbered("width=%d bias=false joined=true init=xavier", b->s->latent).text, h,
      NULL);
  h = rg_apply(graph, "sum_blocks", "enc.atac.fc3",
               numbered("fan_in=%d", b->s->chunk * p->x->blocks->n).text, h, NULL);
  h = rg_apply(graph, "batchnorm", "enc.atac.bn3", NULL, h, p->has, NULL);
  return rg_apply(graph, "prelu", "enc.atac.act3", NULL, h, NULL);
}

/* A linear map of the peaks, of which chromosomes are dropped, and of the depth. */
static rg_node *encode_peaks(const rg_babel *b, const rg_babel_part *p)
{
  rg_graph *graph = b->graph;
  title text = numbered("width=%d bias=false joined=true", b->s->latent);
  rg_graph_decay(graph, 1);
  rg_node *h = rg_apply(graph, "sparse_linear", "enc.atac.product", text.text, p->x, NULL);
  rg_graph_decay(graph, 0);
  snprintf(text.text, sizeof text.text, "rate=%.17g", b->s->drop);
  h = rg_apply(graph, "dropout", "enc.atac.drop", text.text, h, NULL);
  h = rg_apply(graph, "sum_blocks", "enc.atac", NULL, h, NULL);
  rg_node *depth = rg_mlp_linear(graph, "enc.atac.depth", NULL, b->s->latent,
                                 input(b, "depth", p->name, 1), NULL);
  return rg_apply(graph, "add", "z.atac", NULL, h, depth, NULL);
}

static rg_node *counts(const rg_babel *b, const rg_babel_part *p, const char *role,
                       rg_weigh weigh, double power, double scale)
{
  return rg_model_counts(b->model, b->graph, titled("%s.%s", role, p->name).text, b->facts,
                         p->name, weigh, power, scale);
}

/* Rows of length 4: a decoder reads directions, and cannot mistake a latent that is drawn
 * to the mean for another cell. */
static rg_node *on_sphere(const rg_babel *b, const rg_babel_part *p)
{
  rg_node *u = rg_apply(b->graph, "unit", titled("unit.%s%s", p->name, "").text, NULL, p->z,
                        NULL);
  return rg_apply(b->graph, "scale", titled("latent.%s%s", p->name, "").text, "by=4", u,
                  NULL);
}

static bool in_scores(const rg_babel *b, const rg_babel_part *p)
{
  return p->real || (!b->exact && b->s->likelihood[0] == 'l');
}

/* Counts as they are, or scaled as released; or standard scores of log counts or values. */
static void make_target(const rg_babel *b, rg_babel_part *p)
{
  rg_weigh weigh = p->real              ? RG_WEIGH_COUNTS
                   : b->exact           ? RG_WEIGH_SIZE
                   : in_scores(b, p)    ? RG_WEIGH_LOG
                                        : RG_WEIGH_COUNTS;
  p->target = counts(b, p, "out", weigh, 1, 1);
  if (!in_scores(b, p))
    return;
  title moments = titled("dec.%s.moments%s", p->name, "");
  rg_model_moments(b->model, moments.text, p->target);
  p->target = rg_apply(b->graph, "densify", titled("out.%s.values%s", p->name, "").text,
                       NULL, p->target, NULL);
  p->scores = rg_apply(b->graph, "standardise",
                       titled("out.%s.scores:dec.%s.moments", p->name, p->name).text, NULL,
                       p->target, NULL);
}

rg_babel_part rg_babel_encode(const rg_babel *b, int m)
{
  const struct rg_fact_modality *fact = &b->facts->modality[m];
  rg_babel_part p = {.name = fact->name, .n = fact->n_features,
                     .peaks = strcmp(fact->name, "atac") == 0,
                     .real = fact->values == RG_VALUES_REAL};
  p.has = input(b, "has", p.name, 1);
  if (p.peaks) {
    p.x = b->exact ? counts(b, &p, "in", RG_WEIGH_ONES, 1, 1)
                   : counts(b, &p, "in", RG_WEIGH_IDF, b->s->power, 10);
    p.target = p.x;
    p.z = b->exact ? encode_peaks_released(b, &p) : encode_peaks(b, &p);
    p.z = b->exact ? p.z : on_sphere(b, &p);
    return p;
  }
  if (b->exact)
    p.x = counts(b, &p, "in", RG_WEIGH_ZSCORE, 0.005, 0);
  make_target(b, &p);
  p.z = encode_values(b, &p);
  p.z = b->exact ? p.z : on_sphere(b, &p);
  return p;
}

/* ---- decoders -------------------------------------------------------------------- */

/* FROM.TO.part:dec.TO.part */
static title shared(const char *from, const rg_babel_part *to, const char *part)
{
  title t;
  snprintf(t.text, sizeof t.text, "%s.%s%s:dec.%s%s", from, to->name, part, to->name,
           part);
  return t;
}

static rg_op *decode_peaks(const rg_babel *b, const rg_babel_part *to, const char *from,
                           rg_node *z, rg_node *mask)
{
  rg_graph *graph = b->graph;
  const rg_babel_settings *s = b->s;
  rg_node *h = rg_apply(graph, "split", shared(from, to, ".fc1").text,
                        numbered("width=%d init=xavier", s->chunk).text, z, to->x, NULL);
  if (b->exact)
    h = rg_apply(graph, "batchnorm", shared(from, to, ".bn1").text, NULL, h, mask, NULL);
  h = rg_apply(graph, "prelu", shared(from, to, ".act1").text, "shared=true", h, NULL);
  h = rg_apply(graph, "linear", shared(from, to, ".fc2").text,
               numbered("width=%d init=xavier", s->split).text, h, NULL);
  if (b->exact)
    h = rg_apply(graph, "batchnorm", shared(from, to, ".bn2").text, NULL, h, mask, NULL);
  h = rg_apply(graph, "prelu", shared(from, to, ".act2").text, NULL, h, NULL);
  return rg_loss(graph, "wide_bernoulli", shared(from, to, ".out").text,
                 "reduction=mean", h, to->target, mask, NULL);
}

/* Mean and log dispersion of each cell, cut as released. */
static rg_op *released_counts(const rg_babel *b, const rg_babel_part *to, const char *from,
                              rg_node *h, rg_node *mask)
{
  rg_graph *graph = b->graph;
  rg_node *mean = rg_mlp_linear(graph, shared(from, to, ".mean").text, "xavier", to->n, h,
                                NULL);
  mean = rg_apply(graph, "activation", shared(from, to, ".exp").text,
                  "kind=exp low=1e-5 high=1e6", mean, NULL);
  rg_node *r = rg_mlp_linear(graph, shared(from, to, ".dispersion").text, "xavier", to->n,
                             h, NULL);
  r = rg_apply(graph, "activation", shared(from, to, ".softplus").text,
               "kind=softplus low=1e-4 high=1e3", r, NULL);
  r = rg_apply(graph, "activation", shared(from, to, ".log").text, "kind=log", r, NULL);
  return rg_loss(graph, "nb", shared(from, to, ".counts").text,
                 "dispersion=given reduction=mean", mean, to->target, r, mask, NULL);
}

/* Scores back to values, and logarithms back to the counts of a typical cell. */
static rg_op *read_scores(const rg_babel *b, const rg_babel_part *to, const char *from,
                          rg_node *y)
{
  rg_graph *graph = b->graph;
  title name = shared(from, to, ".back");
  snprintf(name.text, sizeof name.text, "%s.%s.back:dec.%s.moments", from, to->name,
           to->name);
  y = rg_apply(graph, "standardise", name.text, "back=true", y, NULL);
  if (!to->real) {
    y = rg_apply(graph, "activation", shared(from, to, ".exp").text, "kind=expm1 low=0", y,
                 NULL);
    y = rg_apply(graph, "scale", shared(from, to, ".share").text, "by=1e-4", y, NULL);
    y = rg_apply(graph, "multiply", shared(from, to, ".typical").text, NULL, y,
                 input(b, "typical", to->name, 1), NULL);
  }
  return rg_loss(graph, "match_rows", shared(from, to, ".read").text, NULL, y, to->target,
                 NULL);
}

static rg_op *decode_values(const rg_babel *b, const rg_babel_part *to, const char *from,
                            rg_node *z, rg_node *mask)
{
  rg_graph *graph = b->graph;
  rg_mlp mlp = rg_mlp_of(1, b->s->hidden);
  mlp.norm = b->exact ? "batchnorm" : NULL;
  mlp.activation = "prelu";
  mlp.init = "xavier";
  mlp.measured = mask;
  rg_node *h = rg_mlp_apply(graph, shared(from, to, "").text, &mlp, z);
  if (b->exact && !to->real)
    return released_counts(b, to, from, h, mask);
  rg_node *y = rg_mlp_linear(graph, shared(from, to, ".mean").text, "xavier", to->n, h,
                             NULL);
  if (in_scores(b, to))
    return mask ? rg_loss(graph, "match_rows", shared(from, to, ".scores").text,
                          "reduction=mean", y, to->scores, mask, NULL)
                : read_scores(b, to, from, y);
  rg_node *library = input(b, mask ? "library" : "typical", to->name, 1);
  return rg_loss(graph, "nb", shared(from, to, ".counts").text,
                 "mean=softmax reduction=mean", y, to->target, library, mask, NULL);
}

rg_op *rg_babel_decode(const rg_babel *b, const rg_babel_part *to, const char *from,
                       rg_node *z, rg_node *mask)
{
  return to->peaks ? decode_peaks(b, to, from, z, mask)
                   : decode_values(b, to, from, z, mask);
}
