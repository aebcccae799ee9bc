/* eval: agreement of partitions against scikit-learn's numbers and identities; metrics on
 * tiny data whose scores are known by hand. */
#include "regatta/eval.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

extern const rg_metric rg_metric_purity, rg_metric_silhouette, rg_metric_ilisi,
    rg_metric_connectivity, rg_metric_depth, rg_metric_clusters, rg_metric_partition,
    rg_metric_foscttm, rg_metric_matching;

static const rg_key test_key = {.seed = 21, .purpose = RG_FOR_TEST};

static void near(double value, double expected, double tolerance, const char *what)
{
  cr_expect(fabs(value - expected) <= tolerance, "%s: %.12g is not %.12g", what, value,
            expected);
}

/* ---- partitions ------------------------------------------------------------------ */

static double ari(const int32_t *a, int n_a, const int32_t *b, int n_b, int64_t n)
{
  return rg_ari(rg_comm_self(), a, n_a, b, n_b, n);
}
static double nmi(const int32_t *a, int n_a, const int32_t *b, int n_b, int64_t n)
{
  return rg_nmi(rg_comm_self(), a, n_a, b, n_b, n, false);
}
static double ami(const int32_t *a, int n_a, const int32_t *b, int n_b, int64_t n)
{
  return rg_ami(rg_comm_self(), a, n_a, b, n_b, n);
}

Test(partition, numbers_of_scikit_learn)
{
  const int32_t a[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 2}, b[] = {0, 0, 1, 1, 1, 2, 2, 2, 0, 2};
  near(ari(a, 3, b, 3, 10), 0.20454545454545456, 1e-14, "ari");
  near(nmi(a, 3, b, 3, 10), 0.44270128334605013, 1e-14, "nmi");
  near(ami(a, 3, b, 3, 10), 0.23728877770133577, 1e-13, "ami");
}

Test(partition, by_hand)
{
  /* 2 x 2 cells crossed: no pair together in both, so ARI is -1/2; nothing in common */
  const int32_t a[] = {0, 0, 1, 1}, b[] = {0, 1, 0, 1};
  near(ari(a, 2, b, 2, 4), -0.5, 1e-15, "ari of crossed pairs");
  near(nmi(a, 2, b, 2, 4), 0, 1e-15, "nmi of crossed pairs");
  /* halves against quarters: MI = log 2, entropies log 2 and log 4 */
  const int32_t quarter[] = {0, 1, 2, 3};
  near(nmi(a, 2, quarter, 4, 4), 2.0 / 3, 1e-15, "arithmetic nmi");
  near(rg_nmi(rg_comm_self(), a, 2, quarter, 4, 4, true), sqrt(0.5), 1e-15,
       "geometric nmi");
  /* every cell alone: expected information is all there is */
  near(ami(a, 2, quarter, 4, 4), 0, 1e-13, "ami of singletons");
}

Test(partition, agree_with_themselves_under_other_names)
{
  int32_t a[90], b[90], one[90] = {0};
  for (int i = 0; i < 90; i++) {
    a[i] = (int32_t)(i * i % 7);
    b[i] = 6 - a[i];
  }
  near(ari(a, 7, b, 7, 90), 1, 1e-14, "ari");
  near(nmi(a, 7, b, 7, 90), 1, 1e-14, "nmi");
  near(ami(a, 7, b, 7, 90), 1, 1e-12, "ami");
  near(ari(one, 1, one, 1, 90), 1, 0, "ari of one part");
  near(nmi(one, 1, one, 1, 90), 1, 0, "nmi of one part");
  near(ami(one, 1, one, 1, 90), 1, 0, "ami of one part");
  near(ari(one, 1, a, 7, 90), 0, 1e-14, "ari of nothing said");
  near(nmi(one, 1, a, 7, 90), 0, 1e-14, "nmi of nothing said");
  near(ami(one, 1, a, 7, 90), 0, 1e-12, "ami of nothing said");
}

Test(partition, chance_scores_nothing_and_order_does_not_matter)
{
  enum { N = 4000 };
  int32_t *a = RG_NEW(int32_t, N), *b = RG_NEW(int32_t, N);
  for (int i = 0; i < N; i++) {
    a[i] = (int32_t)(4 * rg_uniform(&test_key, 0, (uint64_t)i));
    b[i] = (int32_t)(9 * rg_uniform(&test_key, 1, (uint64_t)i));
  }
  near(ari(a, 4, b, 9, N), 0, 2e-3, "ari");
  near(ami(a, 4, b, 9, N), 0, 2e-3, "ami");
  near(ari(a, 4, b, 9, N), ari(b, 9, a, 4, N), 1e-15, "ari is symmetric");
  near(nmi(a, 4, b, 9, N), nmi(b, 9, a, 4, N), 1e-15, "nmi is symmetric");
  near(ami(a, 4, b, 9, N), ami(b, 9, a, 4, N), 1e-12, "ami is symmetric");
  rg_free(a);
  rg_free(b);
}

Test(partition, cells_without_a_label_do_not_count)
{
  const int32_t a[] = {0, 0, 1, 1, -1, 0}, b[] = {0, 0, 1, 1, 0, -1};
  near(ari(a, 2, b, 2, 6), 1, 1e-15, "ari");
  near(nmi(a, 2, b, 2, 6), 1, 1e-15, "nmi");
}

/* ---- metrics --------------------------------------------------------------------- */

typedef struct planted {
  rg_scored scored;
  rg_mat x, y;
  rg_knn knn;
  rg_csr connectivities, distances;
} planted;

/* Neighbours (k) of x; x becomes the planted's. */
static void score_graph(planted *p, rg_mat x, int k)
{
  p->x = x;
  rg_knn_options options = {.k = k, .exact = true};
  cr_assert_eq(rg_knn_graph(rg_comm_self(), &p->x, &options, &p->knn), RG_OK);
  cr_assert_eq(
      rg_connectivities(rg_comm_self(), &p->knn, &p->connectivities, &p->distances), RG_OK);
  p->scored.embedding = &p->x;
  p->scored.knn = &p->knn;
  p->scored.connectivities = &p->connectivities;
}

static void planted_fini(planted *p)
{
  rg_mat_fini(&p->x);
  rg_mat_fini(&p->y);
  rg_knn_fini(&p->knn);
  rg_csr_fini(&p->connectivities);
  rg_csr_fini(&p->distances);
  cr_expect_eq(rg_memory_alive(), 0);
}

static double score(const rg_metric *metric, const planted *p, const char *name)
{
  rg_score scores[8];
  int n = 0;
  cr_assert_eq(metric->compute(rg_comm_self(), &p->scored, scores, &n), RG_OK);
  cr_assert(n <= 8);
  for (int k = 0; k < n; k++)
    if (strcmp(scores[k].name, name) == 0)
      return scores[k].value;
  cr_assert_fail("no score %s", name);
  return NAN;
}

/* points on a line */
static rg_mat line(const float *at, int n)
{
  rg_mat x = rg_mat_new(n, 1);
  memcpy(x.data, at, (size_t)n * sizeof(float));
  return x;
}

Test(metric, purity_and_silhouette_by_hand)
{
  const float at[] = {0, 1, 10, 11, 2};
  const int32_t label[] = {0, 0, 1, 1, 1};
  planted p = {.scored = {.label = label, .n_labels = 2}};
  score_graph(&p, line(at, 5), 2);
  /* neighbours: 0: {1, 2}; 1: {0, 2}; 10: {11, 2}; 11: {10, 2}; 2: {1, 0} */
  near(score(&rg_metric_purity, &p, "knn_purity"), (0.5 + 0.5 + 1 + 1 + 0) / 5, 1e-15,
       "purity");
  near(score(&rg_metric_purity, &p, "knn_purity_macro"), (0.5 + 2.0 / 3) / 2, 1e-15,
       "purity over labels");
  /* a, b: 0: 1, 23/3; 1: 1, 20/3; 10: 4.5, 9.5; 11: 5, 10.5; 2: 8.5, 1.5 */
  double s = 1 - 3.0 / 23 + 1 - 3.0 / 20 + 1 - 4.5 / 9.5 + 1 - 5 / 10.5 + 1.5 / 8.5 - 1;
  near(score(&rg_metric_silhouette, &p, "asw_label"), (s / 5 + 1) / 2, 1e-12, "silhouette");
  planted_fini(&p);
}

Test(metric, purity_of_fewer_cells_than_neighbours)
{
  const float at[] = {0, 1, 2};
  const int32_t label[] = {0, 0, 0};
  planted p = {.scored = {.label = label, .n_labels = 2}};
  score_graph(&p, line(at, 3), 15);
  near(score(&rg_metric_purity, &p, "knn_purity"), 1, 0, "purity");
  planted_fini(&p);
}

Test(metric, silhouette_of_batches)
{
  /* label 0: two batches apart; label 1: one batch, skipped */
  const float at[] = {0, 1, 10, 11, 50, 51};
  const int32_t label[] = {0, 0, 0, 0, 1, 1}, batch[] = {0, 0, 1, 1, 0, 0};
  planted p = {.scored = {.label = label, .n_labels = 2, .batch = batch, .n_batches = 2}};
  score_graph(&p, line(at, 6), 2);
  double width = (1 - 1 / 10.5 + 1 - 1 / 9.5) / 2;
  near(score(&rg_metric_silhouette, &p, "asw_batch"), 1 - width, 1e-12, "batches apart");
  planted_fini(&p);
}

/* two batches in groups of labels that lie `apart`, batches `shift` from each other */
static rg_mat batches(int n, float shift, int32_t *label, int32_t *batch)
{
  rg_mat x = rg_mat_new(n, 3);
  for (int i = 0; i < n; i++) {
    rg_normals(&test_key, (uint64_t)i, 3, rg_mat_row(&x, i));
    label[i] = i % 2;
    batch[i] = i / 2 % 2;
    rg_mat_row(&x, i)[0] += 100 * (float)label[i];
    rg_mat_row(&x, i)[1] += shift * (float)batch[i];
  }
  return x;
}

Test(metric, lisi_of_mixed_and_separate_batches)
{
  enum { N = 600 };
  int32_t label[N], batch[N];
  for (int mixed = 0; mixed < 2; mixed++) {
    planted p = {
        .scored = {.label = label, .n_labels = 2, .batch = batch, .n_batches = 2}};
    score_graph(&p, batches(N, mixed ? 0 : 50, label, batch), 15);
    near(score(&rg_metric_ilisi, &p, "ilisi"), mixed, mixed ? 0.1 : 1e-9, "ilisi");
    near(score(&rg_metric_ilisi, &p, "clisi"), 1, 1e-9, "clisi");
    planted_fini(&p);
  }
}

Test(metric, lisi_of_few_cells_weighs_all_neighbours_alike_when_they_are_as_far)
{
  /* corners of a simplex: 1 batch-0 and 2 batch-1 cells around each batch-0 cell */
  const int32_t batch[] = {0, 0, 1, 1};
  rg_mat x = rg_mat_new(4, 4);
  for (int i = 0; i < 4; i++)
    rg_mat_row(&x, i)[i] = 1;
  planted p = {.scored = {.batch = batch, .n_batches = 2}};
  score_graph(&p, x, 2);
  near(score(&rg_metric_ilisi, &p, "ilisi"), 9.0 / 5 - 1, 1e-6, "ilisi");
  planted_fini(&p);
}

Test(metric, connectivity_of_a_label_in_two_pieces)
{
  const float at[] = {0, 1, 2, 100, 101, 102, 103, 50, 51, 52};
  const int32_t label[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
  planted p = {.scored = {.label = label, .n_labels = 3}}; /* label 2 has no cells */
  score_graph(&p, line(at, 10), 2);
  near(score(&rg_metric_connectivity, &p, "graph_connectivity"), (4.0 / 7 + 1) / 2, 1e-15,
       "connectivity");
  planted_fini(&p);
}

Test(metric, depth_is_found_on_the_axis_that_holds_it)
{
  enum { N = 500 };
  double depth[N];
  rg_mat x = rg_mat_new(N, 2);
  for (int i = 0; i < N; i++) {
    rg_normals(&test_key, (uint64_t)i, 2, rg_mat_row(&x, i));
    depth[i] = exp(-(double)rg_mat_row(&x, i)[1]); /* falls with axis 1 */
  }
  planted p = {.scored = {.depth = depth}};
  score_graph(&p, x, 5);
  near(score(&rg_metric_depth, &p, "depth_leakage_max"), 1, 1e-12, "largest");
  near(score(&rg_metric_depth, &p, "depth_leakage"), 0.5, 0.06, "mean");
  planted_fini(&p);
}

Test(metric, clusters_of_types_far_apart)
{
  enum { N = 300 };
  int32_t label[N], batch[N];
  planted p = {.scored = {.label = label, .n_labels = 2, .cluster = label,
                          .n_clusters = 2}};
  score_graph(&p, batches(N, 0, label, batch), 15);
  near(score(&rg_metric_clusters, &p, "ari_best_resolution"), 1, 1e-12, "best ari");
  cr_expect(score(&rg_metric_clusters, &p, "nmi") > 0.3); /* both are split */
  near(score(&rg_metric_partition, &p, "clusters_ari"), 1, 1e-12, "given clusters");
  near(score(&rg_metric_partition, &p, "clusters_ami"), 1, 1e-10, "given clusters");
  planted_fini(&p);
}

/* ---- across modalities ------------------------------------------------------------ */

static void score_pair(planted *p, rg_mat x, rg_mat y)
{
  score_graph(p, x, 2);
  p->y = y;
  p->scored.second = &p->y;
}

Test(across, foscttm_by_hand)
{
  const float at[] = {0, 10, 20}, other[] = {1, 19, 12};
  planted p = {0};
  score_pair(&p, line(at, 3), line(other, 3));
  /* closer than the own half: x: none; 12, and 1 is as far; 19. y: none; 20; 10 */
  near(score(&rg_metric_foscttm, &p, "foscttm"), 4.5 / 9 / 2, 1e-15, "foscttm");
  planted_fini(&p);
}

Test(across, foscttm_of_copies_constants_and_chance)
{
  enum { N = 400 };
  rg_mat x = rg_mat_new(N, 5), y = rg_mat_new(N, 5);
  for (int i = 0; i < N; i++) {
    rg_normals(&test_key, (uint64_t)i, 5, rg_mat_row(&x, i));
    rg_normals(&test_key, (uint64_t)(N + i), 5, rg_mat_row(&y, i));
  }
  planted p = {0};
  score_pair(&p, x, y);
  near(score(&rg_metric_foscttm, &p, "foscttm"), 0.5, 0.04, "chance");
  near(score(&rg_metric_matching, &p, "matching_score"), 1.0 / N, 0.01, "chance");
  memcpy(p.y.data, p.x.data, sizeof(float) * N * 5);
  near(score(&rg_metric_foscttm, &p, "foscttm"), 0, 0, "copies");
  near(score(&rg_metric_matching, &p, "matching_score"), 1, 0, "copies");
  rg_mat_row(&p.y, 7)[3] = NAN; /* a cell without the other modality is left out */
  near(score(&rg_metric_foscttm, &p, "foscttm"), 0, 0, "copies, one missing");
  memset(p.x.data, 0, sizeof(float) * N * 5);
  memset(p.y.data, 0, sizeof(float) * N * 5);
  near(score(&rg_metric_foscttm, &p, "foscttm"), 0.5 * (N - 1) / N, 1e-12, "constants");
  planted_fini(&p);
}

/* unit vectors at these degrees */
static rg_mat circle(const double *degrees, int n)
{
  rg_mat x = rg_mat_new(n, 2);
  for (int i = 0; i < n; i++) {
    rg_mat_row(&x, i)[0] = (float)cos(degrees[i] * 3.14159265358979 / 180);
    rg_mat_row(&x, i)[1] = (float)sin(degrees[i] * 3.14159265358979 / 180);
  }
  return x;
}

Test(across, matching_by_hand)
{
  const double at[] = {0, 90, 180, 270}, other[] = {10, 100, 80, 300};
  planted p = {0};
  score_pair(&p, circle(at, 4), circle(other, 4));
  /* x -> y: 0 -> 0, 1 -> 1 or 2 (both 10 degrees; rounding), 2 -> 1, 3 -> 3
   * y -> x: 0 -> 0, 1 -> 1, 2 -> 1, 3 -> 3
   * rows: 0: 1; 3: 1; 2: its pair is nobody's choice: 0; 1: 1 and 1/3 to the two, in the
   * order that rounding gives: 3/4 or 1/4 */
  double s = score(&rg_metric_matching, &p, "matching_score");
  cr_expect(fabs(s - 2.75 / 4) < 1e-12 || fabs(s - 2.25 / 4) < 1e-12, "%g", s);
  planted_fini(&p);
}

/* ---- must fail ------------------------------------------------------------------- */

Test(must_fail, crossed_partitions_agree)
{
  const int32_t a[] = {0, 0, 1, 1}, b[] = {0, 1, 0, 1};
  near(ari(a, 2, b, 2, 4), 1, 0.1, "ari");
}
