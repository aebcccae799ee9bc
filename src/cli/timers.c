/* RUN/timers.csv and RUN/ranks.csv: what every rank took, waited for and sent.
 *
 * Scopes are matched by name: a rank may have some that others lack. */
#include "regatta/kernels.h"
#include "work.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- rows: the scopes of any rank ------------------------------------------------ */

enum { SENT, RECEIVED, MESSAGES, ROUNDS, COUNTS };

typedef struct rows {
  rg_strings path;
  int64_t *calls, *count; /* count: n x COUNTS */
  double *seconds, *waited, *busy; /* busy: outside waits */
} rows;

static void add_path(void *self, const rg_scope *scope)
{
  rg_strings_add(self, scope->path, -1);
}

/* The names of this rank, each ended by a zero. */
static char *joined(const rg_strings *names, int64_t *n)
{
  *n = 0;
  for (int64_t k = 0; k < names->n; k++)
    *n += (int64_t)strlen(rg_strings_at(names, k)) + 1;
  char *text = RG_NEW(char, *n), *at = text;
  for (int64_t k = 0; k < names->n; k++)
    at = strcpy(at, rg_strings_at(names, k)) + strlen(rg_strings_at(names, k)) + 1;
  return text;
}

/* Names of all ranks, each once: those of rank 0 first, in order. */
static void find_rows(rg_comm *comm, rows *r)
{
  rg_strings mine = {0};
  rg_timer_each(add_path, &mine);
  int64_t n, total;
  char *text = joined(&mine, &n), *all = rg_gather_all(comm, text, n, NULL, &total);
  for (const char *at = all; at < all + total; at += strlen(at) + 1)
    if (rg_strings_find(&r->path, at) < 0)
      rg_strings_add(&r->path, at, -1);
  n = r->path.n;
  r->calls = RG_NEW(int64_t, n);
  r->count = RG_NEW(int64_t, n *COUNTS);
  r->seconds = RG_NEW(double, n);
  r->waited = RG_NEW(double, n);
  r->busy = RG_NEW(double, n);
  rg_free(all);
  rg_free(text);
  rg_strings_fini(&mine);
}

static void rows_fini(rows *r)
{
  rg_strings_fini(&r->path);
  rg_free(r->calls);
  rg_free(r->count);
  rg_free(r->seconds);
  rg_free(r->waited);
  rg_free(r->busy);
}

static void put(int64_t *count, const rg_traffic *t)
{
  count[SENT] = t->sent;
  count[RECEIVED] = t->received;
  count[MESSAGES] = t->messages;
  count[ROUNDS] = t->rounds;
}

static void fill(void *self, const rg_scope *scope)
{
  rows *r = self;
  int64_t k = rg_strings_find(&r->path, scope->path);
  if (k < 0)
    return; /* opened since the names were collected: none is */
  r->calls[k] = scope->calls;
  r->seconds[k] = scope->seconds;
  r->waited[k] = scope->traffic.seconds;
  r->busy[k] = scope->seconds - scope->traffic.seconds;
  put(r->count + k * COUNTS, &scope->traffic);
}

/* ---- over ranks ------------------------------------------------------------------ */

/* The lowest rank with the most seconds. */
static int64_t *slowest(rg_comm *comm, const rows *r, const double *most)
{
  int64_t n = r->path.n, *rank = RG_NEW(int64_t, n);
  for (int64_t k = 0; k < n; k++)
    rank[k] = r->seconds[k] >= most[k] ? rg_rank(comm) : rg_size(comm);
  rg_min_i64(comm, rank, n);
  return rank;
}

static double *copy(const double *x, int64_t n)
{
  double *y = RG_NEW(double, n);
  return memcpy(y, x, sizeof *y * (size_t)n);
}

/* The row of scope k; seconds and counts are those over ranks by now. */
static char *row_text(const rows *r, int64_t k, int ranks, double least, double most,
                      double sum, int64_t rank)
{
  const int64_t *c = r->count + k * COUNTS;
  return rg_format("%s,%lld,%.6f,%.6f,%.6f,%lld,%lld,%lld,%lld,%lld,%.6f,%.6f\n",
                   rg_strings_at(&r->path, k), (long long)r->calls[k], least, sum / ranks,
                   most, (long long)rank, (long long)c[SENT], (long long)c[RECEIVED],
                   (long long)c[MESSAGES], (long long)c[ROUNDS], r->waited[k] / ranks,
                   r->busy[k]);
}

static char *timers_text(rg_comm *comm, rows *r)
{
  int64_t n = r->path.n;
  double *least = copy(r->seconds, n), *most = copy(r->seconds, n);
  double *sum = copy(r->seconds, n);
  rg_min_f64(comm, least, n);
  rg_max_f64(comm, most, n);
  rg_max_f64(comm, r->busy, n);
  rg_sum_f64(comm, sum, n);
  rg_sum_f64(comm, r->waited, n);
  rg_max_i64(comm, r->calls, n);
  rg_sum_i64(comm, r->count, n * COUNTS);
  int64_t *rank = slowest(comm, r, most);
  char *text = rg_strdup("phase,calls,min_s,mean_s,max_s,max_rank,sent_bytes,"
                         "received_bytes,messages,rounds,wait_s,max_busy_s\n");
  for (int64_t k = 0; k < n; k++) {
    char *row = row_text(r, k, rg_size(comm), least[k], most[k], sum[k], rank[k]);
    char *more = rg_format("%s%s", text, row);
    rg_free(row);
    rg_free(text);
    text = more;
  }
  rg_free(least);
  rg_free(most);
  rg_free(sum);
  rg_free(rank);
  return text;
}

/* ---- ranks ----------------------------------------------------------------------- */

static int64_t cells_here;

void rg_work_cells(int64_t cells)
{
  cells_here = cells;
}

static double processor_seconds(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static char *rank_line(rg_comm *comm, const rg_traffic *t)
{
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return rg_format("%s%d,%s,%d,%lld,%lld,%.3f,%lld,%lld,%lld,%lld,%.6f\n",
                   rg_rank(comm) == 0 ? "rank,host,threads,peak_memory_bytes,cells,cpu_s,"
                                        "sent_bytes,received_bytes,messages,rounds,wait_s\n"
                                      : "",
                   rg_rank(comm), host, rg_threads(), (long long)rg_memory_peak(),
                   (long long)cells_here, processor_seconds(), (long long)t->sent,
                   (long long)t->received, (long long)t->messages, (long long)t->rounds,
                   t->seconds);
}

static rg_status write_ranks(rg_comm *comm, const char *run, const rg_traffic *traffic)
{
  char *path = rg_format("%s/ranks.csv", run), *line = rank_line(comm, traffic);
  rg_status status = rg_write_texts(comm, path, line, (int64_t)strlen(line));
  rg_free(line);
  rg_free(path);
  return status;
}

rg_status rg_work_timers(rg_comm *comm, const char *run)
{
  rg_status status = RG_OK;
  rows r = {0};
  rg_traffic before; /* what is written here itself is left out of the ranks */
  rg_comm_traffic(&before);
  find_rows(comm, &r);
  rg_timer_each(fill, &r);
  char *text = timers_text(comm, &r), *path = rg_format("%s/timers.csv", run);
  RG_TRY(rg_write_text(comm, path, text));
  RG_TRY(write_ranks(comm, run, &before));
out:
  rg_free(path);
  rg_free(text);
  rows_fini(&r);
  return status;
}

/* ---- the table at the end -------------------------------------------------------- */

enum { DEEPEST = 2, LEAST_PERCENT = 1 };

/* Seconds of the scopes at the top. */
static double whole(const rows *r, const double *sum)
{
  double seconds = 0;
  for (int64_t k = 0; k < r->path.n; k++)
    seconds += rg_scope_depth(rg_strings_at(&r->path, k)) == 0 ? sum[k] : 0;
  return seconds;
}

static void say_row(rg_comm *comm, const rows *r, int64_t k, const double *sum,
                    const double *most, double all)
{
  const char *path = rg_strings_at(&r->path, k);
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  int depth = rg_scope_depth(path), ranks = rg_size(comm);
  double mean = sum[k] / ranks, share = 100 * sum[k] / all;
  if (depth > DEEPEST || share < LEAST_PERCENT)
    return;
  rg_say(comm, "  %*s%-*s%9lld%11.2f%7.1f", 2 * depth, "", 22 - 2 * depth, name,
         (long long)r->calls[k], mean, share);
  if (ranks > 1)
    rg_say(comm, "%11.2f%8.0f %%", most[k] / (mean > 0 ? mean : 1),
           100 * r->waited[k] / (sum[k] > 0 ? sum[k] : 1));
  rg_say(comm, "\n");
}

void rg_work_table(rg_comm *comm)
{
  rows r = {0};
  find_rows(comm, &r);
  rg_timer_each(fill, &r);
  int64_t n = r.path.n;
  double *most = copy(r.seconds, n), *sum = copy(r.seconds, n);
  rg_max_f64(comm, most, n);
  rg_sum_f64(comm, sum, n);
  rg_sum_f64(comm, r.waited, n);
  rg_max_i64(comm, r.calls, n);
  double all = whole(&r, sum);
  bool several = rg_size(comm) > 1;
  if (all > 0)
    rg_say(comm, "%-24s%9s%11s%7s%s\n", "phase", "calls", "seconds", "%",
           several ? "  imbalance   waiting" : "");
  for (int64_t k = 0; k < n && all > 0; k++)
    say_row(comm, &r, k, sum, most, all);
  rg_free(most);
  rg_free(sum);
  rows_fini(&r);
}
