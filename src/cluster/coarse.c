/* Aggregation of a spread graph: parts become vertices. A rank adds up what it has of
 * each pair of parts before it sends anything. */
#include "leiden.h"

/* Weight between two coarse vertices; the degree of one when they are the same. */
typedef struct entry {
  int64_t row, column, weight;
} entry;

/* A coarse vertex: the community of its part, and a finer vertex of it. */
typedef struct naming {
  int64_t vertex, label, fine;
} naming;

/* Numbers of the coarse vertices by slot of `parts`: parts in the order of the vertices
 * they are named after. Collective. */
static int64_t *number_parts(const leiden_level *level, const leiden_state *parts,
                             int64_t *n_coarse)
{
  int64_t *number = RG_NEW(int64_t, level->n_own + parts->n_far), n = 0;
  for (int32_t v = 0; v < level->n_own; v++)
    n += parts->own[v].size > 0;
  int64_t next = rg_prefix_i64(level->comm, n, n_coarse);
  for (int32_t v = 0; v < level->n_own; v++)
    number[v] = parts->own[v].size > 0 ? next++ : -1;
  rg_fetch(level->comm, number, level->n, sizeof *number, parts->far_id, parts->n_far,
           number + level->n_own);
  return number;
}

/* Vertices in the order of the slots of their parts. */
static int32_t *by_slot(const leiden_level *level, const leiden_state *parts,
                        int64_t *first)
{
  int64_t n_slots = level->n_own + parts->n_far, *at = RG_NEW(int64_t, n_slots + 1);
  int32_t *order = RG_NEW(int32_t, level->n_own);
  for (int32_t v = 0; v < level->n_own; v++)
    at[parts->slot[v] + 1]++;
  for (int64_t s = 0; s < n_slots; s++)
    at[s + 1] += at[s];
  for (int64_t s = 0; s <= n_slots; s++)
    first[s] = at[s];
  for (int32_t v = 0; v < level->n_own; v++)
    order[at[parts->slot[v]]++] = v;
  rg_free(at);
  return order;
}

/* A growing list of entries. */
typedef struct entries {
  int64_t n, room;
  entry *item;
} entries;

static void add_entry(entries *all, int64_t row, int64_t column, int64_t weight)
{
  if (all->n == all->room) {
    int64_t room = 2 * all->room + 1024;
    all->item = rg_realloc(all->item, all->room, room, sizeof(entry));
    all->room = room;
  }
  all->item[all->n++] = (entry){row, column, weight};
}

/* What this rank has of the coarse graph. */
static entries local_entries(const leiden_level *level, const leiden_state *parts,
                             const int64_t *number)
{
  int64_t n_slots = level->n_own + parts->n_far;
  int64_t *first = RG_NEW(int64_t, n_slots + 1);
  int32_t *order = by_slot(level, parts, first);
  entries out = {0};
  leiden_bag bag = {0};
  for (int64_t s = 0; s < n_slots; s++) {
    int64_t degree = 0, edges = 0;
    for (int64_t i = first[s]; i < first[s + 1]; i++)
      edges += level->start[order[i] + 1] - level->start[order[i]];
    leiden_bag_open(&bag, edges);
    for (int64_t i = first[s]; i < first[s + 1]; i++) {
      int32_t v = order[i];
      degree += level->degree[v];
      for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
        if (parts->slot[level->column[e]] != s)
          leiden_bag_count(&bag, parts->slot[level->column[e]], level->weight[e]);
    }
    if (first[s] < first[s + 1])
      add_entry(&out, number[s], number[s], degree);
    for (int32_t j = 0; j < bag.n; j++)
      add_entry(&out, number[s], number[bag.key[bag.met[j]]], bag.weight[bag.met[j]]);
  }
  leiden_bag_fini(&bag);
  rg_free(order);
  rg_free(first);
  return out;
}

/* Entries in the order of their rows: those of row i are out[first[i]..first[i+1]). */
static entry *by_row(const entry *in, int64_t n, rg_range rows, int64_t *first)
{
  int64_t n_own = rg_range_n(rows), *at = RG_NEW(int64_t, n_own + 1);
  entry *out = RG_NEW(entry, n);
  for (int64_t j = 0; j < n; j++)
    at[in[j].row - rows.low + 1]++;
  for (int64_t i = 0; i < n_own; i++)
    at[i + 1] += at[i];
  for (int64_t i = 0; i <= n_own; i++)
    first[i] = at[i];
  for (int64_t j = 0; j < n; j++)
    out[at[in[j].row - rows.low]++] = in[j];
  rg_free(at);
  return out;
}

/* The coarse level, from entries whose rows are here, in any order; several ranks may
 * have sent the same pair. Collective. */
static leiden_level assemble(rg_comm *comm, int64_t n_coarse, const entry *in,
                             int64_t n)
{
  rg_range rows = rg_part(n_coarse, rg_rank(comm), rg_size(comm));
  int64_t n_own = rg_range_n(rows), at = 0;
  int64_t *start = RG_NEW(int64_t, n_own + 1), *degree = RG_NEW(int64_t, n_own);
  int64_t *column = RG_NEW(int64_t, n), *weight = RG_NEW(int64_t, n);
  int64_t *first = RG_NEW(int64_t, n_own + 1);
  entry *sorted = by_row(in, n, rows, first);
  leiden_bag bag = {0};
  for (int64_t i = 0; i < n_own; i++) {
    leiden_bag_open(&bag, first[i + 1] - first[i]);
    for (const entry *e = sorted + first[i]; e < sorted + first[i + 1]; e++)
      if (e->column == e->row)
        degree[i] += e->weight;
      else
        leiden_bag_count(&bag, (int32_t)e->column, e->weight);
    for (int32_t j = 0; j < bag.n; j++) {
      column[at] = bag.key[bag.met[j]];
      weight[at++] = bag.weight[bag.met[j]];
    }
    start[i + 1] = at;
  }
  leiden_bag_fini(&bag);
  leiden_level level = leiden_level_new(comm, n_coarse, start, column, weight, degree);
  rg_free(sorted);
  rg_free(first);
  rg_free(column);
  return level;
}

/* By slot of `state`, the lowest coarse vertex in the community. Collective. */
static int64_t *lowest_vertices(const leiden_level *level, const leiden_state *state,
                                const int64_t *vertex)
{
  rg_comm *comm = level->comm;
  int64_t n_slots = level->n_own + state->n_far, n = 0, n_in;
  int64_t *lowest = RG_NEW(int64_t, n_slots);
  naming *out = RG_NEW(naming, state->n_far);
  int *to = RG_NEW(int, state->n_far);
  for (int64_t s = 0; s < n_slots; s++)
    lowest[s] = INT64_MAX;
  for (int32_t v = 0; v < level->n_own; v++)
    if (vertex[v] < lowest[state->slot[v]])
      lowest[state->slot[v]] = vertex[v];
  for (int32_t f = 0; f < state->n_far; f++)
    if (lowest[level->n_own + f] < INT64_MAX) {
      out[n] = (naming){.vertex = lowest[level->n_own + f], .label = state->far_id[f]};
      to[n++] = rg_part_owner(level->n, rg_size(comm), state->far_id[f]);
    }
  naming *in = rg_scatter(comm, out, n, sizeof *out, to, &n_in);
  for (int64_t j = 0; j < n_in; j++) {
    int64_t *low = &lowest[in[j].label - level->rows.low];
    *low = in[j].vertex < *low ? in[j].vertex : *low;
  }
  rg_fetch(comm, lowest, level->n, sizeof *lowest, state->far_id, state->n_far,
           lowest + level->n_own);
  rg_free(in);
  rg_free(to);
  rg_free(out);
  return lowest;
}

/* Tell the owners of coarse vertices their communities. The vertex a part is named
 * after is in it. Collective. */
static void name_vertices(const leiden_level *level, const leiden_state *parts,
                          const leiden_state *state, leiden_coarse *coarse)
{
  rg_comm *comm = level->comm;
  int64_t *lowest = lowest_vertices(level, state, coarse->vertex), n = 0, n_in;
  naming *out = RG_NEW(naming, level->n_own);
  int *to = RG_NEW(int, level->n_own);
  for (int32_t v = 0; v < level->n_own; v++)
    if (parts->slot[v] == v) {
      out[n] = (naming){coarse->vertex[v], lowest[state->slot[v]], level->rows.low + v};
      to[n++] = rg_part_owner(coarse->level.n, rg_size(comm), coarse->vertex[v]);
    }
  naming *in = rg_scatter(comm, out, n, sizeof *out, to, &n_in);
  coarse->label = RG_NEW(int64_t, coarse->level.n_own);
  coarse->fine = RG_NEW(int64_t, coarse->level.n_own);
  RG_ASSERT(n_in == coarse->level.n_own);
  for (int64_t j = 0; j < n_in; j++) {
    coarse->label[in[j].vertex - coarse->level.rows.low] = in[j].label;
    coarse->fine[in[j].vertex - coarse->level.rows.low] = in[j].fine;
  }
  rg_free(in);
  rg_free(to);
  rg_free(out);
  rg_free(lowest);
}

leiden_coarse leiden_aggregate(const leiden_level *level, const leiden_state *parts,
                               const leiden_state *state)
{
  rg_comm *comm = level->comm;
  leiden_coarse coarse = {.vertex = RG_NEW(int64_t, level->n_own)};
  int64_t n_coarse, n_in;
  int64_t *number = number_parts(level, parts, &n_coarse);
  for (int32_t v = 0; v < level->n_own; v++)
    coarse.vertex[v] = number[parts->slot[v]];
  entries out = local_entries(level, parts, number);
  int *to = RG_NEW(int, out.n);
  for (int64_t e = 0; e < out.n; e++)
    to[e] = rg_part_owner(n_coarse, rg_size(comm), out.item[e].row);
  entry *in = rg_scatter(comm, out.item, out.n, sizeof(entry), to, &n_in);
  rg_free(out.item);
  rg_free(to);
  rg_free(number);
  coarse.level = assemble(comm, n_coarse, in, n_in);
  rg_free(in);
  name_vertices(level, parts, state, &coarse);
  return coarse;
}

void leiden_coarse_fini(leiden_coarse *coarse)
{
  leiden_level_fini(&coarse->level);
  rg_free(coarse->vertex);
  rg_free(coarse->label);
  rg_free(coarse->fine);
}
