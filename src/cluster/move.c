/* Local moving on a spread graph, in sweeps of LEIDEN_TURNS sub-rounds. The vertices
 * of a sub-round, drawn anew in every sweep, decide at the same time on what the last
 * one left; few neighbours share one, so hardly any decision is stale, and none
 * depends on which rank or thread takes it. */
#include "leiden.h"

/* A sweep that moves fewer than one vertex in ENOUGH is the last: what is left moves
 * at a lower cost as whole parts, on the levels above, or in the next iteration. */
enum { MOST_SWEEPS = 60, ENOUGH = 16 };

int leiden_turn(const leiden_rule *rule, int64_t vertex)
{
  rg_key key = {rule->seed, rule->round, RG_FOR_CLUSTER};
  uint32_t word[4];
  rg_random(&key, (uint64_t)vertex, 0, word);
  return (int)(word[0] % LEIDEN_TURNS);
}

void leiden_turns(const leiden_level *level, const leiden_rule *rule,
                  const bool *active, int32_t *order, int64_t first[LEIDEN_TURNS + 1])
{
  unsigned char *turn = RG_NEW(unsigned char, level->n_own);
  int64_t at[LEIDEN_TURNS + 1] = {0};
  for (int32_t v = 0; v < level->n_own; v++)
    if (active[v]) {
      turn[v] = (unsigned char)leiden_turn(rule, level->rows.low + v);
      at[turn[v] + 1]++;
    }
  for (int c = 0; c < LEIDEN_TURNS; c++)
    at[c + 1] += at[c];
  for (int c = 0; c <= LEIDEN_TURNS; c++)
    first[c] = at[c];
  for (int32_t v = 0; v < level->n_own; v++)
    if (active[v])
      order[at[turn[v]]++] = v;
  rg_free(turn);
}

static void note_far(const leiden_state *state, int32_t slot, bool *seen,
                     int32_t *slots, int64_t *n)
{
  int32_t far = slot - state->level->n_own;
  if (far < 0 || seen[far])
    return;
  seen[far] = true;
  slots[(*n)++] = slot;
}

void leiden_refresh_round(leiden_state *state, const int32_t *order, int64_t n)
{
  const leiden_level *level = state->level;
  if (rg_size(level->comm) == 1)
    return;
  bool *seen = RG_NEW(bool, state->n_far);
  int32_t *slots = RG_NEW(int32_t, state->n_far);
  int64_t n_slots = 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t v = order[i];
    note_far(state, state->slot[v], seen, slots, &n_slots);
    for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
      note_far(state, state->slot[level->column[e]], seen, slots, &n_slots);
  }
  leiden_state_refresh(state, slots, n_slots);
  rg_free(slots);
  rg_free(seen);
}

/* The slot where v is best off; its present one unless another is better. */
static int32_t best_slot(const leiden_level *level, const leiden_rule *rule,
                         const leiden_state *state, int32_t v, leiden_bag *bag)
{
  int32_t from = state->slot[v];
  int64_t degree = level->degree[v];
  leiden_bag_open(bag, level->start[v + 1] - level->start[v] + 1);
  leiden_bag_count(bag, from, 0);
  for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
    leiden_bag_count(bag, state->slot[level->column[e]], level->weight[e]);
  double best = leiden_gain(rule, bag->weight[bag->met[0]], degree,
                            leiden_state_record(state, from)->total - degree);
  int32_t to = from;
  int64_t to_id = -1;
  if (best < 0 && state->own[v].size == 0) { /* alone, under its own number */
    best = 0;
    to = v;
    to_id = level->rows.low + v;
  }
  for (int32_t j = 1; j < bag->n; j++) {
    int32_t slot = bag->key[bag->met[j]];
    double gain = leiden_gain(rule, bag->weight[bag->met[j]], degree,
                              leiden_state_record(state, slot)->total);
    if (gain < best || (gain == best && to == from))
      continue;
    int64_t id = leiden_state_id(state, slot);
    if (gain > best || id < to_id) {
      best = gain;
      to = slot;
      to_id = id;
    }
  }
  return to;
}

/* Neighbours of v in other communities may now be better off in its own. */
static void wake_neighbours(const leiden_level *level, const leiden_state *state,
                            int32_t v, bool *active)
{
  for (int64_t e = level->start[v]; e < level->start[v + 1]; e++) {
    int32_t u = level->column[e];
    if (u < level->n_own && state->slot[u] != state->slot[v])
      active[u] = true;
  }
}

/* One sub-round. Returns the moves of this rank. Collective. */
static int64_t take_turn(const leiden_level *level, const leiden_rule *rule,
                         leiden_state *state, const int32_t *order, int64_t n,
                         bool *active)
{
  int32_t *to = RG_NEW(int32_t, n);
  leiden_refresh_round(state, order, n);
#pragma omp parallel
  {
    leiden_bag bag = {0};
#pragma omp for schedule(dynamic, 256)
    for (int64_t i = 0; i < n; i++)
      to[i] = best_slot(level, rule, state, order[i], &bag);
    leiden_bag_fini(&bag);
  }
  int64_t n_moved = 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t v = order[i];
    active[v] = false;
    if (to[i] == state->slot[v])
      continue;
    leiden_record share = {.total = level->degree[v], .size = 1};
    leiden_state_move(state, v, to[i], share, share);
    to[n_moved++] = v;
  }
  for (int64_t i = 0; i < n_moved; i++)
    wake_neighbours(level, state, to[i], active);
  leiden_state_exchange(state, active);
  rg_free(to);
  return n_moved;
}

bool leiden_move(const leiden_level *level, leiden_rule *rule, leiden_state *state)
{
  bool *active = RG_NEW(bool, level->n_own), any = false;
  int32_t *order = RG_NEW(int32_t, level->n_own);
  for (int32_t v = 0; v < level->n_own; v++)
    active[v] = true;
  for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    int64_t first[LEIDEN_TURNS + 1], moves = 0;
    leiden_turns(level, rule, active, order, first);
    for (int c = 0; c < LEIDEN_TURNS; c++)
      moves += take_turn(level, rule, state, order + first[c], first[c + 1] - first[c],
                         active);
    rule->round++;
    rg_pace_at((int64_t)rule->round, NULL);
    rg_sum_i64(level->comm, &moves, 1);
    any |= moves > 0;
    if (moves <= level->n / ENOUGH)
      break;
  }
  rg_free(order);
  rg_free(active);
  return any;
}
