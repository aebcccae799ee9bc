/* Losses over the epochs, from metrics.csv: a panel for every term, a colour for every
 * phase. */
#include "csv.h"
#include "internal.h"

#include <math.h>
#include <string.h>

#define VALIDATION "validation"
enum { ACROSS = 3 }; /* panels in a row */

/* Values of a term in a phase. Owned. */
typedef struct curve {
  int64_t term, phase;
  int n, room;
  double *x, *y;
} curve;

/* Owned. */
typedef struct history {
  rg_strings phases, terms; /* in the order of their appearance, validation first */
  int n;
  curve *curves;
  double epochs;          /* of all phases */
  int n_marks;
  double *marks;          /* where a phase begins, but for the first */
  double first, last, best, best_at; /* of the validation in the last phase */
} history;

static void history_fini(history *h)
{
  for (int k = 0; k < h->n; k++) {
    rg_free(h->curves[k].x);
    rg_free(h->curves[k].y);
  }
  rg_free(h->curves);
  rg_free(h->marks);
  rg_strings_fini(&h->phases);
  rg_strings_fini(&h->terms);
}

static int64_t number_of(rg_strings *list, const char *name)
{
  int64_t found = rg_strings_find(list, name);
  if (found >= 0)
    return found;
  rg_strings_add(list, name, -1);
  return list->n - 1;
}

static curve *curve_of(history *h, int64_t term, int64_t phase)
{
  for (int k = 0; k < h->n; k++)
    if (h->curves[k].term == term && h->curves[k].phase == phase)
      return &h->curves[k];
  h->curves = rg_realloc(h->curves, h->n, h->n + 1, sizeof *h->curves);
  h->curves[h->n] = (curve){.term = term, .phase = phase};
  return &h->curves[h->n++];
}

static void add_point(curve *c, double x, double y)
{
  if (c->n == c->room) {
    int room = c->room ? 2 * c->room : 32;
    c->x = rg_realloc(c->x, c->room, room, sizeof(double));
    c->y = rg_realloc(c->y, c->room, room, sizeof(double));
    c->room = room;
  }
  c->x[c->n] = x;
  c->y[c->n++] = y;
}

static void add_mark(history *h, double x)
{
  h->marks = rg_realloc(h->marks, h->n_marks, h->n_marks + 1, sizeof(double));
  h->marks[h->n_marks++] = x;
}

/* The validation of the last phase: where it was least. */
static void watch(history *h, bool new_phase, double y)
{
  if (new_phase)
    h->best = INFINITY;
  if (isinf(h->best))
    h->first = y;
  h->last = y;
  if (y < h->best) {
    h->best = y;
    h->best_at = h->epochs;
  }
}

typedef struct columns {
  int64_t phase, epoch, term, value;
} columns;

static rg_status find_columns(const csv *table, columns *c)
{
  rg_status status = RG_OK;
  RG_TRY(csv_column(table, "phase", true, &c->phase));
  RG_TRY(csv_column(table, "epoch", true, &c->epoch));
  RG_TRY(csv_column(table, "term", true, &c->term));
  RG_TRY(csv_column(table, "value", true, &c->value));
out:
  return status;
}

/* Rows of an epoch follow one another; a term that several steps have is numbered. */
static rg_status read_rows(const csv *table, history *h)
{
  rg_status status = RG_OK;
  columns c;
  int64_t phase = -1, first = 0; /* row of this epoch */
  double epoch = -1;
  bool new_phase = false;
  RG_TRY(find_columns(table, &c));
  number_of(&h->terms, VALIDATION);
  h->best = INFINITY;
  for (int64_t row = 0; row < table->rows; row++) {
    double here, value;
    int64_t before = phase;
    RG_TRY(csv_number(table, row, c.epoch, &here));
    RG_TRY(csv_number(table, row, c.value, &value));
    phase = number_of(&h->phases, csv_text(table, row, c.phase));
    if (phase != before || here != epoch) {
      first = row;
      h->epochs += 1;
      new_phase = phase != before;
      if (new_phase && before >= 0)
        add_mark(h, h->epochs - 0.5);
    }
    epoch = here;
    char *term = rg_strdup(csv_text(table, row, c.term));
    int again = 1;
    for (int64_t k = first; k < row; k++)
      again += strcmp(csv_text(table, k, c.term), term) == 0;
    char *name = again > 1 ? rg_format("%s (%d)", term, again) : rg_strdup(term);
    add_point(curve_of(h, number_of(&h->terms, name), phase), h->epochs, value);
    if (strcmp(name, VALIDATION) == 0)
      watch(h, new_phase, value);
    rg_free(name);
    rg_free(term);
  }
out:
  return status;
}

/* ---- the picture ----------------------------------------------------------------- */

static rg_status draw(report *r, const history *h)
{
  rg_panel *panels = RG_NEW(rg_panel, h->terms.n);
  rg_line *lines = RG_NEW(rg_line, h->n);
  char **titles = RG_NEW(char *, h->terms.n);
  int n = 0, used = 0;
  for (int64_t t = 0; t < h->terms.n; t++) {
    rg_panel panel = {.lines = lines + used};
    for (int k = 0; k < h->n; k++)
      if (h->curves[k].term == t) {
        const curve *c = &h->curves[k];
        lines[used++] = (rg_line){(int)c->phase, c->n, c->x, c->y};
        panel.n++;
      }
    if (panel.n == 0)
      continue;
    titles[n] = rg_format("%s%s", rg_strings_at(&h->terms, t),
                          t == 0 ? " (cells left out)" : "");
    panel.title = titles[n];
    panels[n++] = panel;
  }
  rg_status status = RG_OK;
  for (int narrow = 0; narrow < 2 && status == RG_OK; narrow++) {
    char *path = report_figure(r, "losses", narrow ? "narrow" : "", narrow ? ".svg" : ".*");
    status = rg_figure_panels(path, "Losses", "epoch, over all phases", narrow ? 1 : ACROSS,
                              n, panels, &h->phases, h->n_marks, h->marks);
    rg_free(path);
  }
  for (int k = 0; k < n; k++)
    rg_free(titles[k]);
  rg_free(titles);
  rg_free(lines);
  rg_free(panels);
  return status;
}

static void put_ends(report *r, const history *h)
{
  const char *names[] = {"term", "<phase", "epochs", "first", "least", "last", NULL};
  page_details(&r->body, "Losses as numbers");
  page_table(&r->body, "Losses of every term and phase", names);
  for (int k = 0; k < h->n; k++) {
    const curve *c = &h->curves[k];
    double least = c->y[0];
    for (int i = 1; i < c->n; i++)
      least = fmin(least, c->y[i]);
    page_put(&r->body, "<tr>");
    page_element(&r->body, "th scope=\"row\"", rg_strings_at(&h->terms, c->term));
    page_element(&r->body, "td", rg_strings_at(&h->phases, c->phase));
    page_elementf(&r->body, "td class=\"n\"", "%d", c->n);
    page_elementf(&r->body, "td class=\"n\"", "%.6g", c->y[0]);
    page_elementf(&r->body, "td class=\"n\"", "%.6g", least);
    page_elementf(&r->body, "td class=\"n\"", "%.6g", c->y[c->n - 1]);
    page_put(&r->body, "</tr>\n");
  }
  page_table_end(&r->body);
  page_put(&r->body, "</details>\n");
}

static rg_status put_picture(report *r, const history *h)
{
  bool validated = h->curves[0].term == 0 || isfinite(h->best);
  char *alt =
      rg_format("Curves of %lld losses over %.0f epochs in %lld phases; the numbers "
                "are in the table below.",
                (long long)h->terms.n - !validated, h->epochs, (long long)h->phases.n);
  char *caption = rg_format(
      "Losses of the training cells, per term and epoch%s%s",
      validated ? "; validation is the sum of the watched losses over cells that no step "
                  "sees" : "; no cells were left out for validation (train.validation)",
      h->phases.n > 1 ? ". A colour for each phase, dashed where one begins." : ".");
  rg_status status = report_picture(
      r, &(report_image){"losses", "", ".svg", alt, caption, .narrow = true});
  rg_free(caption);
  rg_free(alt);
  return status;
}

/* Warn when the validation was least at the very end. */
static void judge(report *r, const history *h)
{
  if (isfinite(h->best) && h->best_at >= h->epochs && h->first - h->best > 0)
    rg_strings_addf(
        &r->warnings,
        "Not converged: the validation loss was still falling at the last epoch "
        "(%.6g). More epochs may give a better model.",
        h->last);
}

static rg_status put_history(report *r, const csv *table)
{
  rg_status status = RG_OK;
  history h = {0};
  RG_TRY(read_rows(table, &h));
  if (h.n == 0) {
    page_missing(&r->body, "No losses: the training made no epoch.", NULL);
    goto out;
  }
  RG_TRY(draw(r, &h));
  RG_TRY(put_picture(r, &h));
  put_ends(r, &h);
  judge(r, &h);
out:
  history_fini(&h);
  return status;
}

rg_status report_losses(report *r)
{
  rg_status status = RG_OK;
  csv table = {0};
  bool there = false;
  page_section(&r->body, "losses", "Training");
  if (r->from->run) {
    char *path = report_path(r, "metrics.csv");
    status = csv_read(path, &table, &there);
    rg_free(path);
  }
  if (status == RG_OK && there)
    status = put_history(r, &table);
  else if (status == RG_OK)
    page_missing(&r->body, r->from->run ? "No losses: the run has no metrics.csv."
                                        : "No losses: they are in the folder of a run.",
                 r->from->run ? "regatta train FILE -o RUN" : "regatta report RUN");
  page_put(&r->body, "</section>\n");
  csv_fini(&table);
  return status;
}
