/* Agreement: one status and one text on every rank. */
#include "private.h"

#include <string.h>

/* The culprit's status and text, on every rank; the text is owned by the caller. */
static char *tell(rg_comm *comm, int culprit, rg_status *status)
{
  const char *mine = rg_error_text();
  int64_t message[2] = {*status, (int64_t)strlen(mine)};
  rg_broadcast(comm, message, sizeof message, culprit);
  *status = (rg_status)message[0];
  char *text = RG_NEW(char, message[1] + 1);
  if (comm->rank == culprit)
    memcpy(text, mine, (size_t)message[1]);
  rg_broadcast(comm, text, message[1], culprit);
  return text;
}

rg_status rg_agree(rg_comm *comm, rg_status status)
{
  if (comm->size == 1)
    return status;
  int64_t culprit = status == RG_OK ? comm->size : comm->rank;
  rg_min_i64(comm, &culprit, 1);
  if (culprit == comm->size)
    return RG_OK;
  rg_status mine = status;
  char *text = tell(comm, (int)culprit, &status);
  bool alike = rg_all(comm, mine == status && strcmp(text, rg_error_text()) == 0);
  if (!alike)
    rg_fail(status, "%s (rank %d)", text, (int)culprit);
  rg_free(text);
  return status;
}

bool rg_same(rg_comm *comm, const void *bytes, int64_t n)
{
  if (comm->size == 1)
    return true;
  int64_t hash = (int64_t)rg_hash(bytes, (size_t)n, 0);
  int64_t most[4] = {hash, ~hash, n, ~n}; /* ~ turns the order: the maximum of ~x */
  rg_max_i64(comm, most, 4);              /* is ~ of the minimum of x */
  return most[0] == ~most[1] && most[2] == ~most[3];
}

bool rg_any(rg_comm *comm, bool x)
{
  int64_t any = x;
  rg_max_i64(comm, &any, 1);
  return any != 0;
}

bool rg_all(rg_comm *comm, bool x)
{
  int64_t all = x;
  rg_min_i64(comm, &all, 1);
  return all != 0;
}

rg_status rg_finite(const double *x, int64_t n, const char *what)
{
  int64_t bad = 0;
#pragma omp parallel for simd reduction(+ : bad)
  for (int64_t i = 0; i < n; i++)
    bad += !(x[i] - x[i] == 0.0);
  if (bad == 0)
    return RG_OK;
  return rg_fail(RG_EFAIL, "%s: %lld numbers are not finite", what, (long long)bad);
}
