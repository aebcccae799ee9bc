/* tensor: dense and sparse matrices, the tree of sums. */
#include "regatta/tensor.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const rg_key test_key = {.seed = 1, .purpose = RG_FOR_TEST};

/* ---- matrices -------------------------------------------------------------------- */

Test(mat, zeroed_rows)
{
  rg_mat m = rg_mat_new(3, 5);
  rg_mat_row(&m, 2)[4] = 1;
  cr_assert_eq(m.data[14], 1);
  cr_assert_eq(m.data[0], 0);
  rg_mat_fini(&m);
  cr_assert_null(m.data);
  m = rg_mat_new(0, 7);
  rg_mat_fini(&m);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(mat, too_large_is_a_bug, .signal = SIGABRT)
{
  rg_mat_new(INT64_C(1) << 40, INT64_C(1) << 40);
}

/* ---- sparse matrices ------------------------------------------------------------- */

/* about a third of the entries, values from 1 up */
static rg_csr random_csr(int64_t rows, int64_t cols)
{
  rg_csr a = rg_csr_new(rows, cols, rows * cols);
  int64_t k = 0;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++)
      if (rg_uniform(&test_key, (uint64_t)i, (uint64_t)j) < 0.3) {
        a.indices[k] = (int32_t)j;
        a.values[k] = (float)(k + 1);
        k++;
      }
    a.indptr[i + 1] = k;
  }
  return a;
}

static void densify(const rg_csr *a, float *dense)
{
  memset(dense, 0, (size_t)(a->rows * a->cols) * sizeof *dense);
  for (int64_t i = 0; i < a->rows; i++)
    for (int64_t k = a->indptr[i]; k < a->indptr[i + 1]; k++) {
      cr_assert(k == a->indptr[i] || a->indices[k] > a->indices[k - 1]);
      dense[i * a->cols + a->indices[k]] = a->values ? a->values[k] : 1;
    }
}

Test(csr, transpose)
{
  static float dense[17 * 23], flipped[17 * 23];
  for (int pattern = 0; pattern < 2; pattern++) {
    rg_csr a = random_csr(17, 23);
    if (pattern) {
      rg_free(a.values);
      a.values = NULL;
    }
    rg_csr t = rg_csr_transpose(&a), back = rg_csr_transpose(&t);
    cr_assert_eq(t.rows, 23);
    cr_assert_eq(t.cols, 17);
    cr_assert_eq(rg_csr_nnz(&t), rg_csr_nnz(&a));
    cr_assert_eq(t.values == NULL, pattern == 1);
    densify(&a, dense);
    densify(&t, flipped);
    for (int i = 0; i < 17; i++)
      for (int j = 0; j < 23; j++)
        cr_assert_eq(dense[i * 23 + j], flipped[j * 17 + i]);
    cr_assert_arr_eq(back.indices, a.indices, (size_t)rg_csr_nnz(&a) * 4);
    rg_csr_fini(&a);
    rg_csr_fini(&t);
    rg_csr_fini(&back);
  }
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(csr, empty_shapes)
{
  const int64_t shapes[][2] = {{0, 0}, {0, 5}, {5, 0}, {3, 4}};
  for (int s = 0; s < 4; s++) {
    rg_csr a = rg_csr_new(shapes[s][0], shapes[s][1], 0);
    rg_csr t = rg_csr_transpose(&a);
    cr_assert_eq(rg_csr_nnz(&t), 0);
    cr_assert_eq(t.rows, shapes[s][1]);
    rg_csr_fini(&a);
    rg_csr_fini(&t);
  }
  cr_assert_eq(rg_csr_nnz(&(rg_csr){0}), 0);
}

Test(csr, keep_columns)
{
  static float dense[17 * 23], kept[17 * 8];
  int32_t new_of_old[23];
  for (int j = 0; j < 23; j++)
    new_of_old[j] = j % 3 ? -1 : j / 3; /* 0, 3, .. 21 */
  rg_csr a = random_csr(17, 23);
  densify(&a, dense);
  rg_csr_keep_columns(&a, new_of_old, 8);
  cr_assert_eq(a.cols, 8);
  densify(&a, kept);
  for (int i = 0; i < 17; i++)
    for (int j = 0; j < 8; j++)
      cr_assert_eq(kept[i * 8 + j], dense[i * 23 + 3 * j]);
  rg_csr_fini(&a);
}

Test(csr, columns_must_rise, .signal = SIGABRT)
{
  rg_csr a = random_csr(2, 3);
  rg_csr_keep_columns(&a, (int32_t[]){1, 0, -1}, 2);
}

/* ---- tree ------------------------------------------------------------------------ */

enum { WIDTH = 70, STRIDE = 73, MOST = 41 };

/* the definition, without any of the tricks */
static double tree_by_definition(const double *x, rg_range node)
{
  if (rg_range_n(node) == 1)
    return x[node.low * STRIDE];
  int64_t left = 1;
  while (2 * left < rg_range_n(node))
    left *= 2;
  return tree_by_definition(x, (rg_range){node.low, node.low + left}) +
         tree_by_definition(x, (rg_range){node.low + left, node.high});
}

/* numbers of very different size: every order of summing gives other bits */
static void fill(double *x, float *y, int n)
{
  for (int i = 0; i < n; i++) {
    double size = exp(10 * rg_normal(&test_key, 1, (uint64_t)i));
    x[i] = rg_normal(&test_key, 0, (uint64_t)i) * size;
    y[i] = (float)x[i];
  }
}

Test(tree, split_is_the_largest_power_of_two_below)
{
  cr_assert_eq(rg_tree_split((rg_range){10, 12}), 11);
  cr_assert_eq(rg_tree_split((rg_range){0, 3}), 2);
  cr_assert_eq(rg_tree_split((rg_range){0, 8}), 4);
  cr_assert_eq(rg_tree_split((rg_range){5, 14}), 13);
  cr_assert_eq(rg_tree_split((rg_range){0, INT64_MAX}), INT64_C(1) << 62);
}

Test(tree, sum_is_the_definition)
{
  static double x[MOST * STRIDE], out[WIDTH];
  static float y[MOST * STRIDE];
  fill(x, y, MOST * STRIDE);
  for (int n = 1; n <= MOST; n++) {
    rg_tree_sum_f64(x, n, WIDTH, STRIDE, out);
    for (int j = 0; j < WIDTH; j++)
      cr_assert_eq(out[j], tree_by_definition(x + j, (rg_range){0, n}));
  }
  rg_tree_sum_f64(x, 0, WIDTH, STRIDE, out);
  for (int j = 0; j < WIDTH; j++)
    cr_assert_eq(out[j], 0);
}

/* Finish a tree over n items from the sums of whole subtrees, as ranks do. */
static void finish(rg_range node, const rg_range *slots, const float *partial,
                   int *next, float *out)
{
  if (slots[*next].low == node.low && slots[*next].high == node.high) {
    memcpy(out, partial + *next * WIDTH, WIDTH * sizeof *out);
    (*next)++;
    return;
  }
  float right[WIDTH];
  int64_t split = rg_tree_split(node);
  finish((rg_range){node.low, split}, slots, partial, next, out);
  finish((rg_range){split, node.high}, slots, partial, next, right);
  for (int j = 0; j < WIDTH; j++)
    out[j] += right[j];
}

static void check_partition(const float *y, int n, const int *cut, int parts,
                            const float *whole)
{
  rg_range slots[MOST + RG_TREE_SLOTS];
  int n_slots = 0;
  for (int p = 0; p < parts; p++)
    n_slots += rg_tree_cover(n, (rg_range){cut[p], cut[p + 1]}, slots + n_slots);
  static float partial[MOST * WIDTH];
  int64_t at = 0;
  for (int s = 0; s < n_slots; s++) {
    cr_assert_eq(slots[s].low, at);
    cr_assert_gt(slots[s].high, at);
    at = slots[s].high;
    rg_tree_sum_f32(y + slots[s].low * STRIDE, rg_range_n(slots[s]), WIDTH, STRIDE,
                    partial + s * WIDTH);
  }
  cr_assert_eq(at, n);
  int next = 0;
  float out[WIDTH];
  finish((rg_range){0, n}, slots, partial, &next, out);
  cr_assert_eq(next, n_slots);
  cr_assert_eq(memcmp(out, whole, sizeof out), 0);
}

Test(tree, every_partition_gives_the_same_bits)
{
  static double x[MOST * STRIDE];
  static float y[MOST * STRIDE];
  fill(x, y, MOST * STRIDE);
  for (int n = 1; n <= MOST; n++) {
    float whole[WIDTH];
    rg_tree_sum_f32(y, n, WIDTH, STRIDE, whole);
    for (int a = 0; a <= n; a++)
      for (int b = a; b <= n; b++)
        check_partition(y, n, (int[]){0, a, b, n}, 3, whole);
  }
}

Test(tree, covers_are_maximal_and_short)
{
  rg_range slots[RG_TREE_SLOTS];
  cr_assert_eq(rg_tree_cover(100, (rg_range){0, 100}, slots), 1);
  cr_assert_eq(rg_tree_cover(100, (rg_range){40, 40}, slots), 0);
  cr_assert_eq(rg_tree_cover(8, (rg_range){1, 7}, slots), 4);
  cr_assert_eq(slots[1].low, 2);
  cr_assert_eq(slots[1].high, 4);
  int64_t n = INT64_C(1) << 32;
  cr_assert_eq(rg_tree_cover(n, (rg_range){1, n - 1}, slots), 62);
}

Test(tree, a_part_outside_is_a_bug, .signal = SIGABRT)
{
  rg_range slots[RG_TREE_SLOTS];
  rg_tree_cover(5, (rg_range){3, 6}, slots);
}

/* summing from left to right is not the tree */
Test(must_fail, tree)
{
  static double x[MOST * STRIDE];
  static float y[MOST * STRIDE];
  fill(x, y, MOST * STRIDE);
  double tree, line = 0;
  rg_tree_sum_f64(x, MOST, 1, STRIDE, &tree);
  for (int i = 0; i < MOST; i++)
    line += x[i * STRIDE];
  cr_assert_eq(tree, line);
}
