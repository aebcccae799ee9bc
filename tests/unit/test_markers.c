/* markers: rank sums and Welch's t of sparse columns against plain twins on dense ones;
 * what is known by hand. */
#include "regatta/markers.h"

#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { CELLS = 143, FEATURES = 37, GROUPS = 5 };

/* Feature 0 is the same everywhere, 1 is 0 everywhere, 2 is the same within each group, 3
 * has no zeros; the others are small counts, so that much is tied. Cells 7, 14, ... have no
 * group; group 4 has one cell. */
typedef struct planted {
  double x[CELLS][FEATURES];
  int32_t group[CELLS];
  rg_csr values;
} planted;

static double value_at(const rg_key *key, int i, int f, int32_t g)
{
  double u = rg_uniform(key, (uint64_t)i, (uint64_t)f);
  if (f < 4)
    return f == 0 ? 0.7 : f == 1 ? 0 : f == 2 ? 0.3 * (g + 1) : 1 + u;
  return floor(-log(u) * (f % GROUPS == g ? 2 : 1));
}

static planted *plant(void)
{
  planted *p = RG_NEW(planted, 1);
  rg_key key = {.seed = 8, .purpose = RG_FOR_TEST};
  p->values = rg_csr_new(CELLS, FEATURES, (int64_t)CELLS * FEATURES);
  int64_t n = 0;
  for (int i = 0; i < CELLS; i++) {
    p->group[i] = i % 7 == 0 ? -1 : i == 1 ? 4 : i % 4;
    for (int f = 0; f < FEATURES; f++) {
      float x = (float)value_at(&key, i, f, p->group[i]);
      p->x[i][f] = (double)x;
      if (x > 0) {
        p->values.indices[n] = f;
        p->values.values[n++] = x;
      }
    }
    p->values.indptr[i + 1] = n;
  }
  return p;
}

static void uproot(planted *p)
{
  rg_csr_fini(&p->values);
  rg_free(p);
}

/* ---- the plain twins ------------------------------------------------------------- */

/* Is cell i compared with group g? */
static bool is_other(const planted *p, int i, int g, int reference)
{
  return reference < 0 ? p->group[i] >= 0 && p->group[i] != g : p->group[i] == reference;
}

static double plain_z(const planted *p, int f, int g, int reference, bool correct)
{
  double n = 0, m = 0, sum = 0, ties = 0;
  for (int i = 0; i < CELLS; i++) {
    bool own = p->group[i] == g, other = is_other(p, i, g, reference);
    if (!own && !other)
      continue;
    double below = 0, same = 0;
    for (int j = 0; j < CELLS; j++)
      if (p->group[j] == g || is_other(p, j, g, reference)) {
        below += p->x[j][f] < p->x[i][f];
        same += p->x[j][f] == p->x[i][f];
      }
    n += own;
    m += other;
    sum += own ? below + (same + 1) / 2 : 0;
    ties += same * same - 1;
  }
  double all = n + m, loose = correct ? 1 - ties / (all * all * all - all) : 1;
  double variance = loose * n * m * (all + 1) / 12;
  return variance > 0 ? (sum - n * (all + 1) / 2) / sqrt(variance) : 0;
}

typedef struct side {
  double n, mean, variance, share;
} side;

static side side_of(const planted *p, int f, int g, int reference, bool own)
{
  side s = {0};
  for (int i = 0; i < CELLS; i++)
    if (own ? p->group[i] == g : is_other(p, i, g, reference)) {
      s.n++;
      s.mean += p->x[i][f];
      s.share += p->x[i][f] > 0;
    }
  s.mean /= s.n;
  s.share /= s.n;
  for (int i = 0; i < CELLS; i++)
    if (own ? p->group[i] == g : is_other(p, i, g, reference))
      s.variance += pow(p->x[i][f] - s.mean, 2);
  s.variance /= s.n - 1;
  return s;
}

static void near(double value, double expected, const char *what, int f)
{
  cr_expect(fabs(value - expected) <= 1e-9 * fmax(1, fabs(expected)),
            "%s of feature %d: %.15g is not %.15g", what, f, value, expected);
}

static void check_marker(const planted *p, const rg_marker *m, int g,
                         const rg_marker_options *o)
{
  int f = (int)m->feature;
  side own = side_of(p, f, g, o->reference, true);
  side other = side_of(p, f, g, o->reference, false);
  near(m->share, own.share, "share", f);
  near(m->share_reference, other.share, "share of the reference", f);
  near(m->fold, log2((expm1(own.mean) + 1e-9) / (expm1(other.mean) + 1e-9)), "fold", f);
  if (o->test == RG_WILCOXON) {
    near(m->score, plain_z(p, f, g, o->reference, o->tie_correct), "z", f);
    near(m->p, erfc(fabs(m->score) / sqrt(2)), "p", f);
  } else if (f > 2) { /* the others do not vary; the twin rounds */
    double error = own.variance / own.n + other.variance / other.n;
    near(m->score, (own.mean - other.mean) / sqrt(error), "t", f);
    double df = error * error / (pow(own.variance / own.n, 2) / (own.n - 1) +
                                 pow(other.variance / other.n, 2) / (other.n - 1));
    near(m->p, rg_student_tails(m->score, df), "p", f);
  }
}

static void check_order(const rg_markers *found, int g)
{
  const rg_marker *m = found->marker + g * found->n;
  for (int64_t k = 0; k < found->n; k++) {
    double adjusted = 1; /* least of p n / rank over those that are no smaller */
    for (int64_t i = 0; i < found->n; i++) {
      double rank = 0;
      for (int64_t j = 0; j < found->n; j++)
        rank += m[j].p <= m[i].p;
      if (m[i].p >= m[k].p)
        adjusted = fmin(adjusted, m[i].p * (double)found->n / rank);
    }
    near(m[k].p_adjusted, adjusted, "adjusted p", (int)m[k].feature);
    cr_expect(k == 0 || m[k - 1].score > m[k].score ||
              (m[k - 1].score == m[k].score && m[k - 1].feature < m[k].feature));
  }
}

static void check_all(rg_marker_test test, bool tie_correct, int reference)
{
  planted *p = plant();
  rg_marker_options o = {.test = test, .tie_correct = tie_correct, .log1p = true,
                         .reference = reference};
  rg_markers found;
  cr_assert_eq(rg_rank_features(rg_comm_self(), &p->values, p->group, GROUPS, &o, &found),
               RG_OK);
  cr_assert_eq(found.n, FEATURES);
  for (int g = 0; g < GROUPS; g++) {
    cr_expect_eq(found.ranked[g], g < 4 && g != reference);
    for (int k = 0; k < FEATURES && found.ranked[g]; k++)
      check_marker(p, &found.marker[g * FEATURES + k], g, &o);
    if (found.ranked[g])
      check_order(&found, g);
    else
      cr_expect_eq(found.marker[g * FEATURES].feature, -1);
  }
  rg_markers_fini(&found);
  uproot(p);
}

Test(markers, rank_sums_against_the_rest)
{
  check_all(RG_WILCOXON, false, -1);
  check_all(RG_WILCOXON, true, -1);
}

Test(markers, rank_sums_against_a_group)
{
  check_all(RG_WILCOXON, false, 2);
  check_all(RG_WILCOXON, true, 2);
}

Test(markers, t_against_the_rest_and_a_group)
{
  check_all(RG_WELCH, false, -1);
  check_all(RG_WELCH, false, 0);
}

/* ---- by hand --------------------------------------------------------------------- */

static const rg_marker *marker_of(const rg_markers *found, int g, int64_t feature)
{
  for (int64_t k = 0; k < found->n; k++)
    if (found->marker[g * found->n + k].feature == feature)
      return &found->marker[g * found->n + k];
  cr_assert(false, "feature %d is not there", (int)feature);
  return NULL;
}

Test(markers, what_does_not_vary_says_nothing)
{
  for (int test = RG_WILCOXON; test <= RG_WELCH; test++) {
    planted *p = plant();
    rg_marker_options o = {.test = (rg_marker_test)test, .tie_correct = true,
                           .log1p = true, .reference = 0};
    rg_markers found;
    rg_rank_features(rg_comm_self(), &p->values, p->group, GROUPS, &o, &found);
    for (int g = 1; g < 4; g++)
      for (int f = 0; f < 2; f++) {
        const rg_marker *m = marker_of(&found, g, f);
        cr_expect(m->score == 0 && m->p == 1 && m->p_adjusted == 1 && m->fold == 0,
                  "feature %d: %g, p %g", f, m->score, m->p);
      }
    /* no side varies: Welch's t is undefined, 0 as in scanpy */
    if (test == RG_WELCH)
      cr_expect(marker_of(&found, 1, 2)->score == 0 && marker_of(&found, 1, 2)->p == 1);
    rg_markers_fini(&found);
    uproot(p);
  }
}

Test(markers, the_best_few_and_blocks)
{
  planted *p = plant();
  rg_marker_options o = {.reference = -1}, few = {.reference = -1, .top = 3, .block = 11};
  rg_markers all, best;
  rg_rank_features(rg_comm_self(), &p->values, p->group, GROUPS, &o, &all);
  rg_rank_features(rg_comm_self(), &p->values, p->group, GROUPS, &few, &best);
  cr_assert_eq(best.n, 3);
  for (int g = 0; g < 4; g++)
    cr_expect_arr_eq(best.marker + g * 3, all.marker + g * FEATURES, 3 * sizeof(rg_marker));
  rg_markers_fini(&all);
  rg_markers_fini(&best);
  uproot(p);
}

Test(markers, long_columns_are_sorted)
{
  enum { N = 5000 };
  rg_csr values = rg_csr_new(N, 1, N);
  int32_t *group = RG_NEW(int32_t, N);
  rg_key key = {.seed = 9, .purpose = RG_FOR_TEST};
  double below = 0; /* pairs (0, 1) where group 0 is higher */
  for (int i = 0; i < N; i++) {
    values.indptr[i + 1] = i + 1;
    values.values[i] = (float)exp(20 * (rg_uniform(&key, 0, (uint64_t)i) - 0.5));
    group[i] = i % 2;
  }
  for (int i = 0; i < N; i += 2)
    for (int j = 1; j < N; j += 2)
      below += values.values[i] > values.values[j]
                   ? 1
                   : 0.5 * (values.values[i] == values.values[j]);
  rg_marker_options o = {.reference = -1};
  rg_markers found;
  rg_rank_features(rg_comm_self(), &values, group, 2, &o, &found);
  double half = N / 2.0, z = (below - half * half / 2) / sqrt(half * half * (N + 1) / 12);
  near(found.marker[0].score, z, "z", 0);
  near(found.marker[1].score, -z, "z", 0);
  rg_markers_fini(&found);
  rg_free(group);
  rg_csr_fini(&values);
}

Test(markers, groups_that_cannot_be_ranked)
{
  planted *p = plant();
  rg_marker_options o = {.reference = 4};
  rg_markers found;
  cr_expect_eq(rg_rank_features(rg_comm_self(), &p->values, p->group, GROUPS, &o, &found),
               RG_EINPUT);
  cr_expect(strstr(rg_error_text(), "no group can be ranked"));
  for (int i = 0; i < CELLS; i++)
    p->group[i] = 0;
  o.reference = -1;
  cr_expect_eq(rg_rank_features(rg_comm_self(), &p->values, p->group, 1, &o, &found),
               RG_EINPUT);
  uproot(p);
}

Test(must_fail, markers)
{
  planted *p = plant();
  near(plain_z(p, 5, 0, -1, false), plain_z(p, 5, 0, -1, true), "z", 5);
  uproot(p);
}
