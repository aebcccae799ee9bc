/* Every operation and loss of the registries: values and gradients of its probe are the
 * same bits on any number of ranks. */
#include "tests/ranks/ranks.h"

#include "regatta/train.h"

#include <string.h>

enum { LANES = 4, LANE_CELLS = 3 };

/* Returns false when there is no such variant. */
static bool check_variant(const rg_op_type *type, int variant, const rg_share *share)
{
  rg_share alone = rg_share_alone(LANES, LANE_CELLS);
  int64_t n, expected_n;
  float *expected = rg_probe_values(type, variant, &alone, &expected_n);
  float *values = rg_probe_values(type, variant, share, &n);
  bool same = n == expected_n &&
              (n == 0 || memcmp(values, expected, sizeof *values * (size_t)n) == 0);
  if (!same)
    fprintf(stderr, "%s, variant %d\n", type->name, variant);
  RG_CHECK(same);
  bool exists = expected != NULL;
  rg_free(expected);
  rg_free(values);
  return exists;
}

static void check_all(const rg_op_type *const *types, const rg_share *share)
{
  for (; *types; types++) {
    int variants = 0;
    while (check_variant(*types, variants, share))
      variants++;
    RG_CHECK(variants > 0);
  }
}

static void run(rg_comm *comm)
{
  rg_grid *grid = NULL;
  RG_CHECK(rg_grid_new(comm, "lanes", LANES, LANE_CELLS, false, &grid) == RG_OK);
  if (!grid)
    return;
  check_all(rg_op_types, rg_grid_share(grid));
  check_all(rg_loss_types, rg_grid_share(grid));
  rg_grid_free(grid);
}

const rg_case rg_case_ops = {"ops", run};
