/* Memory and time of a run, by doing parts of it. */
#include "estimate.h"

#include "regatta/cluster.h"

#include <math.h>
#include <string.h>

enum { SMALLEST = 512 };

/* What one look at so many cells of the file found. */
typedef struct look {
  int64_t cells; /* of the file */
  int64_t kept;  /* of the data set */
  rg_bytes bytes;
  double reading, preparing, neighbors, cluster;
} look;

typedef struct looker {
  rg_comm *comm;
  const char *path;
  rg_plan *plan;
  const rg_estimate_options *options;
  rg_estimate *out;
  int64_t before, program; /* bytes alive at the start, and resident */
} looker;

/* ---- sums ---- */

static int64_t larger(int64_t a, int64_t b)
{
  return a > b ? a : b;
}

int64_t rg_bytes_prepare(const rg_bytes *b)
{
  return b->program + b->preparing;
}

/* While the lanes are filled, gradients and tape have been laid out but not touched. */
int64_t rg_bytes_train(const rg_bytes *b)
{
  int64_t later = b->gradients + b->tape + b->moments + b->working;
  return b->program + b->dataset + b->parameters + b->held + larger(b->filling, later);
}

int64_t rg_bytes_graph(const rg_bytes *b)
{
  return b->program + b->graph;
}

int64_t rg_bytes_most(const rg_bytes *b)
{
  return larger(rg_bytes_train(b), larger(rg_bytes_prepare(b), rg_bytes_graph(b)));
}

/* ---- looking at the data ---- */

/* Neighbours and clusters of the first embedding there is. */
static rg_status look_at_graph(const looker *l, const rg_dataset *dataset, look *found)
{
  rg_status status = RG_OK;
  const rg_mat *x = NULL;
  for (int m = 0; m < dataset->n_modalities && !x; m++)
    if (dataset->modality[m].embedding.cols > 0)
      x = &dataset->modality[m].embedding;
  rg_knn knn = {0};
  rg_csr connectivities = {0}, distances = {0};
  int32_t *label = RG_NEW(int32_t, x ? x->rows : 0);
  int n;
  double modularity, started = rg_now();
  if (!x || dataset->n_cells < 2)
    goto out;
  rg_memory_mark();
  int64_t before = rg_memory_alive() - x->rows * x->cols * (int64_t)sizeof(float);
  rg_knn_options near = {.k = dataset->n_cells > 15 ? 14 : 1,
                         .exact = l->out->cells <= RG_KNN_EXACT};
  rg_leiden_options leiden = {.resolution = 1, .iterations = -1};
  RG_TRY(rg_knn_graph(l->comm, x, &near, &knn));
  RG_TRY(rg_connectivities(l->comm, &knn, &connectivities, &distances));
  found->neighbors = rg_now() - started;
  started = rg_now();
  RG_TRY(rg_leiden(l->comm, &connectivities, &leiden, label, &n, &modularity));
  found->cluster = rg_now() - started;
  found->bytes.graph = rg_memory_high() - before;
out:
  rg_knn_fini(&knn);
  rg_csr_fini(&connectivities);
  rg_csr_fini(&distances);
  rg_free(label);
  return status;
}

static int64_t cells_in_all(const looker *l, const look *found)
{
  if (found->cells == l->out->cells)
    return 0;
  return llround((double)found->kept * (double)l->out->cells / (double)found->cells);
}

/* A session as the run will have it; timed when `timed` is given. */
static rg_status look_at_session(const looker *l, const rg_dataset *dataset,
                                 const rg_mat *teacher, int ranks, look *found,
                                 rg_tempo *tempo)
{
  rg_session *session = NULL;
  rg_rehearsal rehearsal = {ranks, cells_in_all(l, found)};
  rg_status status =
      rg_session_rehearse(l->comm, l->plan, dataset, teacher, &rehearsal, &session);
  if (status != RG_OK)
    return status;
  rg_session_bytes bytes = rg_session_memory(session);
  rg_bytes *b = &found->bytes;
  b->parameters = bytes.graph.parameters;
  b->gradients = bytes.graph.gradients;
  b->tape = bytes.graph.tape;
  b->moments = bytes.moments;
  b->held = bytes.held;
  b->filling = bytes.filling;
  if (tempo) {
    status = rg_session_time(session, l->options->seconds / 3, tempo);
    b->working = tempo->working;
    b->program = larger(b->program, tempo->beside);
  }
  rg_session_free(session);
  return status;
}

/* ---- time ---- */

static double message_seconds(const looker *l, const rg_messages *t)
{
  return t->rounds * l->options->latency + t->bytes / l->options->bandwidth;
}

/* The sums of the steps and of what they agree on. */
static void add_up(const looker *l, rg_timed *timed)
{
  const rg_tempo *tempo = &timed->tempo;
  double rounds = 2 * 2 * ceil(log2((double)timed->ranks)); /* two agreements a step */
  double longest = -1;
  for (int p = 0; p < tempo->n_phases; p++) {
    const struct rg_phase_tempo *phase = &tempo->phase[p];
    rg_messages traffic = phase->traffic;
    if (l->out->played)
      traffic.rounds += rounds;
    double compute = phase->seconds * (double)phase->iterations;
    double messages = message_seconds(l, &traffic) * (double)phase->iterations;
    double epoch = compute + messages + tempo->validation;
    timed->total += epoch * (double)phase->epochs;
    if (epoch * (double)phase->epochs > longest) {
      longest = epoch * (double)phase->epochs;
      timed->compute = compute;
      timed->messages = messages;
      timed->epoch = epoch;
    }
  }
}

static rg_status time_grid(looker *l, const rg_dataset *dataset, const rg_mat *teacher,
                           int ranks, const char *grid, look *found, rg_timed *timed)
{
  rg_status status = RG_OK;
  char *kept = l->plan->train.grid;
  *timed = (rg_timed){.ranks = ranks};
  l->plan->train.grid = rg_strdup(grid ? grid : kept);
  RG_TRY(look_at_session(l, dataset, teacher, ranks, found, &timed->tempo));
  snprintf(timed->grid, sizeof timed->grid, "%dx%d", timed->tempo.lane_groups,
           timed->tempo.feature_groups);
  timed->bytes = found->bytes;
  timed->done = true;
  add_up(l, timed);
out:
  rg_free(l->plan->train.grid);
  l->plan->train.grid = kept;
  return status;
}

/* The other grid, which the recipe or its lanes may not allow, and one rank alone. */
static rg_status time_others(looker *l, const rg_dataset *dataset, const rg_mat *teacher,
                             const look *found)
{
  rg_status status = RG_OK;
  look scratch = *found;
  rg_estimate *e = l->out;
  int ranks = e->chosen.ranks;
  if (ranks == 1)
    return RG_OK;
  rg_log_hush(true);
  bool by_features = e->chosen.tempo.feature_groups == ranks;
  status = time_grid(l, dataset, teacher, ranks, by_features ? "lanes" : "features",
                     &scratch, &e->other);
  if (status != RG_EUSAGE)
    RG_TRY(status);
  status = RG_OK;
  if (e->played)
    RG_TRY(time_grid(l, dataset, teacher, 1, "lanes", &scratch, &e->alone));
out:
  rg_log_hush(false);
  return status;
}

/* ---- one look ---- */

static rg_status open_first(const looker *l, int64_t cells, rg_file **file)
{
  rg_open_options options = {.layer = l->plan->data.layer,
                             .genome = l->plan->data.genome,
                             .first_cells = cells};
  return rg_open(l->comm, l->path, &options, file);
}

/* Read the first `cells` cells (0: all) and make of them what the run would. */
static rg_status look_at(looker *l, int64_t cells, bool whole, look *found)
{
  rg_status status = RG_OK;
  rg_file *file = NULL;
  rg_dataset dataset = {0};
  rg_mat teacher = {0};
  double started = rg_now();
  rg_memory_mark();
  RG_TRY(open_first(l, cells, &file));
  *found = (look){.cells = cells > 0 ? cells : rg_file_cells(file)};
  found->bytes.program = l->program;
  found->reading = rg_now() - started;
  started = rg_now();
  RG_TRY(rg_load(file, l->plan, &dataset, &teacher));
  found->preparing = rg_now() - started;
  found->kept = dataset.n_cells;
  found->bytes.preparing = rg_memory_high() - l->before;
  found->bytes.dataset = rg_memory_alive() - l->before;
  RG_TRY(look_at_graph(l, &dataset, found));
  if (whole) {
    RG_TRY(time_grid(l, &dataset, &teacher, l->options->ranks, NULL, found,
                     &l->out->chosen));
    RG_TRY(time_others(l, &dataset, &teacher, found));
  } else {
    RG_TRY(look_at_session(l, &dataset, &teacher, l->options->ranks, found, NULL));
  }
out:
  rg_mat_fini(&teacher);
  rg_dataset_fini(&dataset);
  rg_close(file);
  return status;
}

/* ---- from looks to ranks ---- */

/* The value at `cells` on the line through two looks, never below zero. */
static int64_t at_cells(const look *a, int64_t x, const look *b, int64_t y, double cells)
{
  double slope = (double)(y - x) / (double)(b->cells - a->cells);
  return llround(fmax(0, (double)y + slope * (cells - (double)b->cells)));
}

/* What grows with the cells of a rank, and what with all cells, as it is on a rank of the
 * run. */
static void scale(const look *half, const look *all, double of_rank, double of_file,
                  rg_bytes *bytes)
{
  const rg_bytes *a = &half->bytes, *b = &all->bytes;
  bytes->preparing = at_cells(half, a->preparing, all, b->preparing, of_rank);
  bytes->dataset = at_cells(half, a->dataset, all, b->dataset, of_rank);
  bytes->filling = at_cells(half, a->filling, all, b->filling, of_rank);
  bytes->graph = at_cells(half, a->graph, all, b->graph, of_rank);
  int64_t fixed = at_cells(half, a->held, all, b->held, 0);
  double grows = 1 - (double)fixed / fmax(1, (double)b->held);
  double times = of_file / (double)all->cells; /* other grids hold other shares */
  bytes->held = llround((double)bytes->held * (1 + grows * (times - 1)));
}

static void scale_all(rg_estimate *e, const look *half, const look *all)
{
  double ranks = (double)e->chosen.ranks, cells = (double)e->cells;
  rg_timed *timed[] = {&e->chosen, &e->other, &e->alone};
  rg_bytes more = e->chosen.bytes;
  for (int k = 0; k < 3; k++)
    if (timed[k]->done)
      scale(half, all, cells / (double)timed[k]->ranks, cells, &timed[k]->bytes);
  scale(half, all, 2 * cells / ranks, 2 * cells, &more);
  e->memory_per_cell =
      (rg_bytes_most(&more) - rg_bytes_most(&e->chosen.bytes)) / (int64_t)cells;
}

static void take_seconds(rg_estimate *e, const look *found)
{
  double scale = (double)e->cells / (double)found->cells;
  double per_rank = e->played ? scale / (double)e->chosen.ranks : scale;
  e->reading = found->reading * per_rank;
  e->preparing = found->preparing * per_rank;
  bool exact = e->cells <= RG_KNN_EXACT;
  e->neighbors = found->neighbors * per_rank * (exact ? scale : 1);
  e->cluster = found->cluster * per_rank;
}

/* The largest of every part over the ranks. */
static void largest(rg_comm *comm, rg_bytes *bytes)
{
  rg_max_i64(comm, (int64_t *)bytes, (int64_t)(sizeof *bytes / sizeof(int64_t)));
}

static rg_status count_cells(const looker *l, int64_t *cells)
{
  rg_file *file = NULL;
  rg_log_hush(true);
  rg_status status = open_first(l, rg_size(l->comm) == 1 ? 1 : 0, &file);
  rg_log_hush(false);
  if (status == RG_OK)
    *cells = rg_file_cells(file);
  rg_close(file);
  return status;
}

/* Half of the sample, for what memory does as cells become more. */
static rg_status look_at_half(looker *l, int64_t cells, look *half)
{
  rg_log_hush(true);
  rg_status status = look_at(l, cells / 2, false, half);
  rg_log_hush(false);
  return status;
}

rg_status rg_estimate_make(rg_comm *comm, const char *path, rg_plan *plan,
                           const rg_estimate_options *options, rg_estimate *e)
{
  rg_status status = RG_OK;
  look half = {0}, all = {0};
  looker l = {comm, path, plan, options, e, rg_memory_alive(), rg_memory_resident()};
  *e = (rg_estimate){.played = rg_size(comm) != options->ranks};
  RG_TRY(count_cells(&l, &e->cells));
  bool sampled = rg_size(comm) == 1 && options->sample > 0 && options->sample < e->cells;
  e->sample = sampled ? options->sample : e->cells;
  bool lines = rg_size(comm) == 1 && e->sample >= SMALLEST; /* else: as it is */
  if (lines)
    RG_TRY(look_at_half(&l, e->sample, &half));
  RG_TRY(look_at(&l, sampled ? e->sample : 0, true, &all));
  if (lines)
    scale_all(e, &half, &all);
  take_seconds(e, &all);
  largest(comm, &e->chosen.bytes);
  largest(comm, &e->other.bytes);
out:
  return status;
}
