/* The top of the page: what it is, the main numbers, and what to look out for. */
#include "internal.h"

#include <math.h>
#include <string.h>

static void put_key(page *p, const char *what, const char *value)
{
  page_put(p, "<li>");
  page_element(p, "b", value);
  page_text(p, what);
  page_put(p, "</li>\n");
}

static void put_score(const report *r, page *p, const char *name)
{
  double x = report_score(r, name);
  char text[32];
  snprintf(text, sizeof text, "%.3f", x);
  if (isfinite(x))
    put_key(p, name, text);
}

/* "done", "stopped", "failed" or "running"; "" when unknown. */
static void read_state(const report *r, char state[32])
{
  snprintf(state, 32, "%s", r->from->state ? r->from->state : "");
  if (r->from->state)
    return;
  char *path = r->from->run ? report_path(r, "STATUS") : NULL;
  FILE *file = path ? fopen(path, "r") : NULL;
  if (file) {
    if (fgets(state, 32, file))
      state[strcspn(state, "\r\n")] = '\0';
    fclose(file);
  }
  rg_free(path);
}

static void judge_state(report *r, const char *state)
{
  if (strcmp(state, "stopped") == 0)
    rg_strings_addf(
        &r->warnings,
        "The training was stopped before its end; give the same command with "
        "--resume to go on with it.");
  else if (strcmp(state, "failed") == 0)
    rg_strings_addf(&r->warnings, "The training failed; what it said is in the log of its "
                                  "job, the last losses in %s/log.jsonl.",
                    r->from->run);
  else if (strcmp(state, "running") == 0)
    rg_strings_addf(
        &r->warnings,
        "The training has not ended, or was killed: this is what there was so "
        "far. --resume goes on with it.");
}

static char *modalities_of(const report *r)
{
  char *text = rg_strdup("");
  for (int64_t m = 0; m < r->modalities.n; m++) {
    char *more =
        rg_format("%s%s%s", text, m ? ", " : "", rg_strings_at(&r->modalities, m));
    rg_free(text);
    text = more;
  }
  return text;
}

static void put_numbers(const report *r, page *p)
{
  char number[32], *modalities = modalities_of(r);
  page_put(p, "<ul class=\"key\">\n");
  if (r->from->annot)
    put_key(p, r->cells == 1 ? "cell" : "cells", rg_with_commas(r->cells, number));
  if (*modalities)
    put_key(p, "modalities", modalities);
  if (r->from->recipe)
    put_key(p, "recipe", r->from->recipe);
  if (r->from->clusters)
    put_key(p, "clusters", rg_with_commas(r->from->clusters->categories.n, number));
  if (r->from->labels)
    put_key(p, "labels", rg_with_commas(r->from->labels->categories.n, number));
  if (r->from->batch)
    put_key(p, "batches", rg_with_commas(r->from->batch->categories.n, number));
  put_score(r, p, "knn_purity");
  put_score(r, p, "nmi");
  put_score(r, p, "ari");
  put_score(r, p, "ilisi");
  put_score(r, p, "foscttm");
  page_put(p, "</ul>\n");
  rg_free(modalities);
}

static void put_links(page *p)
{
  static const char *const link[][2] = {
      {"cells", "Cells"},   {"losses", "Training"},       {"scores", "Scores"},
      {"groups", "Clusters and labels"}, {"modalities", "Modalities"},
      {"time", "Time and memory"},       {"origin", "How it was made"}};
  page_put(p, "<nav aria-label=\"Sections\"><ul>");
  for (size_t k = 0; k < sizeof link / sizeof link[0]; k++) {
    page_put(p, "<li><a href=\"#");
    page_text(p, link[k][0]);
    page_put(p, "\">");
    page_text(p, link[k][1]);
    page_put(p, "</a></li>");
  }
  page_put(p, "</ul></nav>\n");
}

void report_summary(report *r, page *p)
{
  char state[32];
  read_state(r, state);
  judge_state(r, state);
  page_put(p, "<header id=\"summary\">\n");
  page_elementf(p, "h1", "regatta report: %s", r->from->title);
  page_put(p, "\n");
  put_numbers(r, p);
  for (int64_t k = 0; k < r->warnings.n; k++) {
    page_element(p, "p class=\"warn\"", rg_strings_at(&r->warnings, k));
    page_put(p, "\n");
  }
  if (r->warnings.n == 0)
    page_put(p, "<p>Nothing to warn of.</p>\n");
  put_links(p);
  page_put(p, "</header>\n");
}
