/* What goes to stdout: results, never the log. */

#include "regatta/cli.h"

#include <stdarg.h>
#include <string.h>

void rg_say(rg_comm *comm, const char *format, ...)
{
  if (rg_rank(comm) != 0)
    return;
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  fflush(stdout);
}

static const char *later;

void rg_say_result_later(const char *path)
{
  later = path;
}

void rg_say_result(rg_comm *comm, const char *path)
{
  if (!later || strcmp(later, path) != 0)
    rg_say(comm, "results: %s\n", path);
}
