/* The map of the cells, coloured by what is known of them. */
#include "internal.h"

#include <string.h>

enum { IN_ALT = 60 }; /* names in the text that stands for a picture */

typedef struct view {
  const char *name, *what; /* of the file, and in words */
  const rg_column *column;
  const tally *tally;
} view;

enum { VIEWS = 4 };
static int list_views(report *r, view views[VIEWS])
{
  const rg_report_source *from = r->from;
  int n = 0;
  if (from->clusters)
    views[n++] = (view){from->clusters->name, "cluster", from->clusters, &r->clusters};
  if (from->labels)
    views[n++] = (view){from->labels->name, "label", from->labels, &r->labels};
  if (from->batch)
    views[n++] = (view){from->batch->name, "batch", from->batch, &r->batch};
  if (r->coverage.name)
    views[n++] = (view){"modalities", "modalities measured", &r->coverage, &r->covered};
  return n;
}

static const rg_mat *layout(const report *r)
{
  const rg_mat *xy = r->from->annot ? rg_annot_obsm(r->from->annot, "X_umap") : NULL;
  return xy && xy->cols == 2 ? xy : NULL;
}

rg_status report_draw_cells(report *r)
{
  rg_status status = RG_OK;
  view views[VIEWS];
  const rg_mat *xy = layout(r);
  int n = xy ? list_views(r, views) : 0;
  char number[32];
  for (int k = 0; k < n; k++) {
    char *path = report_figure(r, "umap", views[k].name, ".*");
    char *title =
        rg_format("%s: %s cells", views[k].name, rg_with_commas(r->cells, number));
    status = rg_figure_cells(r->comm, path, title, xy, views[k].column);
    rg_free(title);
    rg_free(path);
    RG_TRY(status);
  }
out:
  return status;
}

/* What the picture says, for those who do not see it. */
static char *alt_of(const report *r, const view *v)
{
  char number[32];
  const rg_strings *names = &v->column->categories;
  char *text = rg_format("Map (UMAP) of %s cells coloured by %s %s, %lld groups:",
                         rg_with_commas(r->cells, number), v->what, v->column->name,
                         (long long)names->n);
  for (int64_t k = 0; k < names->n && k < IN_ALT; k++) {
    char *more = rg_format("%s%s %s (%s)", text, k ? "," : "", rg_strings_at(names, k),
                           rg_with_commas(v->tally->cells[k], number));
    rg_free(text);
    text = more;
  }
  if (names->n > IN_ALT) {
    char *more = rg_format("%s, and %lld more", text, (long long)(names->n - IN_ALT));
    rg_free(text);
    text = more;
  }
  return text;
}

static void put_row(report *r, const char *name, int64_t cells)
{
  char number[32];
  page_put(&r->body, "<tr>");
  page_element(&r->body, "th scope=\"row\"", name);
  page_element(&r->body, "td class=\"n\"", rg_with_commas(cells, number));
  page_elementf(&r->body, "td class=\"n\"", "%.2f",
                r->cells ? 100.0 * (double)cells / (double)r->cells : 0);
  page_put(&r->body, "</tr>\n");
}

/* Full names and cells of the groups. */
static void list_groups(report *r, const view *v)
{
  const char *names[] = {v->column->name, "cells", "%", NULL};
  char *caption = rg_format("Cells by %s (%s)", v->what, v->column->name);
  page_details(&r->body, caption);
  page_table(&r->body, caption, names);
  int64_t n = v->column->categories.n;
  for (int64_t k = 0; k < n && k < REPORT_LISTED; k++)
    put_row(r, rg_strings_at(&v->column->categories, k), v->tally->cells[k]);
  if (v->tally->none > 0)
    put_row(r, "none", v->tally->none);
  page_table_end(&r->body);
  if (n > REPORT_LISTED)
    page_elementf(&r->body, "p", "The first %d of %lld.", REPORT_LISTED, (long long)n);
  page_put(&r->body, "</details>\n");
  rg_free(caption);
}

static rg_status put_view(report *r, const view *v)
{
  char *alt = alt_of(r, v);
  char *caption = rg_format("Cells by %s (%s).", v->what, v->column->name);
  rg_status status = report_picture(
      r, &(report_image){"umap", v->name, ".png", alt, caption, false, false});
  rg_free(caption);
  rg_free(alt);
  return status;
}

/* A line for each picture that could not be made. */
static void say_missing(report *r)
{
  const rg_report_source *from = r->from;
  const char *results = from->results ? from->results : "RESULTS.h5ad";
  char *command;
  if (!layout(r)) {
    command = from->annot ? rg_format("regatta umap %s", results)
                          : rg_format("regatta embed %s FILE -o %s", from->run, results);
    page_missing(&r->body, from->annot ? "No map: the results have no obsm/X_umap."
                                       : "No map: there are no results.h5ad.",
                 command);
    rg_free(command);
  }
  if (!from->annot)
    return;
  if (!from->clusters) {
    command = rg_format("regatta cluster %s", results);
    page_missing(&r->body, "No clusters.", command);
    rg_free(command);
  }
  if (!from->labels) {
    command = rg_format("regatta report %s --labels COLUMN", from->title);
    page_missing(&r->body, "No labels: no column of obs is named as such.", command);
    rg_free(command);
  }
  if (!from->batch) {
    command = rg_format("regatta report %s --batch COLUMN", from->title);
    page_missing(&r->body, "No batches: no column of obs is named as such.", command);
    rg_free(command);
  }
}

rg_status report_cells(report *r)
{
  rg_status status = RG_OK;
  view views[VIEWS];
  int n = list_views(r, views);
  page_section(&r->body, "cells", "Cells");
  if (layout(r) && n > 0) {
    page_put(&r->body, "<div class=\"maps\">\n");
    for (int k = 0; k < n; k++)
      RG_TRY(put_view(r, &views[k]));
    page_put(&r->body, "</div>\n");
  }
  say_missing(r);
  for (int k = 0; k < n; k++)
    list_groups(r, &views[k]);
  page_put(&r->body, "</section>\n");
out:
  return status;
}
