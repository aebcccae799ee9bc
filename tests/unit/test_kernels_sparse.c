/* kernels: sparse and tall products against their plain twins, at awkward sizes. */
#include "regatta/kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const rg_key key = {.seed = 5, .purpose = RG_FOR_TEST};

static rg_csr random_csr(int64_t rows, int64_t cols, double density, bool ones)
{
  rg_csr a = rg_csr_new(rows, cols, rows * cols);
  int64_t n = 0;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++)
      if (rg_uniform(&key, (uint64_t)i, (uint64_t)j) < density) {
        a.indices[n] = (int32_t)j;
        a.values[n++] = (float)(1 + (i + j) % 7);
      }
    a.indptr[i + 1] = n;
  }
  if (ones) {
    rg_free(a.values);
    a.values = NULL;
  }
  return a;
}

static float *random_dense(int64_t rows, int width)
{
  float *x = RG_NEW(float, rows *width);
  for (int64_t i = 0; i < rows; i++)
    rg_normals(&key, (uint64_t)(1000 + i), width, x + i * width);
  return x;
}

static double difference(const float *a, const float *b, int64_t n)
{
  double most = 0;
  for (int64_t i = 0; i < n; i++)
    most = fmax(most, fabs((double)a[i] - b[i]) / (1 + fabs((double)b[i])));
  return most;
}

static void check_sparse(int64_t rows, int64_t cols, int width, int64_t n_panels,
                         bool ones)
{
  rg_csr a = random_csr(rows, cols, 0.1, ones);
  float *b = random_dense(cols, width), *x = random_dense(rows, width);
  float *y = RG_NEW(float, rows *width), *y_ref = RG_NEW(float, rows *width);
  float *z = RG_NEW(float, cols *width), *z_ref = RG_NEW(float, cols *width);
  rg_spmm(&a, b, width, y);
  rg_ref_spmm(&a, b, width, y_ref);
  cr_assert_lt(difference(y, y_ref, rows * width), 1e-4, "%d", width);

  int64_t *first = RG_NEW(int64_t, n_panels + 1);
  for (int64_t i = 0; i <= n_panels; i++)
    first[i] = rows * i / n_panels;
  rg_panels panels = rg_panels_new(&a, n_panels, first);
  rg_panels_times(&panels, (rg_range){0, n_panels}, x, width, z);
  rg_ref_spmm_transposed(&a, x, width, z_ref);
  cr_assert_lt(difference(z, z_ref, cols * width), 1e-4, "%d", width);
  rg_panels_fini(&panels);
  rg_free(first);
  rg_free(b);
  rg_free(x);
  rg_free(y);
  rg_free(y_ref);
  rg_free(z);
  rg_free(z_ref);
  rg_csr_fini(&a);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(sparse, products)
{
  int widths[] = {1, 3, 16, 17, 48, 64, 65, 130};
  for (int i = 0; i < 8; i++) {
    check_sparse(57, 91, widths[i], 5, false);
    check_sparse(33, 700, widths[i], 1, true);
  }
  check_sparse(1300, 20, 64, 8, false); /* more rows than a tile */
  check_sparse(40, 9000, 40, 3, false); /* more columns than are cached */
}

Test(sparse, empty)
{
  check_sparse(0, 5, 16, 1, false);
  check_sparse(5, 1, 16, 2, true);
}

/* The sum over a node is the tree of the sums over its panels. */
Test(sparse, panels_add_along_the_tree)
{
  enum { PANELS = 5, WIDTH = 3 };
  rg_csr a = random_csr(50, 40, 0.3, false);
  float *x = random_dense(50, WIDTH), whole[40 * WIDTH], part[PANELS][40 * WIDTH];
  float tree[40 * WIDTH];
  int64_t first[] = {0, 7, 20, 21, 44, 50};
  rg_panels panels = rg_panels_new(&a, PANELS, first);
  rg_panels_times(&panels, (rg_range){0, PANELS}, x, WIDTH, whole);
  for (int i = 0; i < PANELS; i++)
    rg_panels_times(&panels, (rg_range){i, i + 1}, x, WIDTH, part[i]);
  rg_tree_sum_f32(part[0], PANELS, 40 * WIDTH, 40 * WIDTH, tree);
  cr_assert_arr_eq(whole, tree, sizeof tree);
  rg_panels_fini(&panels);
  rg_free(x);
  rg_csr_fini(&a);
}

static void check_tall(int64_t rows, int wa, int wb)
{
  float *a = random_dense(rows, wa), *b = random_dense(rows, wb);
  double *c = RG_NEW(double, wa *wb), *c_ref = RG_NEW(double, wa *wb);
  rg_tall_gram(rows, a, wa, b, wb, c);
  rg_ref_tall_gram(rows, a, wa, b, wb, c_ref);
  for (int i = 0; i < wa * wb; i++)
    cr_assert_float_eq(c[i], c_ref[i], 1e-9 * (double)(1 + rows));
  float *y = random_dense(rows, wb), *y_ref = random_dense(rows, wb);
  rg_tall_times(rows, a, wa, c, wb, 0.5, y);
  rg_ref_tall_times(rows, a, wa, c, wb, 0.5, y_ref);
  cr_assert_lt(difference(y, y_ref, rows * wb), 1e-6);
  rg_tall_times(rows, a, wa, c, wb, 0, y);
  rg_ref_tall_times(rows, a, wa, c, wb, 0, y_ref);
  cr_assert_lt(difference(y, y_ref, rows * wb), 1e-6);
  rg_free(a);
  rg_free(b);
  rg_free(c);
  rg_free(c_ref);
  rg_free(y);
  rg_free(y_ref);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(tall, products)
{
  check_tall(1, 1, 1);
  check_tall(3, 64, 64);
  check_tall(300, 5, 37);
  check_tall(1021, 33, 70);
  check_tall(256 * 70 + 3, 4, 32); /* more blocks than a group */
  check_tall(0, 4, 4);
}

/* A row has the same bits wherever it stands among the others. */
Test(tall, rows_do_not_depend_on_their_place)
{
  enum { ROWS = 23, WA = 20, WB = 40 };
  float *a = random_dense(ROWS, WA), whole[ROWS * WB], one[WB];
  double c[WA * WB];
  for (int i = 0; i < WA * WB; i++)
    c[i] = sin(i);
  rg_tall_times(ROWS, a, WA, c, WB, 0, whole);
  for (int i = 0; i < ROWS; i++) {
    rg_tall_times(1, a + i * WA, WA, c, WB, 0, one);
    cr_assert_arr_eq(one, whole + i * WB, sizeof one);
  }
  rg_free(a);
}

Test(must_fail, sparse)
{
  rg_csr a = random_csr(4, 4, 1, false);
  float one[4] = {1, 1, 1, 1}, y[4];
  rg_spmm(&a, one, 1, y);
  cr_assert_eq(y[0], 0);
}
