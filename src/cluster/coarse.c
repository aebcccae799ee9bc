/* Aggregation of a spread graph: parts become vertices. A rank adds up what it has of
 * each pair of parts before it sends anything. */
#include "leiden.h"

#include <stdlib.h>

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

/* What this rank has of the coarse graph. */
static entry *local_entries(const leiden_level *level, const leiden_state *parts,
                            const int64_t *number, int64_t *n_entries)
{
  int64_t n_slots = level->n_own + parts->n_far, n = 0;
  int64_t *first = RG_NEW(int64_t, n_slots + 1);
  int32_t *order = by_slot(level, parts, first);
  entry *out = RG_NEW(entry, level->start[level->n_own] + level->n_own);
  leiden_bag bag = {0};
  for (int64_t s = 0; s < n_slots; s++) {
    if (first[s] == first[s + 1])
      continue;
    int64_t degree = 0, edges = 0;
    for (int64_t i = first[s]; i < first[s + 1]; i++)
      edges += level->start[order[i] + 1] - level->start[order[i]];
    leiden_bag_open(&bag, edges + 1);
    for (int64_t i = first[s]; i < first[s + 1]; i++) {
      int32_t v = order[i];
      degree += level->degree[v];
      for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
        if (parts->slot[level->column[e]] != s)
          leiden_bag_count(&bag, parts->slot[level->column[e]], level->weight[e]);
    }
    out[n++] = (entry){number[s], number[s], degree};
    for (int32_t j = 0; j < bag.n; j++)
      out[n++] =
          (entry){number[s], number[bag.key[bag.met[j]]], bag.weight[bag.met[j]]};
  }
  leiden_bag_fini(&bag);
  rg_free(order);
  rg_free(first);
  *n_entries = n;
  return out;
}

static int by_column(const void *x, const void *y)
{
  const entry *a = x, *b = y;
  return (a->column > b->column) - (a->column < b->column);
}

/* Entries in the order of rows and columns: rows counted, then each sorted. */
static entry *in_order(const entry *in, int64_t n, rg_range rows, int64_t *first)
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
  for (int64_t i = 0; i < n_own; i++)
    qsort(out + first[i], (size_t)(first[i + 1] - first[i]), sizeof *out, by_column);
  rg_free(at);
  return out;
}

/* The coarse level, from entries whose rows are here, in any order. Collective. */
static leiden_level assemble(rg_comm *comm, int64_t n_coarse, const entry *in,
                             int64_t n)
{
  rg_range rows = rg_part(n_coarse, rg_rank(comm), rg_size(comm));
  int64_t n_own = rg_range_n(rows), at = 0;
  int64_t *start = RG_NEW(int64_t, n_own + 1), *degree = RG_NEW(int64_t, n_own);
  int64_t *column = RG_NEW(int64_t, n), *weight = RG_NEW(int64_t, n);
  int64_t *first = RG_NEW(int64_t, n_own + 1);
  entry *sorted = in_order(in, n, rows, first);
  for (int64_t i = 0; i < n_own; i++) {
    for (const entry *e = sorted + first[i]; e < sorted + first[i + 1]; e++) {
      if (e->column == e->row) {
        degree[i] += e->weight;
      } else if (at > start[i] && column[at - 1] == e->column) {
        weight[at - 1] += e->weight;
      } else {
        column[at] = e->column;
        weight[at++] = e->weight;
      }
    }
    start[i + 1] = at;
  }
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
  int64_t n_coarse, n_out, n_in;
  int64_t *number = number_parts(level, parts, &n_coarse);
  for (int32_t v = 0; v < level->n_own; v++)
    coarse.vertex[v] = number[parts->slot[v]];
  entry *out = local_entries(level, parts, number, &n_out);
  int *to = RG_NEW(int, n_out);
  for (int64_t e = 0; e < n_out; e++)
    to[e] = rg_part_owner(n_coarse, rg_size(comm), out[e].row);
  entry *in = rg_scatter(comm, out, n_out, sizeof *out, to, &n_in);
  rg_free(out);
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
