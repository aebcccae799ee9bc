/* Work that tells how far it is: the outermost is shown, and what is inside of it where it
 * stands still. */
#include "src/base/base_internal.h"

#include <criterion/criterion.h>
#include <string.h>

static char heard[1024];

static void hear(const char *format, const char *what, long long n, const char *note)
{
  size_t end = strlen(heard);
  snprintf(heard + end, sizeof heard - end, format, what, n, note);
}

static void begin(void *self, const char *what, int64_t total, const char *unit)
{
  (void)self;
  hear("[%s %lld %s] ", what, (long long)total, unit);
}

static void at(void *self, int64_t done, const char *note)
{
  (void)self;
  hear("%s%lld(%s) ", "", (long long)done, note ? note : "");
}

static void end(void *self)
{
  (void)self;
  hear("%s%.0lld%s", "end", 0, "");
}

static const rg_pace listener = {begin, at, end, NULL};

/* Metrics of which one has resolutions, which have sweeps. */
static void work(void)
{
  rg_pace_begin("evaluate", 3, "metrics");
  rg_pace_at(1, "clusters");
  rg_pace_begin("clusters", 20, "resolutions");
  rg_pace_at(6, NULL);
  rg_pace_begin("cluster", 0, "sweeps");
  rg_pace_at(33, "this is not for all");
  rg_pace_end();
  rg_pace_end();
  rg_pace_at(2, NULL);
  rg_pace_end();
}

Test(pace, shows_the_outermost)
{
  rg_pace_show(&listener);
  work();
  cr_assert_str_eq(heard, "[evaluate 3 metrics] 1(clusters) 2() end");
}

Test(pace, shows_what_is_inside_when_it_stands_still)
{
  rg_pace_show(&listener);
  rg_pace_still(-1);
  work();
  cr_assert_str_eq(heard, "[evaluate 3 metrics] 1(clusters) 1(clusters, 6/20 resolutions) "
                          "1(clusters, 6/20 resolutions, 33 sweeps) 2() end");
}

Test(pace, goes_as_deep_as_it_likes)
{
  rg_pace_show(&listener);
  rg_pace_still(-1);
  for (int k = 0; k < 20; k++)
    rg_pace_begin("layer", 0, "layers");
  rg_pace_at(7, NULL);
  for (int k = 0; k < 20; k++)
    rg_pace_end();
  cr_assert_str_eq(heard, "[layer 0 layers] end");
}

Test(pace, is_told_to_nobody)
{
  rg_pace_show(NULL);
  work();
  cr_assert_str_eq(heard, "");
}

Test(must_fail, pace)
{
  rg_pace_show(&listener);
  work();
  cr_assert_str_eq(heard, "");
}
