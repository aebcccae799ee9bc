/* Points where a test may make the program fail. */
#include "base_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *const rg_fault_points[] = {
    "explain.sum",  /* train: sums of an explanation that are too small */
    "h5.rename",    /* io: giving a finished file its name */
    "h5.write",     /* io: writing values of an HDF5 file */
    "processor",    /* base: a processor that lacks instructions */
    "train.compose", /* train: a model that cannot be composed */
    "train.nan",    /* train: a loss that is not a number */
    "vault.rename", /* io: putting a finished container in place */
    "vault.write",  /* io: writing a block of a container */
    NULL};

/* RG_FAULT=name[:pass][@rank], parsed once */
typedef struct fault {
  bool parsed;
  char name[64];
  long pass;
  long rank; /* -1: all */
} fault;

static fault wanted;
static atomic_long passes;

static int count_points(void)
{
  int n = 0;
  while (rg_fault_points[n])
    n++;
  return n;
}

static bool is_point(const char *name)
{
  for (int i = 0; rg_fault_points[i]; i++)
    if (strcmp(rg_fault_points[i], name) == 0)
      return true;
  return false;
}

static void parse(const char *text)
{
  wanted = (fault){.parsed = true, .pass = 1, .rank = -1};
  size_t n = strcspn(text, ":@");
  if (n >= sizeof wanted.name)
    n = sizeof wanted.name - 1;
  memcpy(wanted.name, text, n);
  char *rest = (char *)text + strcspn(text, ":@");
  if (*rest == ':')
    wanted.pass = strtol(rest + 1, &rest, 10);
  if (*rest == '@')
    wanted.rank = strtol(rest + 1, &rest, 10);
  if (*rest || wanted.pass < 1 || wanted.rank < -1)
    rg_warn("RG_FAULT=%s is not name[:pass][@rank]", text);
  if (!is_point(wanted.name)) {
    const char *near = rg_nearest(wanted.name, rg_fault_points, count_points());
    rg_warn("RG_FAULT names no known point '%s'; nearest: '%s'", wanted.name,
            near ? near : rg_fault_points[0]);
  }
}

bool rg_fault(const char *name)
{
  RG_ASSERT(is_point(name));
  const char *text = getenv("RG_FAULT");
  if (!text || !*text)
    return false;
  if (!wanted.parsed)
    parse(text);
  if (strcmp(name, wanted.name) != 0 ||
      (wanted.rank >= 0 && wanted.rank != rg_log_rank()))
    return false;
  return atomic_fetch_add(&passes, 1) + 1 == wanted.pass;
}
