/* The page about a run: what is counted over the ranks, and the order of its sections. */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { MOST_CROSSED = 1 << 22 }; /* fields of a table that is counted */

/* ---- counts ---------------------------------------------------------------------- */

static int64_t rows_of(const report *r)
{
  return r->from->annot ? rg_range_n(r->from->annot->rows) : 0;
}

void report_count(report *r, const rg_column *column, tally *t)
{
  *t = (tally){.column = column};
  if (!column)
    return;
  int64_t n = column->categories.n;
  t->cells = RG_NEW(int64_t, n + 1);
  for (int64_t i = 0; i < rows_of(r); i++)
    t->cells[column->code[i] < 0 ? n : column->code[i]]++;
  rg_sum_i64(r->comm, t->cells, n + 1);
  t->none = t->cells[n];
}

int64_t *report_cross(report *r, const rg_column *a, const rg_column *b)
{
  if (!a || !b || a->categories.n == 0 || b->categories.n == 0 ||
      a->categories.n > MOST_CROSSED / b->categories.n)
    return NULL;
  int64_t n = a->categories.n * b->categories.n, *cells = RG_NEW(int64_t, n);
  for (int64_t i = 0; i < rows_of(r); i++)
    if (a->code[i] >= 0 && b->code[i] >= 0)
      cells[a->code[i] * b->categories.n + b->code[i]]++;
  rg_sum_i64(r->comm, cells, n);
  return cells;
}

static void count_all(report *r)
{
  const rg_report_source *from = r->from;
  r->cells = from->annot ? from->annot->n_cells : 0;
  report_find_coverage(r);
  report_count(r, from->clusters, &r->clusters);
  report_count(r, from->labels, &r->labels);
  report_count(r, from->batch, &r->batch);
  report_count(r, r->coverage.name ? &r->coverage : NULL, &r->covered);
  r->cluster_label = report_cross(r, from->clusters, from->labels);
  r->batch_covered = report_cross(r, from->batch, r->coverage.name ? &r->coverage : NULL);
}

/* ---- names of files -------------------------------------------------------------- */

char *report_path(const report *r, const char *name)
{
  return rg_format("%s/%s", r->from->run, name);
}

char *report_figure(const report *r, const char *kind, const char *name,
                    const char *ending)
{
  enum { LONGEST = 80 };
  char *path = rg_format("%s/%s%s%.*s%s", r->from->figures, kind, *name ? "_" : "", LONGEST,
                         name, ending);
  size_t end = strlen(path) - strlen(ending);
  for (size_t k = strlen(r->from->figures) + 1; k < end; k++)
    if (strchr("/\\: <>\"'&|?*", path[k]) || (signed char)path[k] < 0x20)
      path[k] = '_';
  return path;
}

rg_status report_picture(report *r, const report_image *image)
{
  char *path = report_figure(r, image->kind, image->name, image->ending);
  char *narrow =
      image->narrow ? report_figure(r, image->kind, "narrow", image->ending) : NULL;
  rg_status status = page_picture(
      &r->body,
      &(page_image){path, narrow, image->alt, image->caption, image->broad});
  rg_free(narrow);
  rg_free(path);
  return status;
}

/* ---- the page -------------------------------------------------------------------- */

static rg_status write_body(report *r)
{
  rg_status status = RG_OK;
  RG_TRY(report_cells(r));
  RG_TRY(report_losses(r));
  RG_TRY(report_scores(r));
  RG_TRY(report_groups(r));
  RG_TRY(report_coverage(r));
  RG_TRY(report_timing(r));
  RG_TRY(report_origin(r));
out:
  return status;
}

static void put_head(const report *r, page *p)
{
  page_put(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<link rel=\"icon\" href=\"data:,\">\n<title>");
  page_say(p, "regatta report: %s", r->from->title);
  page_put(p, "</title>\n<style>\n");
  page_put(p, page_style);
  page_put(p, "</style>\n</head>\n<body>\n");
}

static rg_status compose(report *r, page *whole)
{
  rg_status status = write_body(r);
  if (status != RG_OK)
    return status;
  put_head(r, whole);
  report_summary(r, whole);
  page_put(whole, "<main>\n");
  page_put(whole, r->body.text);
  page_put(whole, "</main>\n</body>\n</html>\n");
  return RG_OK;
}

static void fini(report *r)
{
  tally *tallies[] = {&r->clusters, &r->labels, &r->batch, &r->covered};
  for (int k = 0; k < 4; k++)
    rg_free(tallies[k]->cells);
  rg_free(r->cluster_label);
  rg_free(r->batch_covered);
  rg_free(r->scores.value);
  rg_strings_fini(&r->scores.names);
  rg_strings_fini(&r->scores.series);
  rg_strings_fini(&r->modalities);
  rg_strings_fini(&r->warnings);
  rg_column_fini(&r->coverage);
  page_fini(&r->body);
}

rg_status rg_report(rg_comm *comm, const rg_report_source *source)
{
  rg_status status = RG_OK;
  report r = {.from = source, .comm = comm};
  page whole = {0};
  count_all(&r);
  RG_TRY(report_draw_cells(&r));
  if (rg_rank(comm) == 0)
    status = compose(&r, &whole);
  RG_TRY_ALL(comm, status);
  RG_TRY(rg_write_text(comm, source->output, whole.text));
out:
  page_fini(&whole);
  fini(&r);
  return status;
}
