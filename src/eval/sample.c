/* A keyed sample of cells for scores that need all pairs. */
#include "internal.h"

#include <math.h>
#include <string.h>

void rg_score_add(rg_score *scores, int *n, const char *name, double value)
{
  snprintf(scores[*n].name, sizeof scores[*n].name, "%s", name);
  scores[(*n)++].value = value;
}

/* fixed part of a record, followed by the row */
typedef struct head {
  int32_t label, batch;
  double depth;
} head;

rg_sample rg_sample_cells(rg_comm *comm, const rg_scored *scored, int64_t most)
{
  int64_t rows = scored->embedding->rows, cols = scored->embedding->cols, total;
  int64_t first = rg_prefix_i64(comm, rows, &total);
  rg_key key = {.seed = scored->seed, .purpose = RG_FOR_SPLIT};
  size_t width = sizeof(head) + sizeof(float) * (size_t)cols;
  char *mine = rg_alloc(rows, width);
  int64_t taken = 0;
  for (int64_t i = 0; i < rows; i++) {
    if (total > most && rg_permuted(&key, total, first + i) >= most)
      continue;
    head h = {scored->label ? scored->label[i] : -1, scored->batch ? scored->batch[i] : -1,
              scored->depth ? scored->depth[i] : NAN};
    char *at = mine + (size_t)taken++ * width;
    memcpy(at, &h, sizeof h);
    memcpy(at + sizeof h, rg_mat_row(scored->embedding, i), width - sizeof h);
  }
  int64_t bytes;
  char *all = rg_gather_all(comm, mine, taken * (int64_t)width, NULL, &bytes);
  rg_sample sample = {.n = bytes / (int64_t)width, .cols = cols};
  sample.x = RG_NEW(float, sample.n * cols);
  sample.label = RG_NEW(int32_t, sample.n);
  sample.batch = RG_NEW(int32_t, sample.n);
  sample.depth = RG_NEW(double, sample.n);
  for (int64_t i = 0; i < sample.n; i++) {
    head h;
    memcpy(&h, all + (size_t)i * width, sizeof h);
    sample.label[i] = h.label;
    sample.batch[i] = h.batch;
    sample.depth[i] = h.depth;
    memcpy(sample.x + i * cols, all + (size_t)i * width + sizeof h, width - sizeof h);
  }
  rg_free(all);
  rg_free(mine);
  return sample;
}

void rg_sample_fini(rg_sample *sample)
{
  rg_free(sample->x);
  rg_free(sample->label);
  rg_free(sample->batch);
  rg_free(sample->depth);
  *sample = (rg_sample){0};
}
