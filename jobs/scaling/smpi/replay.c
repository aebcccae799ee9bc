/* replay OPERATION:BYTES:TIMES...: the program's own communication, simulated.
 *
 * Compiled by SimGrid's smpicc together with src/comm, it runs the named operations of the
 * program on as many ranks as smpirun is told, on the network of its platform file, and
 * prints the simulated seconds that one of each takes. Nothing here is measured.
 *
 *   sum       rg_part_reduce_f32 of BYTES, one lane a rank
 *   tree      rg_tree_reduce_f32 of BYTES: ranks tell what they hold
 *   exchange  rg_exchange of BYTES from every rank, spread evenly over the others
 *   gather    rg_gather_all of BYTES from every rank
 *   agree     rg_agree */
#include "src/comm/private.h"

#include <stdlib.h>
#include <string.h>

static void exchange(rg_comm *comm, const char *x, int64_t bytes)
{
  int64_t *offset = RG_NEW(int64_t, 2 * (int64_t)comm->size + 2);
  for (int r = 0; r <= comm->size; r++)
    offset[r] = bytes * r / comm->size;
  rg_free(rg_exchange(comm, x, offset, offset + comm->size + 1));
  rg_free(offset);
}

static void once(rg_comm *comm, const char *name, int64_t bytes, float *x, float *out)
{
  int64_t n = bytes / (int64_t)sizeof *x, total;
  if (strcmp(name, "sum") == 0)
    rg_part_reduce_f32(comm, comm->size, x, n, out);
  else if (strcmp(name, "tree") == 0)
    rg_tree_reduce_f32(comm, comm->size, (rg_range){comm->rank, comm->rank + 1}, x, n, out);
  else if (strcmp(name, "exchange") == 0)
    exchange(comm, (const char *)x, bytes);
  else if (strcmp(name, "gather") == 0)
    rg_free(rg_gather_all(comm, x, bytes, NULL, &total));
  else
    rg_agree(comm, RG_OK);
}

static void replay(rg_comm *comm, char *word)
{
  char *bytes = strchr(word, ':'), *times = bytes ? strchr(bytes + 1, ':') : NULL;
  if (!times) {
    fprintf(stderr, "replay: %s is not OPERATION:BYTES:TIMES\n", word);
    MPI_Abort(comm->mpi, 2);
    return;
  }
  *bytes = '\0';
  int64_t n = atoll(bytes + 1);
  int repeats = atoi(times + 1);
  float *x = rg_alloc(n + 8, 1), *out = rg_alloc(n + 8, 1);
  once(comm, word, n, x, out); /* the first one sets up what MPI keeps */
  MPI_Barrier(comm->mpi);
  double start = MPI_Wtime();
  for (int k = 0; k < repeats; k++)
    once(comm, word, n, x, out);
  /* from the last that begins to the last that ends: a barrier lets ranks go one by one */
  double mine[2] = {start, MPI_Wtime()}, last[2];
  MPI_Reduce(mine, last, 2, MPI_DOUBLE, MPI_MAX, 0, comm->mpi);
  if (comm->rank == 0)
    printf("%s,%d,%lld,%.9f\n", word, comm->size, (long long)n,
           (last[1] - last[0]) / repeats);
  rg_free(x);
  rg_free(out);
}

int rg_rank(const rg_comm *comm)
{
  return comm->rank;
}

int rg_size(const rg_comm *comm)
{
  return comm->size;
}

/* In simulated time nobody watches for ranks that do not answer. */
double rg_watch_begin(void)
{
  return MPI_Wtime();
}

void rg_watch_end(void) {}

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  rg_comm comm = {.mpi = MPI_COMM_WORLD};
  MPI_Comm_rank(comm.mpi, &comm.rank);
  MPI_Comm_size(comm.mpi, &comm.size);
  for (int k = 1; k < argc; k++)
    replay(&comm, argv[k]);
  MPI_Finalize();
  return 0;
}
