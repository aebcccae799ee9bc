/** train: the distributed verbs around a model: who holds which lanes and features, the
 *  stream of batches, the step, checkpoints, stopping, records, and inference.
 *
 *  Ranks form a grid of lane groups x feature groups: a rank holds the cells of its lanes
 *  and the features of its blocks. With one lane group no gradient of a wide layer ever
 *  travels; with one feature group the gradients are summed over ranks. The trained
 *  parameters are the same bits on every grid. */
#ifndef REGATTA_TRAIN_H
#define REGATTA_TRAIN_H

#include "regatta/model.h"

/** Section `train` of the configuration. */
typedef struct rg_train_options {
  char *recipe;
  char *grid;            /* "auto", "lanes", "features" or "AxF" */
  char *teacher;         /* modality whose embedding is the teacher, or obsm key */
  int64_t lanes, batch;
  int64_t seed;
  double validation;     /* share of the cells left out of the steps and watched */
  int64_t checkpoint_epochs;
  double checkpoint_minutes;
  int64_t keep;          /* checkpoints kept */
  double max_hours;      /* 0: no limit */
  char *init_from;       /* run that parameters and constants come from; NULL: none */
  char *freeze;          /* groups or beginnings of names, "enc,dec"; NULL: none */
  int64_t max_steps;     /* 0: none; stops with a checkpoint as a signal would */
} rg_train_options;
extern const rg_field rg_train_fields[];

/** Section `data` of the configuration: which columns mean what. */
typedef struct rg_data_options {
  char *layer;  /* see rg_open_options */
  char *genome;
  char *batch;  /* columns of obs; NULL: none */
  char *labels;
  char *hold_out;   /* COLUMN[=VALUE,...]: cells that are left out of training */
  char *validation; /* the same: cells that validate; NULL: the share train.validation */
} rg_data_options;
extern const rg_field rg_data_fields[];

/* ---- the grid -------------------------------------------------------------------- */

typedef struct rg_grid rg_grid;
/** Make the grid `shape` of the ranks for a number of lanes; `auto` is lanes only, or with
 *  `wide` as many feature groups as divide the ranks, up to 16, and lanes of these.
 *  Collective. RG_EUSAGE when it does not fit. */
rg_status rg_grid_new(rg_comm *comm, const char *shape, int lanes, int lane_cells,
                      bool wide, rg_grid **grid);
void rg_grid_free(rg_grid *grid); /* Collective. */
const rg_share *rg_grid_share(const rg_grid *grid);
rg_comm *rg_grid_comm(const rg_grid *grid);
int rg_grid_lane_groups(const rg_grid *grid);
int rg_grid_feature_groups(const rg_grid *grid);
int rg_grid_lane_group(const rg_grid *grid);
int rg_grid_feature_group(const rg_grid *grid);
/** Sum doubles over the ranks of the feature group. Collective over the group. */
void rg_grid_sum_features(rg_grid *grid, double *x, int64_t n);
/** Range of blocks of a feature group: contiguous, balanced by features. Not collective. */
rg_range rg_grid_blocks(const int64_t *offset, int n, int group, int groups);

/* ---- a session: recipe, model and data together ---------------------------------- */

typedef struct rg_session rg_session;

/** Everything that defines a run besides the data. */
typedef struct rg_plan {
  rg_data_options data;
  const rg_recipe *recipe;
  void *settings;       /* of the recipe, owned */
  rg_train_options train;
  rg_prepare_options prepare;
  char *configuration;  /* rg_config_text, kept in the run folder and in checkpoints */
} rg_plan;

/** Set up training of a plan on a data set: covariates, teacher, grid, store, graph.
 *  `teacher` (may be empty) are this rank's rows of the teacher's embedding. With
 *  plan->train.init_from constants and parameters are those of that run, matched by name:
 *  the data set has to have its features (rg_prepare with keep_features). Columns of
 *  weights that read the one-hot batch go by the name of the batch; those of new batches
 *  are drawn, and new rows of tables of batches are the mean of the old. Collective.
 *  RG_EUSAGE, RG_EINPUT. */
rg_status rg_session_new(rg_comm *comm, const rg_plan *plan, const rg_dataset *dataset,
                         const rg_mat *teacher, rg_session **session);
void rg_session_free(rg_session *session); /* Collective. */
rg_graph *rg_session_graph(rg_session *session);
/** A rehearsal of a run: one process plays the busiest of many ranks, or as many processes
 *  as the run will have rehearse it together. The data set may be a sample of the first
 *  cells of what the run will read. */
typedef struct rg_rehearsal {
  int ranks;     /* of the run; the communicator has as many, or one */
  int64_t cells; /* of the whole data set; 0: the data set is no sample */
} rg_rehearsal;
/** Feature groups that train.grid=auto forms at most, as long as there are lanes: the
 *  longest of some 22 chromosomes is a twelfth of all; more groups would wait for it. */
enum { RG_FEATURE_GROUPS = 16 };
/** What is sent between the ranks of a rehearsal: as it would be, or as it was. */
typedef struct rg_messages {
  double rounds;   /* of messages, one after another */
  double messages; /* sent by this rank, outside MPI's collectives */
  double bytes;    /* sent by this rank */
} rg_messages;
/** Memory of this rank's session. */
typedef struct rg_session_bytes {
  rg_graph_bytes graph;
  int64_t moments; /* of the optimisers */
  int64_t held;    /* counts and dense inputs, of training and validation cells */
  int64_t filling; /* more, for a moment, while these are spread over the grid */
} rg_session_bytes;
/** rg_session_new for a rehearsal, whose session can only be timed. Collective. */
rg_status rg_session_rehearse(rg_comm *comm, const rg_plan *plan,
                              const rg_dataset *dataset, const rg_mat *teacher,
                              const rg_rehearsal *rehearsal, rg_session **session);
rg_session_bytes rg_session_memory(const rg_session *session);
/** How the training goes, from real steps. */
typedef struct rg_tempo {
  int lane_groups, feature_groups;
  int64_t lanes, batch; /* cells in all */
  int64_t cells;        /* that train */
  double imbalance;     /* features of the rank that has most, over their mean */
  int64_t steps;        /* that were timed */
  int64_t working;      /* bytes of batches and messages that the steps took */
  int64_t beside;       /* bytes of the process that rg_alloc knows nothing of */
  double validation;    /* seconds of it after an epoch */
  int n_phases;
  struct rg_phase_tempo {
    char name[32];
    int64_t epochs, iterations; /* iterations of an epoch */
    double seconds;             /* of an iteration, without what is counted in traffic */
    rg_messages traffic;         /* of an iteration; all 0 where it was not counted */
  } phase[RG_PHASES];
} rg_tempo;
/** Take steps of every phase for about `seconds` in all, a few at least. The parameters are
 *  of no use afterwards. Collective. RG_EDIVERGED; RG_EINPUT when a sample is too small
 *  for a batch. */
rg_status rg_session_time(rg_session *session, double seconds, rg_tempo *tempo);
/** Cells that the whole training sees, counted once per epoch. Not collective. */
int64_t rg_session_work(const rg_session *session);

/** Who is told of progress: cells seen so far and in all, and a note. May be NULL. */
typedef struct rg_watch {
  void (*at)(void *self, int64_t done, int64_t total, const char *note);
  void *self;
} rg_watch;

/** What happened in a training. */
typedef struct rg_outcome {
  int64_t steps, epochs;
  double seconds, cells_per_second;
  uint64_t hash; /* of the parameters */
} rg_outcome;
/** Train to the end of the plan, or until stopped (RG_ESTOPPED, a checkpoint is written)
 *  or diverged (RG_EDIVERGED). Writes RUN/log.jsonl, metrics.csv, checkpoints. `resume`:
 *  go on from the newest valid checkpoint when there is one. Collective. */
rg_status rg_train(rg_session *session, const char *run, bool resume,
                   const rg_watch *watch, rg_outcome *outcome);
/** Hash of all parameters that does not depend on the grid. Collective. */
uint64_t rg_parameter_hash(rg_session *session);
/** The hash that the newest valid checkpoint of a run carries. Collective. RG_EINPUT. */
rg_status rg_run_hash(rg_comm *comm, const char *run, uint64_t *hash);

/** Number the batches and labels of `dataset` as the data set a run was trained on
 *  (RUN/prepared) does; those that one did not have count as none. Not collective. */
void rg_adopt_categories(const rg_dataset *trained, rg_dataset *dataset);
/** Number the batches and labels of `dataset` as `trained` does, and those that it did not
 *  have after them: for training that goes on from a run. Not collective. */
void rg_extend_categories(const rg_dataset *trained, rg_dataset *dataset);
/** Load the newest valid checkpoint of a run for inference on a data set prepared with the
 *  run's features. Collective. RG_EINPUT. */
rg_status rg_session_open(rg_comm *comm, const char *run, const rg_dataset *dataset,
                          rg_session **session);
/** Where a plan comes from, lowest first: defaults, the recipe's defaults, a YAML file,
 *  assignments "section.key=value"; `recipe` overrides all. Borrowed; any may be NULL. */
typedef struct rg_sources {
  const char *file;
  int n_assignments;
  char *const *assignments;
  const char *recipe;
} rg_sources;
/** Make a plan; free with rg_plan_fini. Collective. RG_EUSAGE. */
rg_status rg_plan_make(rg_comm *comm, const rg_sources *sources, rg_plan *plan);
/** Read and write RUN/used_config.yaml. Collective. */
rg_status rg_plan_read(rg_comm *comm, const char *run, rg_plan *plan);
rg_status rg_plan_write(rg_comm *comm, const rg_plan *plan, const char *run);
void rg_plan_fini(rg_plan *plan);

/** An embedding of every cell of the data set (this rank's rows, rg_part), by its index in
 *  the model; rows of cells that lack the modality are NaN. Collective. */
rg_status rg_embed(rg_session *session, int which, rg_mat *embedding);
int rg_session_embeddings(const rg_session *session);
const char *rg_session_embedding_name(const rg_session *session, int which);
/** Groupings of the model: columns of obs that it makes. Not collective. */
int rg_session_groupings(const rg_session *session);
const char *rg_session_grouping_name(const rg_session *session, int which);
/** Probability of every group for this rank's rows, NaN for cells without what the model
 *  reads, and the names of the groups. Owned. Collective. */
rg_status rg_group_shares(rg_session *session, int which, rg_mat *shares,
                          rg_strings *groups);
/** How rg_predict reads a model out. */
typedef struct rg_read_out {
  const char *from; /* modality that alone is read; NULL: all that a cell has */
  const char *to;
  int batch;        /* all cells count as of this batch; -1: each of its own */
  bool level;       /* covariate "depth" is 0 for all */
  int64_t draws;    /* 0: at the mean of the latent; else the mean over so many draws */
  bool values;      /* instead of means one draw of latent and values */
} rg_read_out;
/** The modality that is imputed where none is named: atac, or the first that the model
 *  predicts from all that a cell has; NULL: none. Not collective. */
const char *rg_session_imputes(const rg_session *session);
/** Mean of modality `to` for this rank's rows, features in the order of the data set; NaN
 *  rows for cells without `from`. Collective. RG_EUSAGE when the recipe does not predict
 *  this. */
rg_status rg_predict(rg_session *session, const rg_read_out *read_out, rg_mat *mean);

/** Cells to be made from latents. Borrowed. */
typedef struct rg_generation {
  const char *to;       /* modality */
  const rg_mat *latent; /* a row for every cell of this rank, of model->latent's width */
  const int64_t *like;  /* cells of the data set whose library and batch they have */
  bool counts;          /* values are drawn, else means */
  uint64_t seed;
  int64_t first;        /* number of this rank's first cell: with seed the key of a draw */
} rg_generation;
/** Decode modality `to` from given latents; rows as those of `latent`, features in the
 *  order of the data set. Collective. RG_EUSAGE when the recipe does not. Owned. */
rg_status rg_generate(rg_session *session, const rg_generation *generation,
                      rg_mat *values);

/* ---- explaining ------------------------------------------------------------------ */

/** What rg_explain is asked. Borrowed; zero or NULL: the default. */
typedef struct rg_explain_options {
  const char *from;          /* modality whose features explain; NULL: all of them, or of
                                a translation the one that is not `to` when there are two */
  const char *to;            /* modality that is predicted from `from`; NULL: the groups or
                                labels of the model */
  const rg_strings *targets; /* names of groups or features; NULL: all groups, or the 50
                                features whose prediction varies most */
  int64_t cells;             /* of the sample that is explained and the background */
  int64_t draws;             /* of the background per cell and target, four points each */
} rg_explain_options;

/** Relevance of features: the mean over cells of |phi|, phi the expected gradients of a
 *  target: (x - x') df/dx at x' + a (x - x'), the mean over draws of a background cell x'
 *  and of a in (0, 1) (Erion, Janizek, Sturmfels, Lundberg, Lee 2021). Groups are explained
 *  in the scores that their probabilities are the softmax of, translations in the values
 *  that translate writes (of binary features: logits). Replicated, owned. */
typedef struct rg_explanation {
  int64_t cells, draws;
  rg_strings targets;
  int n_inputs;
  struct rg_explained {
    char modality[32];
    rg_mat relevance; /* features x targets */
  } input[RG_MODALITIES];
  double *error;     /* per target: root mean square over cells of sum phi - (f(x) -
                        mean f(x')) */
  double *tolerance; /* three standard errors of that difference, from its spread over the
                        draws, and rounding */
  double *spread;    /* root mean square of f(x) - mean f(x') */
} rg_explanation;
void rg_explanation_fini(rg_explanation *explanation); /* not collective */
/** Explain a trained run on cells of a data set prepared with the run's features. The same
 *  bits on any number of ranks that divides train.lanes among them. RG_EUSAGE when the
 *  recipe does not explain this; RG_EFAIL when a sum of phi is off by more than the
 *  tolerance. Collective. */
rg_status rg_explain(rg_comm *comm, const char *run, const rg_dataset *dataset,
                     const rg_explain_options *options, rg_explanation *explanation);

/* ---- stopping -------------------------------------------------------------------- */

/** Catch SIGTERM and SIGUSR1 as requests to stop, or leave them to end the program again.
 *  Pairs may lie in each other: the outermost counts. Not collective. */
void rg_stop_on_signals(bool catch);
/** True when a stop was requested by a signal here, by the file RUN/stop or by the time
 *  limit. Not collective. */
bool rg_stop_requested(const char *run, double started, double max_hours);

#endif
