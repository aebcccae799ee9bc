/* Advice from an estimate: what fits, what is fast, what the limit would be. */
#include "plan_say.h"

#include "duration.h"

#include <math.h>
#include <string.h>

#define HALF 0.5 /* efficiency below which ranks are wasted */

/* ---- memory ---------------------------------------------------------------------- */

static const char *largest_part(const rg_bytes *b, const char **remedy)
{
  int64_t most = rg_bytes_most(b);
  *remedy = "more nodes share the cells";
  if (most == rg_bytes_prepare(b))
    return "reading and preparing";
  if (most == rg_bytes_graph(b))
    return "neighbours and clusters";
  int64_t model = b->parameters + b->moments + b->gradients;
  int64_t data = b->dataset + b->held;
  if (b->tape > model && b->tape > data) {
    *remedy = "a smaller train.batch has a smaller tape";
    return "the tape";
  }
  if (model > data) {
    *remedy = "train.grid=features shares the weights over ranks";
    return "parameters, moments and gradients";
  }
  return "the data";
}

static void advise_memory(const rg_estimate *e, const rg_place_to_run *place,
                          rg_advice *advice)
{
  const rg_bytes *b = &e->chosen.bytes;
  rg_strings *lines = &advice->lines;
  double node = (double)rg_bytes_most(b) * place->ranks_per_node;
  const char *remedy, *part = largest_part(b, &remedy);
  advice->fits = node <= (double)place->memory;
  rg_strings_addf(lines, "%s: %d rank%s of a node take %.2f of the %.2f GB of %s",
                  advice->fits ? "fits" : "does not fit", place->ranks_per_node,
                  place->ranks_per_node == 1 ? "" : "s", node / 1e9,
                  (double)place->memory / 1e9, place->whose);
  if (!advice->fits)
    rg_strings_addf(lines, "memory: the most is taken by %s; %s", part, remedy);
  if (e->memory_per_cell > 0) {
    double left =
        (double)place->memory / place->ranks_per_node - (double)rg_bytes_most(b);
    double cells = (double)e->cells + left / (double)e->memory_per_cell;
    rg_strings_addf(
        lines, "limit: about %.2g cells like these fill that memory; %s comes first",
        fmax(cells, 0), part);
  }
}

/* ---- time ------------------------------------------------------------------------ */

/* A grid in words, where all ranks share the cells or all the features. */
static const char *grid_name(const rg_timed *t)
{
  if (t->tempo.lane_groups == t->ranks)
    return "lanes";
  return t->tempo.feature_groups == t->ranks ? "features" : t->grid;
}

static void advise_grid(const rg_estimate *e, rg_strings *lines)
{
  const rg_timed *t = &e->chosen, *other = &e->other;
  const char *own = grid_name(t), *name = grid_name(other);
  bool less = rg_bytes_train(&t->bytes) < rg_bytes_train(&other->bytes);
  if (!other->done && t->ranks > 1)
    rg_strings_addf(
        lines,
        "grid: %s is the only one that this recipe and its lanes allow on %d "
        "ranks",
        own, t->ranks);
  else if (other->done && other->total < 0.9 * t->total)
    rg_strings_addf(lines, "grid: train.grid=%s would be %.1f times as fast", name,
                    t->total / other->total);
  else if (other->done && t->total < 0.9 * other->total)
    rg_strings_addf(lines, "grid: %s is right; %s would take %.1f times as long", own,
                    name, other->total / t->total);
  else if (other->done)
    rg_strings_addf(lines,
                    "grid: %s and %s are equally fast here; %s holds less memory", own,
                    name, less ? own : name);
}

/* The law of Amdahl through one rank and the ranks planned. */
static void advise_ranks(const rg_estimate *e, rg_strings *lines)
{
  const rg_timed *t = &e->chosen, *one = &e->alone;
  if (!one->done || t->ranks < 2)
    return;
  double ranks = t->ranks, speedup = one->total / t->total;
  double shared = (one->total - t->total) / (1 - 1 / ranks);
  double serial = fmax(one->total - shared, 1e-12 * one->total);
  double half = (one->total + serial) / serial;
  if (speedup / ranks < HALF)
    rg_strings_addf(
        lines,
        "ranks: %d are %.1f times as fast as one; about %.0f would keep half "
        "their efficiency",
        t->ranks, speedup, fmax(1, floor(half)));
  else
    rg_strings_addf(lines,
                    "ranks: %d are %.1f times as fast as one (efficiency %.0f %%)",
                    t->ranks, speedup, 100 * speedup / ranks);
}

static int64_t power_of_two(int64_t n)
{
  int64_t p = 1;
  while (p < n)
    p *= 2;
  return p;
}

static void advise_lanes(const rg_plan *plan, const rg_estimate *e, rg_strings *lines)
{
  const rg_tempo *t = &e->chosen.tempo;
  int64_t wanted = (e->chosen.ranks + RG_FEATURE_GROUPS - 1) / RG_FEATURE_GROUPS;
  if (t->lane_groups == t->lanes && t->feature_groups > RG_FEATURE_GROUPS)
    rg_strings_addf(
        lines,
        "lanes: %lld lanes leave %d feature groups to %d ranks; train.lanes=%lld "
        "leaves %d (another model: lanes are part of it)",
        (long long)t->lanes, t->feature_groups, e->chosen.ranks,
        (long long)power_of_two(wanted), RG_FEATURE_GROUPS);
  else if (t->lane_groups > 1 && t->lanes % t->lane_groups != 0)
    rg_strings_addf(lines,
                    "lanes: %lld lanes do not divide among %d lane groups; "
                    "take %lld ranks",
                    (long long)t->lanes, t->lane_groups,
                    (long long)(power_of_two(t->lane_groups) / 2 * t->feature_groups));
  if (t->batch < plan->train.batch)
    rg_strings_addf(lines, "batch: %lld cells instead of %lld, for the data have few",
                    (long long)t->batch, (long long)plan->train.batch);
}

static void advise_blocks(const rg_estimate *e, rg_strings *lines)
{
  const rg_tempo *t = &e->chosen.tempo;
  if (t->feature_groups > 1 && t->imbalance > 1.5)
    rg_strings_addf(
        lines,
        "blocks: the busiest rank has %.1f times the mean of features; more than "
        "about %d feature groups gain nothing",
        t->imbalance, (int)((double)t->feature_groups / t->imbalance));
}

static void advise_cores(const rg_place_to_run *place, rg_strings *lines)
{
  int wanted = place->ranks_per_node * place->threads;
  int each = place->cores / place->ranks_per_node;
  if (wanted > place->cores)
    rg_strings_addf(
        lines,
        "cores: %d ranks x %d threads are more than the %d cores of a node; take "
        "%d ranks x %d threads, or more nodes",
        place->ranks_per_node, place->threads, place->cores,
        each > 0 ? place->ranks_per_node : place->cores, each > 0 ? each : 1);
  else if (2 * wanted <= place->cores)
    rg_strings_addf(
        lines,
        "cores: %d of the %d cores of a node are used; %d ranks x %d threads use "
        "them",
        wanted, place->cores, place->ranks_per_node, each);
}

rg_advice rg_plan_advise(const rg_plan *plan, const rg_estimate *e,
                         const rg_place_to_run *place)
{
  rg_advice advice = {0};
  advise_memory(e, place, &advice);
  advise_grid(e, &advice.lines);
  advise_ranks(e, &advice.lines);
  advise_blocks(e, &advice.lines);
  advise_lanes(plan, e, &advice.lines);
  advise_cores(place, &advice.lines);
  return advice;
}
