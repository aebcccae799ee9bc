/** simulate: data sets with planted truth, for tests, examples and benchmarks.
 *
 *  A cell has a type, a batch and a depth. An assay (rna, atac, adt) has a table of means
 *  per type, a table of factors per batch, and a distribution; a value is drawn from
 *  mean[type][feature] * factor[batch][feature] * depth of the cell. Everything is a
 *  function of (seed, cell, feature): neither the number of ranks nor the range of cells
 *  that is drawn changes a value.
 *
 *  To add an assay: a file src/simulate/assay_NAME.c that fills an rg_assay, and its
 *  line in the table of simulate.c. */
#ifndef REGATTA_SIMULATE_H
#define REGATTA_SIMULATE_H

#include "regatta/comm.h"

/** What to simulate; filled through rg_simulation_fields. */
typedef struct rg_simulation {
  int64_t cells, types, batches;
  int64_t genes, peaks, proteins; /* 0: no such modality */
  int64_t chromosomes;
  int64_t seed;
  double paired;    /* share of cells measured in every modality */
  bool single;      /* the others have one modality only; else they lack one */
  double density;   /* mean share of open peaks in a cell */
  double depth_sd;  /* of the log of the depth */
  char *private_to; /* "none", or the modality that alone tells types 1 and 2 apart */
  char *output;     /* where the command writes; the simulator does not look at it */
} rg_simulation;
extern const rg_field rg_simulation_fields[];

/** What is true of one cell. */
typedef struct rg_simulated_cell {
  int type, batch;
  double depth;     /* factor on the means of counted molecules; median 1 */
  unsigned present; /* bit m: measured in modality m */
} rg_simulated_cell;

enum { RG_MAX_ASSAYS = 8 };

/** Means and features of one modality. Owned by the simulator. */
typedef struct rg_assay {
  const char *name;
  int64_t n;     /* features */
  float *mean;   /* (types, n) */
  float *factor; /* (batches, n) */
  float *theta;  /* (n): inverse dispersion of the negative binomial; NULL: a feature is
                    either seen (1) or not, with probability 1 - exp(-mean) */
  double depth_power; /* its depth is the cell's depth to this power */
  double depth_noise; /* sd of the log of its own factor on the depth */
  rg_strings features;
  rg_strings chromosomes; /* n == 0: the features have no place */
  int32_t *chromosome;    /* (n), or NULL */
  int64_t *start, *end;   /* (n), or NULL */
} rg_assay;

typedef struct rg_simulator rg_simulator;

/** Plan a data set. The options are copied. RG_EUSAGE when they contradict each other.
 *  Not collective. */
rg_status rg_simulator_new(const rg_simulation *options, rg_simulator **simulator);
/** NULL is fine. Not collective. */
void rg_simulator_free(rg_simulator *simulator);
/** Number of modalities, and one of them, borrowed. Not collective. */
int rg_simulator_assays(const rg_simulator *simulator);
const rg_assay *rg_simulator_assay(const rg_simulator *simulator, int m);
/** The truth about a cell. Not collective. */
rg_simulated_cell rg_simulator_cell(const rg_simulator *simulator, int64_t cell);
/** Its name, a barcode: at least 32 bytes are written to. Not collective. */
void rg_simulator_name(const rg_simulator *simulator, int64_t cell, char name[32]);
/** Told now and then that so many more cells were drawn on this rank. */
typedef struct rg_simulator_watch {
  void (*drawn)(void *self, int64_t cells);
  void *self;
} rg_simulator_watch;

/** Values of cells [low, high) in modality m: one row for each cell that is present.
 *  `watch` may be NULL. Owned by the caller. Not collective. */
rg_csr rg_simulator_rows(const rg_simulator *simulator, int m, rg_range cells,
                         const rg_simulator_watch *watch);
/** Write all of it as an h5mu: obs has cell_type, batch, depth and, with a private
 *  modality, cell_type_coarse. `watch` is told of the cells of every modality, and may
 *  be NULL. Collective. */
rg_status rg_simulator_write(rg_comm *comm, const rg_simulator *simulator,
                             const char *path, const rg_simulator_watch *watch);

#endif
