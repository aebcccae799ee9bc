/** Stacks of [linear, norm, activation, dropout], which most recipes share. For src/model
 *  only. */
#ifndef REGATTA_MODEL_MLP_H
#define REGATTA_MODEL_MLP_H

#include "regatta/model.h"

#define RG_MLP_LAYERS 8

/** A stack. What is left at zero is not there. */
typedef struct rg_mlp {
  int depth;
  int64_t width[RG_MLP_LAYERS];
  const char *init;         /* of weights, as the operation linear has it; NULL: torch */
  const char *norm;         /* "batchnorm" or "layernorm" */
  const char *norm_options; /* of that operation */
  bool norm_last;           /* after the activation (GLUE, CLUE, scCross), else before */
  const char *activation;   /* "prelu", or options of the operation activation */
  double dropout;           /* share of units */
  double drop_blocks;       /* share of the units that a block of a sparse x leads to */
  rg_node *with;            /* stands beside the input of every layer: the batch */
  rg_node *measured;        /* the cells whose mean and variance normalise; NULL: all */
} rg_mlp;

/** The stack with the same width in every layer. */
rg_mlp rg_mlp_of(int depth, int64_t width);
/** Apply a stack to x, dense and whole, or sparse (then without `with`). Layer k = 1, 2,
 *  ... has the operations PREFIX.fcK (of a sparse x also .product and .drop),
 *  PREFIX.normK, PREFIX.actK and PREFIX.dropK. `prefix` is NAME or NAME:PARAMS, as in
 *  rg_apply: stacks with the same PARAMS share parameters. */
rg_node *rg_mlp_apply(rg_graph *graph, const char *prefix, const rg_mlp *mlp, rg_node *x);
/** One linear layer to `width` columns under the operation (and parameter) name
 *  `prefix`; x and with as above. */
rg_node *rg_mlp_linear(rg_graph *graph, const char *prefix, const char *init, int64_t width,
                       rg_node *x, rg_node *with);
/** x with the columns of `with` (may be NULL) behind it. */
rg_node *rg_mlp_beside(rg_graph *graph, const char *prefix, rg_node *x, rg_node *with);

#endif
