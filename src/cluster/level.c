/* A graph spread over ranks, with ghosts: who watches whose vertices is worked out once
 * per level. */
#include "leiden.h"

/* Local names of the columns; those elsewhere become ghosts, in the order they are
 * met. */
static void name_columns(leiden_level *level, const int64_t *column)
{
  int64_t n = level->start[level->n_own], room = 0;
  level->column = RG_NEW(int32_t, n);
  for (int64_t e = 0; e < n; e++) {
    int64_t c = column[e];
    if (c >= level->rows.low && c < level->rows.high) {
      level->column[e] = (int32_t)(c - level->rows.low);
      continue;
    }
    int32_t next = level->n_own + level->n_ghost;
    int32_t at = leiden_index_add(&level->ghost_at, c, next);
    level->column[e] = at;
    if (at < next)
      continue;
    if (level->n_ghost == room) {
      level->ghost = rg_realloc(level->ghost, room, 2 * room + 64, sizeof(int64_t));
      room = 2 * room + 64;
    }
    level->ghost[level->n_ghost++] = c;
  }
}

/* Tell owners which of their vertices are ghosts here. Collective. */
static void find_watchers(leiden_level *level)
{
  int ranks = rg_size(level->comm);
  int64_t *send = RG_NEW(int64_t, ranks + 1), *receive = RG_NEW(int64_t, ranks + 1);
  int64_t *ask = RG_NEW(int64_t, level->n_ghost), *at = RG_NEW(int64_t, ranks + 1);
  for (int32_t g = 0; g < level->n_ghost; g++)
    at[rg_part_owner(level->n, ranks, level->ghost[g]) + 1]++;
  for (int r = 0; r < ranks; r++) {
    at[r + 1] += at[r];
    send[r + 1] = at[r + 1] * (int64_t)sizeof *ask;
  }
  for (int32_t g = 0; g < level->n_ghost; g++)
    ask[at[rg_part_owner(level->n, ranks, level->ghost[g])]++] = level->ghost[g];
  int64_t *asked = rg_exchange(level->comm, ask, send, receive);
  int64_t n = receive[ranks] / (int64_t)sizeof *asked;
  level->watch_start = RG_NEW(int64_t, level->n_own + 2);
  level->watcher = RG_NEW(int, n);
  int64_t *next = level->watch_start + 1;
  for (int64_t j = 0; j < n; j++)
    next[asked[j] - level->rows.low + 1]++;
  for (int32_t v = 0; v < level->n_own; v++)
    next[v + 1] += next[v];
  for (int r = 0; r < ranks; r++)
    for (int64_t j = receive[r] / (int64_t)sizeof *asked;
         j < receive[r + 1] / (int64_t)sizeof *asked; j++)
      level->watcher[next[asked[j] - level->rows.low]++] = r;
  rg_free(asked);
  rg_free(at);
  rg_free(ask);
  rg_free(send);
  rg_free(receive);
}

static void find_backs(leiden_level *level)
{
  level->back_start = RG_NEW(int64_t, level->n_ghost + 2);
  int64_t *next = level->back_start + 1, n = level->start[level->n_own];
  for (int64_t e = 0; e < n; e++)
    if (level->column[e] >= level->n_own)
      next[level->column[e] - level->n_own + 1]++;
  for (int32_t g = 0; g < level->n_ghost; g++)
    next[g + 1] += next[g];
  level->back = RG_NEW(int32_t, next[level->n_ghost]);
  for (int32_t v = 0; v < level->n_own; v++)
    for (int64_t e = level->start[v]; e < level->start[v + 1]; e++)
      if (level->column[e] >= level->n_own)
        level->back[next[level->column[e] - level->n_own]++] = v;
}

leiden_level leiden_level_new(rg_comm *comm, int64_t n, int64_t *start,
                              const int64_t *column, int64_t *weight, int64_t *degree)
{
  leiden_level level = {
      .comm = comm, .n = n, .start = start, .weight = weight, .degree = degree};
  level.rows = rg_part(n, rg_rank(comm), rg_size(comm));
  level.n_own = (int32_t)rg_range_n(level.rows);
  level.n_entries = start[level.n_own];
  rg_sum_i64(comm, &level.n_entries, 1);
  name_columns(&level, column);
  find_watchers(&level);
  find_backs(&level);
  return level;
}

void leiden_level_fini(leiden_level *level)
{
  rg_free(level->start);
  rg_free(level->column);
  rg_free(level->weight);
  rg_free(level->degree);
  rg_free(level->ghost);
  leiden_index_fini(&level->ghost_at);
  rg_free(level->watch_start);
  rg_free(level->watcher);
  rg_free(level->back_start);
  rg_free(level->back);
  *level = (leiden_level){0};
}
