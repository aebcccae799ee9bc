/* base: injected faults. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* any two of the table */
#define POINT rg_fault_points[0]
#define OTHER rg_fault_points[1]

static void want(const char *suffix)
{
  char text[100];
  snprintf(text, sizeof text, "%s%s", POINT, suffix);
  setenv("RG_FAULT", text, 1);
}

Test(fault, none_without_the_variable)
{
  unsetenv("RG_FAULT");
  for (int i = 0; rg_fault_points[i]; i++)
    cr_assert_not(rg_fault(rg_fault_points[i]));
}

Test(fault, fails_the_first_pass)
{
  want("");
  cr_assert_not(rg_fault(OTHER));
  cr_assert(rg_fault(POINT));
  cr_assert_not(rg_fault(POINT));
}

Test(fault, fails_the_nth_pass_on_one_rank)
{
  want(":3@2");
  rg_log_start("info", 2);
  cr_assert_not(rg_fault(POINT));
  cr_assert_not(rg_fault(POINT));
  cr_assert(rg_fault(POINT));
  cr_assert_not(rg_fault(POINT));
}

Test(fault, other_ranks_pass)
{
  want("@2");
  rg_log_start("info", 1);
  cr_assert_not(rg_fault(POINT));
}

Test(fault, a_slip_in_the_variable_is_said, .init = cr_redirect_stderr)
{
  want("s");
  cr_assert_not(rg_fault(POINT));
  fflush(stderr);
  char text[200];
  snprintf(text, sizeof text,
           "regatta: warning: RG_FAULT names no known point '%ss'; nearest: '%s'\n",
           POINT, POINT);
  cr_assert_stderr_eq_str(text);
}

Test(fault, the_table_is_sorted)
{
  for (int i = 1; rg_fault_points[i]; i++)
    cr_assert_lt(strcmp(rg_fault_points[i - 1], rg_fault_points[i]), 0);
}

Test(fault, a_point_outside_the_table_is_a_bug, .signal = SIGABRT)
{
  rg_fault("nowhere");
}

Test(must_fail, fault)
{
  cr_assert(rg_fault(POINT));
}
