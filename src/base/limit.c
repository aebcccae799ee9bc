/* How much memory there is, in all and for this job. */
#include "regatta/base.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 512 };

int64_t rg_memory_resident(void)
{
  long long size = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file)
    return 0;
  int n = fscanf(file, "%lld %lld", &size, &resident);
  fclose(file);
  return n == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : 0;
}

/* ---- the host -------------------------------------------------------------------- */

/* Bytes behind a name of /proc/meminfo, -1 without. */
static int64_t meminfo(const char *name)
{
  char line[LINE];
  long long kilobytes = -1;
  size_t length = strlen(name);
  FILE *file = fopen("/proc/meminfo", "r");
  while (file && kilobytes < 0 && fgets(line, sizeof line, file))
    if (strncmp(line, name, length) == 0 && line[length] == ':')
      sscanf(line + length + 1, "%lld", &kilobytes);
  if (file)
    fclose(file);
  return kilobytes < 0 ? -1 : (int64_t)kilobytes * 1024;
}

/* ---- control groups -------------------------------------------------------------- */

/* A number alone in a file; -1 when there is none ("max"). */
static int64_t number_in(const char *path)
{
  long long number = -1;
  FILE *file = fopen(path, "r");
  if (!file)
    return -1;
  if (fscanf(file, "%lld", &number) != 1)
    number = -1;
  fclose(file);
  return (int64_t)number;
}

static int64_t least(int64_t a, int64_t b)
{
  return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* The least limit of a group and the groups above it, -1 without. */
static int64_t limit_up_from(const char *root, char *group, const char *name)
{
  int64_t limit = -1;
  for (;;) {
    char path[2 * LINE];
    snprintf(path, sizeof path, "%s%s/%s", root, group, name);
    limit = least(limit, number_in(path));
    char *slash = strrchr(group, '/');
    if (!slash)
      return limit;
    *slash = '\0';
  }
}

static int64_t group_limit(void)
{
  char line[LINE];
  int64_t limit = -1;
  FILE *file = fopen("/proc/self/cgroup", "r");
  while (file && fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    char *colon = strrchr(line, ':');
    if (!colon)
      continue;
    if (strncmp(line, "0::", 3) == 0)
      limit = least(limit, limit_up_from("/sys/fs/cgroup", colon + 1, "memory.max"));
    else if (strstr(line, ":memory:"))
      limit = least(limit, limit_up_from("/sys/fs/cgroup/memory", colon + 1,
                                         "memory.limit_in_bytes"));
  }
  if (file)
    fclose(file);
  return limit;
}

/* ---- Slurm ----------------------------------------------------------------------- */

/* Slurm counts in mebibytes; 0 means all there is. */
static int64_t slurm_limit(void)
{
  const char *node = getenv("SLURM_MEM_PER_NODE"), *cpu = getenv("SLURM_MEM_PER_CPU");
  const char *cpus = getenv("SLURM_CPUS_ON_NODE");
  int64_t limit = node ? atoll(node) : cpu && cpus ? atoll(cpu) * atoll(cpus) : 0;
  return limit > 0 ? limit << 20 : -1;
}

int64_t rg_memory_limit(const char **whose)
{
  int64_t limit = meminfo("MemTotal"), group = group_limit(), slurm = slurm_limit();
  *whose = "the host";
  if (group > 0 && (limit < 0 || group < limit)) {
    limit = group;
    *whose = "the control group";
  }
  if (slurm > 0 && (limit < 0 || slurm < limit)) {
    limit = slurm;
    *whose = "Slurm";
  }
  return limit;
}
