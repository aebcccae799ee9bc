/* Clusters against labels. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 120, MOST_COLUMNS = 120, NAMED = 3 };
enum { BROAD = 8 }; /* labels from which the heat map is too wide for a telephone */

/* A label and where it is found: the mean place of the clusters that hold it. */
typedef struct place {
  double at;
  int64_t label;
} place;

static int by_place(const void *a, const void *b)
{
  const place *x = a, *y = b;
  return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
                        : (x->label > y->label) - (x->label < y->label);
}

/* Labels along the clusters in which they mostly are, so that the table has a diagonal;
 * those without cells last. Owned. */
static place *order_labels(const report *r)
{
  int64_t clusters = r->clusters.column->categories.n;
  int64_t labels = r->labels.column->categories.n;
  place *order = RG_NEW(place, labels);
  for (int64_t j = 0; j < labels; j++) {
    int64_t most = 0, at = clusters;
    for (int64_t i = 0; i < clusters; i++)
      if (r->cluster_label[i * labels + j] > most) {
        most = r->cluster_label[i * labels + j];
        at = i;
      }
    order[j] = (place){(double)at, j};
  }
  qsort(order, (size_t)labels, sizeof *order, by_place);
  return order;
}

static int64_t labelled_of(const report *r, int64_t cluster)
{
  int64_t labels = r->labels.column->categories.n, sum = 0;
  for (int64_t j = 0; j < labels; j++)
    sum += r->cluster_label[cluster * labels + j];
  return sum;
}

static rg_status draw(report *r)
{
  int64_t clusters = r->clusters.column->categories.n;
  int64_t labels = r->labels.column->categories.n;
  int64_t rows = clusters < MOST_ROWS ? clusters : MOST_ROWS;
  int64_t columns = labels < MOST_COLUMNS ? labels : MOST_COLUMNS;
  double *share = RG_NEW(double, rows * columns);
  int64_t *total = RG_NEW(int64_t, rows);
  place *order = order_labels(r);
  rg_strings row_names = {0}, column_names = {0};
  for (int64_t j = 0; j < columns; j++)
    rg_strings_add(&column_names,
                   rg_strings_at(&r->labels.column->categories, order[j].label), -1);
  for (int64_t i = 0; i < rows; i++) {
    rg_strings_add(&row_names, rg_strings_at(&r->clusters.column->categories, i), -1);
    total[i] = labelled_of(r, i);
    for (int64_t j = 0; j < columns && total[i] > 0; j++)
      share[i * columns + j] =
          (double)r->cluster_label[i * labels + order[j].label] / (double)total[i];
  }
  rg_heat heat = {r->clusters.column->name, r->labels.column->name, &row_names,
                  &column_names, share, total};
  char *path = report_figure(r, "clusters_labels", "", ".*");
  char *title = rg_format("Labels of the cells of each cluster%s",
                          clusters > rows || labels > columns ? " (first 120)" : "");
  rg_status status = rg_figure_heat(path, title, &heat);
  rg_free(title);
  rg_free(path);
  rg_strings_fini(&row_names);
  rg_strings_fini(&column_names);
  rg_free(order);
  rg_free(total);
  rg_free(share);
  return status;
}

/* The commonest labels of a cluster, as text. */
static void put_labels(report *r, int64_t cluster, int64_t total)
{
  int64_t labels = r->labels.column->categories.n, shown[NAMED];
  const int64_t *cells = r->cluster_label + cluster * labels;
  page_put(&r->body, "<td>");
  for (int k = 0; k < NAMED && k < labels; k++) {
    shown[k] = -1;
    for (int64_t j = 0; j < labels; j++) {
      bool used = false;
      for (int before = 0; before < k; before++)
        used = used || shown[before] == j;
      if (!used && (shown[k] < 0 || cells[j] > cells[shown[k]]))
        shown[k] = j;
    }
    if (cells[shown[k]] > 0)
      page_say(&r->body, "%s%s %.0f %%", k ? ", " : "",
               rg_strings_at(&r->labels.column->categories, shown[k]),
               100.0 * (double)cells[shown[k]] / (double)total);
  }
  page_put(&r->body, "</td>");
}

static void put_table(report *r)
{
  const char *names[] = {"cluster", "cells with a label", "<commonest labels", NULL};
  int64_t clusters = r->clusters.column->categories.n;
  char number[32];
  page_details(&r->body, "The commonest labels of each cluster");
  page_table(&r->body, "The commonest labels of each cluster", names);
  for (int64_t i = 0; i < clusters && i < REPORT_LISTED; i++) {
    int64_t total = labelled_of(r, i);
    page_put(&r->body, "<tr>");
    page_element(&r->body, "th scope=\"row\"",
                 rg_strings_at(&r->clusters.column->categories, i));
    page_element(&r->body, "td class=\"n\"", rg_with_commas(total, number));
    put_labels(r, i, total);
    page_put(&r->body, "</tr>\n");
  }
  page_table_end(&r->body);
  page_put(&r->body, "</details>\n");
}

static rg_status put_confusion(report *r)
{
  rg_status status = RG_OK;
  char *alt = rg_format("Heat map: share of the cells of each of %lld clusters (rows) that "
                        "have each of %lld labels (columns); the table below names the "
                        "commonest.",
                        (long long)r->clusters.column->categories.n,
                        (long long)r->labels.column->categories.n);
  RG_TRY(draw(r));
  RG_TRY(report_picture(
      r, &(report_image){.kind = "clusters_labels", .name = "", .ending = ".svg",
                         .alt = alt,
                         .caption = "Rows are clusters and add up to 100 % of their cells "
                                    "with a label; columns are labels, in the order of the "
                                    "clusters that hold most of them.",
                         .broad = r->labels.column->categories.n > BROAD}));
  put_table(r);
out:
  rg_free(alt);
  return status;
}

rg_status report_groups(report *r)
{
  rg_status status = RG_OK;
  page_section(&r->body, "groups", "Clusters and labels");
  if (r->cluster_label)
    status = put_confusion(r);
  else if (r->from->clusters && r->from->labels)
    page_missing(&r->body, "Too many clusters and labels for a table, or none.", NULL);
  else if (r->from->annot && !r->from->clusters) {
    char *command = rg_format("regatta cluster %s", r->from->results);
    page_missing(&r->body, "No clusters to compare.", command);
    rg_free(command);
  } else {
    char *command = rg_format("regatta report %s --labels COLUMN", r->from->title);
    page_missing(&r->body, "No labels to compare clusters with.", command);
    rg_free(command);
  }
  page_put(&r->body, "</section>\n");
  return status;
}
