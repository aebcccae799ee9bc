/* Options, plan and file of a simulated data set. */

#include "plan.h"

#include "regatta/io.h"

#include <string.h>

#define AT(member) offsetof(rg_simulation, member)

const rg_field rg_simulation_fields[] = {
    {"output", RG_TEXT, AT(output), NULL, 0, 0, NULL, NULL, "the h5mu file to write"},
    {"cells", RG_INT, AT(cells), "2000", 1, 4e9, NULL, NULL, "cells"},
    {"types", RG_INT, AT(types), "5", 1, 1000, NULL, NULL, "cell types"},
    {"batches", RG_INT, AT(batches), "2", 1, 1000, NULL, NULL, "batches"},
    {"genes", RG_INT, AT(genes), "1000", 0, 1e6, NULL, NULL, "genes; 0: no rna"},
    {"peaks", RG_INT, AT(peaks), "5000", 0, 1e8, NULL, NULL, "peaks; 0: no atac"},
    {"proteins", RG_INT, AT(proteins), "0", 0, 1e5, NULL, NULL, "proteins; 0: no adt"},
    {"paired", RG_DOUBLE, AT(paired), "1", 0, 1, NULL, NULL,
     "share of cells measured in every modality; the others lack one; 0: unpaired"},
    {"single", RG_BOOL, AT(single), "false", 0, 0, NULL, NULL,
     "cells that are not paired have one modality only, however many there are"},
    {"seed", RG_INT, AT(seed), "0", 0, 9e15, NULL, NULL, "seed of all random numbers"},
    {"chromosomes", RG_INT, AT(chromosomes), "22", 1, 1000, NULL, NULL,
     "chromosomes that the peaks lie on"},
    {"density", RG_DOUBLE, AT(density), "0.03", 1e-5, 0.5, NULL, NULL,
     "mean share of peaks seen in a cell"},
    {"depth_sd", RG_DOUBLE, AT(depth_sd), "0.5", 0, 3, NULL, NULL,
     "standard deviation of the log of the depth of cells"},
    {"private", RG_CHOICE, AT(private_to), "none", 0, 0, "none|rna|atac|adt", NULL,
     "modality that alone tells types 1 and 2 apart"},
    {0}};

/* Kinds of modalities, in the order of the file. */
static const rg_assay_kind *const kinds[] = {&rg_assay_rna, &rg_assay_atac,
                                             &rg_assay_adt};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static int64_t feature_count(const rg_simulation *options, const rg_assay_kind *kind)
{
  int64_t n;
  memcpy(&n, (const char *)options + kind->count, sizeof n);
  return n;
}

static rg_status check(const rg_simulation *options)
{
  int n = 0;
  bool found = strcmp(options->private_to, "none") == 0;
  for (int k = 0; k < N_KINDS; k++) {
    if (feature_count(options, kinds[k]) == 0)
      continue;
    n++;
    found |= strcmp(options->private_to, kinds[k]->name) == 0;
  }
  if (n == 0)
    return rg_fail(RG_EUSAGE,
                   "simulate: no genes, no peaks, no proteins: nothing to do");
  if (!found)
    return rg_fail(RG_EUSAGE, "simulate: --private %s, but there is no %s",
                   options->private_to, options->private_to);
  if (strcmp(options->private_to, "none") != 0 && options->types < 2)
    return rg_fail(RG_EUSAGE, "simulate: --private needs at least 2 types");
  return RG_OK;
}

rg_status rg_simulator_new(const rg_simulation *options, rg_simulator **out)
{
  rg_status status = check(options);
  if (status != RG_OK)
    return status;
  rg_simulator *s = RG_NEW(rg_simulator, 1);
  s->options = *options;
  s->options.private_to = rg_strdup(options->private_to);
  s->options.output = NULL;
  bool shared = strcmp(options->private_to, "none") == 0;
  for (int k = 0; k < N_KINDS; k++) {
    if (feature_count(options, kinds[k]) == 0)
      continue;
    rg_assay *assay = &s->assays[s->n_assays];
    assay->name = kinds[k]->name;
    kinds[k]->plan(options, k, assay);
    bool apart = shared || strcmp(options->private_to, kinds[k]->name) == 0;
    s->drawn_type[s->n_assays++] = apart ? 1 : 0;
  }
  *out = s;
  return RG_OK;
}

void rg_simulator_free(rg_simulator *s)
{
  if (!s)
    return;
  for (int m = 0; m < s->n_assays; m++) {
    rg_assay *a = &s->assays[m];
    rg_free(a->mean);
    rg_free(a->factor);
    rg_free(a->theta);
    rg_free(a->chromosome);
    rg_free(a->start);
    rg_free(a->end);
    rg_strings_fini(&a->features);
    rg_strings_fini(&a->chromosomes);
  }
  rg_free(s->options.private_to);
  rg_free(s);
}

int rg_simulator_assays(const rg_simulator *simulator)
{
  return simulator->n_assays;
}

const rg_assay *rg_simulator_assay(const rg_simulator *simulator, int m)
{
  return &simulator->assays[m];
}

/* ---- to a file ------------------------------------------------------------------- */

static rg_column category(const char *name, const char *stem, int64_t first, int64_t k,
                          int64_t n)
{
  rg_column column = {.name = rg_strdup(name),
                      .type = RG_COLUMN_CATEGORY,
                      .n = n,
                      .code = RG_NEW(int32_t, n)};
  for (int64_t i = first; i < k; i++) {
    char *text = rg_format("%s%lld", stem, (long long)(i + 1));
    rg_strings_add(&column.categories, text, -1);
    rg_free(text);
  }
  return column;
}

/* Columns of obs for the cells of a rank; returns their number. */
enum { MAX_COLUMNS = 4 };
static int truth_columns(const rg_simulator *s, rg_range cells,
                         rg_column columns[MAX_COLUMNS])
{
  int64_t n = rg_range_n(cells);
  columns[0] = category("cell_type", "type", 0, s->options.types, n);
  columns[1] = category("batch", "batch", 0, s->options.batches, n);
  columns[2] = (rg_column){.name = rg_strdup("depth"),
                           .type = RG_COLUMN_NUMBER,
                           .n = n,
                           .number = RG_NEW(double, n)};
  columns[3] = category("cell_type_coarse", "type", 1, s->options.types, n);
  for (int64_t i = 0; i < n; i++) {
    rg_simulated_cell truth = rg_simulator_cell(s, cells.low + i);
    columns[0].code[i] = truth.type;
    columns[1].code[i] = truth.batch;
    columns[2].number[i] = truth.depth;
    columns[3].code[i] = truth.type > 0 ? truth.type - 1 : 0;
  }
  if (strcmp(s->options.private_to, "none") != 0)
    return 4;
  rg_column_fini(&columns[3]);
  return 3;
}

rg_status rg_simulator_write(rg_comm *comm, const rg_simulator *s, const char *path,
                             const rg_simulator_watch *watch)
{
  rg_range cells = rg_part(s->options.cells, rg_rank(comm), rg_size(comm));
  int64_t n = rg_range_n(cells);
  rg_strings names = {0};
  bool *present[RG_MAX_ASSAYS];
  rg_csr counts[RG_MAX_ASSAYS];
  rg_new_modality modalities[RG_MAX_ASSAYS];
  for (int64_t c = cells.low; c < cells.high; c++) {
    char name[32];
    rg_simulator_name(s, c, name);
    rg_strings_add(&names, name, -1);
  }
  for (int m = 0; m < s->n_assays; m++) {
    const rg_assay *a = &s->assays[m];
    present[m] = RG_NEW(bool, n);
    for (int64_t i = 0; i < n; i++)
      present[m][i] = rg_simulator_cell(s, cells.low + i).present >> m & 1;
    counts[m] = rg_simulator_rows(s, m, cells, watch);
    modalities[m] = (rg_new_modality){.name = a->name,
                                      .counts = &counts[m],
                                      .features = &a->features,
                                      .chromosomes = &a->chromosomes,
                                      .chromosome = a->chromosome,
                                      .start = a->start,
                                      .end = a->end,
                                      .present = present[m]};
  }
  rg_column columns[MAX_COLUMNS];
  int n_columns = truth_columns(s, cells, columns);
  rg_status status = rg_write_h5mu(comm, path, s->options.cells, &names, n_columns,
                                   columns, s->n_assays, modalities);
  for (int m = 0; m < s->n_assays; m++) {
    rg_free(present[m]);
    rg_csr_fini(&counts[m]);
  }
  for (int i = 0; i < n_columns; i++)
    rg_column_fini(&columns[i]);
  rg_strings_fini(&names);
  return status;
}
