/* What the sections of the page share. Counts are replicated; the page is written on
 * rank 0, by functions that are not collective. */
#ifndef REGATTA_REPORT_INTERNAL_H
#define REGATTA_REPORT_INTERNAL_H

#include "page.h"

#include "regatta/report.h"

enum { REPORT_MODALITIES = 10, REPORT_LISTED = 200 }; /* rows of a list at most */

/* Cells of each category of a column; `none` those without one. Owned. */
typedef struct tally {
  const rg_column *column; /* NULL: there is none */
  int64_t *cells;
  int64_t none;
} tally;

/* The scores of embeddings, as scores.json holds them. Owned. */
typedef struct scores {
  rg_strings names;  /* of scores */
  rg_strings series; /* the recipe's embedding, then its controls */
  double *value;     /* names x series, NaN: not there */
} scores;

typedef struct report {
  const rg_report_source *from;
  rg_comm *comm;
  int64_t cells;
  rg_strings modalities; /* those with a column depth_NAME */
  int64_t measured[REPORT_MODALITIES]; /* cells that have the modality */
  rg_column coverage;    /* which modalities a cell has */
  tally clusters, labels, batch, covered;
  int64_t *cluster_label, *batch_covered; /* contingency tables, or NULL */
  page body;
  rg_strings warnings;
  scores scores;
} report;

/* Collective: counts and pictures. */
void report_find_coverage(report *r);
void report_count(report *r, const rg_column *column, tally *t);
int64_t *report_cross(report *r, const rg_column *a, const rg_column *b);
rg_status report_draw_cells(report *r);

/* Sections, in the order of the page. */
rg_status report_cells(report *r);
rg_status report_losses(report *r);
rg_status report_scores(report *r);
rg_status report_groups(report *r);
rg_status report_coverage(report *r);
rg_status report_timing(report *r);
rg_status report_origin(report *r);
/* The top of the page, when everything else is known. */
void report_summary(report *r, page *p);

/* FOLDER/NAME.ending of the figures, with signs that files should not have replaced.
 * Owned. */
char *report_figure(const report *r, const char *kind, const char *name,
                    const char *ending);
/* RUN/NAME; owned. */
char *report_path(const report *r, const char *name);
/* A picture by its name in the folder (report_figure), and what page_image holds. */
typedef struct report_image {
  const char *kind, *name, *ending;
  const char *alt, *caption;
  bool broad;
  bool narrow; /* KIND_narrow takes its place in narrow windows */
} report_image;
rg_status report_picture(report *r, const report_image *image);
/* Value of a score of the first series, NaN without it. */
double report_score(const report *r, const char *name);

#endif
