/* Which modalities the cells have, and in which batches. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define DEPTH "depth_"

static bool is_depth(const rg_column *column)
{
  return column->type == RG_COLUMN_NUMBER &&
         strncmp(column->name, DEPTH, strlen(DEPTH)) == 0;
}

/* One bit for every modality that a cell has a depth in. Owned. */
static int *masks_of(report *r)
{
  const rg_annot *annot = r->from->annot;
  int64_t rows = rg_range_n(annot->rows);
  int *mask = RG_NEW(int, rows);
  for (int k = 0; k < annot->n_columns && r->modalities.n < REPORT_MODALITIES; k++) {
    const rg_column *column = &annot->columns[k];
    if (!is_depth(column))
      continue;
    int m = (int)r->modalities.n;
    rg_strings_add(&r->modalities, column->name + strlen(DEPTH), -1);
    for (int64_t i = 0; i < rows; i++)
      if (!isnan(column->number[i])) {
        mask[i] |= 1 << m;
        r->measured[m]++;
      }
  }
  rg_sum_i64(r->comm, r->measured, REPORT_MODALITIES);
  return mask;
}

/* "rna + atac", or "none". Owned. */
static char *name_of(const report *r, int mask)
{
  char *name = rg_strdup("");
  for (int m = 0; m < r->modalities.n; m++) {
    if (!(mask >> m & 1))
      continue;
    char *more =
        rg_format("%s%s%s", name, *name ? " + " : "", rg_strings_at(&r->modalities, m));
    rg_free(name);
    name = more;
  }
  if (*name)
    return name;
  rg_free(name);
  return rg_strdup("none");
}

static int bits_of(int mask)
{
  int bits = 0;
  for (; mask; mask &= mask - 1)
    bits++;
  return bits;
}

/* Sets of modalities that cells have, the fullest first. */
void report_find_coverage(report *r)
{
  enum { SETS = 1 << REPORT_MODALITIES };
  if (!r->from->annot)
    return;
  int64_t rows = rg_range_n(r->from->annot->rows), cells[SETS] = {0};
  int32_t code[SETS];
  int *mask = masks_of(r);
  for (int64_t i = 0; i < rows; i++)
    cells[mask[i]]++;
  rg_sum_i64(r->comm, cells, SETS);
  if (r->modalities.n > 0) {
    r->coverage = (rg_column){.name = rg_strdup("modalities"),
                              .type = RG_COLUMN_CATEGORY,
                              .n = rows,
                              .code = RG_NEW(int32_t, rows)};
    for (int bits = (int)r->modalities.n; bits >= 0; bits--)
      for (int s = 0; s < SETS; s++)
        if (cells[s] > 0 && bits_of(s) == bits) {
          char *name = name_of(r, s);
          code[s] = (int32_t)r->coverage.categories.n;
          rg_strings_add(&r->coverage.categories, name, -1);
          rg_free(name);
        }
    for (int64_t i = 0; i < rows; i++)
      r->coverage.code[i] = code[mask[i]];
  }
  rg_free(mask);
}

/* ---- the section ----------------------------------------------------------------- */

static void put_count(report *r, int64_t cells)
{
  char number[32];
  page_element(&r->body, "td class=\"n\"", rg_with_commas(cells, number));
}

static void put_modalities(report *r)
{
  const char *names[] = {"modality", "cells", "% of all cells", NULL};
  page_table(&r->body, "Cells measured in each modality", names);
  for (int m = 0; m < r->modalities.n; m++) {
    page_put(&r->body, "<tr>");
    page_element(&r->body, "th scope=\"row\"", rg_strings_at(&r->modalities, m));
    put_count(r, r->measured[m]);
    page_elementf(&r->body, "td class=\"n\"", "%.2f",
                  r->cells ? 100.0 * (double)r->measured[m] / (double)r->cells : 0);
    page_put(&r->body, "</tr>\n");
  }
  page_table_end(&r->body);
}

static void put_batch(report *r, const char *name, const int64_t *covered, int64_t cells)
{
  page_put(&r->body, "<tr>");
  page_element(&r->body, "th scope=\"row\"", name);
  for (int64_t s = 0; s < r->coverage.categories.n; s++)
    put_count(r, covered[s]);
  put_count(r, cells);
  page_put(&r->body, "</tr>\n");
}

static void put_batches(report *r)
{
  int64_t sets = r->coverage.categories.n;
  const rg_column *batch = r->from->batch;
  const char **names = RG_NEW(const char *, sets + 3);
  names[0] = batch ? batch->name : "";
  for (int64_t s = 0; s < sets; s++)
    names[s + 1] = rg_strings_at(&r->coverage.categories, s);
  names[sets + 1] = "all";
  page_table(&r->body, "Cells of each batch that have exactly these modalities", names);
  for (int64_t b = 0; r->batch_covered && b < batch->categories.n && b < REPORT_LISTED; b++)
    put_batch(r, rg_strings_at(&batch->categories, b), r->batch_covered + b * sets,
              r->batch.cells[b]);
  put_batch(r, "all", r->covered.cells, r->cells);
  page_table_end(&r->body);
  if (batch && batch->categories.n > REPORT_LISTED)
    page_elementf(&r->body, "p", "The first %d of %lld batches.", REPORT_LISTED,
                  (long long)batch->categories.n);
  rg_free(names);
}

rg_status report_coverage(report *r)
{
  page_section(&r->body, "modalities", "Modalities");
  if (r->coverage.name) {
    put_modalities(r);
    put_batches(r);
  } else if (r->from->annot) {
    page_missing(&r->body, "Not known: the results have no columns depth_MODALITY.",
                 "regatta embed RUN FILE -o RESULTS.h5ad");
  } else {
    page_missing(&r->body, "Not known without results.h5ad.", NULL);
  }
  page_put(&r->body, "</section>\n");
  return RG_OK;
}
