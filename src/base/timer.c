/* Named, nested scopes of time. Used from the main thread of a rank. */
#include "regatta/base.h"

#include <string.h>
#include <time.h>

/* scopes in the order of their first start; a parent comes before its children */
typedef struct scope {
  char *path;       /* "train/step", owned */
  const char *name; /* last part of path */
  int parent;       /* -1 at the top */
  double seconds, started;
  int64_t calls;
} scope;

static scope *scopes;
static int n_scopes, current = -1;

double rg_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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

void rg_timer_start(const char *name)
{
  current = find_or_add(name);
  scopes[current].started = rg_now();
}

void rg_timer_stop(const char *name)
{
  RG_ASSERT(current >= 0 && strcmp(scopes[current].name, name) == 0);
  scope *s = &scopes[current];
  s->seconds += rg_now() - s->started;
  s->calls++;
  current = s->parent;
}

void rg_timer_each(void (*visit)(void *self, const char *path, double seconds,
                                 int64_t calls),
                   void *self)
{
  for (int i = 0; i < n_scopes; i++)
    visit(self, scopes[i].path, scopes[i].seconds, scopes[i].calls);
}
