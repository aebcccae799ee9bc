/* What is compared, and the statistics of one column. */
#ifndef REGATTA_MARKERS_CONTRAST_H
#define REGATTA_MARKERS_CONTRAST_H

#include "columns.h"

/* The same on every rank. Borrowed. */
typedef struct rg_contrast {
  int n_groups;
  const int64_t *cells; /* of each group */
  int64_t total;        /* their sum */
  int32_t reference;    /* -1: the rest */
  bool tie_correct;
} rg_contrast;

/* Cells that group g is compared with. */
static inline int64_t rg_contrast_against(const rg_contrast *c, int g)
{
  return c->reference < 0 ? c->total - c->cells[g] : c->cells[c->reference];
}

/* Number, mean and sum of squared deviations of values; of a constant exactly 0. */
typedef struct rg_moments {
  int64_t n, nonzero;
  double mean, squares;
} rg_moments;

/* Moments of every group over the n entries of a column in the order of the cells, and of
 * what each group is compared with. `scratch` holds n_groups numbers. */
void rg_column_moments(const rg_contrast *contrast, const rg_entry *column, int64_t n,
                       rg_moments *own, rg_moments *against, double *scratch);

/* Welch's t and its degrees of freedom; 0 and 1 where neither side varies. */
double rg_welch(const rg_moments *own, const rg_moments *against, double *df);

/* z of the rank sum of every group, 0 where all are tied; `column` is sorted by value,
 * `own` as rg_column_moments leaves it. `scratch` holds 3 * n_groups numbers. */
void rg_rank_sums(const rg_contrast *contrast, const rg_entry *column, int64_t n,
                  const rg_moments *own, int64_t *scratch, double *score);

#endif
