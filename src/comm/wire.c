/* Messages of any length out of MPI's int counts, and the count of bytes. */
#include "private.h"

#include <string.h>

static const int64_t default_limit = (int64_t)1 << 30;
static int64_t limit = (int64_t)1 << 30;
static rg_traffic traffic;

void rg_wire_limit(int64_t bytes)
{
  RG_ASSERT(bytes >= 0 && bytes % 8 == 0 && bytes <= default_limit);
  limit = bytes ? bytes : default_limit;
}

int rg_wire_elements(int64_t n, int64_t size)
{
  int64_t most = limit / size;
  return (int)(n < most ? n : most);
}

void rg_wire_waited(rg_comm *comm, double start, int64_t sent, int64_t received)
{
  rg_watch_end();
  traffic.sent += sent;
  traffic.received += received;
  for (int reached = 1; reached < comm->size; reached *= 2)
    traffic.rounds++;
  traffic.seconds += rg_now() - start;
}

void rg_comm_traffic(rg_traffic *now)
{
  *now = traffic;
}

void rg_comm_bytes(int64_t *sent, int64_t *received)
{
  *sent = traffic.sent;
  *received = traffic.received;
}

static MPI_Request *new_request(rg_comm *comm)
{
  if (comm->n_requests == comm->room) {
    int64_t room = comm->room ? 2 * comm->room : 64;
    comm->requests =
        rg_realloc(comm->requests, comm->room, room, sizeof *comm->requests);
    comm->room = room;
  }
  return &comm->requests[comm->n_requests++];
}

void rg_wire_send(rg_comm *comm, const void *bytes, int64_t n, int to, int tag)
{
  const char *at = bytes;
  for (int64_t done = 0; done < n;) {
    int piece = rg_wire_elements(n - done, 1);
    MPI_Isend(at + done, piece, MPI_BYTE, to, tag, comm->mpi, new_request(comm));
    done += piece;
    traffic.messages++;
  }
  traffic.sent += n;
}

void rg_wire_receive(rg_comm *comm, void *bytes, int64_t n, int from, int tag)
{
  char *at = bytes;
  for (int64_t done = 0; done < n;) {
    int piece = rg_wire_elements(n - done, 1);
    MPI_Irecv(at + done, piece, MPI_BYTE, from, tag, comm->mpi, new_request(comm));
    done += piece;
  }
  traffic.received += n;
}

void rg_wire_wait(rg_comm *comm)
{
  MPI_Request *at = comm->requests;
  if (comm->n_requests == 0)
    return;
  double start = rg_watch_begin();
  for (int64_t left = comm->n_requests; left > 0;) {
    int some = left < (1 << 20) ? (int)left : 1 << 20;
    MPI_Waitall(some, at, MPI_STATUSES_IGNORE);
    at += some;
    left -= some;
  }
  rg_watch_end();
  comm->n_requests = 0;
  traffic.rounds++;
  traffic.seconds += rg_now() - start;
}

/* Blocks travel around the ring: every rank sends and receives each block once. */
static void gather_ring(rg_comm *comm, char *buffer, const int64_t *offset)
{
  int size = comm->size, next = (comm->rank + 1) % size;
  int previous = (comm->rank + size - 1) % size;
  for (int step = 0; step < size - 1; step++) {
    int give = (comm->rank - step + size) % size;
    int take = (give + size - 1) % size;
    rg_wire_receive(comm, buffer + offset[take], offset[take + 1] - offset[take],
                    previous, 0);
    rg_wire_send(comm, buffer + offset[give], offset[give + 1] - offset[give], next, 0);
    rg_wire_wait(comm);
  }
}

void rg_wire_gather(rg_comm *comm, void *buffer, const int64_t *offset)
{
  int size = comm->size, rank = comm->rank;
  if (size == 1)
    return;
  if (offset[size] > limit) {
    gather_ring(comm, buffer, offset);
    return;
  }
  int *counts = RG_NEW(int, 2 * (int64_t)size), *starts = counts + size;
  for (int r = 0; r < size; r++) {
    counts[r] = (int)(offset[r + 1] - offset[r]);
    starts[r] = (int)offset[r];
  }
  double start = rg_watch_begin();
  MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_BYTE, buffer, counts, starts, MPI_BYTE,
                 comm->mpi);
  rg_wire_waited(comm, start, (int64_t)counts[rank] * (size - 1),
                 offset[size] - counts[rank]);
  rg_free(counts);
}

void *rg_scratch(rg_comm *comm, int64_t bytes)
{
  if (bytes > comm->scratch_bytes) {
    rg_free(comm->scratch);
    comm->scratch = rg_alloc(bytes, 1);
    comm->scratch_bytes = bytes;
  }
  return comm->scratch;
}
