/* base: timers. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct seen {
  int n;
  char paths[8][64];
  double seconds[8];
  int64_t calls[8];
} seen;

static void record(void *self, const char *path, double seconds, int64_t calls)
{
  seen *s = self;
  snprintf(s->paths[s->n], sizeof s->paths[0], "%s", path);
  s->seconds[s->n] = seconds;
  s->calls[s->n++] = calls;
}

Test(timer, scopes_nest_and_add_up)
{
  for (int i = 0; i < 3; i++) {
    rg_timer_start("train");
    rg_timer_start("step");
    usleep(2000);
    rg_timer_stop("step");
    rg_timer_stop("train");
  }
  rg_timer_start("step");
  rg_timer_stop("step");
  seen s = {0};
  rg_timer_each(record, &s);
  cr_assert_eq(s.n, 3);
  cr_assert_str_eq(s.paths[0], "train");
  cr_assert_str_eq(s.paths[1], "train/step");
  cr_assert_str_eq(s.paths[2], "step");
  cr_assert_eq(s.calls[1], 3);
  cr_assert_eq(s.calls[2], 1);
  cr_assert_geq(s.seconds[1], 0.006);
  cr_assert_geq(s.seconds[0], s.seconds[1]);
}

Test(timer, the_clock_goes_forward)
{
  double before = rg_now();
  usleep(1000);
  double passed = rg_now() - before;
  cr_assert(passed >= 0.001 && passed < 60);
}

Test(timer, stopping_another_scope_is_a_bug, .signal = SIGABRT)
{
  rg_timer_start("a");
  rg_timer_stop("b");
}

Test(must_fail, timer)
{
  rg_timer_start("a");
  rg_timer_stop("a");
  seen s = {0};
  rg_timer_each(record, &s);
  cr_assert_eq(s.calls[0], 2);
}
