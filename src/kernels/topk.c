/* Lists of the k nearest. A list is kept sorted by (distance, id): what it holds after
 * a set of offers is the k smallest of them, whatever their order. */
#include "regatta/kernels.h"

#include <math.h>

rg_topk rg_topk_new(int64_t n, int k)
{
  RG_ASSERT(k > 0);
  rg_topk lists = {.n = n,
                   .k = k,
                   .distance = RG_NEW(float, n * k),
                                      .id = RG_NEW(int64_t, n * k),
                                                   .busy = RG_NEW(unsigned char, n)};
  for (int64_t i = 0; i < n * k; i++) {
    lists.distance[i] = INFINITY;
    lists.id[i] = -1;
  }
  return lists;
}

void rg_topk_fini(rg_topk *lists)
{
  rg_free(lists->distance);
  rg_free(lists->id);
  rg_free(lists->busy);
  *lists = (rg_topk){0};
}

float rg_topk_limit(const rg_topk *lists, int64_t i)
{
  float limit;
  __atomic_load(&lists->distance[(i + 1) * lists->k - 1], &limit, __ATOMIC_RELAXED);
  return limit;
}

/* Insert into a sorted list of k; a pair that is there already changes nothing. */
static void insert(float *d, int64_t *id, int k, float distance, int64_t new_id)
{
  int at = k;
  while (at > 0 && (distance < d[at - 1] ||
                    (distance == d[at - 1] && (id[at - 1] < 0 || new_id < id[at - 1]))))
    at--;
  if (at == k || (at > 0 && id[at - 1] == new_id))
    return;
  for (int j = k - 1; j > at; j--) {
    id[j] = id[j - 1];
    __atomic_store(&d[j], &d[j - 1], __ATOMIC_RELAXED);
  }
  id[at] = new_id;
  __atomic_store(&d[at], &distance, __ATOMIC_RELAXED);
}

float rg_topk_offer(rg_topk *lists, int64_t i, float distance, int64_t id)
{
  float limit = rg_topk_limit(lists, i);
  if (distance > limit)
    return limit;
  while (__atomic_test_and_set(&lists->busy[i], __ATOMIC_ACQUIRE))
    continue;
  int k = lists->k;
  insert(lists->distance + i * k, lists->id + i * k, k, distance, id);
  limit = lists->distance[(i + 1) * k - 1];
  __atomic_clear(&lists->busy[i], __ATOMIC_RELEASE);
  return limit;
}
