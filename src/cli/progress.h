/** How far a piece of work is, as a line of text. */
#ifndef RG_CLI_PROGRESS_H
#define RG_CLI_PROGRESS_H

#include "regatta/base.h"

typedef struct rg_progress {
  const char *what, *unit; /* borrowed */
  int64_t total, done;     /* total 0: not known */
  double start, seen;      /* seconds: the start, when `done` was last looked at */
  double rate;             /* per second, of late */
} rg_progress;
/** Note at `now` that so much is done. Not collective. */
void rg_progress_note(rg_progress *progress, double now, int64_t done);
/** "45%  450/1000 cells  90/s  ETA 0:06  note". Not collective. */
void rg_progress_text(const rg_progress *progress, double now, const char *note, char *text,
                      size_t n);
/** "what [####....] text" in at most `width` columns. Not collective. */
void rg_progress_bar(const rg_progress *progress, const char *text, int width, char *line,
                     size_t n);
/** Seconds from one line in a log to the next, after so many seconds of work: from 5 to
 *  60. Not collective. */
double rg_progress_interval(double passed);

#endif
