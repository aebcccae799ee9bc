/* Features that two modalities share by name. */
#include "internal.h"

#include "prior.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* Genes of surface proteins that are named otherwise (HGNC). */
static const struct alias {
  const char *protein, *gene;
} aliases[] = {{"B7-H1", "CD274"},   {"CCR7", "CCR7"},   {"CD10", "MME"},
               {"CD11B", "ITGAM"},   {"CD11C", "ITGAX"}, {"CD117", "KIT"},
               {"CD123", "IL3RA"},   {"CD127", "IL7R"},  {"CD134", "TNFRSF4"},
               {"CD137", "TNFRSF9"}, {"CD15", "FUT4"},   {"CD16", "FCGR3A"},
               {"CD161", "KLRB1"},   {"CD185", "CXCR5"}, {"CD197", "CCR7"},
               {"CD20", "MS4A1"},    {"CD21", "CR2"},    {"CD223", "LAG3"},
               {"CD23", "FCER2"},    {"CD25", "IL2RA"},  {"CD278", "ICOS"},
               {"CD279", "PDCD1"},   {"CD3", "CD3E"},    {"CD31", "PECAM1"},
               {"CD335", "NCR1"},    {"CD45", "PTPRC"},  {"CD45RA", "PTPRC"},
               {"CD45RO", "PTPRC"},  {"CD49F", "ITGA6"}, {"CD56", "NCAM1"},
               {"CD57", "B3GAT1"},   {"CD62L", "SELL"},  {"CD64", "FCGR1A"},
               {"CD8", "CD8A"},      {"CD95", "FAS"},    {"HLA-DR", "HLA-DRA"},
               {"PD-1", "PDCD1"},    {"PD-L1", "CD274"}, {"TCR", "TRAC"}};

enum { LONGEST = 64 };

static void canonical(const char *name, bool protein, char *out)
{
  int n = 0;
  const char *tail = strstr(name, "_TotalSeq");
  for (; name[n] && n < LONGEST - 1 && (!tail || name + n < tail); n++)
    out[n] = (char)toupper((unsigned char)name[n]);
  out[n] = '\0';
  for (size_t k = 0; protein && k < sizeof aliases / sizeof *aliases; k++)
    if (strcmp(out, aliases[k].protein) == 0)
      snprintf(out, LONGEST, "%s", aliases[k].gene);
}

typedef struct named {
  char name[LONGEST];
  int64_t feature;
} named;

static int compare(const void *a, const void *b)
{
  int order = strcmp(((const named *)a)->name, ((const named *)b)->name);
  int64_t i = ((const named *)a)->feature, j = ((const named *)b)->feature;
  return order ? order : (i > j) - (i < j);
}

static named *names_of(const rg_prepared_modality *m)
{
  named *list = RG_NEW(named, m->features.n);
  for (int64_t f = 0; f < m->features.n; f++) {
    canonical(rg_strings_at(&m->features, f), strcmp(m->name, "adt") == 0, list[f].name);
    list[f].feature = f;
  }
  qsort(list, (size_t)m->features.n, sizeof *list, compare);
  return list;
}

/* Pairs of features in the order of their names, each feature in one pair at most. */
static int shared_pairs(const rg_prepared_modality *a, const rg_prepared_modality *b,
                        int64_t *of_a, int64_t *of_b)
{
  named *x = names_of(a), *y = names_of(b);
  int n = 0;
  for (int64_t i = 0, j = 0; i < a->features.n && j < b->features.n;) {
    int order = strcmp(x[i].name, y[j].name);
    if (order == 0) {
      if (of_a) {
        of_a[n] = x[i].feature;
        of_b[n] = y[j].feature;
      }
      n++;
    }
    i += order <= 0;
    j += order >= 0;
  }
  rg_free(x);
  rg_free(y);
  return n;
}

int rg_count_shared(const rg_prepared_modality *a, const rg_prepared_modality *b)
{
  return shared_pairs(a, b, NULL, NULL);
}

/* ---- values ---- */

/* Values of one cell on the shared features, column[f] of a feature or -1. */
static void read_row(const rg_prepared_modality *m, const int32_t *column, int64_t i,
                     rg_mat *out)
{
  const rg_csr *x = &m->counts;
  bool protein = strcmp(m->name, "adt") == 0, counts = m->values == RG_VALUES_COUNTS;
  double sum = 0, logs = 0;
  for (int64_t e = x->indptr[i]; e < x->indptr[i + 1]; e++) {
    sum += (double)x->values[e];
    logs += counts ? log1p((double)x->values[e]) : 0;
  }
  double level = protein && counts ? logs / (double)x->cols : 0;
  float *row = rg_mat_row(out, i);
  for (int64_t j = 0; j < out->cols; j++)
    row[j] = (float)-level;
  for (int64_t e = x->indptr[i]; e < x->indptr[i + 1]; e++) {
    int32_t j = column[x->indices[e]];
    double value = (double)x->values[e];
    if (j >= 0)
      row[j] = (float)(!counts   ? value
                       : protein ? log1p(value) - level
                                 : log1p(1e4 * value / sum));
  }
}

/* Sums over cells are taken along the tree over rows. */
static void standardise(rg_comm *comm, const rg_prepared_modality *m, rg_mat *x)
{
  int64_t width = 2 * x->cols + 1;
  double *terms = RG_NEW(double, x->rows * width), *sums = RG_NEW(double, width);
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; rg_has_counts(m, i) && j < x->cols; j++) {
      double value = (double)rg_mat_row(x, i)[j];
      terms[i * width + j] = value;
      terms[i * width + x->cols + j] = value * value;
      terms[i * width + 2 * x->cols] = 1;
    }
  rg_sum_rows_f64(comm, terms, x->rows, width, sums);
  double n = fmax(sums[2 * x->cols], 1);
  for (int64_t i = 0; i < x->rows; i++)
    for (int64_t j = 0; j < x->cols; j++) {
      double mean = sums[j] / n, variance = sums[x->cols + j] / n - mean * mean;
      float *value = rg_mat_row(x, i) + j;
      *value = rg_has_counts(m, i) ? (float)(((double)*value - mean) /
                                             (variance > 1e-12 ? sqrt(variance) : 1))
                                   : NAN;
    }
  rg_free(terms);
  rg_free(sums);
}

static rg_mat read_shared(rg_comm *comm, const rg_prepared_modality *m,
                          const int64_t *feature, int n)
{
  int32_t *column = RG_NEW(int32_t, m->features.n);
  for (int64_t f = 0; f < m->features.n; f++)
    column[f] = -1;
  for (int j = 0; j < n; j++)
    column[feature[j]] = j;
  rg_mat x = rg_mat_new(m->counts.rows, n);
  for (int64_t i = 0; i < x.rows; i++)
    if (rg_has_counts(m, i))
      read_row(m, column, i, &x);
  standardise(comm, m, &x);
  rg_free(column);
  return x;
}

rg_status rg_shared_features(rg_comm *comm, const rg_prepared_modality *a,
                             const rg_prepared_modality *b, rg_mat *of_a, rg_mat *of_b)
{
  int most = rg_count_shared(a, b);
  int64_t *in_a = RG_NEW(int64_t, most), *in_b = RG_NEW(int64_t, most);
  shared_pairs(a, b, in_a, in_b);
  *of_a = read_shared(comm, a, in_a, most);
  *of_b = read_shared(comm, b, in_b, most);
  rg_free(in_a);
  rg_free(in_b);
  return RG_OK;
}
