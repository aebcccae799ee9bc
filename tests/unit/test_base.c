/* base: status, log, memory, lists of strings. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- status ---------------------------------------------------------------------- */

Test(status, exit_codes_are_the_documented_ones)
{
  cr_assert_eq(rg_exit_code(RG_OK), 0);
  cr_assert_eq(rg_exit_code(RG_EFAIL), 1);
  cr_assert_eq(rg_exit_code(RG_EUSAGE), 2);
  cr_assert_eq(rg_exit_code(RG_EINPUT), 3);
  cr_assert_eq(rg_exit_code(RG_EDIVERGED), 4);
  cr_assert_eq(rg_exit_code(RG_ESTOPPED), 75);
}

Test(status, every_status_has_its_own_text)
{
  const rg_status all[] = {RG_OK,     RG_EFAIL,     RG_EUSAGE,
                           RG_EINPUT, RG_EDIVERGED, RG_ESTOPPED};
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < i; j++)
      cr_assert_str_neq(rg_status_text(all[i]), rg_status_text(all[j]));
}

Test(status, fail_records_one_line_and_returns_the_status)
{
  cr_assert_str_eq(rg_error_text(), "");
  cr_assert_eq(rg_fail(RG_EINPUT, "%s:/obs[%d]: bad", "a.h5ad", 7), RG_EINPUT);
  cr_assert_str_eq(rg_error_text(), "a.h5ad:/obs[7]: bad");
}

Test(status, control_characters_are_escaped)
{
  rg_fail(RG_EINPUT, "a\nb\033[2Jc\x7f\xc2\x9b µ");
  cr_assert_str_eq(rg_error_text(), "a\\x0ab\\x1b[2Jc\\x7f\\xc2\\x9b µ");
}

Test(status, bytes_that_are_no_text_are_escaped)
{
  rg_fail(RG_EINPUT, "a\x80 \xc3\xa9 \xc0\xaf \xed\xa0\x80 \xf0\x9f\x98\x80 \xe2\x82");
  cr_assert_str_eq(rg_error_text(), "a\\x80 \xc3\xa9 \\xc0\\xaf \\xed\\xa0\\x80 "
                                    "\xf0\x9f\x98\x80 \\xe2\\x82");
}

Test(status, the_last_error_may_be_part_of_the_next)
{
  rg_fail(RG_EINPUT, "inner");
  rg_fail(RG_EFAIL, "outer: %s", rg_error_text());
  cr_assert_str_eq(rg_error_text(), "outer: inner");
}

Test(status, a_long_text_is_cut)
{
  char *text = malloc(100001);
  memset(text, '\n', 100000);
  text[100000] = '\0';
  rg_fail(RG_EFAIL, "%s", text);
  size_t n = strlen(rg_error_text());
  cr_assert(n > 1000 && n < 4096);
  cr_assert_str_eq(rg_error_text() + n - 3, "...");
  free(text);
}

static rg_status leave_early(int *reached)
{
  rg_status status;
  RG_TRY(RG_OK);
  *reached = 1;
  RG_TRY(rg_fail(RG_EDIVERGED, "stop"));
  *reached = 2;
out:
  return status;
}

Test(status, try_leaves_at_the_first_failure)
{
  int reached = 0;
  cr_assert_eq(leave_early(&reached), RG_EDIVERGED);
  cr_assert_eq(reached, 1);
}

Test(status, a_broken_invariant_aborts, .signal = SIGABRT)
{
  RG_ASSERT(1 + 1 == 3);
}

static void leave_with(int exit_code)
{
  exit(exit_code + 40);
}

Test(status, the_hook_ends_the_job, .exit_code = 41)
{
  rg_on_abort(leave_with);
  RG_ASSERT(1 + 1 == 3);
}

/* ---- log ------------------------------------------------------------------------- */

Test(log, each_level_has_its_start, .init = cr_redirect_stderr)
{
  rg_log_start("debug", 0);
  rg_log(RG_LOG_ERROR, "e%d", 1);
  rg_warn("w");
  rg_info("i");
  rg_debug("d");
  fflush(stderr);
  cr_assert_stderr_eq_str("regatta: error: e1\nregatta: warning: w\ni\nd\n");
}

Test(log, other_ranks_only_warn, .init = cr_redirect_stderr)
{
  rg_log_start("debug", 3);
  rg_info("i");
  rg_warn("w");
  rg_debug("d");
  fflush(stderr);
  cr_assert_stderr_eq_str("regatta: warning: w\n");
}

Test(log, the_level_may_come_from_the_environment, .init = cr_redirect_stderr)
{
  setenv("RG_LOG", "error", 1);
  rg_log_start(NULL, 0);
  rg_warn("w");
  rg_info("i\033[2J");
  rg_log_start("info", 0);
  rg_info("i\033[2J");
  fflush(stderr);
  cr_assert_stderr_eq_str("i\\x1b[2J\n");
}

Test(log, an_unknown_level_is_said, .init = cr_redirect_stderr)
{
  rg_log_start("loud", 0);
  fflush(stderr);
  cr_assert_stderr_eq_str("regatta: warning: log level 'loud' is not one of error, "
                          "warn, info, debug\n");
}

/* ---- memory ---------------------------------------------------------------------- */

Test(memory, zeroed_aligned_and_counted)
{
  int64_t before = rg_memory_alive();
  for (int64_t n = 0; n < 300; n += 7) {
    unsigned char *x = rg_alloc(n, 3);
    cr_assert_not_null(x);
    cr_assert_eq((uintptr_t)x % 64, 0);
    for (int64_t i = 0; i < 3 * n; i++)
      cr_assert_eq(x[i], 0);
    memset(x, 0xff, (size_t)(3 * n));
    cr_assert_eq(rg_memory_alive(), before + 3 * n);
    rg_free(x);
  }
  rg_free(NULL);
  cr_assert_eq(rg_memory_alive(), before);
  cr_assert_gt(rg_memory_peak(), 0);
}

Test(memory, realloc_keeps_the_old_and_zeroes_the_new)
{
  int64_t before = rg_memory_alive();
  int *x = rg_realloc(NULL, 0, 3, sizeof *x);
  int64_t n = 3;
  for (int i = 0; i < 3; i++)
    x[i] = i;
  const int64_t sizes[] = {5, 6, 7, 1000, 1001, 800, 1000, 4, 900, 3, 3, 2, 50};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    x = rg_realloc(x, n, sizes[s], sizeof *x);
    cr_assert_eq((uintptr_t)x % 64, 0);
    for (int64_t i = n; i < sizes[s]; i++) {
      cr_assert_eq(x[i], 0);
      x[i] = (int)i;
    }
    n = sizes[s];
    for (int64_t i = 0; i < n; i++)
      cr_assert_eq(x[i], i);
  }
  rg_free(x);
  cr_assert_eq(rg_memory_alive(), before);
}

Test(memory, too_much_ends_the_job_with_one_line, .init = cr_redirect_stderr,
     .exit_code = 1)
{
  rg_alloc(INT64_MAX / 8, 8);
}

Test(memory, a_negative_count_is_a_bug, .signal = SIGABRT)
{
  rg_alloc(-1, 8);
}

Test(memory, format_and_strdup)
{
  char *a = rg_format("%d %s", 12, "cells"), *b = rg_strdup(a);
  cr_assert_str_eq(b, "12 cells");
  rg_free(a);
  rg_free(b);
}

/* ---- lists of strings ------------------------------------------------------------ */

Test(strings, add_find_copy)
{
  rg_strings list = {0}, copy;
  rg_strings_copy(&list, &copy);
  cr_assert_eq(copy.n, 0);
  cr_assert_eq(rg_strings_find(&list, ""), -1);
  for (int i = 0; i < 1000; i++) {
    char text[32];
    int n = snprintf(text, sizeof text, "name%d and more", i);
    rg_strings_add(&list, text, n - 9);
  }
  rg_strings_add(&list, "", 0);
  rg_strings_add(&list, "all of it", -1);
  rg_strings_copy(&list, &copy);
  rg_strings_fini(&list);
  cr_assert_eq(list.n, 0);
  cr_assert_eq(copy.n, 1002);
  cr_assert_str_eq(rg_strings_at(&copy, 0), "name0");
  cr_assert_str_eq(rg_strings_at(&copy, 999), "name999");
  cr_assert_str_eq(rg_strings_at(&copy, 1000), "");
  cr_assert_str_eq(rg_strings_at(&copy, 1001), "all of it");
  cr_assert_eq(rg_strings_find(&copy, "name500"), 500);
  cr_assert_eq(rg_strings_find(&copy, "name"), -1);
  rg_strings_fini(&copy);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(strings, out_of_range_is_a_bug, .signal = SIGABRT)
{
  rg_strings list = {0};
  rg_strings_at(&list, 0);
}

Test(strings, formatted_lines_of_any_length)
{
  rg_strings list = {0};
  char *wide = rg_format("%0*d", 5000, 7);
  rg_strings_addf(&list, "%s %d", "cells:", 12);
  rg_strings_addf(&list, "%s", wide);
  cr_assert_str_eq(rg_strings_at(&list, 0), "cells: 12");
  cr_assert_str_eq(rg_strings_at(&list, 1), wide);
  rg_strings_fini(&list);
  rg_free(wide);
}

Test(text, endings)
{
  cr_assert(rg_ends_with("counts.mtx.gz", ".gz"));
  cr_assert(rg_ends_with(".gz", ".gz"));
  cr_assert(rg_ends_with("", ""));
  cr_assert(!rg_ends_with("gz", ".gz"));
  cr_assert(!rg_ends_with("counts.mtx.gz", ".mtx"));
}

Test(must_fail, base)
{
  cr_assert_str_eq(rg_status_text(RG_OK), rg_status_text(RG_EFAIL));
}
