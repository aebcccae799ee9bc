/* Ranked features on any number of ranks: what one rank finds, bit for bit. */
#include "regatta/markers.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { CELLS = 301, FEATURES = 53, GROUPS = 6 };

static rg_csr rows_of(rg_range rows, int32_t *group)
{
  rg_key key = {.seed = 12, .purpose = RG_FOR_TEST};
  rg_csr x = rg_csr_new(rg_range_n(rows), FEATURES, rg_range_n(rows) * FEATURES);
  int64_t n = 0;
  for (int64_t i = rows.low; i < rows.high; i++) {
    group[i - rows.low] = i % 11 == 0 ? -1 : (int32_t)(i * i % GROUPS);
    for (int f = 0; f < FEATURES; f++) {
      double u = rg_uniform(&key, (uint64_t)i, (uint64_t)f);
      if (u < 0.4 || f == 7) {
        x.indices[n] = f;
        x.values[n++] = (float)log1p(ceil(u * 20));
      }
    }
    x.indptr[i - rows.low + 1] = n;
  }
  return x;
}

static rg_markers ranked(rg_comm *comm, int test, int reference, int64_t block)
{
  rg_range mine = rg_part(CELLS, rg_rank(comm), rg_size(comm));
  int32_t *group = RG_NEW(int32_t, rg_range_n(mine));
  rg_csr x = rows_of(mine, group);
  rg_marker_options options = {.test = (rg_marker_test)test, .tie_correct = true,
                               .log1p = true, .reference = reference, .top = 20,
                               .block = block};
  rg_markers found;
  RG_CHECK(rg_rank_features(comm, &x, group, GROUPS, &options, &found) == RG_OK);
  rg_csr_fini(&x);
  rg_free(group);
  return found;
}

static void run(rg_comm *comm)
{
  for (int test = RG_WILCOXON; test <= RG_WELCH; test++)
    for (int reference = -1; reference < 2; reference++) {
      rg_markers alone = ranked(rg_comm_self(), test, reference, 0);
      rg_markers spread = ranked(comm, test, reference, 0);
      rg_markers blocks = ranked(comm, test, reference, 100);
      size_t bytes = sizeof *alone.marker * GROUPS * 20;
      RG_CHECK(memcmp(alone.cells, spread.cells, sizeof *alone.cells * GROUPS) == 0);
      RG_CHECK(memcmp(alone.marker, spread.marker, bytes) == 0);
      RG_CHECK(memcmp(alone.marker, blocks.marker, bytes) == 0);
      RG_CHECK(rg_same(comm, spread.marker, (int64_t)bytes));
      rg_markers_fini(&alone);
      rg_markers_fini(&spread);
      rg_markers_fini(&blocks);
    }
}

const rg_case rg_case_markers = {"markers", run};
