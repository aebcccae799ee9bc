/* Scores of a prediction beside its controls: table, JSON, scores of features. */
#include "translated.h"

#include <math.h>
#include <string.h>

static const char *score_name(rg_target target)
{
  return target == RG_TARGET_OPEN ? "auroc" : "pearson";
}

/* What the numbers are of. */
static const char *score_text(rg_target target)
{
  return target == RG_TARGET_OPEN    ? "area under the ROC curve of open"
         : target == RG_TARGET_REAL  ? "Pearson correlation of the values"
         : target == RG_TARGET_RATIO ? "Pearson correlation of the centred log ratio"
                                     : "Pearson correlation of log1p(1e4 x / depth)";
}

static rg_json *as_json(const rg_translated_data *d, const rg_translation_scores *s,
                        int64_t cells)
{
  const char *name = score_name(d->target);
  char median[32];
  snprintf(median, sizeof median, "%s_median", name);
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "predicted", d->path);
  rg_json_text(json, "modality", d->modality);
  rg_json_integer(json, "cells", cells);
  rg_json_integer(json, "features", s->by[0].n);
  rg_json_number(json, name, s->by[0].mean);
  rg_json_number(json, median, s->by[0].median);
  rg_json_open(json, "controls", '{');
  for (int k = 1; k < RG_TRANSLATORS; k++) {
    if (s->by[k].n == 0)
      continue;
    rg_json_open(json, s->by[k].name, '{');
    rg_json_number(json, name, s->by[k].mean);
    rg_json_number(json, median, s->by[k].median);
    rg_json_close(json);
  }
  rg_json_close(json);
  rg_json_close(json);
  return json;
}

static void say_table(rg_comm *comm, const rg_translated_data *d,
                      const rg_translation_scores *s, int64_t cells)
{
  rg_say(comm, "%s of %lld cells, %lld features: %s, feature by feature\n", d->modality,
         (long long)cells, (long long)s->by[0].n, score_text(d->target));
  if (d->target != RG_TARGET_OPEN)
    rg_say(comm, "predictions are taken %s\n",
           d->as_is ? "as they are" : "as means of counts");
  rg_say(comm, "%-12s %10s %10s\n", score_name(d->target), "mean", "median");
  for (int k = 0; k < RG_TRANSLATORS; k++)
    if (s->by[k].n > 0)
      rg_say(comm, "%-12s %10.4f %10.4f\n", s->by[k].name, s->by[k].mean,
             s->by[k].median);
}

/* One line per feature. Collective. */
static rg_status write_features(rg_comm *comm, const rg_translated_data *d,
                                const rg_translation_scores *s, const char *path)
{
  enum { NUMBER = 32 };
  int64_t bytes = 256, n = 0;
  for (int64_t f = 0; f < s->features; f++)
    bytes += (int64_t)strlen(rg_strings_at(&d->features, f)) + RG_TRANSLATORS * NUMBER;
  char *text = rg_alloc(bytes, 1);
  n += snprintf(text, (size_t)bytes, "feature");
  for (int k = 0; k < RG_TRANSLATORS; k++)
    if (s->by[k].n > 0)
      n += snprintf(text + n, (size_t)(bytes - n), "\t%s", s->by[k].name);
  for (int64_t f = 0; f < s->features; f++) {
    n += snprintf(text + n, (size_t)(bytes - n), "\n%s", rg_strings_at(&d->features, f));
    for (int k = 0; k < RG_TRANSLATORS; k++)
      if (s->by[k].n > 0)
        n += snprintf(text + n, (size_t)(bytes - n), "\t%.6g", s->by[k].score[f]);
  }
  snprintf(text + n, (size_t)(bytes - n), "\n");
  rg_status status = rg_write_text(comm, path, text);
  rg_free(text);
  return status;
}

static rg_translated translated_of(const rg_translated_side *side)
{
  return (rg_translated){.counts = side->file ? &side->counts : NULL,
                         .scale = side->scale,
                         .label = side->label,
                         .axes = side->axes.data ? &side->axes : NULL,
                         .depth = side->log_depth};
}

/* Training cells that knn averages: where the user does not say, at most a tenth of them.
 * Collective. */
static int neighbours_for(rg_comm *comm, const rg_translated_options *o,
                          const rg_translated_data *d)
{
  int64_t cells = d->train.counts.rows, n = o->nearest;
  rg_sum_i64(comm, &cells, 1);
  if (n == 0) {
    n = d->target == RG_TARGET_RATIO || d->target == RG_TARGET_REAL ? 15
        : d->target == RG_TARGET_LOG                                ? 50
                                                                    : 200;
    n = n < cells / 10 ? n : cells / 10;
  }
  if (d->train.axes.data)
    rg_info("controls: knn averages %lld of %lld training cells",
            (long long)(n > 1 ? n : 1), (long long)cells);
  return n > 1 ? (int)n : 1;
}

/* Controls that were fitted on the cells they are scored on say nothing. Collective. */
static rg_status warn_of_shared_cells(rg_comm *comm, const rg_translated_data *d)
{
  rg_status status = RG_OK;
  const rg_strings *names = rg_file_names(d->test.file);
  int64_t *place = RG_NEW(int64_t, names->n), shared = 0;
  RG_TRY(rg_names_match(comm, d->train.path, rg_file_names(d->train.file), names, place));
  for (int64_t i = 0; i < names->n; i++)
    shared += place[i] >= 0 && d->test.use[i];
  rg_sum_i64(comm, &shared, 1);
  if (shared > 0 && rg_rank(comm) == 0)
    rg_warn("%lld cells that are scored have the name of a training cell: where they are "
            "the same, the controls knew them", (long long)shared);
out:
  rg_free(place);
  return status;
}

static rg_status report(const rg_call *call, const rg_translated_options *o,
                        const rg_translated_data *d, const rg_translation_scores *s,
                        bool json, const char *output)
{
  rg_status status = RG_OK;
  int64_t cells = d->predicted.rows;
  rg_sum_i64(call->comm, &cells, 1);
  rg_json *object = as_json(d, s, cells);
  if (json)
    rg_say(call->comm, "%s\n", rg_json_string(object));
  else
    say_table(call->comm, d, s, cells);
  if (output) {
    char *text = rg_format("%s\n", rg_json_string(object));
    status = rg_write_text(call->comm, output, text);
    rg_free(text);
  }
  rg_json_free(object);
  if (status == RG_OK && o->table)
    status = write_features(call->comm, d, s, o->table);
  return status;
}

rg_status rg_evaluate_translated(const rg_call *call, const rg_translated_options *o,
                                 const char *labels, uint64_t seed, bool json,
                                 const char *output)
{
  rg_status status = RG_OK;
  rg_translated_data d = {0};
  rg_translation_scores scores = {0};
  if (output)
    RG_TRY(rg_check_output(call->comm, output));
  if (o->table)
    RG_TRY(rg_check_output(call->comm, o->table));
  RG_TRY(rg_translated_read(call->comm, call->arguments[0], o, labels, seed, &d));
  if (d.train.file)
    RG_TRY(warn_of_shared_cells(call->comm, &d));
  rg_translation t = {.target = d.target,
                      .test = translated_of(&d.test),
                      .train = translated_of(&d.train),
                      .predicted = &d.predicted,
                      .predicted_scale = d.as_is ? NULL : d.predicted_scale,
                      .n_labels = d.n_labels,
                      .neighbours = neighbours_for(call->comm, o, &d),
                      .ridge = o->ridge,
                      .positives = o->positives};
  RG_TRY(rg_score_translation(call->comm, &t, &scores));
  status = report(call, o, &d, &scores, json, output);
out:
  rg_translation_scores_fini(&scores);
  rg_translated_fini(&d);
  return status;
}
