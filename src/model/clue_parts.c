/* The network of CLUE and its covariates. */
#include "clue_parts.h"

#include <math.h>
#include <string.h>

#define LONGEST 96
#define SOFTPLUS_ONE 0.54132485461291812 /* softplus of it is 1 */

/* Calls of an operation take any number of nodes up to a NULL. */
typedef rg_node *node_list[2 * RG_CLUE_MOST + 1];

static rg_node *join(rg_graph *graph, const char *type, const char *name,
                     const char *options, rg_node *const *n)
{
  return rg_apply(graph, type, name, options, n[0], n[1], n[2], n[3], n[4], n[5], NULL);
}

static rg_clue_kind kind_of(const struct rg_fact_modality *fact)
{
  if (fact->values == RG_VALUES_REAL)
    return RG_CLUE_REAL;
  return strcmp(fact->name, "atac") == 0 ? RG_CLUE_PEAKS : RG_CLUE_COUNTS;
}

/* ---- what a modality reads and is compared with ---- */

static rg_node *named_input(rg_graph *graph, const char *what, const char *of, int width)
{
  char name[LONGEST];
  snprintf(name, sizeof name, "%s:%s", what, of);
  return rg_input(graph, name, width);
}

static rg_node *densified(rg_clue *c, const rg_clue_modality *m, const char *what,
                          const char *value)
{
  char name[LONGEST], text[LONGEST];
  snprintf(name, sizeof name, "%s.%s", what, m->name);
  snprintf(text, sizeof text, "value=%s", value);
  return rg_apply(c->graph, "densify", name, text, m->counts, NULL);
}

static rg_node *encoder_input(rg_clue *c, const rg_clue_modality *m)
{
  if (!c->shape.projected)
    return densified(c, m, "log", m->kind == RG_CLUE_REAL ? "counts" : "log1p");
  return named_input(c->graph, m->kind == RG_CLUE_PEAKS ? "lsi" : "pca", m->name,
                     rg_projection_axes(c->shape.axes, m->features));
}

static void open_modality(rg_clue *c, int k)
{
  const struct rg_fact_modality *fact = &c->facts->modality[k];
  rg_clue_modality *m = &c->m[k];
  *m = (rg_clue_modality){
      .name = fact->name, .kind = kind_of(fact), .features = fact->n_features};
  m->counts = rg_model_counts(c->model, c->graph, fact->name, c->facts, fact->name,
                              RG_WEIGH_COUNTS, 1, 1);
  m->has = named_input(c->graph, "has", m->name, 1);
  m->read = encoder_input(c, m);
  m->target = m->kind == RG_CLUE_REAL ? densified(c, m, "target", "counts") : m->counts;
}

/* ---- encoders ---- */

static rg_mlp stack_of(const rg_clue *c, int depth, int64_t width, rg_node *measured)
{
  rg_mlp mlp = rg_mlp_of(depth, width);
  mlp.activation = "kind=leaky slope=0.2";
  mlp.norm = "batchnorm";
  mlp.norm_last = true;
  mlp.dropout = c->shape.dropout;
  mlp.measured = measured;
  return mlp;
}

/* Subspaces of the latent: one of every modality, or one that all share. */
static int subspaces(const rg_clue *c)
{
  return c->shape.merged ? 1 : c->n;
}

static const char *subspace_name(const rg_clue *c, int k)
{
  return c->shape.merged ? "all" : c->m[k].name;
}

/* Mean and deviation of modality k in every subspace, side by side. */
static void posterior(rg_clue *c, int k)
{
  rg_clue_modality *m = &c->m[k];
  node_list mean = {0}, deviation = {0};
  char name[LONGEST], head[LONGEST + 16];
  rg_mlp mlp = stack_of(c, c->shape.encoder_depth, c->shape.encoder_width, m->has);
  for (int to = 0; to < subspaces(c); to++) {
    snprintf(name, sizeof name, "enc.%s.%s", m->name, subspace_name(c, to));
    rg_node *h = rg_mlp_apply(c->graph, name, &mlp, m->read);
    snprintf(head, sizeof head, "%s.mean", name);
    mean[to] = rg_mlp_linear(c->graph, head, NULL, c->shape.latent, h, NULL);
    snprintf(head, sizeof head, "%s.spread", name);
    rg_node *a = rg_mlp_linear(c->graph, head, NULL, c->shape.latent, h, NULL);
    snprintf(head, sizeof head, "%s.deviation", name);
    deviation[to] = rg_apply(c->graph, "softplus_std", head, NULL, a, NULL);
  }
  snprintf(name, sizeof name, "mean.%s", m->name);
  m->mean = join(c->graph, "concat", name, NULL, mean);
  snprintf(name, sizeof name, "deviation.%s", m->name);
  m->deviation = join(c->graph, "concat", name, NULL, deviation);
}

static void latents(rg_clue *c, int k)
{
  rg_clue_modality *m = &c->m[k];
  char name[LONGEST];
  snprintf(name, sizeof name, "drawn.%s", m->name);
  m->u = rg_apply(c->graph, "sample", name, "std=given", m->mean, m->deviation, NULL);
  if (c->shape.unit) {
    snprintf(name, sizeof name, "u.%s", m->name);
    m->u = rg_apply(c->graph, "unit", name, NULL, m->u, NULL);
  }
  snprintf(name, sizeof name, "direction.%s", m->name);
  m->direction = rg_apply(c->graph, "unit", name, NULL, m->mean, NULL);
}

/* ---- library sizes ---- */

/* Released: relu of a linear map of the raw counts. */
static rg_node *exact_library(rg_clue *c, const rg_clue_modality *m)
{
  char name[LONGEST], head[LONGEST + 16];
  snprintf(head, sizeof head, "library.%s.linear", m->name);
  rg_node *l = rg_mlp_linear(c->graph, head, NULL, c->n, m->counts, NULL);
  snprintf(name, sizeof name, "library.%s", m->name);
  return rg_apply(c->graph, "activation", name, "kind=relu", l, NULL);
}

/* What is expected by the sizes themselves, times softplus of a linear map of what the
 * encoders read, which is 1 at first. */
static rg_node *corrected_library(rg_clue *c, const rg_clue_modality *m)
{
  char name[LONGEST], text[LONGEST];
  rg_node *expected = named_input(c->graph, "expected", m->name, c->n);
  snprintf(name, sizeof name, "library.%s.linear", m->name);
  snprintf(text, sizeof text, "width=%d bias=false init=zero", c->n);
  rg_node *a = rg_apply(c->graph, "linear", name, text, m->read, NULL);
  snprintf(name, sizeof name, "library.%s.level", m->name);
  snprintf(text, sizeof text, "width=%d init=%.17g", c->n, SOFTPLUS_ONE);
  rg_node *level = rg_apply(c->graph, "lookup", name, text, NULL);
  snprintf(name, sizeof name, "library.%s.sum", m->name);
  a = rg_apply(c->graph, "add", name, NULL, a, level, NULL);
  snprintf(name, sizeof name, "library.%s.factor", m->name);
  a = rg_apply(c->graph, "activation", name, "kind=softplus", a, NULL);
  snprintf(name, sizeof name, "library.%s", m->name);
  return rg_apply(c->graph, "multiply", name, NULL, a, expected, NULL);
}

/* ---- all of it ---- */

/* Weighted by what a cell has: nodes of the modalities, then their masks. */
static rg_node *fused(rg_clue *c, const char *name, rg_node *const *of)
{
  node_list n = {0};
  for (int k = 0; k < c->n; k++) {
    n[k] = of[k];
    n[c->n + k] = c->m[k].has;
  }
  return join(c->graph, "fuse", name, NULL, n);
}

rg_status rg_clue_encode(rg_clue *c)
{
  node_list u = {0}, direction = {0}, library = {0};
  c->n = c->facts->n_modalities;
  if (c->n > RG_CLUE_MOST)
    return rg_fail(RG_EUSAGE, "recipe clue takes at most %d modalities; the data have %d",
                   RG_CLUE_MOST, c->n);
  if (c->facts->n_batches > 1)
    c->batch = rg_input(c->graph, "batch", c->facts->n_batches);
  for (int k = 0; k < c->n; k++)
    open_modality(c, k);
  for (int k = 0; k < c->n; k++) {
    posterior(c, k);
    latents(c, k);
    c->m[k].library = c->shape.exact ? exact_library(c, &c->m[k])
                                     : corrected_library(c, &c->m[k]);
    u[k] = c->m[k].u;
    direction[k] = c->m[k].direction;
    library[k] = c->m[k].library;
  }
  rg_node *mean = fused(c, "mean_of_u", u);
  c->u = c->shape.unit ? rg_apply(c->graph, "unit", "u", NULL, mean, NULL) : mean;
  c->mean = fused(c, "mean", direction);
  c->library = fused(c, "library", library);
  return RG_OK;
}

/* ---- decoders ---- */

/* The rows of a table of every batch: a number for each feature. */
static rg_node *spread_of(rg_clue *c, int k)
{
  rg_clue_modality *m = &c->m[k];
  char name[LONGEST], text[LONGEST];
  snprintf(name, sizeof name, "dec.%s.spread", m->name);
  snprintf(text, sizeof text, "width=%lld", (long long)m->features);
  if (!m->spread)
    m->spread = rg_apply(c->graph, "lookup", name, text, c->batch, NULL);
  return m->spread;
}

static rg_node *level_of(rg_clue *c, const char *name, int k, rg_node *h)
{
  const rg_clue_modality *m = &c->m[k];
  char head[2 * LONGEST];
  snprintf(head, sizeof head, "%s.out:dec.%s.out", name, m->name);
  rg_node *y = rg_mlp_linear(c->graph, head, NULL, m->features, h, c->batch);
  snprintf(head, sizeof head, "%s.level:dec.%s.level", name, m->name);
  return rg_apply(c->graph, "affine", head, NULL, y, c->batch, NULL);
}

static rg_op *counts_likelihood(rg_clue *c, const char *name, int k, rg_node *h,
                                rg_node *library, rg_node *mask)
{
  char own[LONGEST], text[LONGEST], loss[LONGEST];
  snprintf(own, sizeof own, "%s.library", name);
  snprintf(text, sizeof text, "low=%d high=%d", k, k + 1);
  rg_node *l = rg_apply(c->graph, "slice", own, text, library, NULL);
  snprintf(loss, sizeof loss, "%s.nll", name);
  return rg_loss(c->graph, "nb", loss, "mean=softmax dispersion=given reduction=mean",
                 level_of(c, name, k, h), c->m[k].target, l, spread_of(c, k), mask, NULL);
}

/* Released: logits of all peaks, with a factor and a shift for each batch. */
static rg_op *exact_peaks_likelihood(rg_clue *c, const char *name, int k, rg_node *h,
                                     rg_node *mask)
{
  char loss[LONGEST];
  snprintf(loss, sizeof loss, "%s.nll", name);
  return rg_loss(c->graph, "bernoulli", loss, "reduction=mean", level_of(c, name, k, h),
                 c->m[k].target, mask, NULL);
}

/* The last layer and the likelihood in one, chromosome by chromosome. */
static rg_op *peaks_likelihood(rg_clue *c, const char *name, int k, rg_node *h,
                               rg_node *mask)
{
  char part[LONGEST], loss[2 * LONGEST];
  h = rg_mlp_beside(c->graph, name, h, c->batch);
  snprintf(part, sizeof part, "%s.repeat", name);
  h = rg_apply(c->graph, "repeat", part, NULL, h, c->m[k].counts, NULL);
  snprintf(loss, sizeof loss, "%s.nll:dec.%s.out", name, c->m[k].name);
  return rg_loss(c->graph, "wide_bernoulli", loss, "reduction=mean init=torch", h,
                 c->m[k].counts, mask, NULL);
}

static rg_op *real_likelihood(rg_clue *c, const char *name, int k, rg_node *h,
                              rg_node *mask)
{
  char loss[LONGEST];
  snprintf(loss, sizeof loss, "%s.nll", name);
  return rg_loss(c->graph, "normal", loss, "scale=given reduction=mean",
                 level_of(c, name, k, h), c->m[k].target, spread_of(c, k), mask, NULL);
}

rg_op *rg_clue_decode(rg_clue *c, const char *name, int k, rg_node *u, rg_node *library,
                      rg_node *mask)
{
  const rg_clue_modality *m = &c->m[k];
  char own[LONGEST], text[LONGEST], stack[2 * LONGEST];
  snprintf(own, sizeof own, "%s.subspace", name);
  int64_t first = c->shape.merged ? 0 : k * c->shape.latent;
  snprintf(text, sizeof text, "low=%lld high=%lld", (long long)first,
           (long long)(first + c->shape.latent));
  rg_node *h = rg_apply(c->graph, "slice", own, text, u, NULL);
  rg_mlp mlp = stack_of(c, c->shape.decoder_depth, c->shape.decoder_width, mask);
  mlp.with = c->batch;
  snprintf(stack, sizeof stack, "%s:dec.%s", name, m->name);
  h = rg_mlp_apply(c->graph, stack, &mlp, h);
  if (m->kind == RG_CLUE_PEAKS && c->shape.exact)
    return exact_peaks_likelihood(c, name, k, h, mask);
  if (m->kind == RG_CLUE_PEAKS)
    return peaks_likelihood(c, name, k, h, mask);
  if (m->kind == RG_CLUE_REAL)
    return real_likelihood(c, name, k, h, mask);
  return counts_likelihood(c, name, k, h, library, mask);
}

/* ---- the critic ---- */

rg_op *rg_clue_criticise(rg_clue *c, int k)
{
  const rg_clue_modality *m = &c->m[k];
  char name[LONGEST], text[LONGEST], stack[LONGEST + 16];
  snprintf(name, sizeof name, "noisy.%s", m->name);
  snprintf(text, sizeof text, "scale=%d burn_in=%.17g", c->shape.fade > 0, c->shape.fade);
  rg_node *x = rg_apply(c->graph, "noise", name, text, m->mean, NULL);
  if (c->shape.reversal) {
    snprintf(name, sizeof name, "reversed.%s", m->name);
    x = rg_apply(c->graph, "reverse", name, NULL, x, NULL);
  }
  snprintf(name, sizeof name, "critic.%s", m->name);
  x = rg_mlp_beside(c->graph, name, x, c->batch);
  rg_mlp mlp = stack_of(c, c->shape.critic_depth, c->shape.critic_width, NULL);
  mlp.norm = NULL;
  snprintf(stack, sizeof stack, "%s:critic", name);
  x = rg_mlp_apply(c->graph, stack, &mlp, x);
  snprintf(stack, sizeof stack, "%s.out:critic.out", name);
  x = rg_mlp_linear(c->graph, stack, NULL, c->n, x, NULL);
  snprintf(name, sizeof name, "align.%s", m->name);
  return rg_loss(c->graph, "cross_entropy", name, "reduction=mean", x,
                 named_input(c->graph, "is", m->name, c->n), m->has, NULL);
}

/* ---- covariates ---- */

/* Mean sizes of the counts of every modality over the cells that have it. */
static void fit_sizes(rg_comm *comm, const rg_dataset *dataset, double *mean)
{
  for (int k = 0; k < dataset->n_modalities; k++) {
    const rg_prepared_modality *m = &dataset->modality[k];
    int64_t total[2] = {0}, rows = rg_range_n(dataset->rows);
    double *sums = RG_NEW(double, rows);
    rg_row_sums(&m->counts, sums);
    for (int64_t i = 0; m->values == RG_VALUES_COUNTS && i < rows; i++)
      if (rg_has_counts(m, i)) {
        total[0]++;
        total[1] += llround(sums[i]);
      }
    rg_sum_i64(comm, total, 2);
    mean[k] = total[0] > 0 ? (double)total[1] / (double)total[0] : 1;
    rg_free(sums);
  }
}

rg_status rg_clue_covariates(rg_comm *comm, const rg_dataset *dataset, bool fit,
                             rg_constants *constants, rg_covariates *covariates)
{
  int64_t rows = rg_range_n(dataset->rows), n = dataset->n_modalities;
  bool fitted = rg_constants_length(constants, "sizes") > 0;
  double *mean = rg_constants_get(constants, "sizes", n), *sums = RG_NEW(double, rows);
  if (fit && !fitted)
    fit_sizes(comm, dataset, mean);
  for (int k = 0; k < n; k++) {
    const rg_prepared_modality *m = &dataset->modality[k];
    char name[LONGEST];
    snprintf(name, sizeof name, "expected:%s", m->name);
    rg_mat *expected = rg_covariates_add(covariates, name, rows, n);
    rg_row_sums(&m->counts, sums);
    for (int64_t i = 0; i < rows; i++) {
      double share = m->values == RG_VALUES_COUNTS ? sums[i] / mean[k] : 1;
      for (int j = 0; rg_has_counts(m, i) && j < n; j++)
        rg_mat_row(expected, i)[j] = (float)(share * mean[j]);
    }
  }
  rg_free(sums);
  return RG_OK;
}
