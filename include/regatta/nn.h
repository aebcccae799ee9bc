/** nn: one reverse-mode engine for every method: a static tape of coarse operations.
 *
 *  A recipe composes operations forwards, once; the engine plans memory once and replays
 *  the tape every step, backwards by walking it. Nothing is allocated inside a step.
 *
 *  Lanes. The global batch is `lanes` (a power of two) times `lane_cells` cells. A rank
 *  holds a contiguous range of lanes. Every sum over cells is taken inside a lane in a
 *  fixed order and over lanes along the tree of tensor.h, so the result does not depend
 *  on who holds which lane.
 *
 *  Parts. A node is `whole` (one part, width columns) or `blocked` (one part per block of
 *  features, for example per chromosome, all of the same width). A rank of a feature
 *  group holds a contiguous range of blocks; whole nodes are replicated over the group.
 *  Memory of a node is [part][lane][cell][column]: the rows of a part are this rank's
 *  cells, contiguous. Sums over blocks go along the tree too.
 *
 *  Conventions. Rows are cells. w is (out, in) for dense weights and (features, out) for
 *  weights of wide sparse inputs and wide outputs. Backward adds to d of its inputs (+=).
 *  A loss term is numerator / denominator over the global batch; ranks add. nn knows no
 *  ranks: what has to be added or gathered goes through rg_share.
 *  Nothing here is collective but rg_run_forward, rg_run_backward and rg_run_terms, over
 *  the share. */
#ifndef REGATTA_NN_H
#define REGATTA_NN_H

#include "regatta/kernels.h"

/* ---- the share of the batch and of the features ---------------------------------- */

/** Blocks of features of one modality: block b is features offset[b]..offset[b+1]. */
typedef struct rg_blocks {
  char name[32];     /* of the modality */
  int n;
  int64_t *offset;   /* n + 1, owned */
  rg_range mine;     /* blocks of this rank */
} rg_blocks;

/** How numbers are added and gathered over those who share the batch. The functions are
 *  collective over the group; alone (rg_share_alone) they are local trees. */
typedef struct rg_share {
  int lanes;
  int lane_cells;
  rg_range my_lanes;
  void *self;
  /** out[width] = tree over lanes of x[my lane][width]. */
  void (*sum_lanes)(const struct rg_share *share, const double *x, int64_t width,
                    double *out);
  /** out[width] = tree over all blocks of x[my block][width]. */
  void (*sum_blocks)(const struct rg_share *share, const rg_blocks *blocks,
                     const float *x, int64_t width, float *out);
  void (*sum_blocks_f64)(const struct rg_share *share, const rg_blocks *blocks,
                         const double *x, int64_t width, double *out);
  /** out[all lanes x lane_cells][d] from x[my lanes x lane_cells][d], in lane order. */
  void (*gather_lanes)(const struct rg_share *share, const float *x, int64_t d,
                       float *out);
  /** Finish a sum over lanes: g + s * stride is n floats summed over slot s of
   *  rg_tree_cover(lanes, my_lanes); the total goes to g. */
  void (*sum_slots)(const struct rg_share *share, float *g, int64_t stride, int64_t n);
} rg_share;
/** All lanes and blocks are here. Not collective. */
rg_share rg_share_alone(int lanes, int lane_cells);

/* ---- nodes and parameters -------------------------------------------------------- */

typedef struct rg_graph rg_graph;
typedef struct rg_op rg_op;
typedef struct rg_run rg_run;

/** A value on the tape. Dense: x[part][cell][width]; sparse: rows of a modality. */
typedef struct rg_node {
  const char *name;
  const rg_blocks *blocks; /* NULL: whole */
  int parts;               /* on this rank */
  int width;               /* columns of a part; 0 when sparse */
  bool sparse;             /* a modality's counts: see rg_run.sparse[] */
  bool input;              /* filled by the caller (rg_input), no gradient */
  bool free;               /* an input with a gradient: what the gradient check varies */
  int slot;                /* sparse: which of rg_run.sparse */
  int batch_at, batches;   /* columns from batch_at on that are the one-hot batch, so many;
                              set by the input "batch", kept by concat and the like */
  float *x;                /* value, this rank's cells */
  float *d;                /* gradient; NULL for inputs */
  rg_op *op;               /* producer; NULL for inputs */
} rg_node;

typedef enum rg_init {
  RG_INIT_ZERO,
  RG_INIT_ONE,
  RG_INIT_TORCH,   /* U(+-1/sqrt(fan_in)): Linear of PyTorch */
  RG_INIT_XAVIER,  /* U(+-sqrt(6/(fan_in + fan_out))) */
  RG_INIT_KAIMING, /* N(0, 2/fan_in) */
  RG_INIT_CONSTANT /* param.init_value */
} rg_init;

/** A named tensor of the flat arrays: rows x cols. Of a blocked parameter this rank holds
 *  the rows [row_low, row_low + rows). Weight sharing is the same name; each operation
 *  that uses a parameter has its own gradient area (a "use"), and the areas are added
 *  after the sum over lanes, so that sharing keeps the order of sums. */
typedef struct rg_param {
  char name[64];
  int group;               /* index into graph groups: who updates it */
  const rg_blocks *blocks; /* NULL: whole, replicated */
  int64_t total_rows, row_low, rows, cols;
  int64_t offset;          /* into the flat arrays of this rank */
  rg_init init;
  double init_value;
  int64_t fan_in, fan_out; /* of one block */
  double decay;            /* multiplier of the weight decay, default 1 */
  bool buffer;             /* running statistics: saved, never updated by gradients */
  bool wide;               /* one row per feature; gradient and update are done inside the
                              kernel's tiles where all lanes are here */
  int uses;                /* operations that share it */
  int batch_at, batches;   /* columns from batch_at on that belong to the batches, one
                              each; other data have other batches */
  bool batch_rows;         /* the rows belong to the batches instead */
  bool frozen;             /* never updated; of a normalisation: it works as in inference */
} rg_param;
static inline int64_t rg_param_size(const rg_param *param)
{
  return param->rows * param->cols;
}

/* ---- operations ------------------------------------------------------------------ */

/** The record of an operation or a loss: one per file, at its bottom. */
typedef struct rg_op_type {
  const char *name;
  const char *cite;
  const char *help;
  const rg_field *options; /* table of the options struct; may be NULL */
  size_t options_size;
  size_t state_size;       /* bytes of op->state, zeroed */
  bool is_loss;
  /** Check inputs, declare parameters, make the output (rg_op_output). RG_EUSAGE. */
  rg_status (*shape)(rg_graph *graph, rg_op *op);
  /** Buffers that live as long as the graph (rg_graph_scratch); may be NULL. */
  void (*plan)(rg_graph *graph, rg_op *op);
  void (*forward)(rg_run *run, rg_op *op);
  void (*backward)(rg_run *run, rg_op *op);
  /** Likelihoods: write the mean for this rank's cells and features (cells x local
   *  features of the modality). The dense inputs of the operation have been computed,
   *  the target need not have been, and forward has not run. NULL when it makes none. */
  void (*predict)(rg_run *run, rg_op *op, float *mean);
  /** Draw values in the place of the means that predict has just written; row i is keyed
   *  by (key, number[i]) and the feature. NULL: values are not drawn of it. */
  void (*draw)(rg_run *run, rg_op *op, const rg_key *key, const int64_t *number,
               float *values);
  /** Build a small graph around the operation for the gradient check (variant 0, 1, ...;
   *  false when there is no such variant). Ends in a loss term. */
  bool (*probe)(rg_graph *graph, int variant);
  double tolerance;        /* of the directional check, relative; and why */
  const char *tolerance_why;
} rg_op_type;

extern const rg_op_type *const rg_op_types[];   /* src/nn, generated, NULL-terminated */
extern const rg_op_type *const rg_loss_types[]; /* src/loss, generated */

#define RG_OP_INPUTS 12
#define RG_OP_PARAMS 8

struct rg_op {
  const rg_op_type *type;
  char name[64];
  int n_in;
  rg_node *in[RG_OP_INPUTS];
  rg_node *out;            /* NULL for a loss */
  int n_param;
  rg_param *param[RG_OP_PARAMS];
  int use[RG_OP_PARAMS];   /* which use of the parameter this is */
  void *options;           /* the type's options struct, owned */
  void *state;             /* state_size bytes, owned */
  /* losses: */
  double scale;            /* weight x ramp x sign of this step, set by the caller;
                              backward uses scale / denominator */
  double denominator;      /* of the global batch; set in forward */
  double *partial;         /* numerator: [part][lane] when the first input is blocked,
                              else [lane] */
  double value;            /* numerator / denominator of the global batch, after
                              rg_run_terms */
  int index;               /* place on the tape */
};

/* ---- composing a graph ----------------------------------------------------------- */

/** An empty graph for `cells` cells on this rank. share is borrowed. */
rg_graph *rg_graph_new(const rg_share *share, uint64_t seed);
void rg_graph_free(rg_graph *graph);
const rg_share *rg_graph_share(const rg_graph *graph);
int64_t rg_graph_cells(const rg_graph *graph); /* my lanes x lane_cells */
/** The group that parameters declared from now on belong to; returns its number. */
int rg_graph_group(rg_graph *graph, const char *name);
/** Multiplier of the weight decay of parameters declared from now on; 1 at first. */
void rg_graph_decay(rg_graph *graph, double factor);
int rg_graph_find_group(const rg_graph *graph, const char *name); /* -1 */
/** A dense input that the caller fills each step: node->x, whole. */
rg_node *rg_input(rg_graph *graph, const char *name, int width);
/** A dense input of part `blocks` (NULL: whole) that has a gradient. */
rg_node *rg_input_free(rg_graph *graph, const char *name, const rg_blocks *blocks,
                       int width);
/** A sparse input: the counts of a modality, cut into blocks (borrowed). */
rg_node *rg_input_sparse(rg_graph *graph, const char *name, const rg_blocks *blocks);
/** Apply an operation: inputs end with NULL; `name` is NAME or NAME:PARAMS, where PARAMS
 *  (default NAME) opens the names of its parameters (sharing); `options` is
 *  "key=value key=value" text or NULL. A failure (unknown operation, shape) is
 *  remembered and returned by rg_graph_plan; the returned node is then a dummy. For a
 *  loss use rg_loss. */
rg_node *rg_apply(rg_graph *graph, const char *type, const char *name,
                  const char *options, ...);
/** Add a loss term; returns its operation, borrowed. Inputs end with NULL. */
rg_op *rg_loss(rg_graph *graph, const char *type, const char *name,
               const char *options, ...);
/** Allocate values, gradients and parameters, initialise parameters. RG_EUSAGE for the
 *  first failure of composing. */
rg_status rg_graph_plan(rg_graph *graph);

/* inside shape(): */
rg_node *rg_op_output(rg_graph *graph, rg_op *op, const rg_blocks *blocks, int width);
/** Declare (or, by the same name, share) the parameter "op.suffix" with `rows` rows per
 *  block (whole: in all). Wide parameters have one row per feature of the blocks. */
rg_param *rg_op_param(rg_graph *graph, rg_op *op, const char *suffix,
                      const rg_blocks *blocks, int64_t rows, int64_t cols, rg_init init,
                      int64_t fan_in, int64_t fan_out);
rg_param *rg_op_param_wide(rg_graph *graph, rg_op *op, const char *suffix,
                           const rg_blocks *blocks, int64_t cols, rg_init init,
                           int64_t fan_in, int64_t fan_out);
/** A buffer of n floats that lives with the graph, zeroed. */
float *rg_graph_scratch(rg_graph *graph, int64_t n);
double *rg_graph_scratch_f64(rg_graph *graph, int64_t n);

/* ---- looking at a graph ---------------------------------------------------------- */

int rg_graph_ops(const rg_graph *graph);
rg_op *rg_graph_op(const rg_graph *graph, int i);
rg_op *rg_graph_find_op(const rg_graph *graph, const char *name);
int rg_graph_nodes(const rg_graph *graph);
rg_node *rg_graph_node(const rg_graph *graph, int i);
rg_node *rg_graph_find_node(const rg_graph *graph, const char *name);
int rg_graph_params(const rg_graph *graph);
rg_param *rg_graph_param(const rg_graph *graph, int i);
/** By name, or NULL. */
const rg_param *rg_graph_find_param(const rg_graph *graph, const char *name);
int64_t rg_graph_param_floats(const rg_graph *graph); /* on this rank */
/** Memory of a planned graph on this rank. */
typedef struct rg_graph_bytes {
  int64_t parameters, gradients; /* gradients with the buffers of their sums over lanes */
  int64_t tape;                  /* values of nodes, their gradients, buffers */
} rg_graph_bytes;
rg_graph_bytes rg_graph_memory(const rg_graph *graph);
/** The flat array of parameter values on this rank; offsets are rg_param.offset. */
float *rg_graph_flat(const rg_graph *graph);
/** Value of a parameter, and its gradient after rg_run_backward: this rank's rows.
 *  Borrowed. */
float *rg_param_value(const rg_graph *graph, const rg_param *param);
float *rg_param_gradient(const rg_graph *graph, const rg_param *param);
/** Freeze the parameters of the group `name`, or where there is none those whose names
 *  begin with it, before the first sequence is made; returns how many. */
int rg_graph_freeze(rg_graph *graph, const char *name);
/** Groups of parameters and their names. */
int rg_graph_groups(const rg_graph *graph);
const char *rg_graph_group_name(const rg_graph *graph, int i);
/** Draw every parameter anew from (seed, name, row). */
void rg_graph_init_params(rg_graph *graph, uint64_t seed);

/* ---- running --------------------------------------------------------------------- */

/** What a step computes: chosen terms, and which groups are updated. Made once. */
typedef struct rg_sequence rg_sequence;
/** Operations needed for `targets` (nodes, NULL-terminated or NULL) and `terms` (losses,
 *  NULL-terminated or NULL), and for the backward pass those that lead to parameters of
 *  the groups in the bit mask. Owned by the graph. */
rg_sequence *rg_sequence_new(rg_graph *graph, rg_node *const *targets,
                             rg_op *const *terms, uint64_t groups);
/** Operations needed for `targets` where the caller has filled `given`, forwards. */
rg_sequence *rg_sequence_from(rg_graph *graph, const rg_node *given,
                              rg_node *const *targets);

/** Operations between nodes that the caller fills (their x, before rg_run_forward) and a
 *  target: the way to its gradient with respect to them. `given` ends with NULL. Owned by
 *  the graph. */
rg_sequence *rg_sequence_given(rg_graph *graph, rg_node *const *given, rg_node *target);

/** Counts of the batch's cells in one modality: this rank's cells and features. */
typedef struct rg_sparse_batch {
  rg_csr rows;      /* cells x local features */
  rg_csr columns;   /* the transpose; made only for training */
} rg_sparse_batch;

/** One replay of the tape. */
struct rg_run {
  rg_graph *graph;
  const rg_share *share;
  const rg_sequence *sequence;
  bool train;                 /* dropout, batch statistics, sampling */
  bool draw;                  /* latents are drawn though it does not train */
  uint64_t seed;
  uint64_t step;              /* with seed and cell the key of every random number */
  double epoch;               /* passes over the cells so far in this phase, from 0 */
  const int64_t *cell;        /* number of each cell here, in the data set */
  rg_sparse_batch *sparse;    /* per sparse input */
  const rg_update *update;    /* not NULL: wide parameters whose lanes are all here are
                                 updated in their kernel; their gradient is not stored */
  rg_range slots[RG_TREE_SLOTS]; /* local lanes; filled by rg_run_forward */
  int n_slots;
};
void rg_run_forward(rg_run *run);
/** Zero the gradients, then walk the tape backwards; afterwards slot-wise parameter
 *  gradients are summed over lanes (rg_share.sum_slots) for the groups of the
 *  sequence. */
void rg_run_backward(rg_run *run);
/** With a sequence of rg_sequence_given, after rg_run_forward (train or not): the gradient
 *  of the sum of d (laid out as target->x) times the target becomes d of the given
 *  nodes. Normalisations by running statistics are constants. */
void rg_run_pull(rg_run *run, rg_node *target, const float *d);
/** Value of every term of the sequence over the global batch. Collective over the share.
 *  Returns false when one is not finite. */
bool rg_run_terms(rg_run *run);

/* helpers for operations */
static inline int64_t rg_run_lanes(const rg_run *run)
{
  return rg_range_n(run->share->my_lanes);
}
/** Gradient of op->param[k] as a sum over lanes in the fixed tree: `leaf` writes (not
 *  adds) the gradient of one local lane to dw (rg_param_size floats). Does nothing when
 *  the parameter is not updated in this sequence. */
void rg_gradient_over_lanes(rg_run *run, const rg_op *op, int k,
                            void (*leaf)(void *self, int64_t lane, float *dw),
                            void *self);
/** Where the gradient of the wide parameter op->param[k] goes: fused update or storage.
 *  Returns false when it is not updated in this sequence. */
bool rg_wide_gradient_of(rg_run *run, const rg_op *op, int k,
                         rg_wide_gradient *gradient);
/** True when the parameter's group is updated in this sequence. */
bool rg_run_updates(const rg_run *run, const rg_param *param);
/** True when the parameter was (or will be) updated inside its kernel in this run. */
bool rg_run_fused(const rg_run *run, const rg_param *param);

/* ---- gradient check -------------------------------------------------------------- */

/** Directional finite-difference check of an operation by its probe: every parameter and
 *  every dense input (which the probe fills). Returns the largest relative error over
 *  variants; text names the worst. Not collective. */
double rg_gradcheck(const rg_op_type *type, char *text, size_t n);
/** One run of a probe over a share: values of its terms, gradients of its parameters and
 *  of its free inputs (all cells of the batch), *n numbers that are the same bits for
 *  every cut into lanes. All blocks have to be here. Owned by the caller; NULL when there
 *  is no such variant. Collective over the share. */
float *rg_probe_values(const rg_op_type *type, int variant, const rg_share *share,
                       int64_t *n);
/** Blocks for probes: three blocks of 5, 1 and 7 features, all here. Static. */
const rg_blocks *rg_probe_blocks(void);

#endif
