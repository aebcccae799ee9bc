/* Communicators: start and stop, splitting, hosts. */
#include "pgrid.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rg_comm world;
static rg_comm self = {.mpi = MPI_COMM_SELF, .rank = 0, .size = 1};

static void end_job(int exit_code)
{
  MPI_Abort(MPI_COMM_WORLD, exit_code);
}

rg_comm *rg_comm_start(int *argc, char ***argv)
{
  RG_ASSERT(world.size == 0);
  int provided;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED)
    rg_warn("this MPI does not support threads beside it (MPI_THREAD_FUNNELED); "
            "set OMP_NUM_THREADS=1 if the run misbehaves");
  world.mpi = MPI_COMM_WORLD;
  MPI_Comm_rank(world.mpi, &world.rank);
  MPI_Comm_size(world.mpi, &world.size);
  rg_on_abort(end_job);
  rg_timer_meter(rg_comm_traffic);
  rg_watch_start(&world);
  return &world;
}

static void drop_memory(rg_comm *comm)
{
  rg_free(comm->requests);
  rg_free(comm->scratch);
  comm->requests = NULL;
  comm->scratch = NULL;
  comm->room = comm->scratch_bytes = 0;
}

bool rg_comm_launched(void)
{
  const char *names[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "SLURM_STEP_ID"};
  for (int k = 0; k < 4; k++)
    if (getenv(names[k]))
      return true;
  return false;
}

static int add_library(struct dl_phdr_info *info, size_t size, void *names)
{
  (void)size;
  if (*info->dlpi_name)
    rg_strings_add(names, info->dlpi_name, (int64_t)strlen(info->dlpi_name));
  return 0;
}

/* Open MPI 4.1 unloads libraries under threads that still run in them when it is stopped:
   what is loaded now stays. */
static void keep_libraries(void)
{
  rg_strings names = {0};
  dl_iterate_phdr(add_library, &names);
  for (int64_t k = 0; k < names.n; k++)
    dlopen(rg_strings_at(&names, k), RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  rg_strings_fini(&names);
}

void rg_comm_exit(int code)
{
  fflush(NULL);
  if (world.size == 0) /* never started */
    _exit(code);
  keep_libraries();
  rg_comm_stop();
#ifdef __SANITIZE_ADDRESS__
  exit(code); /* leaks are reported */
#else
  fflush(NULL);
  _exit(code);
#endif
}

void rg_comm_stop(void)
{
  rg_watch_stop();
  drop_memory(&world);
  rg_pgrid_stop();
  world.size = 0;
  rg_on_abort(NULL);
  MPI_Finalize();
}

rg_comm *rg_comm_self(void)
{
  return &self;
}

rg_comm *rg_comm_split(rg_comm *comm, int colour)
{
  RG_ASSERT(colour >= 0);
  rg_comm *part = RG_NEW(rg_comm, 1);
  if (comm->size == 1) {
    part->mpi = MPI_COMM_SELF;
    part->size = 1;
    return part;
  }
  MPI_Comm_split(comm->mpi, colour, comm->rank, &part->mpi);
  MPI_Comm_rank(part->mpi, &part->rank);
  MPI_Comm_size(part->mpi, &part->size);
  part->owned = true;
  return part;
}

void rg_comm_free(rg_comm *comm)
{
  if (comm == NULL)
    return;
  RG_ASSERT(comm != &world && comm != &self);
  drop_memory(comm);
  if (comm->owned)
    MPI_Comm_free(&comm->mpi);
  rg_free(comm);
}

int rg_rank(const rg_comm *comm)
{
  return comm->rank;
}

int rg_size(const rg_comm *comm)
{
  return comm->size;
}

void *rg_comm_mpi(rg_comm *comm)
{
  return &comm->mpi;
}

void rg_barrier(rg_comm *comm)
{
  if (comm->size == 1)
    return;
  double start = rg_watch_begin();
  MPI_Barrier(comm->mpi);
  rg_wire_waited(comm, start, 0, 0);
}

void rg_comm_hosts(rg_comm *comm, int *hosts, int *ranks_here)
{
  *hosts = *ranks_here = 1;
  if (comm->size == 1)
    return;
  MPI_Comm host;
  MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &host);
  int rank;
  MPI_Comm_rank(host, &rank);
  MPI_Comm_size(host, ranks_here);
  MPI_Comm_free(&host);
  int64_t first = rank == 0;
  rg_sum_i64(comm, &first, 1);
  *hosts = (int)first;
}
