/** The inside of train, for src/train only. */
#ifndef REGATTA_TRAIN_INTERNAL_H
#define REGATTA_TRAIN_INTERNAL_H

#include "regatta/train.h"

/* ---- which cells a rank holds: lanes.c ------------------------------------------- */

/** Where a cell goes: a lane and a place in it. */
typedef struct rg_place {
  int lane;
  int64_t index;
} rg_place;
/** Cells are cut into small blocks, blocks dealt to lanes in a keyed order. */
typedef struct rg_deal {
  int64_t n_cells, block, n_blocks;
  int lanes;
  rg_key key;
} rg_deal;
rg_deal rg_deal_new(int64_t n_cells, int lanes, uint64_t seed);
rg_place rg_deal_place(const rg_deal *deal, int64_t cell);
int64_t rg_deal_lane_size(const rg_deal *deal, int lane);
/** Cells of the smallest lane. */
int64_t rg_deal_smallest(const rg_deal *deal);

/* ---- what cells are for: roles.c ------------------------------------------------- */

typedef enum rg_role { RG_LEFT_OUT, RG_TRAINS, RG_VALIDATES } rg_role;
/** Role of each of this rank's cells, owned: those with what the recipe needs train, but
 *  for a keyed share that is left out for validation. Not collective. */
uint8_t *rg_roles(const rg_plan *plan, const rg_dataset *dataset);
/** The same of a trained model: cells with any modality that it reads "train". */
uint8_t *rg_roles_trained(const rg_model *model, const rg_dataset *dataset);
/** Number among the cells of a role, -1 for the others; owned. Collective. */
int64_t *rg_number_role(rg_comm *comm, const uint8_t *role, int64_t rows, rg_role which,
                        int64_t *total);

/* ---- data on the grid: store.c --------------------------------------------------- */

typedef struct rg_store {
  int64_t n;          /* cells here */
  int64_t *cell;      /* their numbers in the data set, in order of (lane, index) */
  int n_lanes;        /* lanes here; inference: one */
  int64_t *lane_start; /* n_lanes + 1 */
  int n_sparse;
  rg_csr *sparse;     /* per sparse input: cells here x features here, weighed */
  int n_dense;
  rg_mat *dense;      /* per dense input: cells here x width */
} rg_store;
/** Spread a data set over the grid. `deal` is NULL for inference: contiguous shares of all
 *  cells. Collective. */
rg_status rg_store_new(const rg_grid *grid, const rg_deal *deal, const rg_dataset *dataset,
                       const int64_t *eligible, const rg_model *model,
                       rg_constants *constants, const rg_covariates *covariates,
                       rg_store *store);
void rg_store_fini(rg_store *store);

/* ---- values of sparse inputs: weigh.c -------------------------------------------- */

/** Fit what the weighings of a model need (document frequencies, sizes, means) unless the
 *  constants have it; `role` is that of this rank's cells. RG_EINPUT when the values of a
 *  modality are no counts where the weighing needs them. Collective. */
rg_status rg_weigh_fit(rg_comm *comm, const rg_dataset *dataset, const rg_model *model,
                       const uint8_t *role, rg_constants *constants);
/** Biases that a model wants to start at the logit of how often a feature is open.
 *  Collective. */
void rg_start_biases(rg_comm *comm, const rg_dataset *dataset, const rg_model *model);
/** Values of one row (entries of counts row i) under a weighing. Not collective. */
void rg_weigh_row(const struct rg_sparse_input *input, rg_constants *constants,
                  const rg_csr *counts, int64_t i, float *values);

/* ---- moments.c ------------------------------------------------------------------- */

/** Fill the operations `standardise` of a model from the training cells. Collective. */
rg_status rg_start_moments(rg_comm *comm, const rg_dataset *dataset, const rg_model *model,
                           const uint8_t *role, rg_constants *constants);

/* ---- standard scores: zscore.c --------------------------------------------------- */

/** Values of the entries of row i: x, or with size > 0 log1p(size x / row sum),
 *  standardised by what rg_zscore_fit made. Not collective. */
void rg_zscore_row(const double *scores, double size, const rg_csr *counts, int64_t i,
                   float *values);
/** Doubles that rg_zscore_fit makes. */
int64_t rg_zscore_doubles(int64_t features);
/** Fit on the cells with fits[i]: cuts, means and deviations. Collective. */
rg_status rg_zscore_fit(rg_comm *comm, const struct rg_sparse_input *input,
                        const rg_csr *counts, const bool *fits, double size,
                        double *scores);

/* ---- teacher.c ------------------------------------------------------------------- */

/** Covariates "teacher" and "taught" from an embedding (NaN rows: not taught); batch: of
 *  the cells, n = 0 where there is none. Collective. */
rg_status rg_teacher_covariates(rg_comm *comm, const rg_model *model,
                                const rg_column *batch, const rg_mat *embedding,
                                rg_covariates *covariates);

/* ---- batch.c --------------------------------------------------------------------- */

/** Buffers of one batch on this rank; they only grow. */
typedef struct rg_batch {
  int64_t *cell, *row; /* number in the data set; row of the store */
  int n_sparse;
  rg_sparse_batch *sparse;
  int64_t *capacity;
} rg_batch;
rg_batch rg_batch_new(const rg_graph *graph, const rg_store *store);
void rg_batch_fini(rg_batch *batch);
/** Choose the cells of iteration t of an epoch, lane by lane. */
void rg_batch_choose(rg_batch *batch, const rg_store *store, const rg_share *share,
                     uint64_t seed, int64_t epoch, int64_t t);
/** Rows low.. of the store (the last one repeated past the end). */
void rg_batch_range(rg_batch *batch, const rg_store *store, int64_t low, int64_t n);
/** Gather counts and dense inputs of the chosen cells; `columns` for training. */
void rg_batch_fill(rg_batch *batch, const rg_store *store, rg_graph *graph, bool columns);

/** Make room for `nnz` entries in the rows and columns of sparse input k. */
void rg_batch_reserve(rg_batch *batch, int k, int64_t nnz, bool ones);

/** Make the columns of a batch from its rows. */
void rg_batch_columns(rg_sparse_batch *sparse);

/* ---- partner.c ------------------------------------------------------------------- */

/** Covariate "#links": the nearest neighbours of every cell by its covariate teacher, as
 *  numbers among the eligible cells (each in two columns of 24 bits). Collective. */
rg_status rg_partner_links(rg_comm *comm, const rg_model *model,
                           const rg_covariates *all, const int64_t *eligible,
                           rg_covariates *covariates);
/** Draw a partner for every cell of the batch and fetch its rows from whoever holds them,
 *  into the partner inputs. Collective over the lane groups. */
void rg_partner_fill(rg_session *session, rg_batch *batch, uint64_t step);
/** True for the name of a dense input that is a partner's: "near:NAME". */
bool rg_is_near(const char *name);

/* ---- validation: validate.c ------------------------------------------------------ */

typedef struct rg_validation rg_validation;
/** Spread the cells left out for validation; NULL when the model watches nothing or no
 *  cells are left out. Collective. */
rg_status rg_validation_new(rg_session *session, const rg_covariates *covariates,
                            rg_validation **validation);
void rg_validation_free(rg_validation *validation);
/** The best parameters so far, as the flat array; never NULL. */
float *rg_validation_best(rg_validation *validation);

/* ---- inputs made from neighbours: smooth.c, prior.c ------------------------------ */

/** NAME of a dense input "smooth:K:NAME", or NULL. */
const char *rg_smooth_of(const char *name, int *neighbours);
/** Make the covariate `name`: rows of x as means over their neighbours. Collective. */
rg_status rg_smooth_input(rg_comm *comm, const char *name, const rg_mat *x, int neighbours,
                          rg_covariates *covariates);
/** Make the covariates "prior:M" and "anchored:M" that the model asks for; the inputs they
 *  rest on are made already. Zeros unless `fit`. Collective. RG_EINPUT. */
rg_status rg_prior_inputs(rg_session *session, bool fit, rg_covariates *all);

/* ---- what is fitted after the phases: regress.c ---------------------------------- */

/** Fit the regressions of the model on the training cells; the same bits on any number of
 *  ranks. Collective. RG_EFAIL, RG_EDIVERGED. */
rg_status rg_fit_regressions(rg_session *session);

/* ---- the session: session.c ------------------------------------------------------ */

struct rg_session {
  rg_comm *comm;
  const rg_plan *plan;
  rg_plan *own_plan; /* of rg_session_open */
  rg_grid *grid;
  rg_graph *graph;
  rg_model model;
  rg_facts facts;
  rg_blocks blocks[RG_MODALITIES];
  rg_constants constants;
  uint8_t *role; /* of this rank's cells of the data set */
  rg_store store;
  rg_deal deal;
  rg_validation *validation; /* NULL: none */
  const rg_dataset *dataset; /* borrowed */
  int n_optimisers;
  rg_optim optim[RG_STEPS];
  int64_t steps_per_epoch;
  int64_t batches_here; /* whole batches that the store has: steps_per_epoch, or fewer of
                           a sample */
  rg_rehearsal rehearsal; /* ranks == 0: none, this is the run */
  rg_session_bytes bytes;
  double imbalance; /* features of the feature group that has most, over their mean */
  int64_t sample; /* so many cells drawn by key fill the lanes; 0: all cells */
  rg_sequence *sequence[RG_PHASES][RG_STEPS]; /* made on first use */
};
rg_comm *rg_grid_lane_comm(const rg_grid *grid);
/** The grid of `ranks` ranks as one of the first lane group sees it, played by a process
 *  alone: sums over others are guessed from what is here and counted. RG_EUSAGE. */
rg_status rg_grid_play(rg_comm *alone, const char *shape, int ranks, int lanes,
                       int lane_cells, bool wide, rg_grid **grid);
/** Play another feature group instead of the first, before anything has asked for it. */
void rg_grid_play_group(rg_grid *grid, int feature_group);
bool rg_grid_is_played(const rg_grid *grid);
/** What was counted so far. */
rg_messages rg_grid_messages(const rg_grid *grid);
/** Sessions: what rg_session_new and rg_session_rehearse share. */
rg_status rg_session_make(rg_comm *comm, const rg_plan *plan, const rg_dataset *dataset,
                          const rg_mat *teacher, rg_rehearsal rehearsal,
                          rg_session **session);
/** Facts, blocks, grid, graph and model for a data set. Collective. */
rg_status rg_session_compose(rg_session *session, const rg_dataset *dataset,
                             int teacher_axes, int lanes, int lane_cells);

/** Open a run on a sample of at most `cells` cells of a data set, which is one batch: each
 *  lane holds its cells, however many ranks there are. Collective. RG_EINPUT. */
rg_status rg_session_sample(rg_comm *comm, const char *run, const rg_dataset *dataset,
                            int64_t cells, rg_session **session);

/** Covariates, constants (fitted when `fit`) and the store. Collective. */
rg_status rg_session_fill(rg_session *session, const rg_mat *teacher, bool fit);

/* ---- going on from another run: init.c ------------------------------------------- */

/** Constants of the run train.init_from, before they are fitted, and its parameters, after
 *  all else that sets them; nothing without. Collective. RG_EINPUT. */
rg_status rg_init_constants(rg_session *session);
rg_status rg_init_parameters(rg_session *session);
/** Freeze what train.freeze names. RG_EUSAGE. Not collective. */
rg_status rg_freeze(rg_session *session);

/* ---- where a training is: checkpoint.c ------------------------------------------- */

/** Position and running sums; everything a continuation needs besides the arrays. */
typedef struct rg_progress_state {
  int64_t phase, epoch, iteration; /* the next iteration to run */
  int64_t step;                    /* iterations done in all */
  double sums[RG_TERMS * RG_STEPS]; /* of the epoch's term values */
  double counts[RG_STEPS];          /* how often each step ran in the epoch */
  struct rg_watched {  /* of the phase */
    double value;      /* of the last epoch */
    double best;
    double epochs;     /* watched so far */
    double since_best; /* epochs */
    double since_drop; /* epochs without a new best since the rate last fell */
    double low;        /* best that the plateau counts from */
    double factor;     /* of the rate, 1 at first */
  } watched;
} rg_progress_state;
/** Value of the watched losses over the validation cells after an epoch; keeps the best
 *  parameters, lowers the rate. Collective. RG_EDIVERGED. */
rg_status rg_validate(rg_session *session, const rg_phase *phase,
                      rg_progress_state *state);
/** True when the phase has had its patience. Not collective. */
bool rg_validation_ends(const rg_session *session, const rg_phase *phase,
                        const rg_progress_state *state);
/** Go back to the best parameters of the phase where it asks for it. Collective. */
void rg_validation_restore(rg_session *session, const rg_phase *phase,
                           const rg_progress_state *state);
/** Count the winners of an epoch for the operations `choose` of the model: choice.c. Not
 *  collective; the same on every rank. */
void rg_choices_count(rg_session *session, const rg_phase *phase,
                      const rg_progress_state *state);
rg_status rg_checkpoint_write(rg_session *session, const char *run,
                              const rg_progress_state *state, int keep);
/** Newest valid checkpoint; *found false when there is none. Collective. */
rg_status rg_checkpoint_read(rg_session *session, const char *run,
                             rg_progress_state *state, bool *found);
/** Newest valid checkpoint's vault, for reading. Collective. RG_EINPUT when none. */
rg_status rg_checkpoint_open(rg_comm *comm, const char *run, rg_vault **vault);
/** Parameters of the graph and constants from an open checkpoint. Collective. */
rg_status rg_checkpoint_parameters(rg_session *session, rg_vault *vault);
rg_status rg_checkpoint_constants(rg_session *session, rg_vault *vault);

/* ---- step.c ---------------------------------------------------------------------- */

/** One iteration of a phase: term values by step, counts which steps ran. Collective.
 *  RG_EDIVERGED. */
rg_status rg_iterate(rg_session *session, rg_batch *batch, const rg_phase *phase,
                     rg_progress_state *state, double *values);
/** Iterations of an epoch of a phase. */
int64_t rg_phase_iterations(const rg_session *session, const rg_phase *phase);
/** Learning rate at a position. */
double rg_rate_at(const rg_session *session, const rg_phase *phase,
                  const rg_progress_state *state);

/* ---- record.c -------------------------------------------------------------------- */

typedef struct rg_record rg_record;
/** Open RUN/log.jsonl and metrics.csv on rank 0, dropping what lies after `step`.
 *  Collective. */
rg_status rg_record_open(rg_session *session, const char *run, int64_t step,
                         rg_record **record);
void rg_record_epoch(rg_record *record, const rg_session *session, const rg_phase *phase,
                     const rg_progress_state *state, double rate, double cells_per_second);
void rg_record_close(rg_record *record);

#endif
