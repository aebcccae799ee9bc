/* Runs the cases named on the command line, or all; rank 0 prints TAP without a plan.
 * `--must-fail` runs one check that fails on the last rank only. */
#include "tests/ranks/ranks.h"

#include <stdlib.h>
#include <string.h>

extern const rg_case *const rg_cases[];

static int64_t failures;
static int this_rank;

void ranks_check(bool passed, const char *condition, const char *file, int line)
{
  if (passed)
    return;
  failures++;
  fprintf(stderr, "# %s:%d: rank %d: %s\n", file, line, this_rank, condition);
}

const char *ranks_folder(void)
{
  const char *folder = getenv("RG_RANKS_FOLDER");
  return folder ? folder : ".";
}

static void fail_on_last(rg_comm *comm)
{
  RG_CHECK(rg_rank(comm) != rg_size(comm) - 1);
}

static bool run(rg_comm *comm, const rg_case *c)
{
  failures = 0;
  c->run(comm);
  rg_sum_i64(comm, &failures, 1);
  if (this_rank == 0) {
    printf("%s - %s on %d rank%s\n", failures == 0 ? "ok" : "not ok", c->name,
           rg_size(comm), rg_size(comm) == 1 ? "" : "s");
    fflush(stdout);
  }
  return failures == 0;
}

static bool wanted(const rg_case *c, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], c->name) == 0)
      return true;
  return argc == 1;
}

int main(int argc, char **argv)
{
  rg_comm *comm = rg_comm_start(&argc, &argv);
  this_rank = rg_rank(comm);
  rg_log_start("warn", this_rank);
  bool passed = true;
  if (argc == 2 && strcmp(argv[1], "--must-fail") == 0)
    passed = run(comm, &(rg_case){"must_fail", fail_on_last});
  else
    for (int i = 0; rg_cases[i]; i++)
      if (wanted(rg_cases[i], argc, argv))
        passed &= run(comm, rg_cases[i]);
  rg_comm_stop();
  return passed ? 0 : 1;
}
