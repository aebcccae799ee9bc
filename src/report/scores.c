/* Scores beside their controls, from the JSON of regatta evaluate. */
#include "internal.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* What is known of a score by the beginning of its name; the first that fits. */
typedef struct meaning {
  const char *name;
  int better;     /* 1: higher, -1: lower, 0: no score */
  bool of_labels; /* a control that is better says that the labels are found without it */
  const char *help;
} meaning;
static const meaning meanings[] = {
    {"best_resolution", 0, false, "resolution of the best clusters"},
    {"nmi", 1, true, "clusters agree with labels (mutual information)"},
    {"ari", 1, true, "clusters agree with labels (adjusted Rand index)"},
    {"ami", 1, true, "clusters agree with labels (adjusted mutual information)"},
    {"graph_connectivity", 1, false, "cells of a label hang together"},
    {"depth_leakage", -1, false, "depth of a cell shows in its place"},
    {"ilisi", 1, false, "batches mix among neighbours"},
    {"clisi", 1, true, "neighbours have one label"},
    {"kbet", 1, false, "neighbours have the batches of all"},
    {"knn_purity", 1, true, "neighbours share the label"},
    {"asw_label", 1, true, "labels lie apart"},
    {"asw_batch", 1, false, "batches lie together"},
    {"foscttm", -1, false, "cells closer than the true partner"},
    {"matching_score", 1, false, "weight of the true partner"},
    {"label_transfer", 1, true, "labels found from the other modality"},
    {NULL, 0, false, ""}};

static const meaning *meaning_of(const char *name)
{
  const meaning *m = meanings;
  while (m->name && strncmp(m->name, name, strlen(m->name)) != 0)
    m++;
  return m;
}

/* ---- reading --------------------------------------------------------------------- */

static void add_names(json_t *object, rg_strings *names)
{
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value)
  {
    if ((json_is_number(value) || json_is_null(value)) && strcmp(key, "cells") != 0 &&
        rg_strings_find(names, key) < 0)
      rg_strings_add(names, key, -1);
  }
}

static void put_values(const scores *s, int64_t series, json_t *object)
{
  for (int64_t k = 0; k < s->names.n; k++) {
    json_t *value = json_object_get(object, rg_strings_at(&s->names, k));
    s->value[k * s->series.n + series] = json_is_number(value) ? json_number_value(value)
                                                               : NAN;
  }
}

static rg_status take(const char *path, json_t *root, scores *s)
{
  json_t *name = json_object_get(root, "embedding");
  json_t *controls = json_object_get(root, "controls"), *value;
  const char *key;
  if (!json_is_string(name))
    return rg_fail(RG_EINPUT, "%s: is not what regatta evaluate writes: no embedding",
                   path);
  rg_strings_add(&s->series, json_string_value(name), -1);
  add_names(root, &s->names);
  json_object_foreach(controls, key, value) rg_strings_add(&s->series, key, -1);
  s->value = RG_NEW(double, s->names.n * s->series.n);
  put_values(s, 0, root);
  int64_t series = 1;
  json_object_foreach(controls, key, value) put_values(s, series++, value);
  return RG_OK;
}

static rg_status read_scores(const char *path, scores *s, bool *there)
{
  json_error_t error;
  FILE *file = fopen(path, "r");
  *there = file != NULL;
  if (!file)
    return RG_OK;
  json_t *root = json_loadf(file, 0, &error);
  fclose(file);
  rg_status status =
      json_is_object(root)
          ? take(path, root, s)
          : rg_fail(RG_EINPUT, "%s:%d: %s; repeat regatta evaluate", path,
                    root ? 1 : error.line, root ? "is no object" : error.text);
  json_decref(root);
  return status;
}

double report_score(const report *r, const char *name)
{
  int64_t k = rg_strings_find(&r->scores.names, name);
  return k < 0 || r->scores.series.n == 0 ? NAN : r->scores.value[k * r->scores.series.n];
}

/* ---- table ----------------------------------------------------------------------- */

/* Random numbers and zeros mix all batches, and hold no depth: no embedding to beat. */
static bool is_trivial(const char *series)
{
  return strcmp(series, "random") == 0 || strcmp(series, "zeros") == 0;
}

static bool competes(const scores *s, const meaning *m, int64_t series)
{
  return m->better != 0 &&
         (m->of_labels || !is_trivial(rg_strings_at(&s->series, series)));
}

/* The best of those that compete, NaN when there are fewer than two. */
static double best_of(const scores *s, const meaning *m, int64_t k)
{
  double best = NAN;
  int n = 0;
  for (int64_t j = 0; j < s->series.n; j++) {
    double x = s->value[k * s->series.n + j];
    if (!competes(s, m, j) || !isfinite(x))
      continue;
    n++;
    if (!(m->better * (x - best) <= 0))
      best = x;
  }
  return n > 1 ? best : NAN;
}

static void put_row(report *r, int64_t k)
{
  const scores *s = &r->scores;
  const char *name = rg_strings_at(&s->names, k);
  const meaning *m = meaning_of(name);
  double best = best_of(s, m, k);
  page_put(&r->body, "<tr>");
  page_element(&r->body, "th scope=\"row\"", name);
  for (int64_t j = 0; j < s->series.n; j++) {
    double x = s->value[k * s->series.n + j];
    if (!isfinite(x))
      page_put(&r->body, "<td class=\"n\">–</td>");
    else if (competes(s, m, j) && x == best)
      page_elementf(&r->body, "td class=\"n best\"", "%.4f ★", x);
    else
      page_elementf(&r->body, "td class=\"n\"", "%.4f", x);
  }
  page_element(&r->body, "td", m->better > 0   ? "higher"
                               : m->better < 0 ? "lower"
                                               : "");
  page_element(&r->body, "td", m->help);
  page_put(&r->body, "</tr>\n");
}

static void put_table(report *r)
{
  const scores *s = &r->scores;
  const char **names = RG_NEW(const char *, s->series.n + 4);
  names[0] = "score";
  for (int64_t j = 0; j < s->series.n; j++)
    names[j + 1] = rg_strings_at(&s->series, j);
  names[s->series.n + 1] = "<better";
  names[s->series.n + 2] = "<what it says";
  page_table(&r->body,
             "Scores beside controls; ★ marks the best. Random numbers and zeros do not "
             "compete where they win by holding nothing.",
             names);
  for (int64_t k = 0; k < s->names.n; k++)
    put_row(r, k);
  page_table_end(&r->body);
  rg_free(names);
}

/* ---- picture --------------------------------------------------------------------- */

static rg_status draw(report *r)
{
  rg_status status = RG_OK;
  const scores *s = &r->scores;
  rg_strings names = {0};
  double *value = RG_NEW(double, s->names.n * s->series.n);
  for (int64_t k = 0; k < s->names.n; k++) {
    const char *name = rg_strings_at(&s->names, k);
    const meaning *m = meaning_of(name);
    if (m->better == 0)
      continue;
    memcpy(value + names.n * s->series.n, s->value + k * s->series.n,
           sizeof *value * (size_t)s->series.n);
    char *row = rg_format("%s%s", name, m->better < 0 ? " ↓" : "");
    rg_strings_add(&names, row, -1);
    rg_free(row);
  }
  char *path = report_figure(r, "scores", "", ".*");
  if (names.n > 0) {
    RG_TRY(rg_figure_dots(path, "Scores beside controls", &names, &s->series, value));
    RG_TRY(report_picture(
        r, &(report_image){.kind = "scores", .name = "", .ending = ".svg",
                           .alt = "Dots of every score for the embedding and its controls; "
                                  "the numbers are in the table.",
                           .caption = "Each score of the embedding (large disc) and of its "
                                      "controls; ↓: lower is better."}));
  }
out:
  rg_free(path);
  rg_free(value);
  rg_strings_fini(&names);
  return status;
}

/* Say which controls find the labels better than the embedding. */
static void judge(report *r)
{
  const scores *s = &r->scores;
  static const char *const main_scores[] = {"knn_purity", "nmi_best_resolution",
                                            "ari_best_resolution", "foscttm", NULL};
  for (int k = 0; main_scores[k]; k++) {
    int64_t at = rg_strings_find(&s->names, main_scores[k]);
    const meaning *m = meaning_of(main_scores[k]);
    if (at < 0)
      continue;
    double own = s->value[at * s->series.n];
    for (int64_t j = 1; j < s->series.n; j++) {
      double x = s->value[at * s->series.n + j];
      if (competes(s, m, j) && isfinite(x) && isfinite(own) && m->better * (x - own) > 0)
        rg_strings_addf(
            &r->warnings,
            "A control beats the recipe: %s is %.3f for %s and %.3f for %s.",
            main_scores[k], x, rg_strings_at(&s->series, j), own,
            rg_strings_at(&s->series, 0));
    }
  }
}

rg_status report_scores(report *r)
{
  rg_status status = RG_OK;
  bool there = false;
  page_section(&r->body, "scores", "Scores");
  if (r->from->scores)
    RG_TRY(read_scores(r->from->scores, &r->scores, &there));
  if (there) {
    RG_TRY(draw(r));
    put_table(r);
    judge(r);
  } else {
    const char *results = r->from->results ? r->from->results : "RESULTS.h5ad";
    char *command = rg_format("regatta evaluate %s --labels %s --batch %s -o %s", results,
                              r->from->labels ? r->from->labels->name : "COLUMN",
                              r->from->batch ? r->from->batch->name : "COLUMN",
                              r->from->scores ? r->from->scores : "scores.json");
    page_missing(&r->body, "No scores.", command);
    rg_free(command);
  }
  page_put(&r->body, "</section>\n");
out:
  return status;
}
