/* Agreement: the lowest failing rank speaks for all. */
#include "tests/ranks/ranks.h"

#include <string.h>

static rg_status fails_on(rg_comm *comm, int low, int high)
{
  int rank = rg_rank(comm);
  if (rank < low || rank > high)
    return RG_OK;
  return rg_fail(rank == low ? RG_EINPUT : RG_EFAIL, "%s%d", "file:/path is odd for ",
                 rank);
}

static rg_status section(rg_comm *comm, int low, int high, int *passed)
{
  rg_status status = RG_OK;
  RG_TRY_ALL(comm, fails_on(comm, low, high));
  *passed += 1;
out:
  return status;
}

static void check_culprits(rg_comm *comm)
{
  int size = rg_size(comm), passed = 0;
  for (int low = 0; low < size; low++)
    for (int high = low; high < size; high++) {
      RG_CHECK(section(comm, low, high, &passed) == RG_EINPUT);
      char text[80];
      snprintf(text, sizeof text, "file:/path is odd for %d", low);
      RG_CHECK(strncmp(rg_error_text(), text, strlen(text)) == 0);
      snprintf(text, sizeof text, " (rank %d)", low);
      RG_CHECK(rg_ends_with(rg_error_text(), text) == (size > 1));
      RG_CHECK(rg_same(comm, rg_error_text(), (int64_t)strlen(rg_error_text())));
      /* agreeing again on what is agreed adds nothing */
      char before[200];
      snprintf(before, sizeof before, "%s", rg_error_text());
      RG_CHECK(rg_agree(comm, RG_EINPUT) == RG_EINPUT);
      RG_CHECK(strcmp(before, rg_error_text()) == 0);
    }
  RG_CHECK(passed == 0);
  RG_CHECK(section(comm, size, size, &passed) == RG_OK && passed == 1);
}

/* The same failure everywhere is nobody's in particular. */
static void check_alike(rg_comm *comm)
{
  RG_CHECK(rg_agree(comm, rg_fail(RG_EUSAGE, "all alike")) == RG_EUSAGE);
  RG_CHECK(strcmp(rg_error_text(), "all alike") == 0);
}

static void check_same(rg_comm *comm)
{
  int rank = rg_rank(comm), size = rg_size(comm);
  double x[3] = {1, 2, 3};
  RG_CHECK(rg_same(comm, x, sizeof x));
  RG_CHECK(rg_same(comm, x, rank == 0 ? 8 : 16) == (size == 1));
  x[1] = rank == size - 1 ? 2.5 : 2;
  RG_CHECK(rg_same(comm, x, sizeof x) == (size == 1));
  RG_CHECK(rg_any(comm, rank == size - 1) && !rg_any(comm, false));
  RG_CHECK(rg_all(comm, true) && !rg_all(comm, rank != size - 1));
}

static void run(rg_comm *comm)
{
  check_culprits(comm);
  check_alike(comm);
  check_same(comm);
}

const rg_case rg_case_agree = {"agree", run};
