/* regatta perturb: what happens to cells in the latent when counts of features change. */
#include "opened.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct perturb_options {
  char *output, *labels, *features, *modality;
  double factor;
  bool together;
} perturb_options;

static const rg_field options[] = {
    {"output", RG_TEXT, offsetof(perturb_options, output), NULL, 0, 0, NULL, NULL,
     "the table, a .tsv"},
    {"features", RG_TEXT, offsetof(perturb_options, features), NULL, 0, 0, NULL, NULL,
     "features to change, separated by commas"},
    {"factor", RG_DOUBLE, offsetof(perturb_options, factor), "0", 0, 1e6, NULL, NULL,
     "what their counts are multiplied by; 0: knocked out"},
    {"together", RG_BOOL, offsetof(perturb_options, together), "false", 0, 0, NULL, NULL,
     "change all at once instead of one after another"},
    {"modality", RG_TEXT, offsetof(perturb_options, modality), NULL, 0, 0, NULL, NULL,
     "modality of the features; unset: the first that has the feature"},
    {"labels", RG_TEXT, offsetof(perturb_options, labels), NULL, 0, 0, NULL, NULL,
     "column of obs with the type of a cell; unset: that of the run"},
    {0}};

/* What a change does to the cells of one type. */
typedef struct effect {
  int feature; /* number in the list */
  int type;
  int64_t cells;
  double shift;           /* length of the mean shift, over the spread of the type */
  double mean_shift;      /* mean length of the shifts of the cells, likewise */
  int towards, away;      /* types, -1: none */
  double towards_share, away_share; /* cosines of the mean shift with the way there */
} effect;

typedef struct trial {
  const rg_call *call;
  const perturb_options *o;
  rg_comm *comm;
  rg_opened opened;
  rg_column labels;
  rg_strings each;
  rg_mat before;
  int types;
  int64_t *cells;        /* per type */
  double *centre, *spread; /* types x d; per type: root mean square distance from it */
  effect *effects;
  int n_effects;
} trial;

/* ---- types ---- */

static rg_status read_labels(trial *t)
{
  rg_status status = RG_OK;
  const char *name = t->o->labels ? t->o->labels : t->opened.plan.data.labels;
  if (!name)
    return rg_fail(RG_EUSAGE, "say which column of obs has the types: --labels COLUMN");
  RG_TRY(rg_read_column(t->opened.file, name, &t->labels));
  RG_TRY(rg_column_as_category(t->comm, &t->labels));
  t->types = (int)t->labels.categories.n;
out:
  return status;
}

static int type_of(const trial *t, int64_t row)
{
  return isfinite(rg_mat_row(&t->before, row)[0]) ? t->labels.code[row] : -1;
}

/* Sums by type of `width` numbers that `row` writes for a cell; along the tree of rows.
 * Owned: types x width. */
static double *sum_by_type(const trial *t, int64_t width,
                           void (*row)(const trial *t, int64_t i, double *out,
                                       const void *with),
                           const void *with)
{
  int64_t rows = t->before.rows, all = width * t->types;
  double *sums = RG_NEW(double, all), *terms = RG_NEW(double, rows * width);
  for (int type = 0; type < t->types; type++) {
    memset(terms, 0, sizeof *terms * (size_t)(rows * width));
    for (int64_t i = 0; i < rows; i++)
      if (type_of(t, i) == type)
        row(t, i, terms + i * width, with);
    rg_sum_rows_f64(t->comm, terms, rows, width, sums + type * width);
  }
  rg_free(terms);
  return sums;
}

static void position(const trial *t, int64_t i, double *out, const void *with)
{
  (void)with;
  for (int64_t j = 0; j < t->before.cols; j++)
    out[j] = (double)rg_mat_row(&t->before, i)[j];
  out[t->before.cols] = 1;
}

static void squared_distance(const trial *t, int64_t i, double *out, const void *with)
{
  (void)with;
  const double *centre = t->centre + type_of(t, i) * t->before.cols;
  for (int64_t j = 0; j < t->before.cols; j++)
    out[0] += pow((double)rg_mat_row(&t->before, i)[j] - centre[j], 2);
}

static void describe_types(trial *t)
{
  int64_t d = t->before.cols;
  t->cells = RG_NEW(int64_t, t->types);
  t->centre = RG_NEW(double, t->types * d);
  double *sums = sum_by_type(t, d + 1, position, NULL);
  for (int k = 0; k < t->types; k++) {
    t->cells[k] = (int64_t)sums[k * (d + 1) + d];
    for (int64_t j = 0; j < d && t->cells[k] > 0; j++)
      t->centre[k * d + j] = sums[k * (d + 1) + j] / (double)t->cells[k];
  }
  rg_free(sums);
  t->spread = sum_by_type(t, 1, squared_distance, NULL);
  for (int k = 0; k < t->types; k++)
    t->spread[k] = sqrt(t->spread[k] / fmax((double)t->cells[k], 1));
}

/* ---- features ---- */

static void split(const char *list, rg_strings *names)
{
  for (const char *at = list; *at;) {
    size_t n = strcspn(at, ",");
    if (n > 0)
      rg_strings_add(names, at, (int64_t)n);
    at += n + (at[n] == ',');
  }
}

static rg_status no_feature(const trial *t, const char *name)
{
  const rg_dataset *dataset = &t->opened.dataset;
  const char *near = NULL;
  char *have = rg_strdup("");
  for (int m = 0; m < dataset->n_modalities; m++) {
    const rg_strings *features = &dataset->modality[m].features;
    const char **names = RG_NEW(const char *, features->n);
    for (int64_t f = 0; f < features->n; f++)
      names[f] = rg_strings_at(features, f);
    near = near ? near : rg_nearest(name, names, (int)features->n);
    char *more = rg_format("%s%s%lld of %s", have, m > 0 ? ", " : "",
                           (long long)features->n, dataset->modality[m].name);
    rg_free(have);
    have = more;
    rg_free(names);
  }
  rg_status status = rg_fail(RG_EINPUT, "the run has no feature %s%s%s; it was trained on "
                             "%s (prepare.top_genes keeps more)%s%s%s", name,
                             t->o->modality ? " in " : "",
                             t->o->modality ? t->o->modality : "", have,
                             near ? "; did you mean " : "", near ? near : "",
                             near ? "?" : "");
  rg_free(have);
  return status;
}

static rg_status find_feature(const trial *t, const char *name, rg_prepared_modality **in,
                              int64_t *feature)
{
  const rg_dataset *dataset = &t->opened.dataset;
  for (int m = 0; m < dataset->n_modalities; m++) {
    rg_prepared_modality *modality = &dataset->modality[m];
    if (t->o->modality && strcmp(modality->name, t->o->modality) != 0)
      continue;
    *feature = rg_strings_find(&modality->features, name);
    *in = modality;
    if (*feature >= 0)
      return RG_OK;
  }
  return no_feature(t, name);
}

/* Multiply the counts of a feature in every cell; what they were goes to `kept`, or comes
 * from it when `back`. */
static rg_status change(const trial *t, const char *name, bool back, rg_mat *kept)
{
  rg_prepared_modality *m = NULL;
  int64_t feature = -1;
  rg_status status = find_feature(t, name, &m, &feature);
  if (status != RG_OK)
    return status;
  if (!back)
    *kept = rg_mat_new(m->counts.rows, 1);
  for (int64_t i = 0; i < m->counts.rows; i++)
    for (int64_t e = m->counts.indptr[i]; e < m->counts.indptr[i + 1]; e++) {
      if (m->counts.indices[e] != feature)
        continue;
      if (back) {
        m->counts.values[e] = kept->data[i];
        continue;
      }
      kept->data[i] = m->counts.values[e];
      m->counts.values[e] *= (float)t->o->factor;
    }
  return RG_OK;
}

/* ---- effects ---- */

static void shift_of(const trial *t, int64_t i, double *out, const void *with)
{
  const rg_mat *after = with;
  double squares = 0;
  int64_t d = t->before.cols;
  for (int64_t j = 0; j < d; j++) {
    double shift =
        (double)rg_mat_row(after, i)[j] - (double)rg_mat_row(&t->before, i)[j];
    out[j] = isfinite(shift) ? shift : 0;
    squares += out[j] * out[j];
  }
  out[d] = sqrt(squares);
}

static double cosine(const double *x, const double *from, const double *to, int64_t d)
{
  double dot = 0, a = 0, b = 0;
  for (int64_t j = 0; j < d; j++) {
    double way = to[j] - from[j];
    dot += x[j] * way;
    a += x[j] * x[j];
    b += way * way;
  }
  return a > 0 && b > 0 ? dot / sqrt(a * b) : 0;
}

static effect effect_on(const trial *t, int feature, int type, const double *sums)
{
  int64_t d = t->before.cols;
  const double *sum = sums + type * (d + 1);
  double n = (double)t->cells[type], squares = 0;
  double scale = t->spread[type] > 0 ? t->spread[type] : 1;
  effect e = {.feature = feature, .type = type, .cells = t->cells[type], .towards = -1,
              .away = -1};
  for (int64_t j = 0; j < d; j++)
    squares += sum[j] / n * (sum[j] / n);
  e.shift = sqrt(squares) / scale;
  e.mean_shift = sum[d] / n / scale;
  for (int other = 0; other < t->types && squares > 0; other++) {
    if (other == type || t->cells[other] == 0)
      continue;
    double share = cosine(sum, t->centre + type * d, t->centre + other * d, d);
    if (e.towards < 0 || share > e.towards_share) {
      e.towards = other;
      e.towards_share = share;
    }
    if (e.away < 0 || share < e.away_share) {
      e.away = other;
      e.away_share = share;
    }
  }
  return e;
}

/* Embed again, with the counts as they now are. */
static rg_status measure(trial *t, int feature)
{
  rg_status status = RG_OK;
  rg_session *session = NULL;
  rg_mat after = {0};
  RG_TRY(rg_session_open(t->comm, t->call->arguments[0], &t->opened.dataset, &session));
  RG_TRY(rg_embed(session, 0, &after));
  double *sums = sum_by_type(t, t->before.cols + 1, shift_of, &after);
  for (int type = 0; type < t->types; type++)
    if (t->cells[type] > 0)
      t->effects[t->n_effects++] = effect_on(t, feature, type, sums);
  rg_free(sums);
out:
  rg_mat_fini(&after);
  rg_session_free(session);
  return status;
}

static rg_status one_by_one(trial *t)
{
  rg_status status = RG_OK;
  rg_mat kept = {0};
  for (int64_t f = 0; f < t->each.n; f++) {
    RG_TRY(change(t, rg_strings_at(&t->each, f), false, &kept));
    RG_TRY(measure(t, (int)f));
    RG_TRY(change(t, rg_strings_at(&t->each, f), true, &kept));
    rg_mat_fini(&kept);
    kept = (rg_mat){0};
  }
out:
  rg_mat_fini(&kept);
  return status;
}

static rg_status all_at_once(trial *t)
{
  rg_status status = RG_OK;
  for (int64_t f = 0; f < t->each.n; f++) {
    rg_mat kept = {0};
    status = change(t, rg_strings_at(&t->each, f), false, &kept);
    rg_mat_fini(&kept);
    if (status != RG_OK)
      return status;
  }
  return measure(t, 0);
}

/* ---- the table ---- */

static int by_shift(const void *a, const void *b)
{
  const effect *x = a, *y = b;
  if (x->mean_shift < y->mean_shift || x->mean_shift > y->mean_shift)
    return x->mean_shift < y->mean_shift ? 1 : -1;
  return x->feature != y->feature ? x->feature - y->feature : x->type - y->type;
}

static const char *type_name(const trial *t, int type)
{
  return type < 0 ? "" : rg_strings_at(&t->labels.categories, type);
}

static rg_status write_table(trial *t)
{
  qsort(t->effects, (size_t)t->n_effects, sizeof *t->effects, by_shift);
  char *text = rg_strdup("feature\tfactor\tcell_type\tcells\tshift\tcell_shift\ttowards\t"
                         "towards_cosine\taway_from\taway_cosine\n");
  for (int k = 0; k < t->n_effects; k++) {
    const effect *e = &t->effects[k];
    const char *name =
        t->o->together ? t->o->features : rg_strings_at(&t->each, e->feature);
    char *towards = rg_strdup(type_name(t, e->towards));
    char *away = rg_strdup(type_name(t, e->away));
    char *type = rg_strdup(type_name(t, e->type));
    char *more = rg_format("%s%s\t%g\t%s\t%lld\t%.6f\t%.6f\t%s\t%.4f\t%s\t%.4f\n", text,
                           name, t->o->factor, type, (long long)e->cells, e->shift,
                           e->mean_shift, towards, e->towards_share, away, e->away_share);
    rg_free(text);
    rg_free(towards);
    rg_free(away);
    rg_free(type);
    text = more;
  }
  rg_status status = rg_write_text(t->comm, t->o->output, text);
  rg_free(text);
  return status;
}

/* ---- the command ---- */

static void trial_fini(trial *t)
{
  rg_opened_fini(&t->opened);
  rg_column_fini(&t->labels);
  rg_strings_fini(&t->each);
  rg_mat_fini(&t->before);
  rg_free(t->cells);
  rg_free(t->centre);
  rg_free(t->spread);
  rg_free(t->effects);
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  trial t = {.call = call, .o = call->options, .comm = call->comm};
  if (!t.o->features)
    return rg_fail(RG_EUSAGE, "say what to change: --features A,B");
  split(t.o->features, &t.each);
  RG_TRY(rg_opened_make(call, t.o->output, &t.opened));
  RG_TRY(read_labels(&t));
  RG_TRY(rg_embed(t.opened.session, 0, &t.before));
  RG_ASSERT(t.labels.n == t.before.rows);
  describe_types(&t);
  t.effects = RG_NEW(effect, (t.each.n + 1) * t.types);
  RG_TRY(t.o->together ? all_at_once(&t) : one_by_one(&t));
  RG_TRY(write_table(&t));
  rg_say_result(call->comm, t.o->output);
out:
  trial_fini(&t);
  return status;
}

const rg_command rg_cmd_perturb = {
    .name = "perturb",
    .arguments = "RUN FILE -o OUT.tsv",
    .summary = "change counts of features and see where a trained run puts the cells",
    .help =
        "Multiplies the counts of each feature in all cells of FILE by the factor, embeds "
        "them again, and writes a line per feature and cell type, largest shifts first: "
        "the length of the mean shift and the mean length of the shifts of the cells, both "
        "over the spread of the type (root mean square distance from its centre); the type "
        "whose centre the mean shift points to most, and the one it points away from, "
        "each with the cosine. It is what the model makes of other counts, no experiment. "
        "Works with every recipe that embeds.",
    .example =
        "regatta perturb run cells.h5mu --features CD3D,LYZ --labels cell_type -o out.tsv",
    .options = options,
    .options_size = sizeof(perturb_options),
    .min_arguments = 2,
    .max_arguments = 2,
    .order = 95,
    .run = run};
