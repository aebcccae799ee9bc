/* Small hash tables: numbers to indices (open addressing), and weights by community. */
#include "leiden.h"

static int64_t place(const leiden_index *index, int64_t key)
{
  int64_t at = (int64_t)(leiden_scramble((uint64_t)key) & (uint64_t)(index->room - 1));
  while (index->value[at] >= 0 && index->key[at] != key)
    at = (at + 1) & (index->room - 1);
  return at;
}

int32_t leiden_index_find(const leiden_index *index, int64_t key)
{
  return index->room == 0 ? -1 : index->value[place(index, key)];
}

static void grow(leiden_index *index)
{
  leiden_index old = *index;
  index->room = old.room ? 2 * old.room : 64;
  index->key = RG_NEW(int64_t, index->room);
  index->value = RG_NEW(int32_t, index->room);
  for (int64_t i = 0; i < index->room; i++)
    index->value[i] = -1;
  for (int64_t i = 0; i < old.room; i++)
    if (old.value[i] >= 0) {
      int64_t at = place(index, old.key[i]);
      index->key[at] = old.key[i];
      index->value[at] = old.value[i];
    }
  rg_free(old.key);
  rg_free(old.value);
}

int32_t leiden_index_add(leiden_index *index, int64_t key, int32_t value)
{
  if (2 * index->n >= index->room)
    grow(index);
  int64_t at = place(index, key);
  if (index->value[at] < 0) {
    index->key[at] = key;
    index->value[at] = value;
    index->n++;
  }
  return index->value[at];
}

void leiden_index_fini(leiden_index *index)
{
  rg_free(index->key);
  rg_free(index->value);
  *index = (leiden_index){0};
}

void leiden_bag_open(leiden_bag *bag, int64_t most)
{
  for (int32_t j = 0; j < bag->n; j++)
    bag->key[bag->met[j]] = -1;
  bag->n = 0;
  if (2 * most <= bag->room)
    return;
  leiden_bag_fini(bag);
  for (bag->room = 64; bag->room < 2 * most; bag->room *= 2)
    continue;
  bag->key = RG_NEW(int32_t, bag->room);
  bag->weight = RG_NEW(int64_t, bag->room);
  bag->met = RG_NEW(int32_t, bag->room);
  for (int64_t i = 0; i < bag->room; i++)
    bag->key[i] = -1;
}

void leiden_bag_fini(leiden_bag *bag)
{
  rg_free(bag->key);
  rg_free(bag->weight);
  rg_free(bag->met);
  *bag = (leiden_bag){0};
}
