/* The ranking: blocks of columns, one statistic per column and group, and what is best of
 * each group. */
#include "regatta/markers.h"

#include "contrast.h"
#include "regatta/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((int64_t)1 << 25) /* entries that a rank holds of a block: 256 MiB */

void rg_markers_fini(rg_markers *markers)
{
  rg_free(markers->cells);
  rg_free(markers->ranked);
  rg_free(markers->marker);
  *markers = (rg_markers){0};
}

/* ---- one column ------------------------------------------------------------------ */

/* What a thread works with. */
typedef struct scratch {
  rg_moments *own, *against;
  double *score;
  int64_t *ranks;
  rg_entry *spare;
} scratch;

static scratch scratch_new(int n_groups, int64_t longest)
{
  return (scratch){RG_NEW(rg_moments, n_groups), RG_NEW(rg_moments, n_groups),
                   RG_NEW(double, n_groups), RG_NEW(int64_t, 3 * (int64_t)n_groups),
                   RG_NEW(rg_entry, longest)};
}

static void scratch_fini(scratch *s)
{
  rg_free(s->own);
  rg_free(s->against);
  rg_free(s->score);
  rg_free(s->ranks);
  rg_free(s->spare);
}

/* This rank's features: `found` holds `room` of each group, `n` are there. */
typedef struct ranking {
  const rg_marker_options *options;
  rg_contrast contrast;
  int64_t room, n;
  rg_marker *found;
} ranking;

static double fold_of(const rg_marker_options *o, double own, double against)
{
  if (o->log1p) {
    own = expm1(own);
    against = expm1(against);
  }
  return log2((own + 1e-9) / (against + 1e-9));
}

static rg_marker marker_of(const ranking *r, const scratch *s, int g, int64_t feature)
{
  const rg_moments *own = &s->own[g], *against = &s->against[g];
  rg_marker m = {.feature = feature, .score = s->score[g]};
  m.p = rg_normal_tails(m.score);
  if (r->options->test == RG_WELCH) {
    double df;
    m.score = rg_welch(own, against, &df);
    m.p = rg_student_tails(m.score, df);
  }
  m.fold = fold_of(r->options, own->mean, against->mean);
  m.share = (double)own->nonzero / (double)own->n;
  m.share_reference = (double)against->nonzero / (double)against->n;
  return m;
}

static void rank_column(ranking *r, const rg_columns *columns, int64_t f, scratch *s)
{
  const rg_contrast *c = &r->contrast;
  rg_entry *column = columns->entry + columns->first[f];
  int64_t n = columns->first[f + 1] - columns->first[f];
  rg_column_moments(c, column, n, s->own, s->against, s->score);
  if (r->options->test == RG_WILCOXON) {
    rg_column_sort(column, s->spare, n);
    rg_rank_sums(c, column, n, s->own, s->ranks, s->score);
  }
  for (int g = 0; g < c->n_groups; g++)
    r->found[g * r->room + r->n + f] = marker_of(r, s, g, columns->low + f);
}

static void rank_columns(ranking *r, const rg_columns *columns)
{
  int64_t longest = 0;
  for (int64_t f = 0; f < columns->n; f++)
    if (columns->first[f + 1] - columns->first[f] > longest)
      longest = columns->first[f + 1] - columns->first[f];
#pragma omp parallel
  {
    scratch s = scratch_new(r->contrast.n_groups, longest);
#pragma omp for schedule(dynamic, 8)
    for (int64_t f = 0; f < columns->n; f++) {
      rg_pace_at(r->n + f, NULL);
      rank_column(r, columns, f, &s);
    }
    scratch_fini(&s);
  }
  r->n += columns->n;
}

/* Features block by block. Collective. */
static void rank_blocks(rg_comm *comm, const rg_csr *values, const int32_t *group,
                        ranking *r)
{
  int ranks = rg_size(comm);
  int64_t most = (r->options->block > 0 ? r->options->block : BLOCK) * ranks;
  int64_t entries = rg_csr_nnz(values), cols = values->cols;
  rg_sum_i64(comm, &entries, 1);
  int64_t blocks = entries / most + 1;
  blocks = blocks < cols ? blocks : cols;
  for (int64_t b = 0; b < blocks; b++) {
    rg_range block = {cols * b / blocks, cols * (b + 1) / blocks};
    r->room += rg_range_n(rg_part(rg_range_n(block), rg_rank(comm), ranks));
  }
  r->found = RG_NEW(rg_marker, r->room * r->contrast.n_groups);
  rg_pace_begin("markers", r->room, "features");
  for (int64_t b = 0; b < blocks; b++) {
    rg_range block = {cols * b / blocks, cols * (b + 1) / blocks};
    rg_columns columns = rg_columns_deal(comm, values, group, block);
    rank_columns(r, &columns);
    rg_columns_fini(&columns);
  }
  rg_pace_end();
}

/* ---- one group ------------------------------------------------------------------- */

static int by_p(const void *a, const void *b)
{
  const rg_marker *x = a, *y = b;
  return x->p != y->p ? (x->p > y->p) - (x->p < y->p)
                      : (x->feature > y->feature) - (x->feature < y->feature);
}

static int by_score(const void *a, const void *b)
{
  const rg_marker *x = a, *y = b;
  return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                              : (x->feature > y->feature) - (x->feature < y->feature);
}

/* Benjamini and Hochberg over the n features of a group. */
static void adjust(rg_marker *marker, int64_t n)
{
  qsort(marker, (size_t)n, sizeof *marker, by_p);
  double least = 1;
  for (int64_t i = n - 1; i >= 0; i--) {
    least = fmin(least, marker[i].p * (double)n / (double)(i + 1));
    marker[i].p_adjusted = least;
  }
}

/* Collective. */
static void collect_group(rg_comm *comm, const ranking *r, int g, rg_markers *out)
{
  int64_t bytes;
  rg_marker *all = rg_gather_all(comm, r->found + g * r->room,
                                 r->room * (int64_t)sizeof *all, NULL, &bytes);
  int64_t n = bytes / (int64_t)sizeof *all;
  adjust(all, n);
  qsort(all, (size_t)n, sizeof *all, by_score);
  memcpy(out->marker + g * out->n, all, (size_t)out->n * sizeof *all);
  rg_free(all);
}

/* ---- all ------------------------------------------------------------------------- */

/* Count cells and say which groups can be ranked. Collective. */
static rg_status count_groups(rg_comm *comm, const int32_t *group, int64_t rows,
                              ranking *r, rg_markers *out)
{
  int n = out->n_groups, ranked = 0;
  for (int64_t i = 0; i < rows; i++)
    if (group[i] >= 0)
      out->cells[group[i]]++;
  rg_sum_i64(comm, out->cells, n);
  r->contrast = (rg_contrast){.n_groups = n,
                              .cells = out->cells,
                              .reference = r->options->reference,
                              .tie_correct = r->options->tie_correct};
  for (int g = 0; g < n; g++)
    r->contrast.total += out->cells[g];
  for (int g = 0; g < n; g++) {
    out->ranked[g] = g != r->options->reference && out->cells[g] > 1 &&
                     rg_contrast_against(&r->contrast, g) > 1;
    ranked += out->ranked[g];
  }
  return ranked > 0 ? RG_OK
                    : rg_fail(RG_EINPUT, "no group can be ranked: it takes two cells in "
                                         "it and two to compare them with");
}

rg_status rg_rank_features(rg_comm *comm, const rg_csr *values, const int32_t *group,
                           int n_groups, const rg_marker_options *options,
                           rg_markers *markers)
{
  ranking r = {.options = options};
  *markers = (rg_markers){.n_groups = n_groups,
                          .n = options->top > 0 && options->top < values->cols
                                   ? options->top
                                   : values->cols,
                          .cells = RG_NEW(int64_t, n_groups),
                          .ranked = RG_NEW(bool, n_groups)};
  rg_status status = count_groups(comm, group, values->rows, &r, markers);
  if (status != RG_OK) {
    rg_markers_fini(markers);
    return status;
  }
  markers->marker = RG_NEW(rg_marker, markers->n * n_groups);
  for (int64_t i = 0; i < markers->n * n_groups; i++)
    markers->marker[i].feature = -1;
  rank_blocks(comm, values, group, &r);
  for (int g = 0; g < n_groups; g++)
    if (markers->ranked[g])
      collect_group(comm, &r, g, markers);
  rg_free(r.found);
  return RG_OK;
}
