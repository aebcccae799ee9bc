/* Progress as text: rates of late, the time that is left, bars that fit. */
#include "src/cli/progress.h"

#include <criterion/criterion.h>
#include <string.h>

static rg_progress made(int64_t total)
{
  return (rg_progress){.what = "train", .unit = "cells", .total = total, .start = 100,
                       .seen = 100};
}

Test(progress, says_share_rate_and_time_left)
{
  rg_progress p = made(1000);
  char text[240];
  rg_progress_note(&p, 104, 400);
  rg_progress_text(&p, 104, "loss 1", text, sizeof text);
  cr_assert_str_eq(text, " 40%  400/1000 cells  100/s  ETA 0:06  loss 1");
  rg_progress_note(&p, 105, 1000);
  rg_progress_text(&p, 105, NULL, text, sizeof text);
  cr_assert(strncmp(text, "100%  1000/1000", 15) == 0 && strstr(text, "ETA 0:00"));
}

Test(progress, follows_a_change_of_pace)
{
  rg_progress p = made(1000000);
  for (int s = 1; s <= 100; s++) /* 1000 a second */
    rg_progress_note(&p, 100 + s, 1000 * s);
  cr_assert(p.rate > 990 && p.rate < 1010);
  for (int s = 1; s <= 100; s++) /* then 100 */
    rg_progress_note(&p, 200 + s, 100000 + 100 * s);
  cr_assert(p.rate > 99 && p.rate < 140, "%g", p.rate); /* the mean would be 550 */
}

Test(progress, stands_still_when_nothing_is_done)
{
  rg_progress p = made(10);
  char text[240];
  rg_progress_text(&p, 100, NULL, text, sizeof text);
  cr_assert_str_eq(text, "  0%  0/10 cells  0/s  ETA ?");
  rg_progress_note(&p, 100, 0);
  rg_progress_note(&p, 110, 0);
  cr_assert_eq(p.rate, 0);
}

Test(progress, no_time_left_when_it_stands_still)
{
  rg_progress p = made(10);
  char text[240];
  rg_progress_note(&p, 110, 5);
  rg_progress_text(&p, 112, NULL, text, sizeof text);
  cr_assert_str_eq(text, " 50%  5/10 cells  0.5/s  ETA 0:10");
  rg_progress_text(&p, 120, "kbet, 3/7 labels", text, sizeof text);
  cr_assert_str_eq(text, " 50%  5/10 cells  0.5/s  ETA ?  kbet, 3/7 labels");
}

Test(progress, without_a_total_counts)
{
  rg_progress p = made(0);
  char text[240];
  rg_progress_note(&p, 110, 20);
  rg_progress_text(&p, 112, NULL, text, sizeof text);
  cr_assert_str_eq(text, "20 cells  2/s  0:12");
}

Test(progress, bars_fit_the_terminal)
{
  rg_progress p = made(1000);
  char text[240], line[480];
  rg_progress_note(&p, 104, 500);
  rg_progress_text(&p, 104, "main epoch 1/22 loss 33.999", text, sizeof text);
  for (int width = 0; width < 130; width++) {
    rg_progress_bar(&p, text, width, line, sizeof line);
    cr_assert_leq(strlen(line), (size_t)width);
    cr_assert(width < 20 || strncmp(line, "train", 5) == 0);
  }
  cr_assert(strstr(line, "[############............]"));
}

Test(progress, lines_become_rarer)
{
  cr_assert_eq(rg_progress_interval(0), 5);
  cr_assert_eq(rg_progress_interval(200), 20);
  cr_assert_eq(rg_progress_interval(72000), 60);
  int lines = 0; /* of a job of 20 hours */
  for (double t = 0; t < 72000; t += rg_progress_interval(t))
    lines++;
  cr_assert(lines < 1300, "%d", lines);
}

Test(must_fail, progress)
{
  cr_assert_eq(rg_progress_interval(0), 6);
}
