/* train: features that modalities share by name, against values worked out here. */
#include "src/train/prior.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { CELLS = 4 };

/* Cells 0..2 have counts, cell 3 lacks the modality. */
static rg_prepared_modality planted(const char *name, const char *const *features, int n,
                                    const float *values)
{
  rg_prepared_modality m = {.name = rg_strdup(name)};
  for (int f = 0; f < n; f++)
    rg_strings_add(&m.features, features[f], -1);
  m.counts = rg_csr_new(CELLS, n, (int64_t)CELLS * n);
  m.present = RG_NEW(bool, CELLS);
  int64_t e = 0;
  for (int64_t i = 0; i < CELLS; i++) {
    m.present[i] = i < 3;
    for (int f = 0; f < n && i < 3; f++) {
      m.counts.indices[e] = f;
      m.counts.values[e++] = values[i * n + f];
    }
    m.counts.indptr[i + 1] = e;
  }
  return m;
}

static void planted_fini(rg_prepared_modality *m)
{
  rg_free(m->name);
  rg_strings_fini(&m->features);
  rg_csr_fini(&m->counts);
  rg_free(m->present);
}

static const char *const genes[] = {"Lyz", "FCGR3A", "CD19", "PTPRC", "GAPDH"};
static const char *const proteins[] = {"CD16_TotalSeqB", "CD45RA", "CD45RO", "cd19",
                                       "IgG1"};
static const float counts[] = {1, 2, 3, 4, 5, 2, 2, 9, 1, 4, 7, 1, 1, 3, 2};

Test(shared, names)
{
  rg_prepared_modality a = planted("rna", genes, 5, counts);
  rg_prepared_modality b = planted("adt", proteins, 5, counts);
  rg_prepared_modality c = planted("rna", proteins, 5, counts);
  cr_assert_eq(rg_count_shared(&a, &b), 3,
               "CD16 is FCGR3A, cd19 is CD19, one of CD45RA and CD45RO is PTPRC");
  cr_assert_eq(rg_count_shared(&a, &c), 1, "a gene has no other name");
  cr_assert_eq(rg_count_shared(&a, &a), 5);
  planted_fini(&a);
  planted_fini(&b);
  planted_fini(&c);
}

Test(shared, values_are_standard_scores)
{
  rg_prepared_modality a = planted("rna", genes, 5, counts);
  rg_prepared_modality b = planted("adt", proteins, 5, counts);
  rg_mat x = {0}, y = {0};
  cr_assert_eq(rg_shared_features(rg_comm_self(), &a, &b, &x, &y), RG_OK);
  cr_assert_eq(x.cols, 3);
  cr_assert_eq(y.cols, 3);
  /* in the order of names: CD19, FCGR3A, PTPRC; CD19 is gene 2 */
  double value[3], mean = 0, variance = 0;
  for (int i = 0; i < 3; i++) {
    double sum = 0;
    for (int f = 0; f < 5; f++)
      sum += (double)counts[i * 5 + f];
    value[i] = log1p(1e4 * (double)counts[i * 5 + 2] / sum);
    mean += value[i] / 3;
  }
  for (int i = 0; i < 3; i++)
    variance += (value[i] - mean) * (value[i] - mean) / 3;
  for (int i = 0; i < 3; i++)
    cr_assert_float_eq(rg_mat_row(&x, i)[0], (value[i] - mean) / sqrt(variance), 1e-5);
  cr_assert(isnan(rg_mat_row(&x, 3)[0]), "a cell without has no numbers");
  for (int j = 0; j < 3; j++) {
    double sum = 0;
    for (int i = 0; i < 3; i++)
      sum += (double)rg_mat_row(&y, i)[j];
    cr_assert_float_eq(sum, 0, 1e-5);
  }
  rg_mat_fini(&x);
  rg_mat_fini(&y);
  planted_fini(&a);
  planted_fini(&b);
}

Test(must_fail, shared)
{
  rg_prepared_modality a = planted("rna", genes, 5, counts);
  cr_assert_eq(rg_count_shared(&a, &a), 4);
}
