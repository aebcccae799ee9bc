/* prepare: projections against dense twins, fitted on some cells and applied to all. */
#include "regatta/comm.h"
#include "regatta/model.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { CELLS = 150, FITTED = 100, AXES = 4, MOST = 400 };

static const rg_key key = {.seed = 17, .purpose = RG_FOR_TEST};

static double drawn(int64_t i, int64_t j)
{
  return rg_uniform(&key, (uint64_t)i, (uint64_t)j);
}

/* Groups of cells that differ in size and in their features, so that the first axes stand
 * apart; a feature that nobody has, one that one cell has far too much of (cut), a cell
 * that lacks the modality and one without counts. */
static rg_prepared_modality planted(const char *name, int64_t features, bool real)
{
  rg_prepared_modality m = {.name = rg_strdup(name),
                            .values = real ? RG_VALUES_REAL : RG_VALUES_COUNTS,
                            .counts = rg_csr_new(CELLS, features, CELLS * features),
                            .present = RG_NEW(bool, CELLS),
                            .depth = RG_NEW(double, CELLS)};
  int64_t n = 0;
  for (int64_t i = 0; i < CELLS; i++) {
    static const int groups[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1,
                                 1, 1, 2, 2, 2, 2, 3, 3, 3, 4};
    int64_t group = groups[i % 20];
    m.present[i] = i != 7;
    for (int64_t j = 1; j < features && i != 7 && i != 11; j++) {
      double mean = j % 5 == group ? 4 + (double)group : 0.4;
      double x = floor(-mean * log(drawn(i, j)));
      x = j == 3 && i == 5 ? 9000 : x;
      x = real ? x - 2 : x;
      if (x == 0)
        continue;
      m.counts.indices[n] = (int32_t)j;
      m.counts.values[n++] = (float)x;
      m.depth[i] += x;
    }
    m.counts.indptr[i + 1] = n;
    m.depth[i] += 50; /* of features that were not kept */
  }
  for (int64_t f = 0; f < features; f++)
    rg_strings_add(&m.features, "f", -1);
  return m;
}

static void modality_fini(rg_prepared_modality *m)
{
  rg_free(m->name);
  rg_csr_fini(&m->counts);
  rg_strings_fini(&m->features);
  rg_free(m->present);
  rg_free(m->depth);
}

static bool counted(const rg_prepared_modality *m, int64_t i)
{
  return m->present[i] && m->counts.indptr[i + 1] > m->counts.indptr[i];
}

/* ---- the dense twin ---- */

typedef struct twin {
  int64_t p;
  double *x; /* CELLS x p */
  double v[MOST * AXES], s[AXES];
} twin;

static twin *twin_of(const rg_prepared_modality *m)
{
  twin *t = RG_NEW(twin, 1);
  t->p = m->counts.cols;
  t->x = RG_NEW(double, CELLS *t->p);
  for (int64_t i = 0; i < CELLS; i++)
    for (int64_t e = m->counts.indptr[i]; e < m->counts.indptr[i + 1]; e++)
      t->x[i * t->p + m->counts.indices[e]] = m->counts.values[e];
  return t;
}

static void twin_free(twin *t)
{
  rg_free(t->x);
  rg_free(t);
}

static void log_counts(twin *t, const rg_prepared_modality *m)
{
  for (int64_t i = 0; i < CELLS; i++)
    for (int64_t j = 0; j < t->p; j++)
      t->x[i * t->p + j] = log1p(1e4 * t->x[i * t->p + j] / m->depth[i]);
}

static void log_ratio(twin *t)
{
  for (int64_t i = 0; i < CELLS; i++) {
    double sum = 0, *row = t->x + i * t->p;
    for (int64_t j = 0; j < t->p; j++)
      sum += row[j] = log1p(row[j]);
    for (int64_t j = 0; j < t->p; j++)
      row[j] -= sum / (double)t->p;
  }
}

static bool fits(const rg_prepared_modality *m, int64_t i)
{
  return i < FITTED && counted(m, i);
}

static double column_mean(const twin *t, const rg_prepared_modality *m, int64_t j)
{
  double sum = 0, n = 0;
  for (int64_t i = 0; i < FITTED; i++)
    if (fits(m, i)) {
      sum += t->x[i * t->p + j];
      n++;
    }
  return sum / n;
}

static void centre(twin *t, const rg_prepared_modality *m)
{
  for (int64_t j = 0; j < t->p; j++) {
    double mean = column_mean(t, m, j);
    for (int64_t i = 0; i < CELLS; i++)
      t->x[i * t->p + j] -= mean;
  }
}

static void standardise_columns(twin *t, const rg_prepared_modality *m, int *cut)
{
  centre(t, m);
  for (int64_t j = 0; j < t->p; j++) {
    double squares = 0, n = 0;
    for (int64_t i = 0; i < FITTED; i++)
      if (fits(m, i)) {
        squares += pow(t->x[i * t->p + j], 2);
        n++;
      }
    double sd = squares > 0 ? sqrt(squares / (n - 1)) : 1;
    for (int64_t i = 0; i < CELLS; i++) {
      double z = t->x[i * t->p + j] / sd;
      *cut += counted(m, i) && fabs(z) > 10;
      t->x[i * t->p + j] = fmax(-10, fmin(10, z));
    }
  }
}

static void inverse_frequencies(twin *t, const rg_prepared_modality *m)
{
  double cells = 0, *sum = RG_NEW(double, t->p);
  for (int64_t i = 0; i < FITTED; i++) {
    cells += fits(m, i);
    for (int64_t j = 0; j < t->p && fits(m, i); j++)
      sum[j] += t->x[i * t->p + j];
  }
  for (int64_t i = 0; i < CELLS; i++) {
    double total = 0, *row = t->x + i * t->p;
    for (int64_t j = 0; j < t->p; j++)
      total += row[j] *= sum[j] > 0 ? cells / sum[j] : 0;
    for (int64_t j = 0; j < t->p; j++)
      row[j] = total > 0 ? log1p(1e4 * row[j] / total) : 0;
  }
  rg_free(sum);
}

/* Right singular vectors of the rows fitted on; the largest entry of each is positive. */
static void decompose(twin *t, const rg_prepared_modality *m)
{
  int p = (int)t->p;
  double *g = RG_NEW(double, (int64_t)p *p), *v = RG_NEW(double, (int64_t)p *p);
  double *rising = RG_NEW(double, p);
  for (int64_t i = 0; i < FITTED; i++)
    for (int a = 0; a < p && fits(m, i); a++)
      for (int b = 0; b < p; b++)
        g[a * p + b] += t->x[i * p + a] * t->x[i * p + b];
  cr_assert_eq(rg_eigh(rg_comm_self(), g, p, rising, v), RG_OK);
  for (int k = 0; k < AXES; k++) {
    double largest = 0;
    t->s[k] = sqrt(rising[p - 1 - k]);
    for (int a = 0; a < p; a++)
      if (fabs(v[a * p + p - 1 - k]) > fabs(largest))
        largest = v[a * p + p - 1 - k];
    for (int a = 0; a < p; a++)
      t->v[a * AXES + k] = v[a * p + p - 1 - k] * (largest < 0 ? -1 : 1);
  }
  rg_free(g);
  rg_free(v);
  rg_free(rising);
}

static void scores_of(const twin *t, int64_t i, bool lsi, double *score)
{
  double mean = 0, squares = 0;
  for (int k = 0; k < AXES; k++) {
    score[k] = 0;
    for (int64_t j = 0; j < t->p; j++)
      score[k] += t->x[i * t->p + j] * t->v[j * AXES + k];
    score[k] /= lsi ? t->s[k] : 1;
    mean += score[k] / AXES;
  }
  for (int k = 0; k < AXES; k++)
    squares += pow(score[k] - mean, 2);
  for (int k = 0; k < AXES && lsi; k++)
    score[k] = (score[k] - mean) / sqrt(squares / (AXES - 1));
}

/* ---- comparisons ---- */

static void compare(const rg_prepared_modality *m, rg_project_kind kind, const twin *t)
{
  bool allowed[CELLS];
  for (int64_t i = 0; i < CELLS; i++)
    allowed[i] = i < FITTED;
  rg_projection fitted, p;
  rg_mat scores = {0};
  cr_assert_eq(rg_project_fit(rg_comm_self(), m, allowed, kind, AXES, 3, &fitted), RG_OK,
               "%s", rg_error_text());
  cr_assert_eq(rg_projection_unpack(fitted.packed, fitted.n_packed, &p), RG_OK);
  cr_assert_eq(rg_project_apply(&p, m, &scores), RG_OK);
  double worst = 0, scale = 0;
  for (int64_t i = 0; i < CELLS; i++) {
    double score[AXES] = {0};
    if (counted(m, i))
      scores_of(t, i, kind == RG_PROJECT_LSI, score);
    for (int k = 0; k < AXES; k++) {
      worst = fmax(worst, fabs(score[k] - (double)rg_mat_row(&scores, i)[k]));
      scale = fmax(scale, fabs(score[k]));
    }
  }
  for (int k = 0; k < AXES; k++)
    cr_assert_float_eq(p.singular[k], t->s[k], 1e-4 * t->s[0]);
  cr_assert_lt(worst, 1e-4 * fmax(1, scale), "%s: %g beside %g", m->name, worst, scale);
  rg_mat_fini(&scores);
  rg_projection_fini(&fitted);
}

static void check_standardised(const char *name, int64_t features, bool real)
{
  rg_prepared_modality m = planted(name, features, real);
  twin *t = twin_of(&m);
  int cut = 0;
  if (!real && strcmp(name, "adt") == 0)
    log_ratio(t);
  else if (!real)
    log_counts(t, &m);
  standardise_columns(t, &m, &cut);
  cr_assert(!real || cut > 0, "nothing was cut");
  centre(t, &m);
  decompose(t, &m);
  compare(&m, RG_PROJECT_ZSCORE, t);
  twin_free(t);
  modality_fini(&m);
}

Test(project, components_of_genes)
{
  check_standardised("rna", 60, false);
  check_standardised("rna", MOST, false);
}

Test(project, components_of_proteins)
{
  check_standardised("adt", 25, false);
  check_standardised("adt", 25, true);
}

Test(project, latent_semantic_indexing)
{
  for (int64_t features = 80; features <= MOST; features += MOST - 80) {
    rg_prepared_modality m = planted("atac", features, false);
    twin *t = twin_of(&m);
    inverse_frequencies(t, &m);
    decompose(t, &m);
    compare(&m, RG_PROJECT_LSI, t);
    twin_free(t);
    modality_fini(&m);
  }
}

/* More axes than cells: the last are zero everywhere, for every cell. */
Test(project, few_cells)
{
  enum { FEW = 6, WANTED = 9 };
  rg_prepared_modality m = planted("rna", 30, false);
  bool allowed[CELLS] = {0};
  for (int i = 0; i < FEW; i++)
    allowed[i] = true;
  for (int kind = RG_PROJECT_ZSCORE; kind <= RG_PROJECT_LSI; kind++) {
    rg_projection p;
    rg_mat scores;
    cr_assert_eq(rg_project_fit(rg_comm_self(), &m, allowed, (rg_project_kind)kind,
                                WANTED, 3, &p),
                 RG_OK);
    cr_assert_eq(p.axes, WANTED);
    cr_assert_eq(rg_project_apply(&p, &m, &scores), RG_OK);
    for (int64_t i = 0; i < CELLS; i++)
      for (int j = FEW; j < WANTED; j++)
        cr_assert_eq(rg_mat_row(&scores, i)[j], 0);
    rg_mat_fini(&scores);
    rg_projection_fini(&p);
  }
  modality_fini(&m);
  cr_assert_eq(rg_projection_axes(100, 30), 29);
  cr_assert_eq(rg_projection_axes(10, 30), 10);
  cr_assert_eq(rg_projection_axes(10, 1), 1);
}

Test(project, is_refused)
{
  rg_prepared_modality m = planted("adt", 12, true);
  rg_projection p = {0}, other;
  rg_mat scores = {0};
  bool allowed[CELLS] = {[3] = true};
  cr_assert_eq(
      rg_project_fit(rg_comm_self(), &m, NULL, RG_PROJECT_LSI, AXES, 1, &p), RG_EINPUT);
  cr_assert_eq(
      rg_project_fit(rg_comm_self(), &m, allowed, RG_PROJECT_ZSCORE, AXES, 1, &p),
      RG_EINPUT);
  cr_assert_eq(rg_project_fit(rg_comm_self(), &m, NULL, RG_PROJECT_ZSCORE, AXES, 1, &p),
               RG_OK);
  cr_assert_eq(rg_projection_unpack(p.packed, p.n_packed - 1, &other), RG_EINPUT);
  cr_assert_eq(rg_projection_unpack(p.packed + 1, p.n_packed - 1, &other), RG_EINPUT);
  m.counts.cols = 11;
  cr_assert_eq(rg_project_apply(&p, &m, &scores), RG_EINPUT);
  rg_projection_fini(&p);
  modality_fini(&m);
}

/* The standard inputs of a recipe: fitted once, then read from the constants alone. */
Test(project, inputs_of_a_recipe)
{
  rg_dataset d = {.n_cells = CELLS, .rows = {0, CELLS}, .n_modalities = 1};
  d.modality = RG_NEW(rg_prepared_modality, 1);
  d.modality[0] = planted("adt", 12, false);
  rg_constants constants = {0};
  rg_covariates first = {0}, again = {0}, without = {0};
  rg_comm *self = rg_comm_self();
  const char *name = "pca:adt";
  cr_assert_eq(rg_standard_input(self, &d, name, 5, false, NULL, &constants, &first),
               RG_EINPUT);
  rg_covariates_fini(&first);
  cr_assert_eq(rg_standard_input(self, &d, name, 5, true, NULL, &constants, &first),
               RG_OK);
  cr_assert_eq(rg_standard_input(self, &d, name, 5, false, NULL, &constants, &again),
               RG_OK);
  const rg_mat *x = rg_covariates_find(&first, name);
  const rg_mat *y = rg_covariates_find(&again, name);
  cr_assert(x && y && x->cols == 5 && x->rows == CELLS);
  cr_assert_eq(memcmp(x->data, y->data, sizeof(float) * CELLS * 5), 0);
  cr_assert_eq(rg_mat_row(x, 7)[0], 0);
  modality_fini(&d.modality[0]);
  d.n_modalities = 0;
  cr_assert_eq(rg_standard_input(self, &d, name, 5, false, NULL, &constants, &without),
               RG_OK);
  x = rg_covariates_find(&without, name);
  cr_assert(x->rows == CELLS && x->cols == 5 && x->data[0] == 0);
  rg_free(d.modality);
  rg_covariates_fini(&first);
  rg_covariates_fini(&again);
  rg_covariates_fini(&without);
  rg_constants_fini(&constants);
}

static double mean_of(const double *x)
{
  double sum = 0, n = 0;
  for (int i = 0; i < CELLS; i++) {
    sum += x[i];
    n += x[i] > 0;
  }
  return sum / n;
}

/* How large one modality is to be expected by another: of the mean cell as its mean. */
Test(project, sizes_to_be_expected)
{
  rg_dataset d = {.n_cells = CELLS, .rows = {0, CELLS}, .n_modalities = 2};
  d.modality = RG_NEW(rg_prepared_modality, 2);
  d.modality[0] = planted("rna", 30, false);
  d.modality[1] = planted("adt", 12, false);
  rg_constants constants = {0};
  rg_covariates covariates = {0};
  double sums[2][CELLS];
  for (int m = 0; m < 2; m++)
    rg_row_sums(&d.modality[m].counts, sums[m]);
  cr_assert_eq(rg_standard_input(rg_comm_self(), &d, "expected:rna,adt", 1, true, NULL,
                                 &constants, &covariates),
               RG_OK);
  const rg_mat *x = rg_covariates_find(&covariates, "expected:rna,adt");
  double factor = mean_of(sums[1]) / mean_of(sums[0]);
  for (int i = 0; i < CELLS; i++)
    cr_expect_float_eq((double)x->data[i], sums[0][i] * factor,
                       1e-5 * (1 + sums[0][i] * factor));
  for (int m = 0; m < 2; m++)
    modality_fini(&d.modality[m]);
  rg_free(d.modality);
  rg_covariates_fini(&covariates);
  rg_constants_fini(&constants);
}

Test(must_fail, project)
{
  rg_prepared_modality m = planted("rna", 30, false);
  twin *t = twin_of(&m); /* not transformed */
  decompose(t, &m);
  compare(&m, RG_PROJECT_ZSCORE, t);
}
