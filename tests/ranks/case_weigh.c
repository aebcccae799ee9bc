/* train: what weighings fit has the same bits on any number of ranks. */
#include "src/train/internal.h"
#include "tests/ranks/ranks.h"

#include <string.h>

enum { CELLS = 97, FEATURES = 31 };

static rg_dataset planted(rg_range rows)
{
  rg_key key = {.seed = 8, .purpose = RG_FOR_TEST};
  rg_dataset d = {.n_cells = CELLS, .rows = rows, .n_modalities = 1};
  rg_prepared_modality *m = d.modality = RG_NEW(rg_prepared_modality, 1);
  int64_t cells = rg_range_n(rows), n = 0;
  m->name = rg_strdup("rna");
  m->counts = rg_csr_new(cells, FEATURES, cells * FEATURES);
  m->present = RG_NEW(bool, cells);
  for (int64_t i = 0; i < cells; i++) {
    m->present[i] = true;
    for (int64_t j = 0; j < FEATURES; j++) {
      double u = rg_uniform(&key, (uint64_t)(rows.low + i), (uint64_t)j);
      if (u < 0.6)
        continue;
      m->counts.indices[n] = (int32_t)j;
      m->counts.values[n++] = (float)(int)(30 * u - 17);
    }
    m->counts.indptr[i + 1] = n;
  }
  return d;
}

static void planted_fini(rg_dataset *d)
{
  rg_free(d->modality[0].name);
  rg_csr_fini(&d->modality[0].counts);
  rg_free(d->modality[0].present);
  rg_free(d->modality);
}

static bool same(const rg_constants *a, const rg_constants *b)
{
  bool equal = a->n == b->n;
  for (int k = 0; k < a->n && equal; k++)
    equal = a->item[k].n == b->item[k].n &&
            memcmp(a->item[k].x, b->item[k].x, (size_t)a->item[k].n * sizeof(double)) == 0;
  return equal;
}

static void run(rg_comm *comm)
{
  rg_range rows = rg_part(CELLS, rg_rank(comm), rg_size(comm));
  rg_dataset mine = planted(rows), whole = planted((rg_range){0, CELLS});
  uint8_t role[CELLS];
  for (int i = 0; i < CELLS; i++)
    role[i] = i % 7 ? RG_TRAINS : RG_VALIDATES;
  rg_model model = {.n_sparse = 1};
  model.sparse[0] = (struct rg_sparse_input){
      .modality = "rna", .weigh = RG_WEIGH_ZSCORE, .power = 0.01};
  rg_constants a = {0}, b = {0};
  RG_CHECK(rg_weigh_fit(comm, &mine, &model, role + rows.low, &a) == RG_OK);
  RG_CHECK(rg_weigh_fit(rg_comm_self(), &whole, &model, role, &b) == RG_OK);
  RG_CHECK(a.n == 2 && same(&a, &b));
  rg_constants_fini(&a);
  rg_constants_fini(&b);
  planted_fini(&mine);
  planted_fini(&whole);
}

const rg_case rg_case_weigh = {.name = "weigh", .run = run};
