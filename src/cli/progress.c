/* Progress: a bar on a terminal, else a line every few seconds. */

#include "regatta/cli.h"

#include <string.h>
#include <unistd.h>

#define BAR_SECONDS 0.1
#define LINE_SECONDS 5.0
enum { BAR_WIDTH = 24 };

struct rg_progress {
  char *what;
  char *unit;
  int64_t total;
  bool speaks; /* rank 0 */
  bool terminal;
  bool drawn;   /* a bar is on the terminal's line */
  double start; /* seconds */
  double next;  /* when to speak again */
};

rg_progress *rg_progress_new(rg_comm *comm, const char *what, int64_t total,
                             const char *unit)
{
  rg_progress *p = RG_NEW(rg_progress, 1);
  p->what = rg_strdup(what);
  p->unit = rg_strdup(unit);
  p->total = total;
  p->speaks = rg_rank(comm) == 0;
  p->terminal = isatty(STDERR_FILENO) == 1;
  p->start = rg_now();
  p->next = p->start + (p->terminal ? BAR_SECONDS : LINE_SECONDS);
  return p;
}

/* Seconds as h:mm:ss or m:ss. */
static void clock_text(double seconds, char *out, size_t size)
{
  int64_t s = seconds < 359999.0 ? (int64_t)(seconds + 0.5) : 359999;
  if (s >= 3600)
    snprintf(out, size, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60));
  else
    snprintf(out, size, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void speak(rg_progress *p, int64_t done, const char *note)
{
  double share = p->total > 0 ? (double)done / (double)p->total : 1.0;
  double passed = rg_now() - p->start;
  double rate = passed > 0 ? (double)done / passed : 0;
  char eta[16] = "?";
  if (rate > 0)
    clock_text((double)(p->total - done) / rate, eta, sizeof eta);
  char figures[160];
  snprintf(figures, sizeof figures, "%3.0f%%  %lld/%lld %s  %.4g/s  ETA %s%s%.60s",
           100 * share, (long long)done, (long long)p->total, p->unit, rate, eta,
           note ? "  " : "", note ? note : "");
  if (!p->terminal) {
    rg_info("%s: %s", p->what, figures);
    return;
  }
  char bar[BAR_WIDTH + 1];
  int full = (int)(share * BAR_WIDTH);
  for (int i = 0; i < BAR_WIDTH; i++)
    bar[i] = i < full ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  fprintf(stderr, "\r%s [%s] %s\033[K", p->what, bar, figures);
  fflush(stderr);
  p->drawn = true;
}

void rg_progress_at(rg_progress *p, int64_t done, const char *note)
{
  double now = rg_now();
  if (!p->speaks || (now < p->next && !(p->drawn && done >= p->total)))
    return;
  p->next = now + (p->terminal ? BAR_SECONDS : LINE_SECONDS);
  speak(p, done < p->total ? done : p->total, note);
}

void rg_progress_free(rg_progress *p)
{
  if (!p)
    return;
  if (p->drawn)
    fputc('\n', stderr);
  rg_free(p->what);
  rg_free(p->unit);
  rg_free(p);
}
