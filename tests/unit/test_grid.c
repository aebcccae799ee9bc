/* train: the grid that ranks form, of sizes that no test machine has. */
#include "src/train/internal.h"

#include <criterion/criterion.h>

/* Lane groups x feature groups of `ranks`. */
static void shape_of_batch(const char *shape, int ranks, int lanes, int batch, bool wide,
                           int a, int f)
{
  rg_grid *grid = NULL;
  cr_assert_eq(
      rg_grid_play(rg_comm_self(), shape, ranks, lanes, batch / lanes, wide, &grid),
      RG_OK, "%s", rg_error_text());
  cr_expect_eq(rg_grid_lane_groups(grid), a, "%s of %d: %d lane groups, not %d", shape,
               ranks, rg_grid_lane_groups(grid), a);
  cr_expect_eq(rg_grid_feature_groups(grid), f, "%s of %d: %d feature groups, not %d",
               shape, ranks, rg_grid_feature_groups(grid), f);
  rg_grid_free(grid);
}

static void shape_is(const char *shape, int ranks, int lanes, bool wide, int a, int f)
{
  shape_of_batch(shape, ranks, lanes, 16 * lanes, wide, a, f);
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

/* The fastest of those that were played, or next to it; see docs/performance/scaling.md. */
Test(grid, large_batches_are_shared_by_lanes)
{
  shape_of_batch("auto", 2, 64, 512, true, 1, 2);
  shape_of_batch("auto", 4, 64, 128, true, 1, 4);
  shape_of_batch("auto", 4, 64, 512, true, 2, 2);
  shape_of_batch("auto", 4, 64, 4096, true, 4, 1);
  shape_of_batch("auto", 16, 64, 128, true, 2, 8);
  shape_of_batch("auto", 16, 64, 512, true, 4, 4);
  shape_of_batch("auto", 16, 64, 4096, true, 8, 2);
  shape_of_batch("auto", 16, 2, 4096, true, 2, 8); /* no more lanes */
  shape_of_batch("auto", 15, 64, 4096, true, 1, 15); /* lanes do not divide */
  shape_of_batch("auto", 64, 64, 512, true, 8, 8);
  shape_of_batch("auto", 64, 64, 4096, true, 16, 4);
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
