/* What a run stands on, in words: ranks, threads, cores, MPI and BLAS; with warnings. */
#include "private.h"

#include <string.h>

extern char *openblas_get_config(void) __attribute__((weak));

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

static void print_blas(FILE *out, rg_blas blas)
{
  bool open = blas <= RG_BLAS_OPENBLAS_PTHREAD && openblas_get_config;
  if (open)
    fprintf(out, "BLAS: %s (%s)\n", openblas_get_config(), rg_blas_text(blas));
  else
    fprintf(out, "BLAS: %s\n", rg_blas_text(blas));
}

static const char *plural(int n)
{
  return n == 1 ? "" : "s";
}

static void place_text(const rg_placement *p, char *text, size_t n)
{
  snprintf(text, n, "%d rank%s x %d thread%s on %d host%s of %d core%s", p->ranks,
           plural(p->ranks), p->threads, plural(p->threads), p->hosts, plural(p->hosts),
           p->cores, plural(p->cores));
}

static void warn(const rg_placement *p)
{
  rg_strings lines = {0};
  rg_placement_judge(p, &lines);
  for (int64_t i = 0; i < lines.n; i++)
    rg_warn("%s", rg_strings_at(&lines, i));
  rg_strings_fini(&lines);
}

static void print_all(const rg_placement *p, FILE *out)
{
  char text[160];
  place_text(p, text, sizeof text);
  fprintf(out, "%s\n", text);
  print_mpi(out);
  print_blas(out, p->blas);
}

void rg_comm_machine(rg_comm *comm, FILE *out)
{
  rg_placement p;
  rg_comm_placement(comm, &p);
  if (comm->rank == 0)
    print_all(&p, out);
}

void rg_comm_banner(rg_comm *comm, FILE *out)
{
  rg_placement p;
  rg_comm_placement(comm, &p);
  if (comm->rank != 0)
    return;
  print_all(&p, out);
  warn(&p);
}

void rg_comm_start_line(rg_comm *comm)
{
  rg_placement p;
  char text[160];
  rg_comm_placement(comm, &p);
  if (comm->rank != 0)
    return;
  place_text(&p, text, sizeof text);
  if (p.ranks > 1 && p.bound < p.cores)
    rg_info("%s, a rank pinned to %d of them", text, p.bound);
  else if (p.ranks > 1)
    rg_info("%s, not pinned", text);
  warn(&p);
}
