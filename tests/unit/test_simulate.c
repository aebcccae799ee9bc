/* simulate: values are functions of (seed, cell, feature), and the truth is planted. */
#include "regatta/simulate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static rg_simulation options;
static rg_simulator *simulator;

static void plan(const char *name, const char *value)
{
  rg_fields_default(rg_simulation_fields, &options);
  rg_fields_set(rg_simulation_fields, &options, "proteins", "6", "test");
  if (name)
    cr_assert_eq(rg_fields_set(rg_simulation_fields, &options, name, value, "test"),
                 RG_OK);
  cr_assert_eq(rg_simulator_new(&options, &simulator), RG_OK, "%s", rg_error_text());
}

Test(simulate, ranges_of_cells_do_not_matter)
{
  plan("paired", "0.5");
  for (int m = 0; m < rg_simulator_assays(simulator); m++) {
    rg_csr all = rg_simulator_rows(simulator, m, (rg_range){10, 210}, NULL);
    rg_csr part = rg_simulator_rows(simulator, m, (rg_range){70, 75}, NULL);
    int64_t row = 0;
    for (int64_t c = 10; c < 70; c++)
      row += rg_simulator_cell(simulator, c).present >> m & 1;
    int64_t n = rg_csr_nnz(&part), low = all.indptr[row];
    cr_assert(part.rows > 0 && part.rows <= 5);
    cr_assert_eq(all.indptr[row + part.rows] - low, n);
    cr_assert_arr_eq(all.indices + low, part.indices, (size_t)n * sizeof *all.indices);
    cr_assert_arr_eq(all.values + low, part.values, (size_t)n * sizeof *all.values);
    rg_csr none = rg_simulator_rows(simulator, m, (rg_range){7, 7}, NULL);
    cr_assert_eq(rg_csr_nnz(&none), 0);
    rg_csr_fini(&all);
    rg_csr_fini(&part);
    rg_csr_fini(&none);
  }
}

Test(simulate, rows_are_sorted_counts)
{
  plan(NULL, NULL);
  for (int m = 0; m < rg_simulator_assays(simulator); m++) {
    rg_csr csr = rg_simulator_rows(simulator, m, (rg_range){0, 100}, NULL);
    const rg_assay *assay = rg_simulator_assay(simulator, m);
    cr_assert_eq(csr.rows, 100);
    cr_assert_eq(csr.cols, assay->n);
    cr_assert_eq(assay->features.n, assay->n);
    for (int64_t i = 0; i < csr.rows; i++)
      for (int64_t k = csr.indptr[i]; k < csr.indptr[i + 1]; k++) {
        cr_assert(csr.values[k] >= 1 && csr.values[k] == floorf(csr.values[k]));
        cr_assert(k == csr.indptr[i] || csr.indices[k] > csr.indices[k - 1]);
        cr_assert(csr.indices[k] >= 0 && csr.indices[k] < assay->n);
      }
    rg_csr_fini(&csr);
  }
}

/* The mean over many cells is mean x factor x depth, within five standard errors. */
Test(simulate, counts_have_the_planned_mean)
{
  plan("depth_sd", "0");
  enum { CELLS = 2000 };
  const rg_assay *rna = rg_simulator_assay(simulator, 0);
  rg_csr csr = rg_simulator_rows(simulator, 0, (rg_range){0, CELLS}, NULL);
  for (int64_t j = 0; j < 50; j++) {
    double want = 0, variance = 0, have = 0;
    for (int64_t c = 0; c < CELLS; c++) {
      rg_simulated_cell cell = rg_simulator_cell(simulator, c);
      double mu = rna->mean[cell.type * rna->n + j] *
                  rna->factor[cell.batch * rna->n + j] * cell.depth;
      want += mu;
      variance += mu + mu * mu / rna->theta[j];
      for (int64_t k = csr.indptr[c]; k < csr.indptr[c + 1]; k++)
        have += csr.indices[k] == j ? csr.values[k] : 0;
    }
    cr_expect(fabs(have - want) < 5 * sqrt(variance) + 1, "gene %d: %g, planned %g",
              (int)j, have, want);
  }
  rg_csr_fini(&csr);
}

Test(simulate, density_is_what_was_asked_for)
{
  plan("density", "0.1");
  rg_csr csr = rg_simulator_rows(simulator, 1, (rg_range){0, 500}, NULL);
  double density = (double)rg_csr_nnz(&csr) / (double)(csr.rows * csr.cols);
  cr_assert(density > 0.08 && density < 0.13, "%g", density);
  rg_csr_fini(&csr);
}

Test(simulate, unpaired_cells_lack_exactly_one_modality)
{
  plan("paired", "0.6");
  int lacking = 0, of[3] = {0};
  for (int64_t c = 0; c < 3000; c++) {
    unsigned missing = rg_simulator_cell(simulator, c).present ^ 7u;
    cr_assert((missing & (missing - 1)) == 0);
    lacking += missing != 0;
    for (int m = 0; m < 3; m++)
      of[m] += missing >> m & 1;
  }
  cr_assert(lacking > 1100 && lacking < 1300, "%d", lacking);
  for (int m = 0; m < 3; m++)
    cr_assert(of[m] > 300 && of[m] < 500, "%d", of[m]);
}

Test(simulate, single_cells_have_exactly_one_modality)
{
  rg_fields_default(rg_simulation_fields, &options);
  rg_fields_set(rg_simulation_fields, &options, "proteins", "6", "test");
  rg_fields_set(rg_simulation_fields, &options, "paired", "0.6", "test");
  rg_fields_set(rg_simulation_fields, &options, "single", "true", "test");
  cr_assert_eq(rg_simulator_new(&options, &simulator), RG_OK);
  int all = 0, of[3] = {0};
  for (int64_t c = 0; c < 3000; c++) {
    unsigned present = rg_simulator_cell(simulator, c).present;
    cr_assert(present == 7u || present == 1u || present == 2u || present == 4u);
    all += present == 7u;
    for (int m = 0; m < 3; m++)
      of[m] += present == 1u << m;
  }
  cr_assert(all > 1700 && all < 1900, "%d", all);
  for (int m = 0; m < 3; m++)
    cr_assert(of[m] > 300 && of[m] < 500, "%d", of[m]);
}

Test(simulate, a_private_modality_alone_tells_two_types_apart)
{
  static const char *const names[] = {"rna", "atac", "adt"};
  for (int p = 0; p < 3; p++) {
    plan("private", names[p]);
    rg_simulator *open = simulator;
    plan(NULL, NULL);
    for (int64_t c = 0, seen = 0; seen < 20; c++) {
      if (rg_simulator_cell(simulator, c).type != 1)
        continue;
      seen++;
      for (int m = 0; m < 3; m++) {
        rg_csr a = rg_simulator_rows(open, m, (rg_range){c, c + 1}, NULL);
        rg_csr b = rg_simulator_rows(simulator, m, (rg_range){c, c + 1}, NULL);
        bool same = rg_csr_nnz(&a) == rg_csr_nnz(&b) &&
                    memcmp(a.values, b.values, (size_t)rg_csr_nnz(&a) * 4) == 0 &&
                    memcmp(a.indices, b.indices, (size_t)rg_csr_nnz(&a) * 4) == 0;
        cr_assert_eq(same, m == p);
        rg_csr_fini(&a);
        rg_csr_fini(&b);
      }
    }
    rg_simulator_free(open);
  }
}

Test(simulate, peaks_lie_in_order)
{
  plan("chromosomes", "5");
  const rg_assay *atac = rg_simulator_assay(simulator, 1);
  int64_t count[5] = {0};
  for (int64_t j = 0; j < atac->n; j++) {
    count[atac->chromosome[j]]++;
    cr_assert(atac->end[j] > atac->start[j]);
    if (j == 0 || atac->chromosome[j] != atac->chromosome[j - 1])
      continue;
    cr_assert(atac->start[j] > atac->end[j - 1]);
  }
  for (int c = 1; c < 5; c++)
    cr_assert(count[c] < count[c - 1] && count[c] > 0);
  plan("chromosomes", "1");
  cr_assert_eq(rg_simulator_assay(simulator, 1)->chromosomes.n, 1);
}

Test(simulate, names_are_their_own)
{
  plan(NULL, NULL);
  char a[32], b[32];
  rg_simulator_name(simulator, 0, a);
  cr_assert_eq(strlen(a), 18);
  for (int64_t c = 1; c < 1000; c++) {
    rg_simulator_name(simulator, c, b);
    cr_assert_str_neq(a, b);
  }
}

Test(hostile, options_that_contradict_each_other)
{
  rg_fields_default(rg_simulation_fields, &options);
  options.genes = options.peaks = 0;
  cr_assert_eq(rg_simulator_new(&options, &simulator), RG_EUSAGE);
  options.genes = 10;
  rg_fields_set(rg_simulation_fields, &options, "private", "atac", "test");
  cr_assert_eq(rg_simulator_new(&options, &simulator), RG_EUSAGE);
  rg_fields_set(rg_simulation_fields, &options, "private", "rna", "test");
  options.types = 1;
  cr_assert_eq(rg_simulator_new(&options, &simulator), RG_EUSAGE);
}

Test(must_fail, another_seed_gives_the_same_cells)
{
  plan(NULL, NULL);
  rg_csr a = rg_simulator_rows(simulator, 0, (rg_range){0, 1}, NULL);
  plan("seed", "1");
  rg_csr b = rg_simulator_rows(simulator, 0, (rg_range){0, 1}, NULL);
  cr_assert_eq(rg_csr_nnz(&a), rg_csr_nnz(&b));
  cr_assert_arr_eq(a.values, b.values, (size_t)rg_csr_nnz(&a) * sizeof *a.values);
}
