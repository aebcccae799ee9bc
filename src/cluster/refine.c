/* Refinement on a spread graph: within each community, vertices that are still alone
 * join a part of it, in sub-rounds as in local moving. A vertex that may move in a
 * sub-round is nobody's goal in it, so a part never loses the vertex that another
 * joined: parts stay connected. */
#include "leiden.h"

enum { PASSES = 2 };

/* A set is well connected when its cut is at least what is expected of it. */
static bool well_connected(const leiden_rule *rule, int64_t cut, int64_t total,
                           int64_t community)
{
  return leiden_gain(rule, cut, total, community - total) >= 0;
}

/* What a refinement works on; whole[v] is the total of v's community. */
typedef struct refinement {
  const leiden_level *level;
  const leiden_rule *rule;
  const leiden_state *state;
  leiden_state *parts;
  const int64_t *whole, *cut;
} refinement;

/* May v join a part in this sub-round: it is alone, and not loosely tied. */
static bool may_join(const refinement *r, int32_t v)
{
  return r->parts->slot[v] == v && r->parts->own[v].size == 1 &&
         well_connected(r->rule, r->cut[v], r->level->degree[v], r->whole[v]);
}

/* The slot of the part that v gains most by joining, or its own; *weight is to it. */
static int32_t best_part(const refinement *r, int32_t v, int turn, leiden_bag *bag,
                         int64_t *weight)
{
  const leiden_level *level = r->level;
  int32_t to = v;
  int64_t to_id = -1;
  double best = 0;
  leiden_bag_open(bag, level->start[v + 1] - level->start[v]);
  for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
    if (r->state->slot[level->column[e]] == r->state->slot[v])
      leiden_bag_count(bag, r->parts->slot[level->column[e]], level->weight[e]);
  for (int32_t j = 0; j < bag->n; j++) {
    int32_t slot = bag->key[bag->met[j]];
    int64_t w = bag->weight[bag->met[j]], id = leiden_state_id(r->parts, slot);
    const leiden_record *part = leiden_state_record(r->parts, slot);
    double gain = leiden_gain(r->rule, w, level->degree[v], part->total);
    if (gain < best || (gain == best && to != v && id > to_id))
      continue;
    if (part->size == 1 && leiden_turn(r->rule, id) == turn)
      continue;
    if (!well_connected(r->rule, part->cut, part->total, r->whole[v]))
      continue;
    best = gain;
    to = slot;
    to_id = id;
    *weight = w;
  }
  return to;
}

/* One sub-round. Collective. */
static void take_turn(const refinement *r, int turn, const int32_t *order, int64_t n)
{
  int32_t *to = RG_NEW(int32_t, n);
  int64_t *weight = RG_NEW(int64_t, n);
  leiden_refresh_round(r->parts, order, n);
#pragma omp parallel
  {
    leiden_bag bag = {0};
#pragma omp for schedule(dynamic, 256)
    for (int64_t i = 0; i < n; i++)
      to[i] = may_join(r, order[i]) ? best_part(r, order[i], turn, &bag, &weight[i])
                                    : r->parts->slot[order[i]];
    leiden_bag_fini(&bag);
  }
  for (int64_t i = 0; i < n; i++) {
    int32_t v = order[i];
    if (to[i] == r->parts->slot[v])
      continue;
    leiden_record leaves = {r->level->degree[v], r->cut[v], 1};
    leiden_record joins = {r->level->degree[v], r->cut[v] - 2 * weight[i], 1};
    leiden_state_move(r->parts, v, to[i], leaves, joins);
  }
  leiden_state_exchange(r->parts, NULL);
  rg_free(weight);
  rg_free(to);
}

/* Totals of the communities of the vertices here. Collective. */
static int64_t *whole_totals(const leiden_level *level, leiden_state *state)
{
  int32_t *all = RG_NEW(int32_t, state->n_far);
  for (int32_t f = 0; f < state->n_far; f++)
    all[f] = level->n_own + f;
  leiden_state_refresh(state, all, state->n_far);
  int64_t *whole = RG_NEW(int64_t, level->n_own);
  for (int32_t v = 0; v < level->n_own; v++)
    whole[v] = leiden_state_record(state, state->slot[v])->total;
  rg_free(all);
  return whole;
}

leiden_state leiden_refine(const leiden_level *level, leiden_rule *rule,
                           leiden_state *state)
{
  int64_t *whole = whole_totals(level, state), *cut = RG_NEW(int64_t, level->n_own);
  bool *active = RG_NEW(bool, level->n_own);
  int32_t *order = RG_NEW(int32_t, level->n_own);
  for (int32_t v = 0; v < level->n_own; v++)
    for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
      if (state->slot[level->column[e]] == state->slot[v])
        cut[v] += level->weight[e];
  leiden_state parts = leiden_state_new(level, NULL, cut);
  refinement r = {level, rule, state, &parts, whole, cut};
  for (int pass = 0; pass < PASSES; pass++) {
    int64_t first[LEIDEN_TURNS + 1];
    for (int32_t v = 0; v < level->n_own; v++)
      active[v] = may_join(&r, v);
    leiden_turns(level, rule, active, order, first);
    for (int c = 0; c < LEIDEN_TURNS; c++)
      take_turn(&r, c, order + first[c], first[c + 1] - first[c]);
    rule->round++;
  }
  rg_free(order);
  rg_free(active);
  rg_free(cut);
  rg_free(whole);
  return parts;
}
