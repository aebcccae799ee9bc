/* kernels: dense products and updates of parameters. */
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <omp.h>
#include <string.h>

static const rg_key test_key = {.seed = 2, .purpose = RG_FOR_TEST};

static float *normals(uint64_t stream, int64_t n)
{
  float *x = RG_NEW(float, n);
  rg_normals(&test_key, stream, (int)n, x);
  return x;
}

/* ---- products -------------------------------------------------------------------- */

static const int64_t sizes[] = {0, 1, 2, 7, 17, 50, 129};

/* largest difference to the reference, over what rounding of k products allows */
static void compare_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float beta)
{
  int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
  float *a = normals(1, (ta ? k : m) * lda), *b = normals(2, (tb ? n : k) * ldb);
  float *c = normals(3, m * ldc), *d = RG_NEW(float, m *ldc);
  memcpy(d, c, (size_t)(m * ldc) * sizeof *c);
  rg_gemm(ta, tb, m, n, k, 0.5f, a, lda, b, ldb, beta, c, ldc);
  rg_ref_gemm(ta, tb, m, n, k, 0.5f, a, lda, b, ldb, beta, d, ldc);
  for (int64_t i = 0; i < m * ldc; i++)
    cr_assert_leq(fabsf(c[i] - d[i]), 1e-6f * (float)(k + 4), "%g and %g", (double)c[i],
                  (double)d[i]);
  rg_free(a), rg_free(b), rg_free(c), rg_free(d);
}

Test(gemm, as_the_reference)
{
  int n = sizeof sizes / sizeof sizes[0];
  for (int i = 0; i < n * n * n; i++)
    for (int t = 0; t < 4; t++)
      compare_gemm(t & 1, t & 2, sizes[i % n], sizes[i / n % n], sizes[i / n / n],
                   t == 3 ? 0.0f : 1.5f);
}

static void one_and_two_threads(int64_t m, int64_t n, int64_t k)
{
  float *a = normals(1, m * k), *b = normals(2, k * n);
  float *c = RG_NEW(float, m *n), *d = RG_NEW(float, m *n);
  omp_set_num_threads(1);
  rg_gemm(false, false, m, n, k, 1.0f, a, k, b, n, 0.0f, c, n);
  omp_set_num_threads(2);
  rg_gemm(false, false, m, n, k, 1.0f, a, k, b, n, 0.0f, d, n);
  cr_assert_arr_eq(c, d, (size_t)(m * n) * sizeof *c);
  rg_free(a), rg_free(b), rg_free(c), rg_free(d);
}

Test(gemm, threads_give_the_same_bits)
{
  const int64_t odd[] = {1, 3, 31, 50, 101, 200, 333};
  for (int i = 0; i < 7 * 7 * 7; i++)
    one_and_two_threads(odd[i % 7], odd[i / 7 % 7], odd[i / 49]);
}

/* ---- updates --------------------------------------------------------------------- */

static rg_update update_of(rg_update_kind kind)
{
  return (rg_update){.kind = kind,
                     .rate = 1e-2,
                     .beta1 = kind == RG_ADAM ? 0.9 : 0.5,
                     .beta2 = 0.99,
                     .epsilon = 1e-8,
                     .decay = 1e-2,
                     .correct1 = 0.1,
                     .correct2 = 0.01};
}

/* the formulas of kernels.h in double */
static double plain_update(const rg_update *u, double w, double g, double *m, double *v)
{
  g += u->decay * w;
  switch (u->kind) {
  case RG_ADAM:
    *m = u->beta1 * *m + (1 - u->beta1) * g;
    *v = u->beta2 * *v + (1 - u->beta2) * g * g;
    return w - u->rate * (*m / u->correct1) / (sqrt(*v / u->correct2) + u->epsilon);
  case RG_RMSPROP:
    *v = u->beta2 * *v + (1 - u->beta2) * g * g;
    *m = u->beta1 * *m + g / (sqrt(*v) + u->epsilon);
    return w - u->rate * *m;
  default:
    *m = u->beta1 * *m + g;
    return w - u->rate * *m;
  }
}

Test(update, as_the_formulas)
{
  const int64_t n = 37;
  for (int kind = RG_ADAM; kind <= RG_SGD; kind++) {
    rg_update u = update_of((rg_update_kind)kind);
    float *w = normals(1, n), *g = normals(2, n), *m = normals(3, n),
          *v = normals(4, n);
    for (int64_t i = 0; i < n; i++) {
      v[i] *= v[i];
      double mi = (double)m[i], vi = (double)v[i];
      double wi = plain_update(&u, (double)w[i], (double)g[i], &mi, &vi);
      float out[3] = {w[i], m[i], v[i]};
      rg_update_apply(&u, 1.0f, 1, &out[0], &g[i], &out[1], &out[2]);
      cr_assert_float_eq((double)out[0], wi, 1e-6 * (1 + fabs(wi)));
      cr_assert_float_eq((double)out[1], mi, 1e-6 * (1 + fabs(mi)));
      cr_assert_float_eq((double)out[2], vi, 1e-6 * (1 + fabs(vi)));
    }
    rg_free(w), rg_free(g), rg_free(m), rg_free(v);
  }
}

Test(update, place_and_threads_give_the_same_bits)
{
  const int64_t n = 40001;
  rg_update u = update_of(RG_ADAM);
  float *g = normals(2, n);
  float *state[2][3];
  for (int t = 0; t < 2; t++) {
    omp_set_num_threads(t + 1);
    for (int i = 0; i < 3; i++)
      state[t][i] = normals((uint64_t)i + 3, n);
    for (int64_t i = 0; i < n; i++)
      state[t][2][i] *= state[t][2][i];
    if (t == 0)
      for (int64_t i = 0; i < n; i++)
        rg_update_apply(&u, 0.5f, 1, state[t][0] + i, g + i, state[t][1] + i,
                        state[t][2] + i);
    else
      rg_update_apply(&u, 0.5f, n, state[t][0], g, state[t][1], state[t][2]);
  }
  for (int i = 0; i < 3; i++) {
    cr_assert_arr_eq(state[0][i], state[1][i], (size_t)n * sizeof *g);
    rg_free(state[0][i]), rg_free(state[1][i]);
  }
  rg_free(g);
}

Test(update, sgd_needs_no_second_moment)
{
  rg_update u = update_of(RG_SGD);
  float w[5] = {1, 2, 3, 4, 5}, g[5] = {1, 1, 1, 1, 1}, m[5] = {0};
  u.decay = 0.0;
  rg_update_apply(&u, 1.0f, 5, w, g, m, NULL);
  for (int i = 0; i < 5; i++)
    cr_assert_float_eq(w[i], (float)(i + 1) - 0.01f, 1e-6f);
}

Test(must_fail, update)
{
  float w = 1, g = 1, m = 0;
  rg_update u = update_of(RG_SGD);
  rg_update_apply(&u, 1.0f, 1, &w, &g, &m, NULL);
  cr_assert_eq(w, 1.0f);
}
