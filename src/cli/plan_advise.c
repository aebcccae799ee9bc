/* Advice from an estimate: what fits, what is fast, what the limit would be. */
#include "plan_say.h"

#include "duration.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define HALF 0.5 /* efficiency below which ranks are wasted */

static void add(rg_advice *advice, const char *format, ...) RG_PRINTF(2, 3);
static void add(rg_advice *advice, const char *format, ...)
{
  char line[320];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  rg_strings_add(&advice->lines, line, -1);
}

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
  double node = (double)rg_bytes_most(b) * place->ranks_per_node;
  const char *remedy, *part = largest_part(b, &remedy);
  advice->fits = node <= (double)place->memory;
  add(advice, "%s: %d rank%s of a node take %.2f of the %.2f GB of %s",
      advice->fits ? "fits" : "does not fit", place->ranks_per_node,
      place->ranks_per_node == 1 ? "" : "s", node / 1e9, (double)place->memory / 1e9,
      place->whose);
  if (!advice->fits)
    add(advice, "memory: the most is taken by %s; %s", part, remedy);
  if (e->memory_per_cell > 0) {
    double left = (double)place->memory / place->ranks_per_node - (double)rg_bytes_most(b);
    double cells = (double)e->cells + left / (double)e->memory_per_cell;
    add(advice, "limit: about %.2g cells like these fill that memory; %s comes first",
        fmax(cells, 0), part);
  }
}

/* ---- time ------------------------------------------------------------------------ */

static void advise_grid(const rg_estimate *e, rg_advice *advice)
{
  const rg_timed *t = &e->chosen, *other = &e->other;
  if (!other->done && t->ranks > 1)
    add(advice, "grid: %s is the only one that this recipe and its lanes allow on %d ranks",
        t->tempo.feature_groups > 1 ? "features" : "lanes", t->ranks);
  if (!other->done)
    return;
  const char *name = other->tempo.feature_groups > 1 ? "features" : "lanes";
  const char *own = other->tempo.feature_groups > 1 ? "lanes" : "features";
  if (other->total < 0.9 * t->total)
    add(advice, "grid: train.grid=%s would be %.1f times as fast", name,
        t->total / other->total);
  else if (t->total < 0.9 * other->total)
    add(advice, "grid: %s is right; %s would take %.1f times as long", own, name,
        other->total / t->total);
  else
    add(advice, "grid: lanes and features are equally fast here; features holds %s memory",
        (rg_bytes_train(&t->bytes) < rg_bytes_train(&other->bytes)) ==
                (t->tempo.feature_groups > 1)
            ? "less"
            : "more");
}

/* The law of Amdahl through one rank and the ranks planned. */
static void advise_ranks(const rg_estimate *e, rg_advice *advice)
{
  const rg_timed *t = &e->chosen, *one = &e->alone;
  if (!one->done || t->ranks < 2)
    return;
  double ranks = t->ranks, speedup = one->total / t->total;
  double shared = (one->total - t->total) / (1 - 1 / ranks);
  double serial = fmax(one->total - shared, 1e-12 * one->total);
  double half = (one->total + serial) / serial;
  if (speedup / ranks < HALF)
    add(advice, "ranks: %d are %.1f times as fast as one; about %.0f would keep half "
                "their efficiency", t->ranks, speedup, fmax(1, floor(half)));
  else
    add(advice, "ranks: %d are %.1f times as fast as one (efficiency %.0f %%)", t->ranks,
        speedup, 100 * speedup / ranks);
}

static int64_t power_of_two(int64_t n)
{
  int64_t p = 1;
  while (p < n)
    p *= 2;
  return p;
}

static void advise_lanes(const rg_plan *plan, const rg_estimate *e, rg_advice *advice)
{
  const rg_tempo *t = &e->chosen.tempo;
  if (e->chosen.ranks > t->lanes)
    add(advice, "lanes: %lld lanes serve at most as many ranks as lane groups; "
                "train.lanes=%lld for %d (another model: lanes are part of it)",
        (long long)t->lanes, (long long)power_of_two(e->chosen.ranks), e->chosen.ranks);
  else if (t->lane_groups > 1 && t->lanes % t->lane_groups != 0)
    add(advice, "lanes: %lld lanes do not divide among %d ranks; take %lld ranks",
        (long long)t->lanes, t->lane_groups,
        (long long)power_of_two(t->lane_groups) / 2);
  if (t->batch < plan->train.batch)
    add(advice, "batch: %lld cells instead of %lld, for the data have few",
        (long long)t->batch, (long long)plan->train.batch);
}

static void advise_blocks(const rg_estimate *e, rg_advice *advice)
{
  const rg_tempo *t = &e->chosen.tempo;
  if (t->feature_groups > 1 && t->imbalance > 1.5)
    add(advice, "blocks: the busiest rank has %.1f times the mean of features; more than "
                "about %d feature groups gain nothing", t->imbalance,
        (int)((double)t->feature_groups / t->imbalance));
}

static void advise_cores(const rg_place_to_run *place, rg_advice *advice)
{
  int wanted = place->ranks_per_node * place->threads;
  int each = place->cores / place->ranks_per_node;
  if (wanted > place->cores)
    add(advice, "cores: %d ranks x %d threads are more than the %d cores of a node; take "
                "%d ranks x %d threads, or more nodes", place->ranks_per_node,
        place->threads, place->cores, each > 0 ? place->ranks_per_node : place->cores,
        each > 0 ? each : 1);
  else if (2 * wanted <= place->cores)
    add(advice, "cores: %d of the %d cores of a node are used; %d ranks x %d threads use "
                "them", wanted, place->cores, place->ranks_per_node, each);
}

rg_advice rg_plan_advise(const rg_plan *plan, const rg_estimate *e,
                         const rg_place_to_run *place)
{
  rg_advice advice = {0};
  advise_memory(e, place, &advice);
  advise_grid(e, &advice);
  advise_ranks(e, &advice);
  advise_blocks(e, &advice);
  advise_lanes(plan, e, &advice);
  advise_cores(place, &advice);
  return advice;
}
