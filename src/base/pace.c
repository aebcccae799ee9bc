/* How far long work is: told here, shown by whoever has asked for it. */
#include "base_internal.h"

#include <omp.h>

static const rg_pace *shower;
static int depth;
static bool shown; /* the outermost work */

void rg_pace_show(const rg_pace *pace)
{
  shower = pace;
}

void rg_pace_begin(const char *what, int64_t total, const char *unit)
{
  if (depth++ > 0)
    return;
  shown = shower && !rg_log_hushed();
  if (shown)
    shower->begin(shower->self, what, total, unit);
}

void rg_pace_at(int64_t done, const char *note)
{
  if (depth == 1 && shown && omp_get_thread_num() == 0)
    shower->at(shower->self, done, note);
}

void rg_pace_end(void)
{
  RG_ASSERT(depth > 0);
  if (--depth == 0 && shown)
    shower->end(shower->self);
}
