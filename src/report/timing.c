/* Seconds of the phases and memory of the ranks, from timers.csv and ranks.csv. */
#include "csv.h"
#include "internal.h"

#include <math.h>
#include <string.h>

enum { DRAWN = 40, RANKS = 128 };

/* A field as people read it: bytes in MB, seconds with three digits behind the point. */
static rg_status put_field(report *r, const csv *table, int64_t row, int64_t column)
{
  const char *name = rg_strings_at(&table->names, column);
  char *text = rg_strdup(csv_text(table, row, column));
  double x;
  rg_status status = RG_OK;
  if (column == 0) {
    page_element(&r->body, "th scope=\"row\"", text);
  } else if (rg_ends_with(name, "_bytes")) {
    status = csv_number(table, row, column, &x);
    if (status == RG_OK)
      page_elementf(&r->body, "td class=\"n\"", "%.1f", x / 1e6);
  } else if (rg_ends_with(name, "_s")) {
    status = csv_number(table, row, column, &x);
    if (status == RG_OK)
      page_elementf(&r->body, "td class=\"n\"", "%.3f", x);
  } else {
    page_element(&r->body, "td class=\"n\"", text);
  }
  rg_free(text);
  return status;
}

/* The whole table, with `_bytes` and `_s` of its names as units. */
static rg_status put_table(report *r, const csv *table, const char *caption, int64_t most)
{
  rg_status status = RG_OK;
  const char **names = RG_NEW(const char *, table->names.n + 1);
  char **owned = RG_NEW(char *, table->names.n);
  for (int64_t k = 0; k < table->names.n; k++) {
    const char *name = rg_strings_at(&table->names, k);
    const char *unit = rg_ends_with(name, "_bytes") ? " (MB)"
                       : rg_ends_with(name, "_s")   ? " (s)"
                                                 : "";
    size_t ending = *unit ? strlen(strrchr(name, '_')) : 0;
    owned[k] = rg_format("%.*s%s", (int)(strlen(name) - ending), name, unit);
    for (char *c = owned[k]; *c; c++)
      *c = *c == '_' ? ' ' : *c;
    names[k] = owned[k];
  }
  page_table(&r->body, caption, names);
  for (int64_t row = 0; row < table->rows && row < most; row++) {
    page_put(&r->body, "<tr>");
    for (int64_t k = 0; k < table->names.n; k++)
      RG_TRY(put_field(r, table, row, k));
    page_put(&r->body, "</tr>\n");
  }
  page_table_end(&r->body);
  if (table->rows > most)
    page_elementf(&r->body, "p", "The first %lld of %lld.", (long long)most,
                  (long long)table->rows);
out:
  for (int64_t k = 0; k < table->names.n; k++)
    rg_free(owned[k]);
  rg_free(owned);
  rg_free(names);
  return status;
}

/* ---- pictures -------------------------------------------------------------------- */

/* Bars of the phases, of no deeper than two levels. */
static rg_status draw_phases(report *r, const csv *table)
{
  rg_status status = RG_OK;
  rg_strings names = {0};
  double mean[DRAWN], low[DRAWN], high[DRAWN];
  int64_t phase, c_mean, c_low, c_high;
  char *path = report_figure(r, "time", "", ".*");
  RG_TRY(csv_column(table, "phase", true, &phase));
  RG_TRY(csv_column(table, "mean_s", true, &c_mean));
  RG_TRY(csv_column(table, "min_s", true, &c_low));
  RG_TRY(csv_column(table, "max_s", true, &c_high));
  for (int64_t row = 0; row < table->rows && names.n < DRAWN; row++) {
    if (rg_scope_depth(csv_text(table, row, phase)) > 1)
      continue;
    RG_TRY(csv_number(table, row, c_mean, &mean[names.n]));
    RG_TRY(csv_number(table, row, c_low, &low[names.n]));
    RG_TRY(csv_number(table, row, c_high, &high[names.n]));
    rg_strings_add(&names, csv_text(table, row, phase), -1);
  }
  RG_TRY(rg_figure_bars(path, "Time of the phases", "seconds", &names, mean, low, high));
  RG_TRY(report_picture(
      r, &(report_image){.kind = "time", .name = "", .ending = ".svg",
                         .alt = "Bars of the seconds of every phase; the numbers are in "
                                "the table below.",
                         .caption = "Seconds of each phase, the mean over ranks; a line "
                                    "from the fastest rank to the slowest. PHASE/PART is "
                                    "a part of PHASE."}));
out:
  rg_free(path);
  rg_strings_fini(&names);
  return status;
}

static rg_status draw_memory(report *r, const csv *table, int64_t peak)
{
  rg_status status = RG_OK;
  rg_strings names = {0};
  double bytes[DRAWN];
  char *path = report_figure(r, "memory", "", ".*");
  char *title = table->rows > DRAWN
                    ? rg_format("Peak memory of the first %d of %lld ranks", DRAWN,
                                (long long)table->rows)
                    : rg_strdup("Peak memory of the ranks");
  int64_t rank = rg_strings_find(&table->names, "rank");
  for (int64_t row = 0; row < table->rows && row < DRAWN; row++) {
    RG_TRY(csv_number(table, row, peak, &bytes[row]));
    bytes[row] /= 1e6;
    char *name = rank < 0 ? rg_format("rank %lld", (long long)row)
                          : rg_format("rank %s", csv_text(table, row, rank));
    rg_strings_add(&names, name, -1);
    rg_free(name);
  }
  RG_TRY(rg_figure_bars(path, title, "MB", &names, bytes, NULL, NULL));
  RG_TRY(report_picture(
      r, &(report_image){.kind = "memory", .name = "", .ending = ".svg",
                         .alt = "Bars of the peak memory of every rank; the numbers are in "
                                "the table below.",
                         .caption = "The most memory that each rank held at once."}));
out:
  rg_free(title);
  rg_free(path);
  rg_strings_fini(&names);
  return status;
}

/* ---- the section ----------------------------------------------------------------- */

static rg_status put_ranks(report *r, const csv *ranks, bool there)
{
  rg_status status = RG_OK;
  if (!there) {
    page_missing(&r->body, "No memory per rank: the run has no ranks.csv.", NULL);
    return RG_OK;
  }
  int64_t peak = rg_strings_find(&ranks->names, "peak_memory_bytes");
  if (peak >= 0 && ranks->rows > 0)
    RG_TRY(draw_memory(r, ranks, peak));
  RG_TRY(put_table(r, ranks, "What each rank had and used", RANKS));
out:
  return status;
}

rg_status report_timing(report *r)
{
  rg_status status = RG_OK;
  csv timers = {0}, ranks = {0};
  bool has_timers = false, has_ranks = false;
  page_section(&r->body, "time", "Time and memory");
  if (r->from->run) {
    char *path = report_path(r, "timers.csv"), *beside = report_path(r, "ranks.csv");
    status = csv_read(path, &timers, &has_timers);
    if (status == RG_OK)
      status = csv_read(beside, &ranks, &has_ranks);
    rg_free(beside);
    rg_free(path);
    RG_TRY(status);
  }
  if (has_timers) {
    RG_TRY(draw_phases(r, &timers));
    page_details(&r->body, "Phases as numbers");
    RG_TRY(put_table(r, &timers, "Seconds of each phase: least, mean and most over ranks",
                     INT64_MAX));
    page_put(&r->body, "</details>\n");
    RG_TRY(put_ranks(r, &ranks, has_ranks));
  } else {
    page_missing(&r->body, "No times: they are in the folder of a run.",
                 "regatta run FILE -o RUN");
  }
  page_put(&r->body, "</section>\n");
out:
  csv_fini(&timers);
  csv_fini(&ranks);
  return status;
}
