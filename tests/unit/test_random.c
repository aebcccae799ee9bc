/* base: random numbers and hashes. Bounds on statistics are 5 standard deviations. */
#include "regatta/base.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <string.h>

enum { MANY = 1000000 };

static const rg_key test_key = {.seed = 7, .step = 3, .purpose = RG_FOR_TEST};

/* Philox4x32-10 written again from the paper (SC 2011, figure 2) */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
  uint32_t x[4], k0 = key[0], k1 = key[1];
  memcpy(x, counter, sizeof x);
  for (int round = 0; round < 10; round++) {
    uint64_t a = (uint64_t)0xd2511f53u * x[0], b = (uint64_t)0xcd9e8d57u * x[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ x[1] ^ k0, (uint32_t)b,
                        (uint32_t)(a >> 32) ^ x[3] ^ k1, (uint32_t)a};
    memcpy(x, next, sizeof x);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  memcpy(out, x, sizeof x);
}

Test(random, the_cipher_is_philox)
{
  /* known answer of the Random123 distribution */
  uint32_t r[4], zero[4] = {0};
  philox(zero, zero, r);
  cr_assert_eq(r[0], 0x6627e8d5u);
  cr_assert_eq(r[3], 0x9b00dbd8u);

  rg_key key = {.seed = 0x123456789abcdef0u, .step = 0xfedcba9876543210u, .purpose = 5};
  uint32_t derived[4], mine[4], expected[4];
  philox((uint32_t[]){0x76543210u, 0xfedcba98u, 5, 0},
         (uint32_t[]){0x9abcdef0u, 0x12345678u}, derived);
  philox((uint32_t[]){2, 1, 4, 3}, derived, expected);
  rg_random(&key, 0x0000000100000002u, 0x0000000300000004u, mine);
  cr_assert_arr_eq(mine, expected, sizeof mine);
}

Test(random, every_part_of_the_key_matters)
{
  rg_key keys[] = {test_key, test_key, test_key, test_key};
  keys[1].seed++;
  keys[2].step++;
  keys[3].purpose++;
  uint32_t r[6][4];
  for (int i = 0; i < 4; i++)
    rg_random(&keys[i], 0, 0, r[i]);
  rg_random(&test_key, 1, 0, r[4]);
  rg_random(&test_key, 0, 1, r[5]);
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < i; j++)
      cr_assert_neq(memcmp(r[i], r[j], sizeof r[i]), 0);
}

static void check_moments(const double *x, int n, double mean, double variance,
                          double fourth)
{
  double m = 0, v = 0;
  for (int i = 0; i < n; i++)
    m += x[i] / n;
  for (int i = 0; i < n; i++)
    v += (x[i] - mean) * (x[i] - mean) / n;
  cr_expect_lt(fabs(m - mean), 5 * sqrt(variance / n));
  cr_expect_lt(fabs(v - variance), 5 * sqrt((fourth - variance * variance) / n));
}

/* of numbers with mean 0 and variance 1, up to four apart: a block holds four */
static void check_independence(const double *x, int n)
{
  for (int lag = 1; lag <= 4; lag++) {
    double product = 0, squares = 0;
    for (int i = 0; i + lag < n; i++) {
      product += x[i] * x[i + lag];
      squares += (x[i] * x[i] - 1) * (x[i + lag] * x[i + lag] - 1);
    }
    cr_expect_lt(fabs(product), 5 * sqrt(n), "lag %d", lag);
    cr_expect_lt(fabs(squares), 5 * 2 * sqrt(n), "squares, lag %d", lag);
  }
}

Test(random, uniforms_are_uniform_and_never_0_or_1)
{
  static double x[MANY];
  static float y[MANY];
  rg_uniforms(&test_key, 1, MANY, y);
  for (int i = 0; i < MANY; i++) {
    x[i] = rg_uniform(&test_key, 0, (uint64_t)i);
    cr_assert(x[i] > 0 && x[i] < 1 && y[i] > 0 && y[i] < 1);
  }
  check_moments(x, MANY, 0.5, 1.0 / 12, 1.0 / 80);
  for (int i = 0; i < MANY; i++)
    x[i] = y[i];
  check_moments(x, MANY, 0.5, 1.0 / 12, 1.0 / 80);
}

Test(random, normals_are_normal)
{
  static double x[MANY];
  static float y[MANY];
  for (int i = 0; i < MANY; i++)
    x[i] = rg_normal(&test_key, (uint64_t)i, 0);
  check_moments(x, MANY, 0, 1, 3);
  rg_normals(&test_key, 0, MANY, y);
  int outside = 0;
  for (int i = 0; i < MANY; i++) {
    x[i] = y[i];
    outside += fabs(x[i]) > 1.959963985; /* 5 in 100 */
    cr_assert(isfinite(y[i]));
  }
  check_moments(x, MANY, 0, 1, 3);
  check_independence(x, MANY);
  cr_expect_lt(fabs(outside - 0.05 * MANY), 5 * sqrt(0.05 * 0.95 * MANY));
}

Test(random, a_number_does_not_depend_on_how_many_are_drawn)
{
  float long_row[101], short_row[101];
  for (int n = 0; n <= 101; n++) {
    rg_normals(&test_key, 9, 101, long_row);
    rg_normals(&test_key, 9, n, short_row);
    cr_assert_eq(memcmp(long_row, short_row, (size_t)n * sizeof *long_row), 0);
    rg_uniforms(&test_key, 9, 101, long_row);
    rg_uniforms(&test_key, 9, n, short_row);
    cr_assert_eq(memcmp(long_row, short_row, (size_t)n * sizeof *long_row), 0);
  }
}

Test(random, permutations_permute)
{
  static bool seen[5000];
  const int64_t sizes[] = {1, 2, 3, 4, 5, 15, 16, 17, 64, 65, 1000, 4096, 4097, 5000};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    int64_t n = sizes[s];
    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < n; i++) {
      int64_t j = rg_permuted(&test_key, n, i);
      cr_assert(j >= 0 && j < n && !seen[j]);
      seen[j] = true;
    }
  }
  int64_t huge = INT64_C(1) << 61;
  cr_assert_lt(rg_permuted(&test_key, huge, huge - 1), huge);
}

/* chi-squared with n! - 1 degrees of freedom over the permutations of n <= 4 */
Test(random, small_permutations_are_equally_likely)
{
  enum { KEYS = 48000 };
  for (int n = 2; n <= 4; n++) {
    int count[256] = {0};
    for (int s = 0; s < KEYS; s++) {
      rg_key key = {.seed = (uint64_t)s, .purpose = RG_FOR_TEST};
      int code = 0;
      for (int i = 0; i < n; i++)
        code = 4 * code + (int)rg_permuted(&key, n, i);
      count[code]++;
    }
    int kinds = n == 2 ? 2 : n == 3 ? 6 : 24;
    double chi2 = 0, expected = (double)KEYS / kinds;
    for (int c = 0; c < 256; c++)
      if (count[c])
        chi2 += (count[c] - expected) * (count[c] - expected) / expected;
    cr_expect_lt(chi2, kinds - 1 + 5 * sqrt(2.0 * (kinds - 1)), "n %d: %g", n, chi2);
  }
}

/* a point is as likely to go anywhere: chi-squared over images of 0 among 1000 */
Test(random, permutations_spread)
{
  enum { N = 1000, KEYS = 100000 };
  static int count[N];
  for (int s = 0; s < KEYS; s++) {
    rg_key key = {.seed = (uint64_t)s, .purpose = RG_FOR_TEST};
    count[rg_permuted(&key, N, 0)]++;
  }
  double chi2 = 0;
  for (int i = 0; i < N; i++)
    chi2 += (count[i] - KEYS / N) * (double)(count[i] - KEYS / N) / (KEYS / N);
  cr_expect_lt(chi2, N - 1 + 5 * sqrt(2.0 * (N - 1)));
}

Test(random, outside_the_permutation_is_a_bug, .signal = SIGABRT)
{
  rg_permuted(&test_key, 10, 10);
}

Test(random, hash_is_xxh3)
{
  cr_assert_eq(rg_hash("", 0, 0), 0x2d06800538d394c2u); /* XXH3_64bits of nothing */
  cr_assert_neq(rg_hash("a", 1, 0), rg_hash("a", 1, 1));
  cr_assert_neq(rg_hash("a", 1, 0), rg_hash("b", 1, 0));
}

Test(must_fail, random)
{
  cr_assert_gt(rg_uniform(&test_key, 0, 0), 1);
}
