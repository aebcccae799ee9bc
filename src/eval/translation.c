/* Scores of predicted modalities beside controls. Features are dealt out over ranks; all
 * that is known of a feature, over all cells in order, comes together at its owner, so that
 * nothing depends on where cells lie. */
#include "translation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is known of cells, on every rank --------------------------------------- */

static void *gather(rg_comm *comm, const void *mine, int64_t rows, int64_t row_bytes)
{
  int64_t bytes;
  return mine ? rg_gather_all(comm, mine, rows * row_bytes, NULL, &bytes) : NULL;
}

/* Collective. */
static all_cells gather_cells(rg_comm *comm, const rg_translated *from, rg_range features)
{
  all_cells c = {0};
  if (!from->counts)
    return c;
  int64_t rows = from->counts->rows;
  rg_prefix_i64(comm, rows, &c.n);
  c.scale = gather(comm, from->scale, rows, sizeof *c.scale);
  c.label = gather(comm, from->label, rows, sizeof *c.label);
  c.depth = gather(comm, from->depth, rows, sizeof *c.depth);
  if (from->axes) {
    c.axes = from->axes->cols;
    c.x = gather(comm, from->axes->data, rows, c.axes * (int64_t)sizeof *c.x);
  }
  c.columns = rg_columns_of(comm, from->counts, features);
  return c;
}

static void cells_fini(all_cells *c)
{
  rg_free(c->scale);
  rg_free(c->label);
  rg_free(c->depth);
  rg_free(c->x);
  rg_csr_fini(&c->columns);
}

/* The nearest training cells of every test cell. Owned. Collective. */
static rg_status find_neighbours(rg_comm *comm, const rg_translation *t, work *w)
{
  rg_knn knn;
  rg_status status = rg_knn_query(comm, t->test.axes, t->train.axes, t->neighbours,
                                  RG_EUCLIDEAN, &knn);
  if (status != RG_OK)
    return status;
  w->neighbour = gather(comm, knn.index, knn.rows, knn.k * (int64_t)sizeof *knn.index);
  w->neighbours = knn.k;
  rg_knn_fini(&knn);
  return RG_OK;
}

/* ---- values ---------------------------------------------------------------------- */

static double transform(rg_target target, double x, double scale)
{
  switch (target) {
  case RG_TARGET_LOG:
    return scale > 0 ? log1p(x / scale) : 0;
  case RG_TARGET_RATIO:
    return log1p(x) - scale;
  case RG_TARGET_OPEN:
    return x > 0;
  case RG_TARGET_REAL:
    break;
  }
  return x;
}

/* The measured values of owned feature f on the scale of the scores, all cells. */
static void fill_truth(const work *w, const all_cells *c, int64_t f, double *out)
{
  for (int64_t i = 0; i < c->n; i++)
    out[i] = transform(w->t->target, 0, c->scale ? c->scale[i] : 0);
  for (int64_t e = c->columns.indptr[f]; e < c->columns.indptr[f + 1]; e++) {
    int64_t i = c->columns.indices[e];
    out[i] = transform(w->t->target, (double)c->columns.values[e],
                       c->scale ? c->scale[i] : 0);
  }
}

/* ---- translators: guesses for all test cells of one feature ---------------------- */

static void guess_predicted(const work *w, const guessed *g, double *out)
{
  const float *x = w->predicted + g->feature * w->test.n;
  bool as_is = !w->predicted_scale || w->t->target == RG_TARGET_OPEN;
  for (int64_t i = 0; i < w->test.n; i++)
    out[i] = as_is ? (double)x[i]
                   : transform(w->t->target, (double)x[i], w->predicted_scale[i]);
}

static void guess_depth(const work *w, const guessed *g, double *out)
{
  (void)g;
  memcpy(out, w->test.depth, sizeof *out * (size_t)w->test.n);
}

/* Without training cells a cell does not count to its own mean. */
static void guess_type_mean(const work *w, const guessed *g, double *out)
{
  bool own = w->train.n == 0;
  const all_cells *from = own ? &w->test : &w->train;
  const double *z = own ? g->truth : g->train;
  int types = w->t->n_labels;
  double all = 0, *sum = RG_NEW(double, types);
  int64_t *n = RG_NEW(int64_t, types);
  for (int64_t i = 0; i < from->n; i++) {
    all += z[i];
    if (from->label[i] < 0)
      continue;
    sum[from->label[i]] += z[i];
    n[from->label[i]]++;
  }
  for (int64_t i = 0; i < w->test.n; i++) {
    int type = w->test.label[i];
    double less = own && type >= 0 ? z[i] : 0;
    int64_t others = type < 0 ? 0 : n[type] - own;
    out[i] = others > 0 ? (sum[type] - less) / (double)others : all / (double)from->n;
  }
  rg_free(sum);
  rg_free(n);
}

static void guess_knn(const work *w, const guessed *g, double *out)
{
  for (int64_t i = 0; i < w->test.n; i++) {
    const int64_t *index = w->neighbour + i * w->neighbours;
    double sum = 0;
    int n = 0;
    for (; n < w->neighbours && index[n] >= 0; n++)
      sum += g->train[index[n]];
    out[i] = n > 0 ? sum / n : 0;
  }
}

static void guess_ridge(const work *w, const guessed *g, double *out)
{
  rg_ridge_guess(&w->ridge, g->train, out);
}

static const struct {
  const char *name;
  void (*guess)(const work *w, const guessed *g, double *out);
} translators[RG_TRANSLATORS] = {{"predicted", guess_predicted},
                                 {"depth", guess_depth},
                                 {"type_mean", guess_type_mean},
                                 {"knn", guess_knn},
                                 {"ridge", guess_ridge}};

/* What a translator needs is there. */
static bool is_able(const work *w, int which)
{
  bool reads = w->train.x && w->test.x;
  const bool able[RG_TRANSLATORS] = {true, w->test.depth != NULL,
                                     w->test.label && (w->train.n == 0 || w->train.label),
                                     reads, reads};
  return able[which];
}

/* ---- all features ---------------------------------------------------------------- */

static double score(const work *w, const double *truth, const double *guess)
{
  return w->t->target == RG_TARGET_OPEN
             ? rg_auroc(truth, guess, w->test.n, w->t->positives)
             : rg_pearson(truth, guess, w->test.n);
}

/* score[which][f] of this rank's features. */
static void score_features(const work *w, double *const *value)
{
  int64_t features = w->test.columns.rows;
  rg_pace_begin("evaluate", features, "features");
#pragma omp parallel
  {
    double *truth = RG_NEW(double, w->test.n), *guess = RG_NEW(double, w->test.n);
    double *train = RG_NEW(double, w->train.n);
#pragma omp for schedule(dynamic)
    for (int64_t f = 0; f < features; f++) {
      rg_pace_at(f, NULL);
      guessed g = {f, truth, train};
      fill_truth(w, &w->test, f, truth);
      if (w->train.n > 0)
        fill_truth(w, &w->train, f, train);
      for (int which = 0; which < RG_TRANSLATORS; which++) {
        value[which][f] = NAN;
        if (!is_able(w, which))
          continue;
        translators[which].guess(w, &g, guess);
        value[which][f] = score(w, truth, guess);
      }
    }
    rg_free(truth);
    rg_free(guess);
    rg_free(train);
  }
  rg_pace_end();
}

static int rising(const void *x, const void *y)
{
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

static void sum_up(struct rg_translator *by, int64_t features)
{
  double *known = RG_NEW(double, features), sum = 0;
  by->n = 0;
  for (int64_t f = 0; f < features; f++)
    if (isfinite(by->score[f])) {
      known[by->n++] = by->score[f];
      sum += by->score[f];
    }
  qsort(known, (size_t)by->n, sizeof *known, rising);
  int64_t half = by->n / 2;
  by->mean = by->n > 0 ? sum / (double)by->n : NAN;
  by->median = by->n == 0      ? NAN
               : by->n % 2 > 0 ? known[half]
                               : (known[half - 1] + known[half]) / 2;
  rg_free(known);
}

static rg_status prepare(rg_comm *comm, const rg_translation *t, rg_range mine, work *w)
{
  rg_status status = RG_OK;
  w->t = t;
  w->test = gather_cells(comm, &t->test, mine);
  w->train = gather_cells(comm, &t->train, mine);
  w->predicted = rg_columns_of_mat(comm, t->predicted, mine);
  w->predicted_scale =
      gather(comm, t->predicted_scale, t->predicted->rows, sizeof *w->predicted_scale);
  if (w->train.x && w->test.x) {
    RG_TRY(find_neighbours(comm, t, w));
    status = rg_agree(comm, rg_ridge_new(&w->train, &w->test, t->ridge, &w->ridge));
  }
out:
  return status;
}

rg_status rg_score_translation(rg_comm *comm, const rg_translation *t,
                               rg_translation_scores *scores)
{
  rg_status status = RG_OK;
  int64_t features = t->test.counts->cols;
  rg_range mine = rg_part(features, rg_rank(comm), rg_size(comm));
  work w = {0};
  double *value[RG_TRANSLATORS];
  for (int k = 0; k < RG_TRANSLATORS; k++)
    value[k] = RG_NEW(double, rg_range_n(mine));
  RG_TRY(prepare(comm, t, mine, &w));
  score_features(&w, value);
  *scores = (rg_translation_scores){.features = features};
  for (int k = 0; k < RG_TRANSLATORS; k++) {
    scores->by[k].name = translators[k].name;
    scores->by[k].score = gather(comm, value[k], rg_range_n(mine), sizeof(double));
    sum_up(&scores->by[k], features);
  }
out:
  for (int k = 0; k < RG_TRANSLATORS; k++)
    rg_free(value[k]);
  cells_fini(&w.test);
  cells_fini(&w.train);
  rg_free(w.predicted);
  rg_free(w.predicted_scale);
  rg_free(w.neighbour);
  rg_ridge_fini(&w.ridge);
  return status;
}

void rg_translation_scores_fini(rg_translation_scores *scores)
{
  for (int k = 0; k < RG_TRANSLATORS; k++)
    rg_free(scores->by[k].score);
  *scores = (rg_translation_scores){0};
}
