/** model: recipes. A recipe is one file src/model/recipe_NAME.c that exports a record: its
 *  settings, the covariates it derives from the data, and a function that composes the
 *  tape and says in which phases and steps it is trained. It knows neither ranks nor
 *  files: the trainer hands it facts about the data and fills the inputs it names.
 *
 *  A phase is a list of steps repeated for some epochs; a step is terms with weight and
 *  sign and the groups of parameters it updates. An adversary is two steps, a warm-up is
 *  a phase. Nothing here is collective but the covariates of a recipe. */
#ifndef REGATTA_MODEL_H
#define REGATTA_MODEL_H

#include "regatta/nn.h"
#include "regatta/optim.h"
#include "regatta/prepare.h"

/* ---- what a recipe is told ------------------------------------------------------- */

#define RG_MODALITIES 8

/** Facts about the training data. Borrowed. */
typedef struct rg_facts {
  int n_modalities;
  struct rg_fact_modality {
    const char *name;
    int64_t n_features;
    const rg_blocks *blocks; /* per chromosome where known, else equal cuts */
    rg_value_kind values;    /* counts, or numbers that somebody normalised */
  } modality[RG_MODALITIES];
  int n_batches;             /* of the nuisance batch; 0 or 1: none */
  int n_labels;
  int64_t n_cells;           /* that the model is or was trained on */
  int64_t steps_per_epoch;   /* iterations of a pass over the training cells; 1 when a
                                trained model is opened */
  int teacher_axes;          /* columns of the covariate "teacher"; 0: none */
} rg_facts;
/** Index of a modality, or -1. Not collective. */
int rg_facts_find(const rg_facts *facts, const char *name);

/* ---- what a recipe derives from the data ----------------------------------------- */

/** Values per cell that fill the dense inputs of the same name. Rows are this rank's cells
 *  of the data set (rg_part). Owned. */
typedef struct rg_covariates {
  int n;
  struct rg_covariate {
    char name[64];
    rg_mat mat;
  } item[32];
} rg_covariates;
void rg_covariates_fini(rg_covariates *covariates);
/** Add a zeroed one and return its matrix. Not collective. */
rg_mat *rg_covariates_add(rg_covariates *covariates, const char *name, int64_t rows,
                          int64_t cols);
const rg_mat *rg_covariates_find(const rg_covariates *covariates, const char *name);

/** Named numbers that belong to the trained model: standardisation, feature weights. They
 *  are fitted once, on training data, and saved with the checkpoint. Replicated. Owned. */
typedef struct rg_constants {
  int n;
  struct rg_constant {
    char name[64];
    int64_t n;
    double *x;
  } item[64];
} rg_constants;
void rg_constants_fini(rg_constants *constants);
/** Find, or add with n zeros; NULL when it is not there and n == 0. Not collective. */
double *rg_constants_get(rg_constants *constants, const char *name, int64_t n);
/** Length of a constant, 0 when absent. */
int64_t rg_constants_length(const rg_constants *constants, const char *name);

/* ---- what a recipe makes --------------------------------------------------------- */

typedef enum rg_ramp {
  RG_RAMP_NONE,
  RG_RAMP_LINEAR,       /* up over `period` epochs */
  RG_RAMP_CYCLIC,       /* SAILER's annealing over `period` epochs */
  RG_RAMP_CYCLIC_EXACT, /* the same as released SAILERX: one epoch early, rounded */
  RG_RAMP_CYCLIC_EPOCH, /* as released SAILER: one epoch early, changed once an epoch */
  RG_RAMP_BURN_IN       /* down over `period` epochs */
} rg_ramp;

typedef struct rg_term {
  rg_op *loss;
  double weight; /* sign included */
  rg_ramp ramp;
  double period; /* epochs */
} rg_term;

#define RG_TERMS 24
typedef struct rg_step {
  char name[32];
  int n_terms;
  rg_term term[RG_TERMS];
  uint64_t groups; /* bit mask of parameter groups updated */
  int every;       /* runs in every n-th iteration, default 1 */
  int passes;      /* over the data per epoch where steps take turns, default 1 */
  bool together;   /* where steps take turns: runs in the passes of the step before it */
  double clip;     /* of the global gradient norm; 0: none */
  int optimiser;   /* steps with the same number share moments */
} rg_step;

typedef enum rg_schedule {
  RG_RATE_CONSTANT,
  RG_RATE_DECAY, /* factor per epoch */
  RG_RATE_COSINE, /* to zero at the end of the phase */
  RG_RATE_PLATEAU
} rg_schedule;

#define RG_STEPS 4
typedef struct rg_phase {
  char name[32];
  int64_t epochs;
  int64_t least_steps; /* epochs are added on small data until so many iterations */
  int n_steps;
  rg_step step[RG_STEPS];
  double rate;
  rg_schedule schedule;
  double factor; /* of decay, or of a plateau */
  bool fresh;    /* optimisers start anew */
  bool turns;    /* steps take turns: an epoch is step[s].passes passes over the data with
                    step s, one step after the other; else every iteration runs all */
  /* with model.watch and cells left out for validation (train.validation): */
  int64_t burn_in;          /* epochs before the watched value counts */
  int64_t patience;         /* the phase ends after so many epochs without a new best, and
                               goes back to the best parameters; 0: never */
  int64_t plateau_patience; /* of RG_RATE_PLATEAU: epochs without a new best (relative
                               1e-4) before the rate is multiplied by `factor` */
} rg_phase;

/** How the values of a sparse input are made from counts. */
typedef enum rg_weigh {
  RG_WEIGH_ONES,   /* 1 at every nonzero */
  RG_WEIGH_COUNTS, /* the counts */
  RG_WEIGH_LOG,    /* log1p(1e4 x / row sum) */
  RG_WEIGH_LOG_COUNTS, /* log1p(x) */
  RG_WEIGH_IDF,    /* idf^power at every nonzero, row scaled to length `scale` */
  RG_WEIGH_SIZE,   /* x / row sum x median row sum of the training cells: target of BABEL */
  /** Standard scores of log1p of RG_WEIGH_SIZE (of values that are no counts: of these),
   *  by the training cells' means and deviations (n - 1), cut at the quantiles `power` and
   *  1 - power of all scores, or with power 0 at +-`scale`; less the score of zero, so that
   *  they stay sparse. A linear layer on them is one on the scores but for its bias, where
   *  the scores of zeros end up. Input of BABEL, which has power 0.005. */
  RG_WEIGH_ZSCORE
} rg_weigh;

#define RG_PHASES 8
#define RG_OUTPUTS 32
#define RG_CHOICES 4
typedef struct rg_model {
  rg_graph *graph; /* borrowed while composing */
  rg_update_kind optimiser;
  double weight_decay;
  int n_phases;
  rg_phase phase[RG_PHASES];
  int n_sparse;    /* how sparse inputs are filled, by rg_node.slot */
  struct rg_sparse_input {
    char modality[32];
    rg_weigh weigh;
    double power, scale;
    bool partner; /* of each cell's partner instead of the cell itself, */
    int of;       /* as this other sparse input reads it */
  } sparse[RG_MODALITIES];
  int n_embeddings; /* the first is the embedding of a cell */
  struct rg_embedding {
    char name[32]; /* "": obsm/X_<recipe>; else obsm/X_<recipe>_<name> */
    rg_node *node;
    bool unit; /* rows are scaled to unit length when written */
    rg_node *mask; /* cells whose row is written; the others get NaN. NULL: all */
  } embedding[RG_OUTPUTS];
  int n_likelihoods; /* for impute and translate */
  struct rg_likelihood {
    char from[32]; /* modality that alone is read; "": all that a cell has (impute) */
    char modality[32];
    rg_op *op; /* has predict */
  } likelihood[RG_OUTPUTS];
  int n_starts; /* biases of outputs that start at the logit of how often a feature is
                   open, or at the log of its share of all counts (logits of a softmax) */
  struct rg_start {
    char param[64], modality[32];
    bool of_counts;
  } start[RG_OUTPUTS];
  int n_moments; /* operations `standardise` that get the mean and deviation of a sparse
                    input, as it is weighed, over the training cells that have it */
  struct rg_moments {
    char param[64]; /* PARAMS of the operation */
    int slot;       /* of the sparse input */
  } moments[RG_MODALITIES];
  int n_choices; /* operations `choose`: after an epoch the loss that was the lowest wins */
  struct rg_choice {
    char param[64]; /* PARAMS of the operation */
    int n;
    rg_op *loss[RG_OP_INPUTS];
    double enough; /* wins after which nothing changes any more, as a share of the epochs
                      of the phase */
  } choice[RG_CHOICES];
  int n_groupings; /* what embed writes as columns of obs */
  struct rg_grouping {
    char name[32];
    rg_node *node;   /* probabilities of the groups */
    rg_node *scores; /* what they are the softmax of: explain takes these apart, which
                        change more evenly between two cells */
    bool labels;     /* the groups are the labels trained on; else they have numbers */
  } grouping[RG_CHOICES];
  int n_explained; /* modalities whose features explain takes a prediction apart into */
  struct rg_explained_input {
    char modality[32];
    rg_node *first; /* a linear layer of the modality: `linear` of its dense values, or
                       `sum_blocks` of a `sparse_linear` */
  } explained[RG_MODALITIES];
  int partner_neighbours; /* with partners: a cell's partner in a step is, with the
                             probability partner_share, one of so many nearest
                             neighbours in the teacher's graph, else any cell; dense
                             inputs "near:NAME" are its covariate NAME */
  double partner_share;
  bool teacher_centred;   /* the teacher's rows lose the mean of their batch first */
  int teacher_neighbours; /* the covariate "teacher" is the mean over so many nearest
                             neighbours by cosine; 0: as given */
  double teacher_length;  /* its rows are scaled to this length; 0: as given */
  struct rg_prior { /* n > 0: dense inputs "prior:M" of so many axes put like cells of the
                       modalities near each other; "anchored:M" is 1 where a cell has one.
                       Zeros at inference */
    char kind[8];   /* "auto|pairs|mnn" */
    int reference;  /* whose components the axes are */
    int axes;
    double length;  /* of a row */
    int n;
    char modality[RG_MODALITIES][32];
    char input[RG_MODALITIES][64]; /* dense input with its components, */
    int input_axes[RG_MODALITIES]; /* so many columns */
  } prior;
  rg_node *latent;   /* what regatta generate draws and decodes from; NULL: it cannot */
  int n_regressions; /* linear layers that no step trains, fitted after the phases */
  struct rg_regression {
    rg_op *layer;
    rg_node *target;
    rg_node *mask; /* cells that count; NULL: all */
    double ridge;
  } regression[RG_MODALITIES];
  int n_watch; /* what early stopping and plateaus look at: the weighted sum of losses over
                  the cells left out for validation, with latents drawn, dropout off and
                  the running statistics of normalisations; no step may update them */
  struct rg_watch_term {
    rg_op *loss;
    double weight;
  } watch[RG_TERMS];
} rg_model;

rg_phase *rg_model_phase(rg_model *model, const char *name, int64_t epochs, double rate);
rg_step *rg_phase_step(rg_phase *phase, const char *name, uint64_t groups);
void rg_step_term(rg_step *step, rg_op *loss, double weight, rg_ramp ramp, double period);
/** A sparse input of a modality with its weighing. */
rg_node *rg_model_counts(rg_model *model, rg_graph *graph, const char *name,
                         const rg_facts *facts, const char *modality, rg_weigh weigh,
                         double power, double scale);
/** The same of each cell's partner, wherever its row lives. */
rg_node *rg_model_partner(rg_model *model, rg_graph *graph, const char *name,
                          const rg_node *of);
void rg_model_embedding(rg_model *model, const char *name, rg_node *node, bool unit);
/** An embedding of the cells where `mask` is above 0. */
void rg_model_embedding_of(rg_model *model, const char *name, rg_node *node, bool unit,
                           rg_node *mask);
void rg_model_start(rg_model *model, const char *param, const char *modality);
void rg_model_start_shares(rg_model *model, const char *param, const char *modality);
void rg_model_likelihood(rg_model *model, const char *modality, rg_op *op);
/** Modality `to` predicted from `from` alone, for translate. */
void rg_model_translation(rg_model *model, const char *from, const char *to, rg_op *op);
/** The likelihood of `to` from `from` ("": all that a cell has), or NULL. */
const struct rg_likelihood *rg_model_find(const rg_model *model, const char *from,
                                          const char *to);
/** What the mean of a likelihood is read from: its inputs but the target, then NULL. */
void rg_likelihood_sources(const rg_op *op, rg_node *sources[RG_OP_INPUTS + 1]);
/** Let a modality take part in model->prior, with the dense input that says which of its
 *  cells are near. */
void rg_model_prior(rg_model *model, const char *modality, const char *input, int axes);
/** After the last phase, fit `fitted` (the output of an operation linear, of parameters
 *  that no step updates) to `target` by ridge regression over the training cells where
 *  `mask` is above 0, the trained model read out without noise. `ridge` is in units of the
 *  mean variance of the regressors. */
void rg_model_regress(rg_model *model, rg_node *fitted, rg_node *target, rg_node *mask,
                      double ridge);
/** The operation `standardise` with the parameters `param` gets the moments of a sparse
 *  input. */
void rg_model_moments(rg_model *model, const char *param, const rg_node *sparse);
/** The operation `choose` with the parameters `param` counts which of n losses, terms of
 *  steps, is the lowest in an epoch; no more when one has won in the share `enough` of the
 *  epochs of a phase. */
void rg_model_choice(rg_model *model, const char *param, int n, rg_op *const *loss,
                     double enough);
/** The most probable group of a cell becomes the column <recipe>_<name> of obs, its
 *  probability <recipe>_<name>_probability. */
void rg_model_grouping(rg_model *model, const char *name, rg_node *probabilities,
                       rg_node *scores, bool labels);
/** Features of a modality can be explained: everything that depends on them goes through
 *  `first`, a layer linear in them. */
void rg_model_explains(rg_model *model, const char *modality, rg_node *first);
/** Add a loss to what is watched. */
void rg_model_watch(rg_model *model, rg_op *loss, double weight);

/* ---- standard inputs ------------------------------------------------------------- */

/** Dense inputs that every recipe can ask for by their name alone, as in
 *  rg_input(graph, "has:rna", 1). Rows of cells without are zero.
 *    batch      (n_batches)  1 in the column of the cell's batch
 *    label      (n_labels)   1 in the column of the cell's label
 *    labelled   (1)          1 where the label is known
 *    has:M      (1)          1 where modality M was measured and is not empty
 *    both:M,N   (1)          1 where both were
 *    is:M       (modalities) 1 in the column of modality M, for every cell
 *    library:M  (1)          sum of the counts of the features used
 *    depth:M    (1)          log(1 + library), standardised over the training cells
 *    typical:M  (1)          for every cell the library whose log is the mean over the
 *                            training cells
 *    expected:M,N (1)        the library of N that is to be expected by that of M, in
 *                            proportion to their means over the training cells
 *    pca:M      (rg_projection_axes) principal components of M, RG_PROJECT_ZSCORE
 *    lsi:M      (the same)   latent semantic indexing of M, RG_PROJECT_LSI
 *    smooth:K:NAME (as NAME) the dense input NAME as a mean over a cell and its K nearest
 *               neighbours, weighed by their connectivities; made by train
 *  Make the input `name` of `cols` columns. What has to be fitted is fitted on the cells
 *  that `trains` marks (this rank's; NULL: all) when `fit`, and kept as the constant
 *  `name`. RG_EFAIL when the name is none of these, RG_EINPUT. Collective. */
rg_status rg_standard_input(rg_comm *comm, const rg_dataset *dataset, const char *name,
                            int64_t cols, bool fit, const bool *trains,
                            rg_constants *constants, rg_covariates *covariates);
/** True where a cell (row of this rank) was measured and is not empty. Not collective. */
bool rg_has_counts(const rg_prepared_modality *modality, int64_t row);

/* ---- the record ------------------------------------------------------------------ */

typedef struct rg_recipe {
  const char *name;
  const char *cite;
  const char *help;       /* what it learns */
  const char *good_for;   /* when to choose it */
  const char *modalities; /* needed, "atac" or "rna,atac"; "": whatever there is */
  int least;              /* number of modalities needed, 0: those named above */
  bool mosaic;            /* trains on cells that have any modality of the data; else on
                             cells that have all that are named above, or, where none is,
                             all modalities of the data */
  bool by_lanes;          /* a rank needs all features of its cells: train.grid=auto means
                             lanes */
  bool teacher;           /* needs the covariate "teacher" */
  const rg_field *fields; /* section named like the recipe */
  size_t settings_size;
  const char *const *defaults; /* "section.key=value" that differ from the general
                                  defaults; NULL-terminated */
  /** Fill covariates other than the standard ones (below); `fit` on training data:
   *  then fit the constants that are not there (those of a run that training goes on from
   *  are), else use them. NULL: none. Collective. */
  rg_status (*covariates)(rg_comm *comm, const rg_dataset *dataset, const void *settings,
                          bool fit, rg_constants *constants, rg_covariates *covariates);
  /** Compose the tape and its phases. Not collective. */
  rg_status (*compose)(rg_graph *graph, const rg_facts *facts, const void *settings,
                       rg_model *model);
} rg_recipe;

extern const rg_recipe *const rg_recipes[]; /* generated; NULL-terminated */
/** RG_EUSAGE with the nearest name when unknown. Not collective. */
rg_status rg_recipe_find(const char *name, const rg_recipe **recipe);
/** RG_EINPUT when data of these modalities are not enough for the recipe; the message names
 *  the recipes that they are enough for. Not collective. */
rg_status rg_recipe_check(const rg_recipe *recipe, const rg_strings *modalities);

#endif
