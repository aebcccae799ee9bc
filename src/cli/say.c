/* What goes to stdout: results, never the log. */

#include "regatta/cli.h"

#include <stdarg.h>

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

void rg_say_result(rg_comm *comm, const char *path)
{
  rg_say(comm, "results: %s\n", path);
}
