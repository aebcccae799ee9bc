/* Progress: a bar on a terminal, else a line now and then. */
#include "progress.h"

#include "regatta/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_SECONDS 0.1
#define LEAST_SECONDS 5.0
#define MOST_SECONDS 60.0
#define MEMORY 30.0 /* seconds that a rate remembers */
#define STANDS 3.0  /* units that would have been done since the last, at that rate */
enum { BAR_WIDTH = 24, LEAST_BAR = 6, LONGEST = 240 };

/* ---- what is said ---------------------------------------------------------------- */

/* The rate forgets what is long past, so that the time left is right where the pace
 * changes; at first it is the mean. */
void rg_progress_note(rg_progress *p, double now, int64_t done)
{
  double passed = now - p->seen, age = now - p->start;
  if (passed <= 0 || done <= p->done)
    return;
  double rate = (double)(done - p->done) / passed;
  double memory = age < MEMORY ? age : MEMORY;
  if (age < LEAST_SECONDS || p->rate == 0)
    p->rate = (double)done / age;
  else
    p->rate += (1 - exp(-passed / memory)) * (rate - p->rate);
  p->seen = now;
  p->done = done;
}

/* Seconds as h:mm:ss or m:ss. */
static void clock_text(double seconds, char *out, size_t size)
{
  int64_t s = seconds < 3.6e9 ? (int64_t)(seconds + 0.5) : (int64_t)3.6e9;
  if (s >= 3600)
    snprintf(out, size, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60));
  else
    snprintf(out, size, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

void rg_progress_text(const rg_progress *p, double now, const char *note, char *text,
                      size_t n)
{
  char time[24] = "?";
  const char *gap = note ? "  " : "", *after = note ? note : "";
  if (p->total <= 0) {
    clock_text(now - p->start, time, sizeof time);
    snprintf(text, n, "%lld %s  %.4g/s  %s%s%.60s", (long long)p->done, p->unit, p->rate,
             time, gap, after);
    return;
  }
  int64_t done = p->done < p->total ? p->done : p->total;
  bool stands = (now - p->seen) * p->rate > STANDS; /* the rate tells nothing then */
  if (p->rate > 0 && !stands)
    clock_text((double)(p->total - done) / p->rate, time, sizeof time);
  snprintf(text, n, "%3.0f%%  %lld/%lld %s  %.4g/s  ETA %s%s%.60s",
           floor(100.0 * (double)done / (double)p->total), (long long)done,
           (long long)p->total, p->unit, p->rate, time, gap, after);
}

void rg_progress_bar(const rg_progress *p, const char *text, int width, char *line,
                     size_t n)
{
  int room = width - (int)(strlen(p->what) + strlen(text)) - 4;
  int long_bar = room < BAR_WIDTH ? room : BAR_WIDTH;
  char bar[BAR_WIDTH + 1] = "";
  double share = p->total > 0 ? (double)p->done / (double)p->total : 0;
  for (int i = 0; i < long_bar; i++)
    bar[i] = i < (int)(fmin(share, 1) * long_bar) ? '#' : '.';
  if (long_bar >= LEAST_BAR && p->total > 0)
    snprintf(line, n, "%s [%.*s] %s", p->what, long_bar, bar, text);
  else
    snprintf(line, n, "%s %s", p->what, text);
  if (width >= 0 && (size_t)width < n)
    line[width] = '\0';
}

double rg_progress_interval(double passed)
{
  return fmin(MOST_SECONDS, fmax(LEAST_SECONDS, passed / 10));
}

/* ---- where it is said ------------------------------------------------------------ */

static struct shown {
  rg_progress progress;
  char what[64], unit[32];
  bool terminal, spoke;
  double next; /* when to speak again */
} shown;

/* Columns that may be written without the terminal wrapping. */
static int columns(void)
{
  struct winsize size;
  const char *told = getenv("COLUMNS");
  int n = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
  n = n > 0 ? n : told ? atoi(told) : 0;
  return (n > 0 ? n : 80) - 1;
}

static void speak(const struct shown *s, double now, const char *note)
{
  char text[LONGEST], line[2 * LONGEST];
  rg_progress_text(&s->progress, now, note, text, sizeof text);
  if (!s->terminal) {
    rg_info("%s: %s", s->what, text);
    return;
  }
  rg_progress_bar(&s->progress, text, columns(), line, sizeof line);
  fprintf(stderr, "\r%s\033[K", line);
  fflush(stderr);
}

static void begin(void *self, const char *what, int64_t total, const char *unit)
{
  struct shown *s = self;
  double now = rg_now();
  *s = (struct shown){.terminal = isatty(STDERR_FILENO) == 1};
  snprintf(s->what, sizeof s->what, "%s", what);
  snprintf(s->unit, sizeof s->unit, "%s", unit);
  s->progress = (rg_progress){s->what, s->unit, total, 0, now, now, 0};
  s->next = now + (s->terminal ? BAR_SECONDS : LEAST_SECONDS);
}

static void at(void *self, int64_t done, const char *note)
{
  struct shown *s = self;
  double now = rg_now();
  bool last = s->terminal && s->spoke && done >= s->progress.total;
  if (now < s->next && !last)
    return;
  rg_progress_note(&s->progress, now, done);
  speak(s, now, note);
  s->spoke = true;
  s->next = now + (s->terminal ? BAR_SECONDS
                               : rg_progress_interval(now - s->progress.start));
}

/* What was long enough for a line gets one more. */
static void end(void *self)
{
  struct shown *s = self;
  char time[24];
  if (!s->spoke)
    return;
  clock_text(rg_now() - s->progress.start, time, sizeof time);
  if (s->terminal)
    fputc('\n', stderr);
  else
    rg_info("%s: done after %s", s->what, time);
}

void rg_progress_show(rg_comm *comm)
{
  static const rg_pace pace = {begin, at, end, &shown};
  rg_pace_show(rg_rank(comm) == 0 ? &pace : NULL);
}
