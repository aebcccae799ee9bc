/* How an ordered sum goes over ranks, and what that costs. */
#include "private.h"

enum {
  GATHER_BYTES = 256 << 10, /* all ranks' vectors up to here are gathered whole */
  WHOLE_BYTES = 16 << 10    /* vectors up to here are exchanged whole by pairs */
};

static bool power_of_two(int64_t n)
{
  return (n & (n - 1)) == 0;
}

/* Long vectors of two ranks are better cut to pieces than halved. */
rg_sum_way rg_way_of_sum(int ranks, int64_t n, bool parts, int64_t bytes)
{
  bool few = bytes * ranks <= GATHER_BYTES;
  bool nodes = parts && n >= ranks && power_of_two(n) && power_of_two(ranks);
  if (nodes && (ranks > 2 || few))
    return bytes <= WHOLE_BYTES ? RG_SUM_PAIRS : RG_SUM_HALVES;
  return few ? RG_SUM_GATHERED : RG_SUM_CUT;
}

int64_t rg_sum_pieces(int64_t width, int ranks)
{
  int64_t longest = rg_range_n(rg_part(width, 0, ranks));
  return (longest + RG_SUM_PIECE - 1) / RG_SUM_PIECE;
}

/* ---- what it costs --------------------------------------------------------------- */

static int64_t levels_of(int ranks)
{
  int64_t levels = 0;
  for (int reached = 1; reached < ranks; reached *= 2)
    levels++;
  return levels;
}

/* Each slot's columns go to their owners, and my own sums to all, piece by piece. */
static rg_traffic cost_of_cut(const rg_sum_shape *s, int64_t slots, int64_t width,
                              int64_t size)
{
  int64_t others = s->ranks - 1, pieces = rg_sum_pieces(width, s->ranks);
  int64_t slice = rg_range_n(rg_part(width, s->rank, s->ranks));
  return (rg_traffic){.sent = (slots * (width - slice) + others * slice) * size,
                      .messages = (slots + 1) * others * pieces,
                      .rounds = pieces + 1};
}

rg_traffic rg_sum_cost(const rg_sum_shape *s, int64_t width, int64_t size)
{
  rg_range of_slots[RG_TREE_SLOTS];
  rg_traffic cost = {0};
  int64_t slots = rg_tree_cover(s->n, s->mine, of_slots), bytes = width * size;
  int64_t others = s->ranks - 1, levels = levels_of(s->ranks);
  if (s->ranks == 1 || s->n == 0)
    return cost;
  switch (rg_way_of_sum(s->ranks, s->n, s->parts, bytes)) {
  case RG_SUM_PAIRS:
    return (rg_traffic){.sent = levels * bytes, .messages = levels, .rounds = levels};
  case RG_SUM_HALVES:
    return (rg_traffic){.sent = 2 * bytes * others / s->ranks,
                        .messages = 2 * levels,
                        .rounds = 2 * levels};
  case RG_SUM_GATHERED:
    cost = (rg_traffic){.sent = slots * bytes * others, .rounds = levels};
    break;
  case RG_SUM_CUT: cost = cost_of_cut(s, slots, width, size); break;
  }
  if (!s->parts) { /* they tell what they hold */
    cost.sent += (int64_t)sizeof s->mine * others;
    cost.rounds += levels;
  }
  return cost;
}

/* Everybody says how much it has, then sends it. */
rg_traffic rg_gather_cost(int ranks, int64_t bytes)
{
  int64_t others = ranks - 1;
  return (rg_traffic){.sent = others * (bytes + (int64_t)sizeof bytes),
                      .rounds = 2 * levels_of(ranks)};
}
