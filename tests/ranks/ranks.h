/* Cases that run on several ranks. A case is a file case_NAME.c with a record
 * rg_case_NAME at its end; every rank runs it, and it fails when any check fails on any
 * rank. A failed check does not leave the case: the ranks stay in step. */
#ifndef RG_TESTS_RANKS_H
#define RG_TESTS_RANKS_H

#include "regatta/comm.h"

typedef struct rg_case {
  const char *name;
  void (*run)(rg_comm *comm);
} rg_case;

/** Note a failure of this rank, with place and condition. Not collective. */
#define RG_CHECK(condition)                                                             \
  ranks_check((condition), #condition, __FILE__, __LINE__)
void ranks_check(bool passed, const char *condition, const char *file, int line);

/** A folder for files of this launch, the same on every rank, removed after it.
 *  Not collective. */
const char *ranks_folder(void);

#endif
