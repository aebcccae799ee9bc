/* Sums and extremes of plain numbers, broadcast, prefix sum. */
#include "private.h"

static void allreduce(rg_comm *comm, void *x, int64_t n, MPI_Datatype type, MPI_Op op)
{
  if (comm->size == 1)
    return;
  double start = rg_watch_begin();
  char *at = x; /* the types reduced here are 8 bytes long */
  for (int64_t done = 0; done < n;) {
    int piece = rg_wire_elements(n - done, 8);
    MPI_Allreduce(MPI_IN_PLACE, at + 8 * done, piece, type, op, comm->mpi);
    done += piece;
  }
  int64_t moved = 2 * 8 * n * (comm->size - 1) / comm->size;
  rg_wire_waited(comm, start, moved, moved);
}

void rg_sum_i64(rg_comm *comm, int64_t *x, int64_t n)
{
  allreduce(comm, x, n, MPI_INT64_T, MPI_SUM);
}

void rg_min_i64(rg_comm *comm, int64_t *x, int64_t n)
{
  allreduce(comm, x, n, MPI_INT64_T, MPI_MIN);
}

void rg_max_i64(rg_comm *comm, int64_t *x, int64_t n)
{
  allreduce(comm, x, n, MPI_INT64_T, MPI_MAX);
}

void rg_min_f64(rg_comm *comm, double *x, int64_t n)
{
  allreduce(comm, x, n, MPI_DOUBLE, MPI_MIN);
}

void rg_max_f64(rg_comm *comm, double *x, int64_t n)
{
  allreduce(comm, x, n, MPI_DOUBLE, MPI_MAX);
}

/* MPI_Allreduce promises no order; the tree over ranks does. */
void rg_sum_f64(rg_comm *comm, double *x, int64_t n)
{
  rg_part_reduce_f64(comm, comm->size, x, n, x);
}

void rg_broadcast(rg_comm *comm, void *bytes, int64_t n, int root)
{
  RG_ASSERT(root >= 0 && root < comm->size);
  if (comm->size == 1)
    return;
  double start = rg_watch_begin();
  char *at = bytes;
  for (int64_t done = 0; done < n;) {
    int piece = rg_wire_elements(n - done, 1);
    MPI_Bcast(at + done, piece, MPI_BYTE, root, comm->mpi);
    done += piece;
  }
  bool sends = comm->rank == root;
  rg_wire_waited(comm, start, sends ? n * (comm->size - 1) : 0, sends ? 0 : n);
}

int64_t rg_prefix_i64(rg_comm *comm, int64_t x, int64_t *total)
{
  int64_t before = 0, sum = x;
  if (comm->size > 1) {
    double start = rg_watch_begin();
    MPI_Exscan(&x, &before, 1, MPI_INT64_T, MPI_SUM, comm->mpi);
    if (comm->rank == 0)
      before = 0; /* MPI leaves it undefined there */
    sum = before + x;
    rg_wire_waited(comm, start, 8, 8);
    rg_broadcast(comm, &sum, sizeof sum, comm->size - 1);
  }
  if (total)
    *total = sum;
  return before;
}
