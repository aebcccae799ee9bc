/* Do the batches among the neighbours of a cell look like those of its label? */
#include "internal.h"

#include "regatta/graph.h"
#include "regatta/kernels.h"

#include <math.h>
#include <string.h>

enum { FEWEST = 10, MOST = 70 }; /* cells of a neighbourhood, the cell itself included */
static const double level = 0.05;

/* Cells of one label that have a batch: this rank's rows, and the batches of all. Owned. */
typedef struct part {
  rg_mat x;
  int64_t total;
  int32_t *batch;  /* of all ranks, in rank order */
  int64_t *cells;  /* of each batch */
  int n_batches;   /* that have cells */
} part;

static void part_fini(part *p)
{
  rg_mat_fini(&p->x);
  rg_free(p->batch);
  rg_free(p->cells);
}

/* Collective. */
static part part_of(rg_comm *comm, const rg_scored *scored, int label)
{
  const rg_mat *x = scored->embedding;
  part p = {.x = rg_mat_new(x->rows, x->cols), .cells = RG_NEW(int64_t, scored->n_batches)};
  int32_t *mine = RG_NEW(int32_t, x->rows);
  int64_t n = 0, bytes;
  for (int64_t i = 0; i < x->rows; i++)
    if (scored->label[i] == label && scored->batch[i] >= 0) {
      memcpy(rg_mat_row(&p.x, n), rg_mat_row(x, i), sizeof(float) * (size_t)x->cols);
      mine[n++] = scored->batch[i];
    }
  p.x.rows = n;
  p.batch = rg_gather_all(comm, mine, n * (int64_t)sizeof *mine, NULL, &bytes);
  p.total = bytes / (int64_t)sizeof *mine;
  for (int64_t i = 0; i < p.total; i++)
    p.cells[p.batch[i]]++;
  for (int b = 0; b < scored->n_batches; b++)
    p.n_batches += p.cells[b] > 0;
  rg_free(mine);
  return p;
}

/* Pearson's test of the batches of a cell and its neighbours. */
static bool is_rejected(const part *p, int n_batches, const int64_t *near, int k,
                        int64_t self, int64_t *count)
{
  memset(count, 0, sizeof *count * (size_t)n_batches);
  count[p->batch[self]]++;
  int size = 1;
  for (int j = 0; j < k; j++)
    if (near[j] >= 0) {
      count[p->batch[near[j]]]++;
      size++;
    }
  double chi2 = 0;
  for (int b = 0; b < n_batches; b++)
    if (p->cells[b] > 0) {
      double expected = (double)p->cells[b] / (double)p->total * size;
      double off = (double)count[b] - expected;
      chi2 += off * off / expected;
    }
  return rg_chi2_tail(chi2, p->n_batches - 1) < level;
}

/* Share of the cells of a label that are not rejected. Collective. */
static rg_status accepted(rg_comm *comm, const part *p, int n_batches, double *share)
{
  int64_t quarter = p->total / p->n_batches / 4;
  quarter = quarter > FEWEST ? quarter : FEWEST;
  rg_knn_options options = {.k = (int)(quarter < MOST ? quarter : MOST) - 1,
                            .exact = true};
  rg_knn knn = {0};
  rg_status status = rg_knn_graph(comm, &p->x, &options, &knn);
  if (status != RG_OK)
    return status;
  int64_t first = rg_prefix_i64(comm, p->x.rows, NULL), rejected = 0;
  int64_t *count = RG_NEW(int64_t, n_batches);
  for (int64_t i = 0; i < p->x.rows; i++)
    rejected += is_rejected(p, n_batches, knn.index + i * knn.k, knn.k, first + i, count);
  rg_sum_i64(comm, &rejected, 1);
  *share = 1 - (double)rejected / (double)p->total;
  rg_free(count);
  rg_knn_fini(&knn);
  return RG_OK;
}

static rg_status compute(rg_comm *comm, const rg_scored *scored, rg_score *scores, int *n)
{
  rg_status status = RG_OK;
  double sum = 0, labels = 0;
  rg_pace_begin("kbet", scored->n_labels, "labels");
  for (int l = 0; status == RG_OK && l < scored->n_labels; l++) {
    rg_pace_at(l, NULL);
    part p = part_of(comm, scored, l);
    if (p.total >= FEWEST && p.n_batches > 1) {
      double share = 0;
      status = accepted(comm, &p, scored->n_batches, &share);
      sum += share;
      labels++;
    }
    part_fini(&p);
  }
  rg_pace_end();
  if (status == RG_OK)
    rg_score_add(scores, n, "kbet", labels > 0 ? sum / labels : NAN);
  return status;
}

const rg_metric rg_metric_kbet = {
    .name = "kbet",
    .cite = "Buettner et al. 2019 (kBET), by label as in theislab/scib",
    .help = "acceptance rate of a chi-square test (5 %) of the batches among the nearest "
            "cells of the label, a quarter of the mean batch but 10 to 70: mean over "
            "labels of ten cells and two batches",
    .needs = RG_NEEDS_LABELS | RG_NEEDS_BATCH,
    .higher_is_better = true,
    .compute = compute};
