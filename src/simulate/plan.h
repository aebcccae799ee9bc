/** The inside of the simulator: random streams, and the assays. */
#ifndef RG_SIMULATE_PLAN_H
#define RG_SIMULATE_PLAN_H

#include "regatta/simulate.h"

struct rg_simulator {
  rg_simulation options; /* private_to is owned */
  int n_assays;
  rg_assay assays[RG_MAX_ASSAYS];
  int drawn_type[RG_MAX_ASSAYS]; /* what type 1 is drawn as in an assay: 0 or 1 */
};

/** Random streams; each assay takes its own block of ten. */
enum { STREAM_CELL, STREAM_DEPTH, STREAM_NAME, STREAM_ASSAYS = 10 };
enum {
  STREAM_LEVEL,  /* of a feature over all cells */
  STREAM_MARK,   /* which types a feature marks */
  STREAM_EFFECT, /* how strongly */
  STREAM_BATCH,
  STREAM_THETA,
  STREAM_VALUES,
  STREAM_OWN_DEPTH,
  STREAM_PLACE,
  STREAMS = 10
};

static inline rg_key rg_sim_key(const rg_simulation *options, int assay, int stream)
{
  int first = assay < 0 ? 0 : STREAM_ASSAYS + STREAMS * assay;
  return (rg_key){.seed = (uint64_t)options->seed,
                  .step = (uint64_t)(first + stream),
                  .purpose = RG_FOR_SIMULATE};
}

/** Room for n features; means are 0, factors 1. Not collective. */
void rg_assay_init(rg_assay *assay, const rg_simulation *options, int64_t n);
/** Factors of batches: log-normal around 1. Not collective. */
void rg_assay_batches(rg_assay *assay, const rg_simulation *options, int number,
                      double sd);

/** One kind of assay: how many features the options ask for, and its tables. `number` is
 *  its place in the table of kinds, for the random streams. */
typedef struct rg_assay_kind {
  const char *name;
  size_t count; /* offset in rg_simulation of the number of features */
  void (*plan)(const rg_simulation *options, int number, rg_assay *assay);
} rg_assay_kind;
extern const rg_assay_kind rg_assay_rna, rg_assay_atac, rg_assay_adt;

#endif
