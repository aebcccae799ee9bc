/* Named, nested scopes of time and traffic. Used from the main thread of a rank. */
#include "regatta/base.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* scopes in the order of their first start; a parent comes before its children */
typedef struct scope {
  char *path;       /* "train/step", owned */
  const char *name; /* last part of path */
  int parent;       /* -1 at the top */
  int64_t calls;
  double seconds, started;
  rg_traffic traffic, before; /* in all; of the process when it was opened */
} scope;

static scope *scopes;
static int n_scopes, current = -1;
static _Atomic(const char *) here; /* path of the current one */
static void (*meter)(rg_traffic *now);

double rg_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void rg_timer_meter(void (*read)(rg_traffic *now))
{
  meter = read;
}

static rg_traffic traffic_now(void)
{
  rg_traffic now = {0};
  if (meter)
    meter(&now);
  return now;
}

static int find_or_add(const char *name)
{
  for (int i = current + 1; i < n_scopes; i++)
    if (scopes[i].parent == current && strcmp(scopes[i].name, name) == 0)
      return i;
  scopes = rg_realloc(scopes, n_scopes, n_scopes + 1, sizeof *scopes);
  scope *s = &scopes[n_scopes];
  s->path =
      current < 0 ? rg_strdup(name) : rg_format("%s/%s", scopes[current].path, name);
  s->name = s->path + strlen(s->path) - strlen(name);
  s->parent = current;
  return n_scopes++;
}

/* Add what an open scope has used since it was opened. */
static void add_up(const scope *s, double *seconds, rg_traffic *sum)
{
  rg_traffic now = traffic_now();
  *seconds += rg_now() - s->started;
  sum->sent += now.sent - s->before.sent;
  sum->received += now.received - s->before.received;
  sum->messages += now.messages - s->before.messages;
  sum->rounds += now.rounds - s->before.rounds;
  sum->seconds += now.seconds - s->before.seconds;
}

const char *rg_timer_here(void)
{
  return here;
}

static bool is_open(const char *name)
{
  for (int i = current; i >= 0; i = scopes[i].parent)
    if (strcmp(scopes[i].name, name) == 0)
      return true;
  return false;
}

static void close_current(void)
{
  scope *s = &scopes[current];
  add_up(s, &s->seconds, &s->traffic);
  s->calls++;
  current = s->parent;
  here = current < 0 ? NULL : scopes[current].path;
}

void rg_timer_start(const char *name)
{
  current = find_or_add(name);
  here = scopes[current].path;
  scopes[current].before = traffic_now();
  scopes[current].started = rg_now();
}

void rg_timer_stop(const char *name)
{
  RG_ASSERT(is_open(name));
  while (strcmp(scopes[current].name, name) != 0)
    close_current();
  close_current();
}

void rg_timer_each(void (*visit)(void *self, const rg_scope *scope), void *self)
{
  for (int i = 0; i < n_scopes; i++) {
    const scope *s = &scopes[i];
    rg_scope seen = {s->path, s->calls, s->seconds, s->traffic};
    bool open = false;
    for (int k = current; k >= 0; k = scopes[k].parent)
      open = open || k == i;
    if (open) {
      add_up(s, &seen.seconds, &seen.traffic);
      seen.calls++;
    }
    visit(self, &seen);
  }
}

int rg_scope_depth(const char *path)
{
  int depth = 0;
  for (; *path; path++)
    depth += *path == '/';
  return depth;
}
