/* base: status, log, memory, strings. */
#include "regatta/base.h"

#include <criterion/criterion.h>

Test(status, names_fit_codes)
{
#define RG_STATUS_IS_UNIQUE(name, code, text) cr_assert_geq((int)name, 0);
  RG_STATUS_LIST(RG_STATUS_IS_UNIQUE)
#undef RG_STATUS_IS_UNIQUE
}

Test(must_fail, status)
{
  cr_assert_eq(RG_OK, RG_EFAIL);
}
