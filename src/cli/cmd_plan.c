/* regatta plan: memory and time of a run, before it. */
#include "plan_say.h"

#include <string.h>

typedef struct plan_options {
  rg_asked asked;
  int64_t ranks, nodes, cores, sample;
  double memory, seconds, latency, bandwidth;
  bool json;
} plan_options;

#define AT(member) offsetof(plan_options, member)

static const rg_field options[] = {
    RG_ASKED_FIELDS(AT(asked)),
    {"ranks", RG_INT, AT(ranks), "0", 0, 1e6, NULL, "ranks",
     "of the run; 0: as many as this is started on"},
    {"nodes", RG_INT, AT(nodes), "1", 1, 1e6, NULL, "nodes",
     "that the ranks are spread over"},
    {"cores", RG_INT, AT(cores), "0", 0, 1e6, NULL, "cores",
     "of a node; 0: as many as may be used here"},
    {"memory", RG_DOUBLE, AT(memory), "0", 0, 1e6, NULL, "GB",
     "of a node; 0: what this one has, or the job may have"},
    {"sample", RG_INT, AT(sample), "20000", 0, 1e9, NULL, "cells",
     "of the file that are looked at; 0: all"},
    {"seconds", RG_DOUBLE, AT(seconds), "5", 0.01, 1e4, NULL, "s",
     "of training steps that are timed"},
    {"latency", RG_DOUBLE, AT(latency), "2", 0, 1e6, NULL, "us",
     "of a message between ranks that are not here"},
    {"bandwidth", RG_DOUBLE, AT(bandwidth), "5", 1e-3, 1e4, NULL, "GB/s",
     "of a rank to others that are not here"},
    {"json", RG_BOOL, AT(json), "false", 0, 0, NULL, NULL, "print one JSON object"},
    {0}};

static rg_place_to_run make_place(rg_comm *comm, const plan_options *o, int ranks)
{
  rg_place_to_run place = {.nodes = (int)o->nodes,
                           .ranks_per_node = (int)((ranks + o->nodes - 1) / o->nodes)};
  place.threads = rg_threads();
  place.cores = o->cores > 0 ? (int)o->cores : rg_comm_cores(comm);
  place.memory = o->memory > 0 ? (int64_t)(o->memory * 1e9) : rg_memory_limit(&place.whose);
  if (o->memory > 0)
    place.whose = "a node";
  return place;
}

static rg_status estimate(const rg_call *call, rg_comm *comm, rg_plan *plan, int ranks)
{
  rg_status status = RG_OK;
  const plan_options *o = call->options;
  rg_estimate e;
  rg_estimate_options how = {ranks, o->sample, o->seconds, o->latency * 1e-6,
                             o->bandwidth * 1e9};
  rg_place_to_run place = make_place(comm, o, ranks);
  RG_TRY(rg_estimate_make(comm, call->arguments[0], plan, &how, &e));
  rg_advice advice = rg_plan_advise(plan, &e, &place);
  (o->json ? rg_plan_say_json : rg_plan_say)(comm, plan, &e, &how, &place, &advice);
  rg_strings_fini(&advice.lines);
out:
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const plan_options *o = call->options;
  rg_plan plan = {0};
  int size = rg_size(call->comm), ranks = o->ranks > 0 ? (int)o->ranks : size;
  RG_TRY(rg_asked_plan(call, &o->asked, NULL, &plan));
  if (call->print_config) {
    rg_say(call->comm, "%s", plan.configuration);
    goto out;
  }
  if (ranks < o->nodes)
    RG_TRY(rg_fail(RG_EUSAGE, "plan: %d ranks cannot be spread over %lld nodes", ranks,
                   (long long)o->nodes));
  if (ranks == size)
    status = estimate(call, call->comm, &plan, ranks);
  else if (rg_rank(call->comm) == 0)
    status = estimate(call, rg_comm_self(), &plan, ranks);
  status = rg_agree(call->comm, status);
out:
  rg_plan_fini(&plan);
  return status;
}

const rg_command rg_cmd_plan = {
    .name = "plan",
    .arguments = "FILE",
    .summary = "memory and time of a run, before it",
    .help =
        "Does parts of what regatta train FILE would do with the same options: prepares "
        "FILE, or the first cells of it, sets the model up as on the busiest of --ranks "
        "ranks, and times a few steps of every phase. Prints memory per rank by parts, "
        "time per epoch and in all, and advice: whether it fits, which grid, how many "
        "ranks, what the limit will be. Started on one process it plays that rank and "
        "models the messages to the others; started on as many as --ranks says, the ranks "
        "rehearse together and messages are timed too. Nothing is written.",
    .example = "regatta plan cells.h5mu --recipe sailerx --ranks 64 --nodes 2",
    .options = options,
    .options_size = sizeof(plan_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .configurable = true,
    .order = 33,
    .run = run};
