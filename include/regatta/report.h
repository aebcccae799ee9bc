/** report: one self-contained HTML page about a run: map of the cells, losses, scores
 *  beside controls, clusters against labels, modality coverage, time and memory, and how
 *  it was made. Figures are embedded, and also written as PNG and SVG. What the run lacks
 *  is left out, with one line that names the command that makes it. */
#ifndef REGATTA_REPORT_H
#define REGATTA_REPORT_H

#include "regatta/figure.h"

/** What the page is made from. Borrowed; NULL: not there. The files of `run` are read by
 *  name: metrics.csv, timers.csv, ranks.csv, commands.jsonl, used_config.yaml, STATUS. */
typedef struct rg_report_source {
  const char *title;   /* what is reported on: RUN or RESULTS.h5ad */
  const char *run;     /* folder of the run */
  const char *state;   /* of the run; NULL: what its STATUS says */
  const char *results; /* the file, for messages */
  const rg_annot *annot; /* its obs, uns and X_umap */
  const rg_column *clusters, *labels, *batch; /* categories over the rows of annot */
  const char *scores;  /* JSON of regatta evaluate */
  const char *recipe;
  const char *configuration; /* YAML, where the run has none */
  const rg_strings *facts;   /* name, value, name, value, ... */
  const char *figures; /* folder, there */
  const char *output;  /* the page */
} rg_report_source;

/** Draw the figures and write the page; both only when everything could be read. RG_EINPUT
 *  when a file of the run is damaged (FILE:LINE), RG_EFAIL when nothing can be written.
 *  Collective. */
rg_status rg_report(rg_comm *comm, const rg_report_source *source);

#endif
