/* One line at a time to stderr. */
#include "base_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static rg_level level = RG_LOG_INFO;
static int rank;
static bool hushed;

static bool set_level(const char *name)
{
  for (int i = 0; i < (int)(sizeof level_names / sizeof *level_names); i++)
    if (strcmp(name, level_names[i]) == 0) {
      level = (rg_level)i;
      return true;
    }
  return false;
}

void rg_log_start(const char *level_name, int my_rank)
{
  rank = my_rank;
  const char *from = level_name ? "log level" : "RG_LOG";
  const char *name = level_name ? level_name : getenv("RG_LOG");
  if (name && !set_level(name) && rank == 0)
    rg_warn("%s '%s' is not one of error, warn, info, debug", from, name);
}

void rg_log_hush(bool hush)
{
  hushed = hush;
}

bool rg_log_hushed(void)
{
  return hushed;
}

int rg_log_rank(void)
{
  return rank;
}

void rg_log(rg_level message_level, const char *format, ...)
{
  if (message_level > level || (message_level >= RG_LOG_INFO && (rank != 0 || hushed)))
    return;
  char text[2048], printable[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  rg_escape(text, printable, sizeof printable);
  const char *start = message_level == RG_LOG_ERROR  ? "regatta: error: "
                      : message_level == RG_LOG_WARN ? "regatta: warning: "
                                                     : "";
  char line[sizeof printable + 32]; /* in one write: lines of ranks do not mix */
  int n = snprintf(line, sizeof line, "%s%s\n", start, printable);
  fwrite(line, 1, (size_t)n, stderr);
  fflush(stderr);
}
