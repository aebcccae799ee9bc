/* The page and the JSON of regatta plan. */
#include "plan_say.h"

#include "duration.h"

#include <math.h>
#include <string.h>

static double mb(int64_t bytes)
{
  return (double)bytes / 1e6;
}

/* ---- the page -------------------------------------------------------------------- */

static void say_head(rg_comm *comm, const rg_plan *plan, const rg_estimate *e,
                     const rg_place_to_run *place)
{
  const rg_timed *t = &e->chosen;
  rg_say(comm, "plan: recipe %s, %lld cells, %d rank%s x %d thread%s on %d node%s\n",
         plan->recipe->name, (long long)e->cells, t->ranks, t->ranks == 1 ? "" : "s",
         place->threads, place->threads == 1 ? "" : "s", place->nodes,
         place->nodes == 1 ? "" : "s");
  rg_say(comm, "      grid %s (lanes x features), batch %lld in %lld lanes, %lld cells "
               "train\n",
         t->grid, (long long)t->tempo.batch, (long long)t->tempo.lanes,
         (long long)t->tempo.cells);
  if (e->sample < e->cells)
    rg_say(comm, "      looked at the first %lld cells; the rest is taken to be alike\n",
           (long long)e->sample);
}

static void say_bytes(rg_comm *comm, const rg_bytes *b)
{
  const struct {
    const char *name;
    int64_t bytes;
  } rows[] = {{"program and libraries", b->program},
              {"data set: counts, names, embeddings", b->dataset},
              {"lanes: counts and inputs held", b->held},
              {"parameters", b->parameters},
              {"moments", b->moments},
              {"gradients and their sums", b->gradients},
              {"tape of activations", b->tape},
              {"batches and messages", b->working}};
  rg_say(comm, "\nmemory per rank%26s\n", "MB");
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
    rg_say(comm, "  %-36s%9.1f\n", rows[k].name, mb(rows[k].bytes));
  rg_say(comm, "  %-36s%9.1f\n", "most: reading and preparing", mb(rg_bytes_prepare(b)));
  rg_say(comm, "  %-36s%9.1f\n", "most: training", mb(rg_bytes_train(b)));
  rg_say(comm, "  %-36s%9.1f\n", "most: neighbours and clusters", mb(rg_bytes_graph(b)));
}

static void say_epoch(rg_comm *comm, const rg_timed *t, const char *why)
{
  char epoch[RG_DURATION], total[RG_DURATION];
  if (!t->done)
    return;
  rg_duration(t->epoch, epoch);
  rg_duration(t->total, total);
  rg_say(comm, "  %4d rank%s grid %-8s%12s%12s%10.1f  %s\n", t->ranks,
         t->ranks == 1 ? ", " : "s,", t->grid, epoch, total,
         mb(rg_bytes_train(&t->bytes)), why);
}

static void say_time(rg_comm *comm, const rg_estimate *e,
                     const rg_estimate_options *options)
{
  const rg_timed *t = &e->chosen;
  char text[RG_DURATION];
  rg_say(comm, "\ntime (%lld steps timed here)\n", (long long)t->tempo.steps);
  const struct {
    const char *name;
    double seconds;
  } rows[] = {{"read", e->reading},
              {"prepare", e->preparing},
              {"train, all epochs at most", t->total},
              {"neighbors", e->neighbors},
              {"cluster", e->cluster}};
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    rg_duration(rows[k].seconds, text);
    rg_say(comm, "  %-36s%9s\n", rows[k].name, text);
  }
  for (int p = 0; p < t->tempo.n_phases; p++) {
    const struct rg_phase_tempo *phase = &t->tempo.phase[p];
    if (phase->epochs > 0)
      rg_say(comm, "  phase %s: %lld epochs of %lld steps of %.2f ms\n", phase->name,
             (long long)phase->epochs, (long long)phase->iterations,
             phase->seconds * 1e3);
  }
  rg_say(comm, "\n%-26s%12s%12s%10s\n", "training as", "an epoch", "all", "MB a rank");
  say_epoch(comm, t, "as planned");
  say_epoch(comm, &e->other, "");
  say_epoch(comm, &e->alone, "");
  if (e->played && t->ranks > 1)
    rg_say(comm,
           "  of more ranks the busiest was played here; messages are modelled: %g us "
           "and %g GB/s\n",
           options->latency * 1e6, options->bandwidth / 1e9);
}

void rg_plan_say(rg_comm *comm, const rg_plan *plan, const rg_estimate *e,
                 const rg_estimate_options *options, const rg_place_to_run *place,
                 const rg_advice *advice)
{
  say_head(comm, plan, e, place);
  say_bytes(comm, &e->chosen.bytes);
  say_time(comm, e, options);
  rg_say(comm, "\n");
  for (int64_t i = 0; i < advice->lines.n; i++)
    rg_say(comm, "%s\n", rg_strings_at(&advice->lines, i));
}

/* ---- JSON ------------------------------------------------------------------------ */

static void put_bytes(rg_json *json, const rg_bytes *b)
{
  rg_json_open(json, "bytes_per_rank", '{');
  rg_json_integer(json, "program", b->program);
  rg_json_integer(json, "data_set", b->dataset);
  rg_json_integer(json, "lanes", b->held);
  rg_json_integer(json, "parameters", b->parameters);
  rg_json_integer(json, "moments", b->moments);
  rg_json_integer(json, "gradients", b->gradients);
  rg_json_integer(json, "tape", b->tape);
  rg_json_integer(json, "batches", b->working);
  rg_json_integer(json, "prepare", rg_bytes_prepare(b));
  rg_json_integer(json, "train", rg_bytes_train(b));
  rg_json_integer(json, "graph", rg_bytes_graph(b));
  rg_json_integer(json, "most", rg_bytes_most(b));
  rg_json_close(json);
}

static void put_timed(rg_json *json, const char *key, const rg_timed *t)
{
  if (!t->done)
    return;
  rg_json_open(json, key, '{');
  rg_json_integer(json, "ranks", t->ranks);
  rg_json_text(json, "grid", t->grid);
  rg_json_integer(json, "lanes", t->tempo.lanes);
  rg_json_integer(json, "batch", t->tempo.batch);
  rg_json_number(json, "compute_s", t->compute);
  rg_json_number(json, "messages_s", t->messages);
  rg_json_number(json, "epoch_s", t->epoch);
  rg_json_number(json, "train_s", t->total);
  put_bytes(json, &t->bytes);
  rg_json_open(json, "phases", '[');
  for (int p = 0; p < t->tempo.n_phases; p++) {
    const struct rg_phase_tempo *phase = &t->tempo.phase[p];
    rg_json_open(json, NULL, '{');
    rg_json_text(json, "name", phase->name);
    rg_json_integer(json, "epochs", phase->epochs);
    rg_json_integer(json, "steps_per_epoch", phase->iterations);
    rg_json_number(json, "step_s", phase->seconds);
    rg_json_number(json, "rounds_per_step", phase->traffic.rounds);
    rg_json_number(json, "messages_per_step", phase->traffic.messages);
    rg_json_number(json, "sent_bytes_per_step", phase->traffic.bytes);
    rg_json_close(json);
  }
  rg_json_close(json);
  rg_json_close(json);
}

static void put_place(rg_json *json, const rg_place_to_run *place)
{
  rg_json_integer(json, "nodes", place->nodes);
  rg_json_integer(json, "ranks_per_node", place->ranks_per_node);
  rg_json_integer(json, "threads", place->threads);
  rg_json_integer(json, "memory_of_node", place->memory);
}

void rg_plan_say_json(rg_comm *comm, const rg_plan *plan, const rg_estimate *e,
                      const rg_estimate_options *options, const rg_place_to_run *place,
                      const rg_advice *advice)
{
  rg_json *json = rg_json_new();
  rg_json_open(json, NULL, '{');
  rg_json_text(json, "recipe", plan->recipe->name);
  rg_json_integer(json, "cells", e->cells);
  rg_json_integer(json, "cells_looked_at", e->sample);
  put_place(json, place);
  rg_json_bool(json, "fits", advice->fits);
  rg_json_number(json, "read_s", e->reading);
  rg_json_number(json, "prepare_s", e->preparing);
  rg_json_number(json, "neighbors_s", e->neighbors);
  rg_json_number(json, "cluster_s", e->cluster);
  rg_json_integer(json, "bytes_per_cell", e->memory_per_cell);
  rg_json_bool(json, "played", e->played && e->chosen.ranks > 1);
  rg_json_number(json, "latency_s", options->latency);
  rg_json_number(json, "bytes_per_s", options->bandwidth);
  put_timed(json, "planned", &e->chosen);
  put_timed(json, "other_grid", &e->other);
  put_timed(json, "one_rank", &e->alone);
  rg_json_open(json, "advice", '[');
  for (int64_t i = 0; i < advice->lines.n; i++)
    rg_json_text(json, NULL, rg_strings_at(&advice->lines, i));
  rg_json_close(json);
  rg_json_close(json);
  rg_say(comm, "%s\n", rg_json_string(json));
  rg_json_free(json);
}
