/* Where the ranks of a run are: hosts, threads, the cores they may use, the BLAS under
 * them; and what is wrong with it. */
#include "private.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* OpenBLAS tells what it is; absent in other libraries, hence weak. */
extern char *openblas_get_config(void) __attribute__((weak));
extern int openblas_get_parallel(void) __attribute__((weak));
extern void cblas_sgemm(void) __attribute__((weak));
enum { SERIAL, PTHREAD, OPENMP }; /* openblas_get_parallel */

/* ---- this rank ------------------------------------------------------------------- */

/* Cores that any thread of this rank may run on. */
static cpu_set_t own_cores(void)
{
  cpu_set_t all;
  CPU_ZERO(&all);
#pragma omp parallel
  {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    if (sched_getaffinity(0, sizeof mine, &mine) == 0) {
#pragma omp critical
      CPU_OR(&all, &all, &mine);
    }
  }
  if (CPU_COUNT(&all) == 0)
    for (long c = 0; c < sysconf(_SC_NPROCESSORS_ONLN) && c < CPU_SETSIZE; c++)
      CPU_SET((int)c, &all);
  return all;
}

/* The library that products come from: by where the symbol was found. */
static rg_blas blas_kind(void)
{
  Dl_info info;
  void *symbol = NULL;
  void (*product)(void) = cblas_sgemm;
  memcpy(&symbol, &product, sizeof symbol);
  if (!symbol || dladdr(symbol, &info) == 0 || !info.dli_fname)
    return RG_BLAS_OTHER;
  char *path = realpath(info.dli_fname, NULL);
  const char *file = path ? path : info.dli_fname;
  rg_blas kind = RG_BLAS_OTHER;
  if (strstr(file, "openblas") || !strstr(file, ".so"))
    kind = !openblas_get_parallel              ? RG_BLAS_OTHER
           : openblas_get_parallel() == OPENMP ? RG_BLAS_OPENBLAS_OPENMP
           : openblas_get_parallel() == SERIAL ? RG_BLAS_OPENBLAS_SERIAL
                                               : RG_BLAS_OPENBLAS_PTHREAD;
  else if (strstr(file, "libblas.so") || strstr(file, "libcblas.so") ||
           strstr(file, "refblas"))
    kind = RG_BLAS_REFERENCE;
  free(path);
  return kind;
}

/* ---- all ranks ------------------------------------------------------------------- */

/* Threads of a host's ranks less the cores they may use, and those cores. */
static void count_host(rg_comm *comm, const cpu_set_t *own, int threads, int64_t *excess,
                       int *cores)
{
  cpu_set_t all = *own;
  int64_t sum = threads;
  if (comm->size > 1) {
    MPI_Comm host;
    MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL,
                        &host);
    MPI_Allreduce(own, &all, (int)sizeof all, MPI_BYTE, MPI_BOR, host);
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT64_T, MPI_SUM, host);
    MPI_Comm_free(&host);
  }
  *cores = CPU_COUNT(&all);
  *excess = sum - *cores;
}

int rg_comm_cores(rg_comm *comm)
{
  cpu_set_t own = own_cores();
  int64_t excess;
  int cores;
  count_host(comm, &own, 1, &excess, &cores);
  return cores;
}

void rg_comm_placement(rg_comm *comm, rg_placement *p)
{
  const char *said = getenv("OPENBLAS_NUM_THREADS");
  cpu_set_t own = own_cores();
  int64_t excess;
  *p = (rg_placement){.ranks = comm->size, .blas = blas_kind()};
  rg_comm_hosts(comm, &p->hosts, &p->ranks_per_host);
  p->threads = rg_threads();
  p->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
  count_host(comm, &own, p->threads, &excess, &p->usable);
  int bound = CPU_COUNT(&own);
  int64_t most[] = {p->ranks_per_host, p->threads, excess, p->threads - bound, p->blas};
  int64_t least[] = {p->threads, bound, p->usable};
  rg_max_i64(comm, most, 5);
  rg_min_i64(comm, least, 3);
  p->ranks_per_host = (int)most[0];
  p->threads = (int)most[1];
  p->excess = most[2];
  p->squeezed = most[3];
  p->blas = (rg_blas)most[4];
  p->fewest_threads = (int)least[0];
  p->bound = (int)least[1];
  p->usable = (int)least[2];
  p->blas_threads = said ? atoi(said) : 0;
}

/* ---- what is wrong --------------------------------------------------------------- */

static void judge_cores(const rg_placement *p, rg_strings *lines)
{
  if (p->excess > 0)
    rg_strings_addf(
        lines,
        "the threads of a host exceed its cores by %lld (ranks x threads: %d x "
        "%d on %d cores): expect a slow run; lower the ranks or OMP_NUM_THREADS, "
        "or set OMP_WAIT_POLICY=passive and OMPI_MCA_mpi_yield_when_idle=1",
        (long long)p->excess, p->ranks_per_host, p->threads, p->usable);
  else if (p->squeezed > 0)
    rg_strings_addf(
        lines,
        "the %d threads of a rank share %d core%s: start with mpirun --map-by "
        "slot:PE=%d or srun --cpus-per-task=%d, and leave OMP_PLACES alone or set "
        "it to cores",
        p->threads, p->bound, p->bound == 1 ? "" : "s", p->threads, p->threads);
  if (p->fewest_threads < p->threads)
    rg_strings_addf(lines,
                    "ranks have from %d to %d threads: the fewest set the pace; export "
                    "OMP_NUM_THREADS to all of them (mpirun -x OMP_NUM_THREADS)",
                    p->fewest_threads, p->threads);
}

static void judge_blas(const rg_placement *p, rg_strings *lines)
{
  if (p->blas == RG_BLAS_REFERENCE)
    rg_strings_addf(
        lines, "the BLAS is the reference one, ten times slower: put the folder of "
               "OpenBLAS (openblas-openmp) first in LD_LIBRARY_PATH");
  if (p->blas == RG_BLAS_OPENBLAS_PTHREAD)
    rg_strings_addf(
        lines, "this OpenBLAS is not the OpenMP build: its threads fight with the "
               "program's; put the openblas-openmp folder first in LD_LIBRARY_PATH");
  if (p->blas == RG_BLAS_OPENBLAS_SERIAL && p->threads > 1)
    rg_strings_addf(lines,
                    "this OpenBLAS was built without threads: products run on 1 of %d "
                    "threads; put the openblas-openmp folder first in LD_LIBRARY_PATH",
                    p->threads);
  if (p->blas_threads > 0 && p->blas_threads != p->threads &&
      p->blas != RG_BLAS_REFERENCE && p->blas != RG_BLAS_OTHER)
    rg_strings_addf(
        lines,
        "OPENBLAS_NUM_THREADS=%d contradicts the %d threads of a rank: unset it; "
        "OMP_NUM_THREADS rules both",
        p->blas_threads, p->threads);
}

void rg_placement_judge(const rg_placement *placement, rg_strings *lines)
{
  judge_cores(placement, lines);
  judge_blas(placement, lines);
}

const char *rg_blas_text(rg_blas blas)
{
  static const char *const texts[] = {
      [RG_BLAS_OPENBLAS_OPENMP] = "OpenBLAS, OpenMP", [RG_BLAS_OTHER] = "not OpenBLAS",
      [RG_BLAS_OPENBLAS_SERIAL] = "OpenBLAS, serial",
      [RG_BLAS_OPENBLAS_PTHREAD] = "OpenBLAS, pthread", [RG_BLAS_REFERENCE] = "reference"};
  return texts[blas];
}
