/** What a run will take, measured on (a sample of) its data: the program does what the run
 *  will do, as the busiest of its ranks, and its own memory and time are looked at. */
#ifndef RG_CLI_ESTIMATE_H
#define RG_CLI_ESTIMATE_H

#include "loaded.h"

/** What is to be estimated. */
typedef struct rg_estimate_options {
  int ranks;
  int64_t sample;             /* cells of the file that are looked at; 0: all */
  double seconds;             /* of training steps */
  double latency, bandwidth;  /* of the network: seconds per message, bytes per second */
} rg_estimate_options;

/** Bytes of one rank, the largest over the ranks where they were there. */
typedef struct rg_bytes {
  int64_t program;    /* code, libraries, what MPI and BLAS hold */
  int64_t preparing;  /* most at a time from opening the file to the data set */
  int64_t dataset;    /* that is left of it: names, counts, embeddings */
  int64_t parameters, moments, gradients, tape;
  int64_t held;       /* counts and inputs as the lanes need them */
  int64_t filling;    /* more, while these are spread */
  int64_t working;    /* of batches and messages */
  int64_t graph;      /* most at a time of neighbours and clusters */
} rg_bytes;

/** A way to train, timed. */
typedef struct rg_timed {
  bool done;
  int ranks;
  char grid[16];
  rg_tempo tempo;
  rg_bytes bytes;
  double compute, messages;  /* seconds of an epoch of the longest phase */
  double epoch, total;       /* seconds of an epoch, of all phases */
} rg_timed;

typedef struct rg_estimate {
  bool played;          /* one process played one of the ranks */
  int64_t cells, sample; /* of the file; looked at */
  rg_timed chosen;      /* as the plan says */
  rg_timed other;       /* with the other grid */
  rg_timed alone;       /* on one rank */
  double reading, preparing, neighbors, cluster; /* seconds */
  int64_t memory_per_cell; /* bytes of a rank that one more cell of the file takes */
} rg_estimate;

/** Bytes of a rank while it prepares, trains, and makes graph and clusters. */
int64_t rg_bytes_prepare(const rg_bytes *bytes);
int64_t rg_bytes_train(const rg_bytes *bytes);
int64_t rg_bytes_graph(const rg_bytes *bytes);
/** The most of the three. */
int64_t rg_bytes_most(const rg_bytes *bytes);
/** Estimate a run of `plan` on a file. The communicator has as many ranks as the run, or
 *  one, which then plays. The grid of the plan is changed for a while. Collective. */
rg_status rg_estimate_make(rg_comm *comm, const char *path, rg_plan *plan,
                           const rg_estimate_options *options, rg_estimate *estimate);

#endif
