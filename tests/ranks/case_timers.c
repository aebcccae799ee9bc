/* RUN/timers.csv and RUN/ranks.csv: scopes that ranks do not share, and more than a few. */
#include "src/cli/work.h"
#include "tests/ranks/ranks.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 200, LINE = 512 };

/* The first line of a file of the folder that starts with `start`, or "". */
static void find_line(const char *file, const char *start, char *line)
{
  char *path = rg_format("%s/%s", ranks_folder(), file), *got = NULL;
  FILE *in = fopen(path, "r");
  RG_CHECK(in != NULL);
  while (in && (got = fgets(line, LINE, in)) && strncmp(line, start, strlen(start)) != 0)
    ;
  if (!got)
    line[0] = '\0';
  if (in)
    fclose(in);
  rg_free(path);
}

/* What is sent in a scope: rank 0 alone sends, 100 bytes to each of the others. */
static void scopes_of(rg_comm *comm)
{
  char payload[100] = {0};
  bool last = rg_rank(comm) == rg_size(comm) - 1;
  rg_timer_start("timers");
  for (int k = 0; k < MANY; k++) { /* every rank meets them in its own order */
    char *name = rg_format("s%d", (k + 7 * rg_rank(comm)) % MANY);
    rg_timer_start(name);
    rg_timer_stop(name);
    rg_free(name);
  }
  rg_timer_start("sends");
  rg_broadcast(comm, payload, sizeof payload, 0);
  rg_timer_stop("sends");
  if (last) {
    rg_timer_start("last");
    for (double start = rg_now(); rg_now() - start < 0.005;)
      ;
    rg_timer_stop("last");
  }
  rg_timer_stop("timers");
}

static void check_timers(int size)
{
  char line[LINE], *fields = line;
  for (int k = 0; k < MANY; k += MANY - 1) {
    char *start = rg_format("timers/s%d,1,", k);
    find_line("timers.csv", start, line);
    RG_CHECK(line[0] != '\0');
    rg_free(start);
  }
  long long calls = 0, rank = -1, sent = -1, received = -1;
  double least, mean, most;
  find_line("timers.csv", "timers/sends,", line);
  fields = line + strlen("timers/sends,");
  int n = sscanf(fields, "%lld,%lf,%lf,%lf,%lld,%lld,%lld", &calls, &least, &mean, &most,
                 &rank, &sent, &received);
  RG_CHECK(n == 7 && calls == 1 && least <= mean && mean <= most);
  RG_CHECK(sent == 100 * (size - 1) && received == sent);
  find_line("timers.csv", "timers/last,", line);
  fields = line + strlen("timers/last,");
  n = sscanf(fields, "%lld,%lf,%lf,%lf,%lld", &calls, &least, &mean, &most, &rank);
  RG_CHECK(n == 5 && calls == 1 && rank == size - 1);
  RG_CHECK(most >= 0.005 && (size == 1 ? least >= 0.005 : least == 0));
}

static void check_ranks(int size)
{
  char line[LINE];
  for (int r = 0; r < size; r++) {
    char *start = rg_format("%d,", r), host[256];
    find_line("ranks.csv", start, line);
    int threads;
    long long memory, cells;
    int n = sscanf(line + strlen(start), "%255[^,],%d,%lld,%lld", host, &threads, &memory,
                   &cells);
    RG_CHECK(n == 4 && threads > 0 && memory > 0 && cells == 10 + r);
    rg_free(start);
  }
  find_line("ranks.csv", "rank,host,threads,peak_memory_bytes,cells,", line);
  RG_CHECK(line[0] != '\0');
}

static void run(rg_comm *comm)
{
  scopes_of(comm);
  rg_work_cells(10 + rg_rank(comm));
  RG_CHECK(rg_work_timers(comm, ranks_folder()) == RG_OK);
  rg_barrier(comm);
  if (rg_rank(comm) == 0) {
    check_timers(rg_size(comm));
    check_ranks(rg_size(comm));
  }
  rg_work_cells(0);
}

const rg_case rg_case_timers = {"timers", run};
