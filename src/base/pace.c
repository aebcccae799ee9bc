/* How far long work is: told here, shown by whoever has asked for it. */
#include "base_internal.h"

#include <omp.h>
#include <string.h>

enum { DEEPEST = 6, NOTE = 64 };

/* Work under way; the outermost first. */
typedef struct work {
  const char *unit;
  int64_t total, done;
} work;

static const rg_pace *shower;
static work open[DEEPEST];
static int depth;
static bool shown;      /* the outermost work */
static char note[NOTE]; /* of it */
static double told;     /* when it was told of last */
static double still = 1; /* seconds after which what is inside of it is shown */

void rg_pace_show(const rg_pace *pace)
{
  shower = pace;
}

void rg_pace_still(double seconds)
{
  still = seconds;
}

void rg_pace_begin(const char *what, int64_t total, const char *unit)
{
  if (depth++ < DEEPEST)
    open[depth - 1] = (work){unit, total, 0};
  if (depth > 1)
    return;
  shown = shower && !rg_log_hushed();
  note[0] = '\0';
  told = rg_now();
  if (shown)
    shower->begin(shower->self, what, total, unit);
}

/* The outermost work stands still: what there is inside of it is said after its note. */
static void tell_inside(void)
{
  char text[4 * NOTE];
  int n = snprintf(text, sizeof text, "%s", note);
  for (int k = 1; k < depth && k < DEEPEST && n < (int)sizeof text; k++) {
    const work *w = &open[k];
    n += snprintf(text + n, sizeof text - (size_t)n, "%s%lld", n > 0 ? ", " : "",
                  (long long)w->done);
    if (w->total > 0 && n < (int)sizeof text)
      n += snprintf(text + n, sizeof text - (size_t)n, "/%lld", (long long)w->total);
    if (n < (int)sizeof text)
      n += snprintf(text + n, sizeof text - (size_t)n, " %s", w->unit);
  }
  shower->at(shower->self, open[0].done, text);
}

void rg_pace_at(int64_t done, const char *said)
{
  if (!shown || depth < 1 || depth > DEEPEST || omp_get_thread_num() != 0)
    return;
  open[depth - 1].done = done;
  if (depth > 1) {
    if (rg_now() - told > still)
      tell_inside();
    return;
  }
  told = rg_now();
  snprintf(note, sizeof note, "%s", said ? said : "");
  shower->at(shower->self, done, said);
}

void rg_pace_end(void)
{
  RG_ASSERT(depth > 0);
  if (--depth == 0 && shown)
    shower->end(shower->self);
}
