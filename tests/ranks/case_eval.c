/* Every metric on any number of ranks: what one rank finds. */
#include "regatta/eval.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { CELLS = 397, DIMS = 6, LABELS = 4, BATCHES = 3 };

/* The data of all ranks; `part` copies a rank's rows. */
typedef struct data {
  rg_mat x, y;
  int32_t *label, *batch, *cluster;
  double *depth;
} data;

static data data_new(int64_t rows)
{
  data d = {rg_mat_new(rows, DIMS), rg_mat_new(rows, DIMS), RG_NEW(int32_t, rows),
            RG_NEW(int32_t, rows), RG_NEW(int32_t, rows), RG_NEW(double, rows)};
  return d;
}

static void data_fini(data *d)
{
  rg_mat_fini(&d->x);
  rg_mat_fini(&d->y);
  rg_free(d->label);
  rg_free(d->batch);
  rg_free(d->cluster);
  rg_free(d->depth);
}

/* Blobs, a noisy copy, and two cells that lack the other modality. */
static data planted(void)
{
  data d = data_new(CELLS);
  rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};
  for (int i = 0; i < CELLS; i++) {
    float noise[DIMS], *x = rg_mat_row(&d.x, i), *y = rg_mat_row(&d.y, i);
    rg_normals(&key, (uint64_t)i, DIMS, x);
    rg_normals(&key, (uint64_t)(CELLS + i), DIMS, noise);
    d.label[i] = i % LABELS;
    d.batch[i] = i % BATCHES;
    d.cluster[i] = i % 5 ? d.label[i] : -1;
    x[d.label[i]] += 4;
    x[5] += (float)d.batch[i];
    for (int j = 0; j < DIMS; j++)
      y[j] = x[j] + 0.3F * noise[j];
    d.depth[i] = (double)x[1] + (double)noise[2];
  }
  rg_mat_row(&d.y, 3)[0] = NAN;
  rg_mat_row(&d.y, CELLS - 1)[4] = NAN;
  return d;
}

static data part_of(rg_comm *comm, const data *all)
{
  rg_range r = rg_part(CELLS, rg_rank(comm), rg_size(comm));
  data d = data_new(rg_range_n(r));
  for (int64_t i = r.low; i < r.high; i++) {
    memcpy(rg_mat_row(&d.x, i - r.low), rg_mat_row(&all->x, i), DIMS * sizeof(float));
    memcpy(rg_mat_row(&d.y, i - r.low), rg_mat_row(&all->y, i), DIMS * sizeof(float));
    d.label[i - r.low] = all->label[i];
    d.batch[i - r.low] = all->batch[i];
    d.cluster[i - r.low] = all->cluster[i];
    d.depth[i - r.low] = all->depth[i];
  }
  return d;
}

/* All scores of all metrics. */
static int scores_of(rg_comm *comm, const data *d, rg_score *scores)
{
  rg_knn knn;
  rg_csr connectivities, distances;
  rg_knn_options options = {.k = 15, .exact = true};
  RG_CHECK(rg_knn_graph(comm, &d->x, &options, &knn) == RG_OK);
  RG_CHECK(rg_connectivities(comm, &knn, &connectivities, &distances) == RG_OK);
  rg_scored scored = {.embedding = &d->x, .second = &d->y, .label = d->label,
                      .n_labels = LABELS, .batch = d->batch, .n_batches = BATCHES,
                      .cluster = d->cluster, .n_clusters = LABELS, .depth = d->depth,
                      .knn = &knn, .connectivities = &connectivities, .seed = 3};
  int n = 0;
  for (int m = 0; rg_metrics[m]; m++) {
    int k = 0;
    RG_CHECK(rg_metrics[m]->compute(comm, &scored, scores + n, &k) == RG_OK);
    RG_CHECK(k > 0 && k <= 8);
    n += k;
  }
  rg_knn_fini(&knn);
  rg_csr_fini(&connectivities);
  rg_csr_fini(&distances);
  return n;
}

static void run(rg_comm *comm)
{
  data all = planted(), mine = part_of(comm, &all);
  rg_score *spread = RG_NEW(rg_score, 128), *alone = RG_NEW(rg_score, 128);
  int n = scores_of(comm, &mine, spread);
  RG_CHECK(n == scores_of(rg_comm_self(), &all, alone));
  for (int k = 0; k < n; k++) {
    RG_CHECK(strcmp(spread[k].name, alone[k].name) == 0);
    RG_CHECK(isfinite(alone[k].value));
    bool same = spread[k].value == alone[k].value;
    RG_CHECK(same);
    if (!same)
      fprintf(stderr, "# %s: %.17g, alone %.17g\n", alone[k].name, spread[k].value,
              alone[k].value);
  }
  rg_free(spread);
  rg_free(alone);
  data_fini(&mine);
  data_fini(&all);
}

const rg_case rg_case_eval = {"eval", run};
