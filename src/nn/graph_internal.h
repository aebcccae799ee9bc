/** The inside of rg_graph, for src/nn only. */
#ifndef REGATTA_NN_GRAPH_INTERNAL_H
#define REGATTA_NN_GRAPH_INTERNAL_H

#include "regatta/nn.h"

#define RG_MAX_NODES 512
#define RG_MAX_OPS 512
#define RG_MAX_PARAMS 1024
#define RG_MAX_GROUPS 32
#define RG_MAX_BUFFERS 4096

struct rg_sequence {
  bool *forward;  /* per operation: is computed */
  bool *backward; /* per operation: its backward runs */
  bool *gradient; /* per node: its d is needed */
  int *uses;      /* per parameter: uses whose backward runs */
  uint64_t groups;
  bool trains;
  bool *given; /* per node: filled by the caller; NULL: none is */
};

struct rg_graph {
  const rg_share *share;
  uint64_t seed;
  int64_t cells;
  rg_status status; /* first failure of composing */
  char *failure;
  bool planned;

  int n_nodes, n_ops, n_params, n_groups, n_sequences, n_buffers, n_sparse;
  rg_node *node[RG_MAX_NODES];
  float *node_gradient[RG_MAX_NODES];
  rg_op *op[RG_MAX_OPS];
  const char *op_params[RG_MAX_OPS]; /* PARAMS part of the name */
  rg_param *param[RG_MAX_PARAMS];
  char group[RG_MAX_GROUPS][32];
  int current_group;
  double current_decay;
  rg_sequence *sequence[64];
  void *buffer[RG_MAX_BUFFERS];
  int64_t scratch_bytes; /* of rg_graph_scratch, all together */

  int64_t floats;   /* parameters of this rank */
  float *value;
  int64_t *use_offset[RG_MAX_PARAMS]; /* per use: into one slot of gradient */
  int64_t gradient_floats;            /* of one slot */
  int n_slots;
  rg_range slots[RG_TREE_SLOTS];
  float *gradient; /* n_slots x gradient_floats */
  float *tree;     /* scratch of rg_gradient_over_lanes */
  int tree_depth;
  int64_t tree_floats;
};

void *rg_graph_own(rg_graph *graph, void *memory);
void rg_graph_fail(rg_graph *graph, rg_status status);
int rg_graph_node_index(const rg_graph *graph, const rg_node *node);
int rg_graph_param_index(const rg_graph *graph, const rg_param *param);
void rg_graph_plan_params(rg_graph *graph);
void rg_sequence_free(rg_sequence *sequence);
/** Gradient of one use of a parameter in a slot. */
float *rg_use_gradient(const rg_graph *graph, const rg_param *param, int use, int slot);

#endif
