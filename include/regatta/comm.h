/** comm: the only home of MPI, BLACS and ScaLAPACK. Everything above sees a communicator
 *  (rg_comm), agreement on errors, ordered sums, exchange of rows, and dense linear
 *  algebra on matrices whose rows are spread over the ranks.
 *
 *  "Collective" means: every rank of the communicator calls it, in the same order.
 *  Message sizes are 64-bit everywhere; MPI's int counts are chunked inside. A failed
 *  MPI call ends the job (it cannot be agreed on). */
#ifndef REGATTA_COMM_H
#define REGATTA_COMM_H

#include "regatta/tensor.h"

typedef struct rg_comm rg_comm;

/* ---- start and stop -------------------------------------------------------------- */

/** Start MPI and return the communicator of all ranks, owned by comm. Collective. */
rg_comm *rg_comm_start(int *argc, char ***argv);
/** True when a launcher started this process: mpirun, srun and others say so in the
 *  environment. Before rg_comm_start: Open MPI then says so itself. Not collective. */
bool rg_comm_launched(void);
/** Stop MPI. Collective. */
void rg_comm_stop(void);
/** Stop MPI and end the program with an exit code. The libraries that MPI has loaded stay
 *  until then: Open MPI 4.1 unloads them under threads that still run in them, and now and
 *  then crashes after all work is done. Works without rg_comm_start too. Collective. */
void rg_comm_exit(int code) __attribute__((noreturn));
/** This process alone, owned by comm; valid without rg_comm_start too. Not collective. */
rg_comm *rg_comm_self(void);
/** Ranks with the same colour, ordered by their rank here; owned by the caller.
 *  Collective. */
rg_comm *rg_comm_split(rg_comm *comm, int colour);
/** Collective; NULL is fine. */
void rg_comm_free(rg_comm *comm);
int rg_rank(const rg_comm *comm);
int rg_size(const rg_comm *comm);
/** Number of hosts, and of ranks on this host. Collective. */
void rg_comm_hosts(rg_comm *comm, int *hosts, int *ranks_here);
/** Cores that the ranks of this host may run on, all together: those of their bindings.
 *  Collective. */
int rg_comm_cores(rg_comm *comm);
/** Which BLAS the products come from; worse ones have higher numbers. */
typedef enum rg_blas {
  RG_BLAS_OPENBLAS_OPENMP,
  RG_BLAS_OPENBLAS_SERIAL,
  RG_BLAS_OPENBLAS_PTHREAD,
  RG_BLAS_OTHER, /* another vendor's, or it cannot be told */
  RG_BLAS_REFERENCE
} rg_blas;
/** In words. Not collective. */
const char *rg_blas_text(rg_blas blas);
/** Where a run is; of several hosts or ranks the worst. */
typedef struct rg_placement {
  int ranks, hosts, ranks_per_host;
  int threads, fewest_threads; /* of a rank */
  int cores;                   /* of a host */
  int usable;                  /* of them, by the bindings of the host's ranks together */
  int bound;                   /* that one rank's threads may use */
  int64_t excess;              /* threads of a host beyond its usable cores */
  int64_t squeezed;            /* threads of a rank beyond the cores they may use */
  rg_blas blas;
  int blas_threads;            /* OPENBLAS_NUM_THREADS; 0: not set */
} rg_placement;
/** Look. Collective. */
void rg_comm_placement(rg_comm *comm, rg_placement *placement);
/** What will make the run slow, a line each with the remedy; none when all is well. Not
 *  collective. */
void rg_placement_judge(const rg_placement *placement, rg_strings *lines);
/** Ranks, threads, hosts and cores; versions of MPI and of the BLAS: one line each from
 *  rank 0 to `out`. Collective. */
void rg_comm_machine(rg_comm *comm, FILE *out);
/** Ranks, threads, hosts and cores; versions of MPI and of the BLAS: one line each from
 *  rank 0 to `out`; and warnings. Collective. */
void rg_comm_banner(rg_comm *comm, FILE *out);
/** The start of a run: with several ranks one line of where they are, and warnings, from
 *  rank 0. Collective. */
void rg_comm_start_line(rg_comm *comm);
/** The MPI_Comm behind, for parallel HDF5: points to an MPI_Comm, MPI_COMM_SELF for one
 *  rank (of use only when MPI was started). Not collective. */
void *rg_comm_mpi(rg_comm *comm);
/** What this process has sent and received through comm so far. Bytes count as if each
 *  went straight to where it is needed, whatever the algorithm inside MPI: a gather on
 *  all sends this rank's part to every other, an all-to-all its own pieces, a broadcast
 *  is sent by its root alone, a reduction counts as reduce-scatter and allgather.
 *  Messages are those from rank to rank outside MPI's collectives. A rank waits for
 *  others in rounds: the completion of posted messages is one, a collective of MPI counts
 *  as log2(ranks) of them; with the seconds spent in all. Without what ScaLAPACK and HDF5
 *  send themselves. Scopes of time (base.h) have it by phase once MPI is started. Not
 *  collective. */
void rg_comm_traffic(rg_traffic *now);
/** The bytes of it. Not collective. */
void rg_comm_bytes(int64_t *sent, int64_t *received);
void rg_barrier(rg_comm *comm);

/* ---- agreement ------------------------------------------------------------------- */

/** Agree on a status: when any rank failed, every rank gets the status and the error
 *  text of the lowest failing rank (" (rank R)" is appended when there are several ranks
 *  and not all of them failed alike). Collective. */
rg_status rg_agree(rg_comm *comm, rg_status status);
/** RG_TRY of local work followed by agreement: the only way out of a collective
 *  section. */
#define RG_TRY_ALL(comm, expression) RG_TRY(rg_agree((comm), (expression)))
/** True when n bytes are the same on every rank. Collective. */
bool rg_same(rg_comm *comm, const void *bytes, int64_t n);
/** Logical or / and over ranks. Collective. */
bool rg_any(rg_comm *comm, bool x);
bool rg_all(rg_comm *comm, bool x);

/* ---- sums, extremes, broadcast --------------------------------------------------- */

/** Sum (exact), least and greatest over ranks, in place. Collective. */
void rg_sum_i64(rg_comm *comm, int64_t *x, int64_t n);
void rg_min_i64(rg_comm *comm, int64_t *x, int64_t n);
void rg_max_i64(rg_comm *comm, int64_t *x, int64_t n);
void rg_min_f64(rg_comm *comm, double *x, int64_t n);
void rg_max_f64(rg_comm *comm, double *x, int64_t n);
/** Sum of doubles over ranks in rank order: reproducible for one number of ranks, not
 *  across numbers of ranks (for that: rg_tree_reduce). Collective. */
void rg_sum_f64(rg_comm *comm, double *x, int64_t n);
void rg_broadcast(rg_comm *comm, void *bytes, int64_t n, int root);
/** Exclusive prefix sum over ranks; total in *total (may be NULL). Collective. */
int64_t rg_prefix_i64(rg_comm *comm, int64_t x, int64_t *total);

/** Finish an ordered sum along the tree of tensor.h. This rank holds items `mine` of n
 *  (ranges of the ranks are disjoint, contiguous, rising with the rank and cover
 *  0..n-1; a range may be empty); `partial` holds one vector of `width` per slot of
 *  rg_tree_cover(n, mine), already summed along the tree. `out` (width, may alias no
 *  input) gets the total on every rank: the same bits for every partition. Large
 *  vectors are cut over ranks (reduce-scatter, then allgather). Collective. */
void rg_tree_reduce_f32(rg_comm *comm, int64_t n, rg_range mine, const float *partial,
                        int64_t width, float *out);
void rg_tree_reduce_f64(rg_comm *comm, int64_t n, rg_range mine, const double *partial,
                        int64_t width, double *out);

/** The same where rank r holds items rg_part(n, r, size): nobody has to be told what others
 *  hold. Where n and the number of ranks are powers of two, log2(ranks) exchanges do it.
 *  Collective. */
void rg_part_reduce_f32(rg_comm *comm, int64_t n, const float *partial, int64_t width,
                        float *out);
void rg_part_reduce_f64(rg_comm *comm, int64_t n, const double *partial, int64_t width,
                        double *out);

/** Sum of all rows along the tree over them: x holds this rank's rows (rows x width, rows
 *  lie over the ranks in rank order), out (width, replicated) gets the total: the same
 *  bits on any number of ranks; zeros without rows. Collective. */
void rg_sum_rows_f64(rg_comm *comm, const double *x, int64_t rows, int64_t width,
                     double *out);

/** One rank's place in an ordered sum: it holds items `mine` of n; `parts` says that all
 *  hold those of rg_part (rg_part_reduce), else they tell each other (rg_tree_reduce). */
typedef struct rg_sum_shape {
  int ranks, rank;
  int64_t n;
  rg_range mine;
  bool parts;
} rg_sum_shape;
/** What the sum of `width` numbers of `size` bytes will add to this rank's rg_comm_traffic:
 *  bytes sent, messages, rounds; the rest is 0. Not collective. */
rg_traffic rg_sum_cost(const rg_sum_shape *shape, int64_t width, int64_t size);
/** The same of rg_gather_all, where this rank has `bytes`. Not collective. */
rg_traffic rg_gather_cost(int ranks, int64_t bytes);

/* ---- rows over ranks ------------------------------------------------------------- */

/** Rank r's part of 0..n-1 when cut into blocks as even as can be (the first n mod size
 *  ranks hold one more), and the owner of i. Not collective. */
rg_range rg_part(int64_t n, int rank, int size);
int rg_part_owner(int64_t n, int size, int64_t i);

/** Gather n bytes of every rank r (counts[r] of them), in rank order, on all ranks;
 *  returns the new buffer (owned by the caller), *total its bytes; counts may be NULL.
 *  Collective. */
void *rg_gather_all(rg_comm *comm, const void *bytes, int64_t n, int64_t *counts,
                    int64_t *total);
/** Send to every rank r the bytes send[send_offset[r]..send_offset[r+1]); returns what
 *  came, in rank order (owned by the caller), with receive_offset[0..size] filled.
 *  Collective. */
void *rg_exchange(rg_comm *comm, const void *send, const int64_t *send_offset,
                  int64_t *receive_offset);
/** Pass a buffer to rank+shift and receive one from rank-shift (ring). `*bytes` is freed
 *  and replaced by the received buffer, `*n` by its size. Collective. */
void rg_shift(rg_comm *comm, void **bytes, int64_t *n, int shift);
/** Fetch rows by number: row i (row_bytes each) of a table spread as rg_part(total) with
 *  this rank's part in `mine`; out gets rows ids[0..n), any order, repeats allowed.
 *  Collective. */
void rg_fetch(rg_comm *comm, const void *mine, int64_t total, int64_t row_bytes,
              const int64_t *ids, int64_t n, void *out);
/** Send each of my n rows (row_bytes) to rank to[i]; returns the rows received, in rank
 *  order and then in the sender's order (owned), their number in *n_out. Collective. */
void *rg_scatter(rg_comm *comm, const void *rows, int64_t n, int64_t row_bytes,
                 const int *to, int64_t *n_out);
/** Gather a matrix whose rows lie over ranks in rank order, on all ranks. Collective. */
rg_mat rg_gather_rows(rg_comm *comm, const rg_mat *mine);

/* ---- dense linear algebra (ScaLAPACK) -------------------------------------------- */

/* Signs are fixed, so that results do not depend on the number of ranks beyond rounding
 * (where the spectrum has no ties). Non-finite entries are RG_EFAIL. Replicated matrices
 * of up to 512 rows are LAPACK's, on rank 0: the same bits for every number of ranks. */

/** Orthonormalise the columns of a tall matrix (this rank's rows of it, in double,
 *  row-major, rows x k; a rank may hold no rows): QR with a positive diagonal of R, local
 *  factors by LAPACK, theirs by pdgeqrf and pdorgqr. Collective. RG_EFAIL when the rows
 *  of all ranks are fewer than k. */
rg_status rg_qr(rg_comm *comm, double *a, int64_t rows, int k);
/** Eigenvalues (rising) and eigenvectors (columns of v, row-major n x n, replicated) of a
 *  symmetric replicated matrix: pdsyevd. The largest entry of each vector is positive.
 *  Collective. */
rg_status rg_eigh(rg_comm *comm, const double *a, int n, double *values, double *v);
/** Singular value decomposition of a tall distributed matrix (rows x k on this rank) by
 *  QR and pdgesvd of its k x k factor: a becomes u, s falling, vt k x k replicated, the
 *  largest entry of each of its rows positive. Collective. */
rg_status rg_svd_tall(rg_comm *comm, double *a, int64_t rows, int k, double *s,
                      double *vt);
/** Solve the symmetric positive definite replicated system a x = b (n x n, n x m), b
 *  becomes x: pdposv. Collective. RG_EFAIL when a is not positive definite. */
rg_status rg_solve_spd(rg_comm *comm, const double *a, int n, double *b, int m);

#endif
