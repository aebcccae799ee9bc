/* Communities of a spread graph. A move is applied here at once and told, by one
 * exchange, to the owners of the two communities and to the ranks that watch the
 * vertex. */
#include "leiden.h"

/* A vertex's new community (id is the vertex), or, with id = -1 - community, a change
 * of a community's record. */
typedef struct leiden_news {
  int64_t id, community;
  leiden_record change;
} leiden_news;

static int32_t slot_of(leiden_state *state, int64_t id)
{
  const leiden_level *level = state->level;
  if (id >= level->rows.low && id < level->rows.high)
    return (int32_t)(id - level->rows.low);
  int32_t far = leiden_index_add(&state->far_at, id, state->n_far);
  if (far == state->n_far) {
    if (far == state->far_room) {
      int32_t room = 2 * far + 64;
      state->far_id = rg_realloc(state->far_id, far, room, sizeof(int64_t));
      state->far = rg_realloc(state->far, far, room, sizeof(leiden_record));
      state->far_room = room;
    }
    state->far_id[state->n_far++] = id;
  }
  return level->n_own + far;
}

int64_t leiden_state_id(const leiden_state *state, int32_t slot)
{
  int32_t n_own = state->level->n_own;
  return slot < n_own ? state->level->rows.low + slot : state->far_id[slot - n_own];
}

static void tell(leiden_state *state, int to, leiden_news news)
{
  if (state->n_news == state->news_room) {
    int64_t room = 2 * state->news_room + 64;
    state->news = rg_realloc(state->news, state->news_room, room, sizeof news);
    state->news_to = rg_realloc(state->news_to, state->news_room, room, sizeof(int));
    state->news_room = room;
  }
  state->news[state->n_news] = news;
  state->news_to[state->n_news++] = to;
}

static void add_to(leiden_record *record, leiden_record change)
{
  record->total += change.total;
  record->cut += change.cut;
  record->size += change.size;
}

static void change_slot(leiden_state *state, int32_t slot, leiden_record change)
{
  const leiden_level *level = state->level;
  if (slot < level->n_own) {
    add_to(&state->own[slot], change);
    return;
  }
  int64_t id = leiden_state_id(state, slot);
  int owner = rg_part_owner(level->n, rg_size(level->comm), id);
  tell(state, owner, (leiden_news){.id = -1 - id, .change = change});
}

static void tell_watchers(leiden_state *state, int32_t v)
{
  const leiden_level *level = state->level;
  leiden_news news = {.id = level->rows.low + v,
                      .community = leiden_state_id(state, state->slot[v])};
  for (int64_t w = level->watch_start[v]; w < level->watch_start[v + 1]; w++)
    tell(state, level->watcher[w], news);
}

void leiden_state_move(leiden_state *state, int32_t v, int32_t to, leiden_record leaves,
                       leiden_record joins)
{
  leaves = (leiden_record){-leaves.total, -leaves.cut, -leaves.size};
  change_slot(state, state->slot[v], leaves);
  change_slot(state, to, joins);
  state->slot[v] = to;
  tell_watchers(state, v);
}

void leiden_state_exchange(leiden_state *state, bool *active)
{
  const leiden_level *level = state->level;
  if (rg_size(level->comm) == 1)
    return;
  int64_t n;
  leiden_news *in = rg_scatter(level->comm, state->news, state->n_news,
                               sizeof(leiden_news), state->news_to, &n);
  state->n_news = 0;
  for (int64_t j = 0; j < n; j++) {
    if (in[j].id < 0) {
      add_to(&state->own[-1 - in[j].id - level->rows.low], in[j].change);
      continue;
    }
    int32_t ghost = leiden_index_find(&level->ghost_at, in[j].id);
    int32_t slot = slot_of(state, in[j].community);
    state->slot[ghost] = slot;
    int64_t begin = level->back_start[ghost - level->n_own];
    int64_t end = level->back_start[ghost - level->n_own + 1];
    for (int64_t b = begin; active && b < end; b++)
      if (state->slot[level->back[b]] != slot)
        active[level->back[b]] = true;
  }
  rg_free(in);
}

void leiden_state_refresh(leiden_state *state, const int32_t *slots, int64_t n)
{
  const leiden_level *level = state->level;
  if (rg_size(level->comm) == 1)
    return;
  int64_t *ids = RG_NEW(int64_t, n);
  leiden_record *fresh = RG_NEW(leiden_record, n);
  for (int64_t j = 0; j < n; j++)
    ids[j] = leiden_state_id(state, slots[j]);
  rg_fetch(level->comm, state->own, level->n, sizeof *fresh, ids, n, fresh);
  for (int64_t j = 0; j < n; j++)
    state->far[slots[j] - level->n_own] = fresh[j];
  rg_free(fresh);
  rg_free(ids);
}

leiden_state leiden_state_new(const leiden_level *level, const int64_t *label,
                              const int64_t *cut)
{
  leiden_state state = {.level = level,
                        .slot = RG_NEW(int32_t, level->n_own + level->n_ghost),
                                       .own = RG_NEW(leiden_record, level->n_own)};
  int64_t *of_ghost = RG_NEW(int64_t, level->n_ghost);
  if (label)
    rg_fetch(level->comm, label, level->n, sizeof *label, level->ghost, level->n_ghost,
             of_ghost);
  for (int32_t g = 0; g < level->n_ghost; g++)
    state.slot[level->n_own + g] =
        slot_of(&state, label ? of_ghost[g] : level->ghost[g]);
  for (int32_t v = 0; v < level->n_own; v++) {
    state.slot[v] = label ? slot_of(&state, label[v]) : v;
    change_slot(&state, state.slot[v],
                (leiden_record){level->degree[v], cut ? cut[v] : 0, 1});
  }
  rg_free(of_ghost);
  leiden_state_exchange(&state, NULL);
  return state;
}

void leiden_state_fini(leiden_state *state)
{
  rg_free(state->slot);
  rg_free(state->own);
  rg_free(state->far_id);
  rg_free(state->far);
  leiden_index_fini(&state->far_at);
  rg_free(state->news);
  rg_free(state->news_to);
  *state = (leiden_state){0};
}
