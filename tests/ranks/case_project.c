/* prepare: a projection has the same bits on any number of ranks, fitted and applied. */
#include "regatta/prepare.h"
#include "tests/ranks/ranks.h"

#include <string.h>

enum { CELLS = 330, FEATURES = 350, AXES = 7 };

/* Cells low..high of one and the same data; some lack the modality, some have no counts. */
static rg_prepared_modality planted(char *name, rg_range rows)
{
  rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};
  int64_t cells = rg_range_n(rows), n = 0;
  rg_prepared_modality m = {.name = name,
                            .counts = rg_csr_new(cells, FEATURES, cells * FEATURES),
                            .present = RG_NEW(bool, cells),
                            .depth = RG_NEW(double, cells)};
  for (int64_t i = 0; i < cells; i++) {
    int64_t cell = rows.low + i;
    m.present[i] = cell % 13 != 4;
    m.depth[i] = 100 + (double)cell;
    for (int64_t j = 0; j < FEATURES && m.present[i] && cell % 17 != 3; j++)
      if (rg_uniform(&key, (uint64_t)cell, (uint64_t)j) < (cell % 3 == j % 3 ? 0.5 : 0.1)) {
        m.counts.indices[n] = (int32_t)j;
        m.counts.values[n++] = (float)(1 + cell % 5);
      }
    m.counts.indptr[i + 1] = n;
  }
  return m;
}

static void modality_fini(rg_prepared_modality *m)
{
  rg_csr_fini(&m->counts);
  rg_free(m->present);
  rg_free(m->depth);
}

static void check(rg_comm *comm, char *name, rg_project_kind kind)
{
  rg_range rows = rg_part(CELLS, rg_rank(comm), rg_size(comm));
  rg_prepared_modality mine = planted(name, rows);
  rg_prepared_modality whole = planted(name, (rg_range){0, CELLS});
  bool allowed[CELLS];
  for (int64_t i = 0; i < CELLS; i++)
    allowed[i] = i < 200;
  rg_projection p = {0}, alone = {0};
  RG_CHECK(rg_project_fit(comm, &mine, allowed + rows.low, kind, AXES, 2, &p) == RG_OK);
  RG_CHECK(rg_project_fit(rg_comm_self(), &whole, allowed, kind, AXES, 2, &alone) ==
           RG_OK);
  RG_CHECK(p.n_packed == alone.n_packed &&
           memcmp(p.packed, alone.packed, (size_t)p.n_packed * sizeof(double)) == 0);
  rg_mat some = {0}, all = {0};
  RG_CHECK(rg_project_apply(&p, &mine, &some) == RG_OK);
  RG_CHECK(rg_project_apply(&alone, &whole, &all) == RG_OK);
  RG_CHECK(memcmp(some.data, rg_mat_row(&all, rows.low),
                  (size_t)(some.rows * AXES) * sizeof(float)) == 0);
  rg_mat_fini(&some);
  rg_mat_fini(&all);
  rg_projection_fini(&p);
  rg_projection_fini(&alone);
  modality_fini(&mine);
  modality_fini(&whole);
}

static void run(rg_comm *comm)
{
  check(comm, "rna", RG_PROJECT_ZSCORE);
  check(comm, "adt", RG_PROJECT_ZSCORE);
  check(comm, "atac", RG_PROJECT_LSI);
}

const rg_case rg_case_project = {.name = "project", .run = run};
