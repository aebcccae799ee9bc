/* train: the grid that ranks form, of sizes that no test machine has. */
#include "src/train/internal.h"

#include <criterion/criterion.h>

/* Lane groups x feature groups of `ranks`. */
static void shape_is(const char *shape, int ranks, int lanes, bool wide, int a, int f)
{
  rg_grid *grid = NULL;
  cr_assert_eq(rg_grid_play(rg_comm_self(), shape, ranks, lanes, 16, wide, &grid), RG_OK,
               "%s", rg_error_text());
  cr_expect_eq(rg_grid_lane_groups(grid), a, "%s of %d: %d lane groups, not %d", shape,
               ranks, rg_grid_lane_groups(grid), a);
  cr_expect_eq(rg_grid_feature_groups(grid), f, "%s of %d: %d feature groups, not %d",
               shape, ranks, rg_grid_feature_groups(grid), f);
  rg_grid_free(grid);
}

Test(grid, small_ones_are_of_features)
{
  for (int ranks = 1; ranks <= 16; ranks++)
    shape_is("auto", ranks, 4, true, 1, ranks);
}

Test(grid, large_ones_have_lanes_of_feature_groups)
{
  shape_is("auto", 24, 4, true, 2, 12);
  shape_is("auto", 64, 4, true, 4, 16);
  shape_is("auto", 1024, 64, true, 64, 16);
  shape_is("auto", 34, 4, true, 2, 17);    /* two times a prime */
  shape_is("auto", 17, 4, true, 1, 17);    /* a prime */
  shape_is("auto", 1024, 4, true, 4, 256); /* no more lanes */
}

Test(grid, without_wide_data_all_are_lanes)
{
  shape_is("auto", 64, 64, false, 64, 1);
}

Test(grid, shapes_that_are_said)
{
  shape_is("features", 64, 4, true, 1, 64);
  shape_is("lanes", 4, 4, true, 4, 1);
  shape_is("2x32", 64, 4, true, 2, 32);
}

Test(grid, shapes_that_do_not_fit_are_refused)
{
  rg_grid *grid = NULL;
  static const char *const bad[] = {"lanes", "8x8", "2x31", "0x64", "x", "64"};
  for (int i = 0; i < 6; i++)
    cr_expect_eq(rg_grid_play(rg_comm_self(), bad[i], 64, 4, 16, true, &grid), RG_EUSAGE,
                 "%s", bad[i]);
}

Test(must_fail, grid)
{
  shape_is("auto", 1024, 64, true, 1, 1024);
}
