/* What the files of comm share; nothing outside src/comm (and its tests) includes it. */
#ifndef RG_COMM_PRIVATE_H
#define RG_COMM_PRIVATE_H

#include <mpi.h>

#include "regatta/comm.h"

/* A communicator of one rank makes no MPI call anywhere, so that it also works in a
 * process that never started MPI; its `mpi` is MPI_COMM_SELF. */
struct rg_comm {
  MPI_Comm mpi;
  int rank, size;
  bool owned;            /* mpi is freed with the communicator */
  MPI_Request *requests; /* pending messages: rg_wire_* */
  int64_t n_requests, room;
  void *scratch; /* kept between calls: rg_scratch */
  int64_t scratch_bytes;
};

/* ---- wire.c: messages of any length ---------------------------------------------- */

/** The longest single MPI message in bytes; a multiple of 8. Tests lower it; 0 restores
 *  the default (1 GiB). The same on every rank. Not collective. */
void rg_wire_limit(int64_t bytes);
/** The number of elements of `size` bytes that one MPI call may carry. */
int rg_wire_elements(int64_t n, int64_t size);
/** Post a message, cut into pieces; it is complete after rg_wire_wait. */
void rg_wire_send(rg_comm *comm, const void *bytes, int64_t n, int to, int tag);
void rg_wire_receive(rg_comm *comm, void *bytes, int64_t n, int from, int tag);
/** Complete every posted message. */
void rg_wire_wait(rg_comm *comm);
/** Block r of `buffer`, offset[r]..offset[r+1], is filled on rank r; fill all of them
 *  on every rank. Collective. */
void rg_wire_gather(rg_comm *comm, void *buffer, const int64_t *offset);
/** Count a collective of MPI that was called at `start` (rg_watch_begin) and is just back,
 *  and the bytes it moved, for rg_comm_traffic. */
void rg_wire_waited(rg_comm *comm, double start, int64_t sent, int64_t received);

/* ---- watch.c: ranks that wait for too long --------------------------------------- */

/** A thread that warns when ranks of this host wait, or do not run, for longer than
 *  RG_WATCH says (seconds; unset: 600; 0: never, and no thread). Collective. */
void rg_watch_start(rg_comm *comm);
/** Collective. */
void rg_watch_stop(void);
/** This rank begins to wait for others, now (rg_now); it goes on. */
double rg_watch_begin(void);
void rg_watch_end(void);

/* ---- ordered sums: way.c chooses, tree.c and butterfly.c go ---------------------- */

/** The ways of a sum. Where the number of ranks is a power of two and rank r holds node r
 *  of as many equal ones, they pair up: whole vectors, or halves of long ones. Else short
 *  vectors are gathered on all ranks, and long ones cut to a slice for each. */
typedef enum rg_sum_way {
  RG_SUM_PAIRS,
  RG_SUM_HALVES,
  RG_SUM_GATHERED,
  RG_SUM_CUT
} rg_sum_way;
/** The way of a vector of `bytes` over n items; `parts`: rank r holds rg_part(n, r). Not
 *  collective. */
rg_sum_way rg_way_of_sum(int ranks, int64_t n, bool parts, int64_t bytes);
/** Columns of a slice that travel together, and how many such pieces there are. */
enum { RG_SUM_PIECE = 64 << 10 };
int64_t rg_sum_pieces(int64_t width, int ranks);
/** out = a + b, n numbers of `size` bytes (4 or 8); out may be a. Not collective. */
void rg_sum_two(const void *a, const void *b, int64_t n, int64_t size, void *out);
/** RG_SUM_PAIRS and RG_SUM_HALVES: partial and out have `width` numbers of `size` bytes (4
 *  or 8) and may be the same. Collective. */
void rg_sum_by_pairs(rg_comm *comm, const void *partial, int64_t width, int64_t size,
                     void *out);
void rg_sum_by_halves(rg_comm *comm, const void *partial, int64_t width, int64_t size,
                      void *out);

/** Memory of the communicator, at least `bytes` long, contents undefined; valid until
 *  the next call. */
void *rg_scratch(rg_comm *comm, int64_t bytes);

/** RG_EFAIL naming `what` when any of n numbers is not finite. Not collective. */
rg_status rg_finite(const double *x, int64_t n, const char *what);

#endif
