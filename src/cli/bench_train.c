/* bench train: whole steps of a recipe on synthetic counts: batches, tape, messages,
 * updates. */

#include "bench.h"

#include "regatta/train.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

/* ---- data ------------------------------------------------------------------------ */

/* Random peaks in blocks; nothing to learn, and nothing that is faster to compute. */
static void make_dataset(const rg_call *call, rg_dataset *dataset)
{
  const rg_bench_options *o = call->options;
  rg_range mine = rg_part(o->cells, rg_rank(call->comm), rg_size(call->comm));
  int64_t rows = rg_range_n(mine);
  *dataset = (rg_dataset){.n_cells = o->cells,
                          .rows = mine,
                          .source = RG_NEW(int64_t, rows), .n_modalities = 1,
                                           .modality = RG_NEW(rg_prepared_modality, 1)};
  rg_prepared_modality *atac = dataset->modality;
  atac->name = rg_strdup("atac");
  atac->counts = rg_bench_counts(o, mine.low, mine.high);
  atac->counts.values = RG_NEW(float, rg_csr_nnz(&atac->counts));
  for (int64_t e = 0; e < rg_csr_nnz(&atac->counts); e++)
    atac->counts.values[e] = 1.0f;
  atac->chromosome = RG_NEW(int32_t, o->features);
  for (int64_t b = 0; b < o->blocks; b++)
    for (int64_t f = o->features * b / o->blocks; f < o->features * (b + 1) / o->blocks;
         f++)
      atac->chromosome[f] = (int32_t)b;
  char text[32];
  for (int64_t f = 0; f < o->features; f++)
    rg_strings_add(&atac->features, text,
                   snprintf(text, sizeof text, "f%lld", (long long)f));
  atac->present = RG_NEW(bool, rows);
  atac->depth = RG_NEW(double, rows);
  for (int64_t i = 0; i < rows; i++) {
    rg_strings_add(&dataset->names, text,
                   snprintf(text, sizeof text, "c%lld", (long long)(mine.low + i)));
    dataset->source[i] = mine.low + i;
    atac->present[i] = true;
    atac->depth[i] = (double)(atac->counts.indptr[i + 1] - atac->counts.indptr[i]);
  }
}

static rg_mat make_teacher(const rg_bench_options *o, rg_range rows)
{
  rg_mat teacher = rg_mat_new(rg_range_n(rows), 50);
  const rg_key key = {.seed = (uint64_t)o->seed, .purpose = RG_FOR_TEST};
  for (int64_t i = 0; i < teacher.rows; i++)
    rg_normals(&key, (uint64_t)(rows.low + i), (int)teacher.cols,
               rg_mat_row(&teacher, i));
  return teacher;
}

/* ---- clock ----------------------------------------------------------------------- */

typedef struct clock_hand {
  rg_bench_time last;
  int64_t seen, warm, n;
  int64_t sent_before,
      sent_after; /* bytes, at the first and after the last timed step */
  rg_bench_time *times;
} clock_hand;

/* the trainer tells of every step */
static void tick(void *self, int64_t done, int64_t total, const char *note)
{
  clock_hand *hand = self;
  int64_t sent, received;
  rg_comm_bytes(&sent, &received);
  if (hand->seen + 1 == hand->warm)
    hand->sent_before = sent;
  if (hand->seen + 1 == hand->warm + hand->n)
    hand->sent_after = sent;
  if (hand->seen >= hand->warm && hand->seen < hand->warm + hand->n)
    hand->times[hand->seen - hand->warm] = rg_bench_since(hand->last);
  hand->seen++;
  hand->last = rg_bench_now();
  (void)done, (void)total, (void)note;
}

/* ---- plan ------------------------------------------------------------------------ */

/* the sizes of the command as assignments, then those of the user */
static rg_status make_plan(const rg_call *call, rg_plan *plan)
{
  enum { OWN = 5 };
  const rg_bench_options *o = call->options;
  char *assignments[OWN + 1] = {
      rg_format("train.batch=%lld", (long long)o->batch),
      rg_format("train.lanes=%lld", (long long)o->lanes),
      rg_format("train.seed=%lld", (long long)o->seed),
      rg_format("train.max_steps=%lld", (long long)o->steps + 4),
      rg_format("train.checkpoint_epochs=0"),
  };
  char **all = RG_NEW(char *, OWN + call->n_assignments);
  memcpy(all, assignments, OWN * sizeof *all);
  if (call->n_assignments)
    memcpy(all + OWN, call->assignments, (size_t)call->n_assignments * sizeof *all);
  const rg_sources sources = {.file = call->config,
                              .n_assignments = OWN + call->n_assignments,
                              .assignments = all,
                              .recipe = o->recipe};
  rg_status status = rg_plan_make(call->comm, &sources, plan);
  rg_free(all);
  for (int i = 0; i < OWN; i++)
    rg_free(assignments[i]);
  return status;
}

/* A scratch folder of rank 0 for the trainer's records, known to all ranks. Collective. */
static rg_status make_folder(rg_comm *comm, char path[256])
{
  rg_status status = RG_OK;
  if (rg_rank(comm) == 0) {
    const char *base = getenv("TMPDIR");
    snprintf(path, 256, "%s/regatta-bench-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path))
      status = rg_fail(RG_EFAIL, "%s: cannot make a scratch folder; set TMPDIR", path);
  }
  rg_broadcast(comm, path, 256, 0);
  return rg_agree(comm, status);
}

static int remove_one(const char *path, const struct stat *about, int kind,
                      struct FTW *place)
{
  (void)about, (void)kind, (void)place;
  return remove(path);
}

/* ---- measurement ----------------------------------------------------------------- */

/* Train until enough steps are timed; being stopped then is what was asked for. */
static rg_status train(const rg_call *call, const rg_plan *plan,
                       const rg_dataset *dataset, const char *folder, clock_hand *hand)
{
  rg_status status = RG_OK;
  const rg_watch watch = {tick, hand};
  rg_session *session = NULL;
  rg_outcome outcome;
  rg_mat teacher = make_teacher(call->options, dataset->rows);
  RG_TRY(rg_session_new(call->comm, plan, dataset, &teacher, &session));
  hand->last = rg_bench_now();
  status = rg_train(session, folder, false, &watch, &outcome);
  if (status == RG_ESTOPPED)
    status = RG_OK;
out:
  rg_session_free(session);
  rg_mat_fini(&teacher);
  return status;
}

rg_status rg_bench_train(const rg_call *call)
{
  rg_status status = RG_OK;
  const rg_bench_options *o = call->options;
  char folder[256] = "";
  rg_plan plan = {0};
  rg_dataset dataset = {0};
  clock_hand hand = {
      .warm = 3, .n = o->steps, .times = RG_NEW(rg_bench_time, o->steps)};
  RG_TRY(make_plan(call, &plan));
  RG_TRY(make_folder(call->comm, folder));
  make_dataset(call, &dataset);
  RG_TRY(train(call, &plan, &dataset, folder, &hand));
  if (hand.seen < hand.warm + hand.n)
    RG_TRY(rg_fail(RG_EUSAGE,
                   "only %lld steps were made; ask for fewer by --steps, or for "
                   "more cells or epochs",
                   (long long)hand.seen));
  rg_bench_line line = {.name = "train",
                        .n = (int)o->steps,
                        .times = hand.times,
                        .cells = (double)o->batch,
                        .sent = (double)(hand.sent_after - hand.sent_before) /
                                (double)o->steps};
  rg_bench_say(call, &line);
out:
  if (folder[0] && rg_rank(call->comm) == 0)
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  rg_dataset_fini(&dataset);
  rg_plan_fini(&plan);
  rg_free(hand.times);
  return status;
}
