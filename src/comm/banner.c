/* What a run stands on: ranks, threads, cores, MPI and BLAS; with warnings. */
#include "private.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

/* OpenBLAS tells what it is; absent in other libraries, hence weak. */
extern char *openblas_get_config(void) __attribute__((weak));
extern int openblas_get_parallel(void) __attribute__((weak));
enum { BLAS_SERIAL, BLAS_PTHREAD, BLAS_OPENMP }; /* openblas_get_parallel */

static int count_threads(void)
{
  int threads = 0;
#pragma omp parallel reduction(+ : threads)
  threads += 1;
  return threads;
}

/* Cores this process may run on (its binding). */
static int count_cores_bound(void)
{
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
  return CPU_COUNT(&set);
}

static void print_mpi(FILE *out)
{
  int started = 0;
  MPI_Initialized(&started);
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(version, &length);
  version[strcspn(version, ",\n")] = '\0';
  int major, minor;
  MPI_Get_version(&major, &minor);
  fprintf(out, "MPI: %s (standard %d.%d)%s\n", version, major, minor,
          started ? "" : ", not started");
}

static void print_blas(FILE *out)
{
  static const char *const kinds[] = {"serial", "pthread", "OpenMP"};
  if (!openblas_get_config || !openblas_get_parallel) {
    fprintf(out, "BLAS: not OpenBLAS\n");
    return;
  }
  int kind = openblas_get_parallel();
  fprintf(out, "BLAS: %s (%s)\n", openblas_get_config(),
          kind >= 0 && kind <= BLAS_OPENMP ? kinds[kind] : "unknown threading");
}

static void warn_blas(void)
{
  if (openblas_get_config && openblas_get_parallel &&
      openblas_get_parallel() != BLAS_OPENMP)
    rg_warn("this OpenBLAS is not the OpenMP build: its threads fight with the "
            "program's; put the openblas-openmp folder first in LD_LIBRARY_PATH");
}

/* The most crowded host decides. */
static void warn_crowded(int threads, int64_t excess, int64_t bound)
{
  if (excess > 0)
    rg_warn("%lld threads more than cores on a host: expect a slow run; lower the "
            "ranks or OMP_NUM_THREADS, or set OMP_WAIT_POLICY=passive and "
            "OMPI_MCA_mpi_yield_when_idle=1",
            (long long)excess);
  else if (bound > 0)
    rg_warn("a rank of %d threads is bound to %lld fewer cores; start it with "
            "mpirun --bind-to none, or --map-by slot:PE=%d",
            threads, (long long)bound, threads);
}

void rg_comm_machine(rg_comm *comm, FILE *out)
{
  int hosts, ranks_here;
  rg_comm_hosts(comm, &hosts, &ranks_here);
  int threads = count_threads();
  if (comm->rank != 0)
    return;
  fprintf(out, "%d rank%s x %d thread%s on %d host%s of %d cores\n", comm->size,
          comm->size == 1 ? "" : "s", threads, threads == 1 ? "" : "s", hosts,
          hosts == 1 ? "" : "s", (int)sysconf(_SC_NPROCESSORS_ONLN));
  print_mpi(out);
  print_blas(out);
}

void rg_comm_banner(rg_comm *comm, FILE *out)
{
  int hosts, ranks_here;
  rg_comm_machine(comm, out);
  rg_comm_hosts(comm, &hosts, &ranks_here);
  int threads = count_threads();
  int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
  int64_t most[2] = {(int64_t)ranks_here * threads - cores,
                     threads - count_cores_bound()};
  rg_max_i64(comm, most, 2);
  if (comm->rank != 0)
    return;
  warn_blas();
  warn_crowded(threads, most[0], most[1]);
}
