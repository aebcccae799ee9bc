/* The fixed binary tree of ordered sums. A node's shape depends on its length alone, so a
 * whole subtree is the tree over its own items. */
#include "regatta/tensor.h"

#include <string.h>

/* Items of the left child of a node of n >= 2: the largest power of two below n. */
static int64_t left_items(int64_t n)
{
  return (int64_t)1 << (63 - __builtin_clzll((unsigned long long)(n - 1)));
}

int64_t rg_tree_split(rg_range node)
{
  RG_ASSERT(rg_range_n(node) >= 2);
  return node.low + left_items(rg_range_n(node));
}

static int cover(rg_range node, rg_range part, rg_range *slots, int n)
{
  if (part.low >= node.high || part.high <= node.low)
    return n;
  if (part.low <= node.low && node.high <= part.high) {
    RG_ASSERT(n < RG_TREE_SLOTS);
    slots[n] = node;
    return n + 1;
  }
  int64_t split = rg_tree_split(node);
  n = cover((rg_range){node.low, split}, part, slots, n);
  return cover((rg_range){split, node.high}, part, slots, n);
}

int rg_tree_cover(int64_t n, rg_range part, rg_range slots[RG_TREE_SLOTS])
{
  RG_ASSERT(0 <= part.low && part.low <= part.high && part.high <= n);
  return part.low == part.high ? 0 : cover((rg_range){0, n}, part, slots, 0);
}

/* Both types alike: a node sums its left child into `out`, its right one beside it, and
 * adds; columns in blocks, so that the partial sums of a path stay in cache. */
enum { BLOCK = 64 };

#define RG_DEFINE_TREE_SUM(type, suffix)                                               \
  static void node_##suffix(const type *x, int64_t n, int width, int64_t stride,       \
                            type *out)                                                 \
  {                                                                                    \
    if (n == 1) {                                                                      \
      memcpy(out, x, (size_t)width * sizeof *out);                                     \
    } else if (n == 2) {                                                               \
      for (int j = 0; j < width; j++)                                                  \
        out[j] = x[j] + x[stride + j];                                                 \
    } else {                                                                           \
      type right[BLOCK];                                                               \
      int64_t left = left_items(n);                                                    \
      node_##suffix(x, left, width, stride, out);                                      \
      node_##suffix(x + left * stride, n - left, width, stride, right);                \
      for (int j = 0; j < width; j++)                                                  \
        out[j] += right[j];                                                            \
    }                                                                                  \
  }                                                                                    \
  void rg_tree_sum_##suffix(const type *x, int64_t n, int64_t width, int64_t stride,   \
                            type *out)                                                 \
  {                                                                                    \
    RG_ASSERT(n >= 0 && width >= 0);                                                   \
    for (int64_t j = 0; j < width; j += BLOCK) {                                       \
      int columns = (int)(width - j < BLOCK ? width - j : BLOCK);                      \
      if (n == 0)                                                                      \
        memset(out + j, 0, (size_t)columns * sizeof *out);                             \
      else                                                                             \
        node_##suffix(x + j, n, columns, stride, out + j);                             \
    }                                                                                  \
  }

RG_DEFINE_TREE_SUM(double, f64)
RG_DEFINE_TREE_SUM(float, f32)
