/* base: injected faults. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

Test(fault, none_without_the_variable)
{
  unsetenv("RG_FAULT");
  for (int i = 0; rg_fault_points[i]; i++)
    cr_assert_not(rg_fault(rg_fault_points[i]));
}

Test(fault, fails_the_first_pass)
{
  setenv("RG_FAULT", "read", 1);
  cr_assert_not(rg_fault("open"));
  cr_assert(rg_fault("read"));
  cr_assert_not(rg_fault("read"));
}

Test(fault, fails_the_nth_pass_on_one_rank)
{
  setenv("RG_FAULT", "read:3@2", 1);
  rg_log_start("info", 2);
  cr_assert_not(rg_fault("read"));
  cr_assert_not(rg_fault("read"));
  cr_assert(rg_fault("read"));
  cr_assert_not(rg_fault("read"));
}

Test(fault, other_ranks_pass)
{
  setenv("RG_FAULT", "read@2", 1);
  rg_log_start("info", 1);
  cr_assert_not(rg_fault("read"));
}

Test(fault, a_slip_in_the_variable_is_said, .init = cr_redirect_stderr)
{
  setenv("RG_FAULT", "raed", 1);
  cr_assert_not(rg_fault("read"));
  fflush(stderr);
  cr_assert_stderr_eq_str(
      "regatta: warning: RG_FAULT names no known point 'raed'; nearest: 'read'\n");
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
  cr_assert(rg_fault("read"));
}
