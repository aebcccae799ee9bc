/* Cells with a label and an embedding, numbered in a keyed order and dealt out evenly. */
#include "scored.h"

#include <math.h>
#include <string.h>

static bool is_dropped(const char *label, const char *drop)
{
  size_t n = strlen(label);
  for (const char *at = drop; at && *at;) {
    size_t m = strcspn(at, ",");
    if (m == n && strncmp(at, label, n) == 0)
      return true;
    at += m + (at[m] == ',');
  }
  return false;
}

/* Number among the cells that are scored, -1 for the others. Owned. */
static int64_t *number_cells(rg_comm *comm, const rg_scored_source *source,
                             const rg_mat *main, int64_t *total)
{
  const rg_column *labels = source->labels;
  rg_key key = {.seed = source->seed, .purpose = RG_FOR_CONTROL};
  int64_t rows = rg_range_n(source->rows), here = 0, *number = RG_NEW(int64_t, rows);
  for (int64_t i = 0; i < rows; i++) {
    bool good = isfinite(rg_mat_row(main, i)[0]);
    if (labels->name)
      good = good && labels->code[i] >= 0 &&
             !is_dropped(rg_strings_at(&labels->categories, labels->code[i]), source->drop);
    number[i] = good ? here++ : -1;
  }
  int64_t first = rg_prefix_i64(comm, here, total);
  for (int64_t i = 0; i < rows; i++)
    if (number[i] >= 0)
      number[i] = rg_permuted(&key, *total, first + number[i]);
  return number;
}

/* what travels, followed by the rows of the representations */
typedef struct record {
  int64_t number;
  int32_t label, batch, cluster;
  double depth;
} record;

static int32_t code_of(const rg_column *column, int64_t i)
{
  return column->name ? column->code[i] : -1;
}

static void pack(const rg_scored_source *source, int64_t number, int64_t i,
                 const rg_mat *const *from, int n_reps, char *at)
{
  const rg_column *depth = source->depth;
  record r = {number, code_of(source->labels, i), code_of(source->batch, i),
              code_of(source->clusters, i),
              depth && depth->number ? log1p(depth->number[i]) : NAN};
  memcpy(at, &r, sizeof r);
  at += sizeof r;
  for (int k = 0; k < n_reps; k++) {
    size_t bytes = sizeof(float) * (size_t)from[k]->cols;
    memcpy(at, rg_mat_row(from[k], i), bytes);
    at += bytes;
  }
}

static void unpack(const char *at, int64_t first, rg_scored_cells *out)
{
  record r;
  memcpy(&r, at, sizeof r);
  at += sizeof r;
  int64_t i = r.number - first;
  out->label[i] = r.label;
  out->batch[i] = r.batch;
  out->cluster[i] = r.cluster;
  out->depth[i] = r.depth;
  for (int k = 0; k < out->n_reps; k++) {
    size_t bytes = sizeof(float) * (size_t)out->reps[k].mat.cols;
    memcpy(rg_mat_row(&out->reps[k].mat, i), at, bytes);
    at += bytes;
  }
}

static void receive(rg_comm *comm, const char *in, size_t width,
                    const rg_mat *const *from, rg_scored_cells *out)
{
  out->label = RG_NEW(int32_t, out->rows);
  out->batch = RG_NEW(int32_t, out->rows);
  out->cluster = RG_NEW(int32_t, out->rows);
  out->depth = RG_NEW(double, out->rows);
  for (int k = 0; k < out->n_reps; k++)
    out->reps[k].mat = rg_mat_new(out->rows, from[k]->cols);
  int64_t first = rg_part(out->total, rg_rank(comm), rg_size(comm)).low;
  for (int64_t k = 0; k < out->rows; k++)
    unpack(in + (size_t)k * width, first, out);
}

void rg_scored_deal(rg_comm *comm, const rg_scored_source *source,
                    const rg_mat *const *from, rg_scored_cells *out)
{
  int64_t rows = rg_range_n(source->rows), n = 0;
  int64_t *number = number_cells(comm, source, from[0], &out->total);
  size_t width = sizeof(record);
  for (int k = 0; k < out->n_reps; k++)
    width += sizeof(float) * (size_t)from[k]->cols;
  char *mine = rg_alloc(rows, width);
  int *to = RG_NEW(int, rows);
  for (int64_t i = 0; i < rows; i++)
    if (number[i] >= 0) {
      pack(source, number[i], i, from, out->n_reps, mine + (size_t)n * width);
      to[n++] = rg_part_owner(out->total, rg_size(comm), number[i]);
    }
  char *in = rg_scatter(comm, mine, n, (int64_t)width, to, &out->rows);
  receive(comm, in, width, from, out);
  out->n_labels = (int)source->labels->categories.n;
  out->n_batches = (int)source->batch->categories.n;
  out->n_clusters = (int)source->clusters->categories.n;
  rg_free(in);
  rg_free(to);
  rg_free(mine);
  rg_free(number);
}

void rg_scored_free(rg_scored_cells *cells)
{
  if (!cells)
    return;
  for (int k = 0; k < cells->n_reps; k++)
    rg_mat_fini(&cells->reps[k].mat);
  rg_free(cells->label);
  rg_free(cells->batch);
  rg_free(cells->cluster);
  rg_free(cells->depth);
  rg_free(cells);
}
