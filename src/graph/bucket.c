/* Approximate nearest neighbours by overlapping buckets: sampled cells are leaders, a
 * cell joins the buckets of its nearest leaders, and all pairs within a bucket are met.
 * Buckets live on one rank each; a cell travels once to each rank that holds any of its
 * buckets, and its lists travel home. What is found does not depend on where a bucket
 * lives, nor on the number of ranks. */
#include "knn.h"

#include <math.h>
#include <string.h>

enum { FAN_OUT = 6, FULL = 4096, SPLIT = 8, SPLIT_FAN_OUT = 2 };
#define LEADERS_PER_ROOT 4 /* leaders in all: this times the root of the cells */

/* Buckets as lists of members, one after the other. */
typedef struct buckets {
  int64_t n, room, n_members, members_room;
  int64_t *offset; /* n + 1 */
  int32_t *member;
} buckets;

static void add_member(buckets *all, int32_t member)
{
  if (all->n_members == all->members_room) {
    int64_t room = 2 * all->members_room + 1024;
    all->member = rg_realloc(all->member, all->members_room, room, sizeof(int32_t));
    all->members_room = room;
  }
  all->member[all->n_members++] = member;
}

static void close_bucket(buckets *all)
{
  if (all->n + 2 > all->room) {
    int64_t room = 2 * all->room + 64;
    all->offset = rg_realloc(all->offset, all->room, room, sizeof(int64_t));
    all->room = room;
  }
  all->offset[++all->n] = all->n_members;
}

static void free_buckets(buckets *all)
{
  rg_free(all->offset);
  rg_free(all->member);
}

/* Rows of `x` with the numbers in `ids`, non-finite ones left out. */
static rg_points leaders_at(rg_comm *comm, const rg_points *mine, int64_t n_total,
                            const rg_key *key, int64_t n)
{
  int64_t width = mine->dim + 1;
  rg_range rows = rg_part(n_total, rg_rank(comm), rg_size(comm));
  float *table = RG_NEW(float, rg_range_n(rows) * width);
  for (int64_t i = 0; i < mine->n; i++) {
    float *row = table + (mine->id[i] - rows.low) * width;
    memcpy(row, mine->x + i * mine->ld, (size_t)mine->dim * sizeof(float));
    row[mine->dim] = 1;
  }
  int64_t *ids = RG_NEW(int64_t, n);
  for (int64_t l = 0; l < n; l++)
    ids[l] = rg_permuted(key, n_total, l);
  float *row = RG_NEW(float, n * width);
  rg_fetch(comm, table, n_total, width * (int64_t)sizeof(float), ids, n, row);
  rg_points leaders = rg_points_new(n, mine->dim);
  leaders.n = 0;
  for (int64_t l = 0; l < n; l++)
    if (row[l * width + mine->dim] > 0) {
      rg_points_set(&leaders, leaders.n, row + l * width, leaders.n);
      leaders.n++;
    }
  rg_free(row);
  rg_free(ids);
  rg_free(table);
  return leaders;
}

/* Ranks of buckets: leaders in the order of the nearest of a few of them, so that a
 * cell's buckets tend to be neighbours, cut into parts of equal work. Collective. */
static int *place_buckets(rg_comm *comm, const rg_points *leaders,
                          const rg_topk *joined)
{
  int64_t n = leaders->n, few = (int64_t)ceil(sqrt((double)n)), done = 0;
  int64_t *size = RG_NEW(int64_t, n), *of_group = RG_NEW(int64_t, few + 1);
  for (int64_t j = 0; j < joined->n * joined->k; j++)
    if (joined->id[j] >= 0)
      size[joined->id[j]]++;
  rg_sum_i64(comm, size, n);
  rg_points first = *leaders;
  first.n = few;
  rg_topk group = rg_topk_new(n, 1);
  rg_pairs_cross(leaders, &group, &first, NULL);
  double work = 0;
  for (int64_t b = 0; b < n; b++) {
    of_group[group.id[b] + 1]++;
    work += (double)size[b] * (double)size[b];
  }
  for (int64_t g = 0; g < few; g++)
    of_group[g + 1] += of_group[g];
  int64_t *order = RG_NEW(int64_t, n);
  for (int64_t b = 0; b < n; b++)
    order[of_group[group.id[b]]++] = b;
  int *rank = RG_NEW(int, n);
  double so_far = 0;
  for (; done < n; done++) {
    int64_t b = order[done];
    rank[b] = work > 0 ? (int)(so_far / work * rg_size(comm)) : 0;
    rank[b] = rank[b] < rg_size(comm) ? rank[b] : rg_size(comm) - 1;
    so_far += (double)size[b] * (double)size[b];
  }
  rg_free(order);
  rg_topk_fini(&group);
  rg_free(of_group);
  rg_free(size);
  return rank;
}

/* A cell on its way: its number, the buckets it joins here (-1 for the rest), where its
 * list is at home, then its coordinates. */
typedef struct traveller {
  int64_t id, home_list;
  int32_t home, n_buckets;
} traveller;

static int64_t traveller_bytes(int dim, int fan_out)
{
  int64_t bytes = (int64_t)sizeof(traveller) + fan_out * (int64_t)sizeof(int32_t) +
                  dim * (int64_t)sizeof(float);
  return (bytes + 7) / 8 * 8;
}

/* One record per (cell, rank that holds any of its buckets); to[] is that rank. */
static char *pack_travellers(rg_comm *comm, const rg_points *mine,
                             const rg_topk *joined, const int *rank, int *to,
                             int64_t *n_records)
{
  int fan_out = joined->k;
  int64_t bytes = traveller_bytes(mine->dim, fan_out), n = 0;
  char *records = rg_alloc(mine->n * fan_out, (size_t)bytes);
  for (int64_t i = 0; i < mine->n; i++) {
    const int64_t *bucket = joined->id + i * fan_out;
    int64_t begin = n;
    for (int f = 0; f < fan_out && bucket[f] >= 0; f++) {
      int64_t r = begin;
      while (r < n && to[r] != rank[bucket[f]])
        r++;
      char *record = records + r * bytes;
      traveller *head = (traveller *)record;
      int32_t *list = (int32_t *)(head + 1);
      if (r == n) {
        to[n++] = rank[bucket[f]];
        *head = (traveller){mine->id[i], i, rg_rank(comm), 0};
        memcpy(list + fan_out, mine->x + i * mine->ld,
               (size_t)mine->dim * sizeof(float));
      }
      list[head->n_buckets++] = (int32_t)bucket[f];
    }
  }
  *n_records = n;
  return records;
}

/* Guests of this rank: points in rising order of their number, and where each is at
 * home. */
typedef struct guests {
  rg_points points;
  int *home;
  int64_t *home_list;
  buckets all;
} guests;

/* Receive travellers and sort them into buckets. They come in rank order and, from each
 * rank, in rising order: by number, that is. */
static void seat(const char *records, int64_t n, int dim, int fan_out,
                 int64_t n_buckets, guests *g)
{
  int64_t bytes = traveller_bytes(dim, fan_out), total = 0;
  int64_t *offset = RG_NEW(int64_t, n_buckets + 1);
  g->points = rg_points_new(n, dim);
  g->home = RG_NEW(int, n);
  g->home_list = RG_NEW(int64_t, n);
  for (int64_t i = 0; i < n; i++) {
    const traveller *head = (const traveller *)(records + i * bytes);
    const int32_t *list = (const int32_t *)(head + 1);
    rg_points_set(&g->points, i, (const float *)(list + fan_out), head->id);
    g->home[i] = head->home;
    g->home_list[i] = head->home_list;
    for (int f = 0; f < head->n_buckets; f++, total++)
      offset[list[f] + 1]++;
  }
  for (int64_t b = 0; b < n_buckets; b++)
    offset[b + 1] += offset[b];
  int32_t *member = RG_NEW(int32_t, total);
  int64_t *at = RG_NEW(int64_t, n_buckets);
  memcpy(at, offset, (size_t)n_buckets * sizeof *at);
  for (int64_t i = 0; i < n; i++) {
    const traveller *head = (const traveller *)(records + i * bytes);
    const int32_t *list = (const int32_t *)(head + 1);
    for (int f = 0; f < head->n_buckets; f++)
      member[at[list[f]]++] = (int32_t)i;
  }
  rg_free(at);
  g->all = (buckets){.n = n_buckets,
                     .room = n_buckets + 1,
                     .n_members = total,
                     .members_room = total,
                     .offset = offset,
                     .member = member};
}

static void split(const rg_points *points, const int32_t *member, int64_t n, rg_key key,
                  buckets *out);

/* Deal the members of a full bucket to SPLIT of them, drawn by the key, and split on.
 * Where that does not thin it out (cells that coincide) it is cut as it lies. */
static void split_by_leaders(const rg_points *points, const int32_t *member, int64_t n,
                             rg_key key, buckets *out)
{
  rg_points leaders = rg_points_new(SPLIT, points->dim),
            all = rg_points_new(n, points->dim);
  for (int64_t i = 0; i < n; i++)
    rg_points_set(&all, i, points->x + member[i] * (int64_t)points->ld, i);
  for (int l = 0; l < SPLIT; l++)
    rg_points_set(&leaders, l, all.x + rg_permuted(&key, n, l) * all.ld, l);
  rg_topk joined = rg_topk_new(n, SPLIT_FAN_OUT);
  rg_pairs_cross(&all, &joined, &leaders, NULL);
  rg_points_fini(&all);
  rg_points_fini(&leaders);
  int32_t *part = RG_NEW(int32_t, n);
  for (int l = 0; l < SPLIT; l++) {
    int64_t m = 0;
    for (int64_t i = 0; i < n; i++)
      if (joined.id[i * SPLIT_FAN_OUT] == l || joined.id[i * SPLIT_FAN_OUT + 1] == l)
        part[m++] = member[i];
    rg_key next = {key.seed, key.step * SPLIT + (uint64_t)l + 1, key.purpose};
    if (10 * m < 9 * n) {
      split(points, part, m, next, out);
      continue;
    }
    for (int64_t i = 0; i < m; i++) {
      add_member(out, part[i]);
      if (i % FULL == FULL - 1 || i == m - 1)
        close_bucket(out);
    }
  }
  rg_free(part);
  rg_topk_fini(&joined);
}

static void split(const rg_points *points, const int32_t *member, int64_t n, rg_key key,
                  buckets *out)
{
  if (n > FULL) {
    split_by_leaders(points, member, n, key, out);
    return;
  }
  for (int64_t i = 0; i < n; i++)
    add_member(out, member[i]);
  close_bucket(out);
}

/* No bucket above FULL members: the work of one grows with their square. */
static buckets split_full(const guests *g, uint64_t seed)
{
  buckets out = {.room = g->all.n + 1, .offset = RG_NEW(int64_t, g->all.n + 1)};
  rg_pace_begin("split buckets", g->all.n, "buckets");
  for (int64_t b = 0; b < g->all.n; b++) {
    rg_pace_at(b, NULL);
    rg_key key = {seed, (uint64_t)b << 32, RG_FOR_SKETCH};
    int64_t low = g->all.offset[b];
    split(&g->points, g->all.member + low, g->all.offset[b + 1] - low, key, &out);
  }
  rg_pace_end();
  return out;
}

/* A found neighbour on its way home. */
typedef struct finding {
  int64_t list, id;
  float distance;
} finding;

/* Send what the guests found home and offer it there. Collective. */
static void send_home(rg_comm *comm, const guests *g, const rg_topk *found,
                      rg_topk *lists)
{
  int k = found->k, here = rg_rank(comm);
  int64_t n = 0, n_in;
  for (int64_t i = 0; i < found->n; i++)
    n += g->home[i] != here ? k : 0;
  finding *out = RG_NEW(finding, n);
  int *to = RG_NEW(int, n);
  n = 0;
  for (int64_t i = 0; i < found->n; i++)
    for (int64_t j = i * k; j < (i + 1) * k && found->id[j] >= 0; j++) {
      if (g->home[i] == here) {
        rg_topk_offer(lists, g->home_list[i], found->distance[j], found->id[j]);
        continue;
      }
      out[n] = (finding){g->home_list[i], found->id[j], found->distance[j]};
      to[n++] = g->home[i];
    }
  finding *in = rg_scatter(comm, out, n, sizeof(finding), to, &n_in);
  for (int64_t j = 0; j < n_in; j++)
    rg_topk_offer(lists, in[j].list, in[j].distance, in[j].id);
  rg_free(in);
  rg_free(to);
  rg_free(out);
}

void rg_knn_buckets(rg_comm *comm, const rg_points *mine, const rg_knn_options *options,
                    int64_t n_total, rg_topk *lists)
{
  rg_key key = {options->seed, 0, RG_FOR_SKETCH};
  int64_t n_leaders = options->leaders > 0
                          ? options->leaders
                          : (int64_t)(LEADERS_PER_ROOT * sqrt((double)n_total));
  n_leaders = n_leaders < 1 ? 1 : n_leaders > n_total ? n_total : n_leaders;
  int fan_out = options->fan_out > 0 ? options->fan_out : FAN_OUT;
  rg_points leaders = leaders_at(comm, mine, n_total, &key, n_leaders);
  rg_topk joined = rg_topk_new(mine->n, fan_out);
  rg_pairs_cross(mine, &joined, &leaders, NULL);
  int *rank = place_buckets(comm, &leaders, &joined);

  int *to = RG_NEW(int, mine->n * fan_out);
  int64_t n_out, n_guests, bytes = traveller_bytes(mine->dim, fan_out);
  char *out = pack_travellers(comm, mine, &joined, rank, to, &n_out);
  char *in = rg_scatter(comm, out, n_out, bytes, to, &n_guests);
  rg_free(out);
  rg_free(to);
  rg_free(rank);
  rg_topk_fini(&joined);

  guests g;
  seat(in, n_guests, mine->dim, fan_out, leaders.n, &g);
  rg_free(in);
  buckets thin = split_full(&g, options->seed);
  rg_topk found = rg_topk_new(g.points.n, lists->k);
  rg_pairs_buckets(&g.points, thin.n, thin.offset, thin.member, &found);
  send_home(comm, &g, &found, lists);

  rg_topk_fini(&found);
  free_buckets(&thin);
  free_buckets(&g.all);
  rg_points_fini(&g.points);
  rg_free(g.home);
  rg_free(g.home_list);
  rg_points_fini(&leaders);
}
