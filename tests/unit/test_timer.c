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
  int64_t calls[8], sent[8];
} seen;

static void record(void *self, const rg_scope *scope)
{
  seen *s = self;
  snprintf(s->paths[s->n], sizeof s->paths[0], "%s", scope->path);
  s->seconds[s->n] = scope->seconds;
  s->sent[s->n] = scope->traffic.sent;
  s->calls[s->n++] = scope->calls;
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

static rg_traffic so_far;

static void meter(rg_traffic *now)
{
  *now = so_far;
}

Test(timer, traffic_belongs_to_the_scopes_it_fell_into)
{
  rg_timer_meter(meter);
  rg_timer_start("train");
  so_far.sent = 10;
  rg_timer_start("step");
  so_far.sent = 17;
  rg_timer_stop("step");
  rg_timer_stop("train");
  so_far.sent = 100;
  rg_timer_start("train");
  so_far.sent = 103;
  rg_timer_stop("train");
  seen s = {0};
  rg_timer_each(record, &s);
  cr_assert_eq(s.sent[0], 20);
  cr_assert_eq(s.sent[1], 7);
}

Test(timer, an_open_scope_counts_up_to_now)
{
  rg_timer_start("train");
  rg_timer_start("step");
  usleep(2000);
  seen s = {0};
  rg_timer_each(record, &s);
  cr_assert(s.calls[0] == 1 && s.calls[1] == 1);
  cr_assert_geq(s.seconds[1], 0.002);
  rg_timer_stop("train"); /* and step with it */
  s = (seen){0};
  rg_timer_each(record, &s);
  cr_assert(s.calls[0] == 1 && s.calls[1] == 1);
  rg_timer_start("embed");
  s = (seen){0};
  rg_timer_each(record, &s);
  cr_assert_str_eq(s.paths[2], "embed");
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
