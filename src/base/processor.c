/* Is this a processor that the program was compiled for? On one that lacks instructions it
 * would end with "Illegal instruction" somewhere in the middle. Here are the sets that
 * compilers use by themselves; runs before anything else, so nothing here may need them. */
#include "base_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined __x86_64__
#define NEEDS(set)                                                                      \
  if (!__builtin_cpu_supports(set))                                                     \
    return set;
#endif

__attribute__((noinline)) static const char *lacks(void)
{
#if defined __x86_64__
  __builtin_cpu_init();
#ifdef __SSE4_2__
  NEEDS("sse4.2")
#endif
#ifdef __POPCNT__
  NEEDS("popcnt")
#endif
#ifdef __AVX__
  NEEDS("avx")
#endif
#ifdef __BMI2__
  NEEDS("bmi2")
#endif
#ifdef __FMA__
  NEEDS("fma")
#endif
#ifdef __AVX2__
  NEEDS("avx2")
#endif
#ifdef __AVX512F__
  NEEDS("avx512f")
#endif
#ifdef __AVX512CD__
  NEEDS("avx512cd")
#endif
#ifdef __AVX512BW__
  NEEDS("avx512bw")
#endif
#ifdef __AVX512DQ__
  NEEDS("avx512dq")
#endif
#ifdef __AVX512VL__
  NEEDS("avx512vl")
#endif
#ifdef __AVX512VBMI__
  NEEDS("avx512vbmi")
#endif
#ifdef __AVX512VNNI__
  NEEDS("avx512vnni")
#endif
#endif
  return NULL;
}

/* The first process of a host speaks for all of them. */
static bool speaks(void)
{
  const char *names[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID", "MPI_LOCALRANKID",
                         "PALS_LOCAL_RANKID"};
  for (int i = 0; i < 4; i++) {
    const char *rank = getenv(names[i]);
    if (rank)
      return strcmp(rank, "0") == 0;
  }
  return true;
}

bool rg_processor_fits(void)
{
  const char *set = lacks();
  if (!set && rg_fault("processor"))
    set = "the instructions of an injected fault";
  if (set && speaks()) {
    char host[128] = "this host";
    gethostname(host, sizeof host - 1);
    fprintf(stderr,
            "regatta: error: the program was compiled for processors with %s, which the "
            "one of %s lacks; configure it with --with-march=x86-64-v3, or the oldest "
            "processor it runs on\n",
            set, host);
  }
  return !set;
}
