/** What regatta plan says of an estimate. */
#ifndef RG_CLI_PLAN_SAY_H
#define RG_CLI_PLAN_SAY_H

#include "estimate.h"

/** Where the run is to be. */
typedef struct rg_place_to_run {
  int nodes, ranks_per_node, threads, cores; /* cores of a node */
  int64_t memory;                            /* bytes of a node */
  const char *whose;                         /* limit that is */
} rg_place_to_run;

/** One line of advice; `fits` is false when the memory of a node will not do. */
typedef struct rg_advice {
  bool fits;
  rg_strings lines;
} rg_advice;
rg_advice rg_plan_advise(const rg_plan *plan, const rg_estimate *estimate,
                         const rg_place_to_run *place);
/** Print a page, or one JSON object, on rank 0. Not collective. */
void rg_plan_say(rg_comm *comm, const rg_plan *plan, const rg_estimate *estimate,
                 const rg_estimate_options *options, const rg_place_to_run *place,
                 const rg_advice *advice);
void rg_plan_say_json(rg_comm *comm, const rg_plan *plan, const rg_estimate *estimate,
                      const rg_estimate_options *options, const rg_place_to_run *place,
                      const rg_advice *advice);

#endif
