/** What the operations of src/nn and src/loss share: addressing of [part][lane][cell]
 *  values and plain loops. */
#ifndef REGATTA_NN_OP_INTERNAL_H
#define REGATTA_NN_OP_INTERNAL_H

#include "regatta/nn.h"

static inline int64_t cells_of(const rg_run *run)
{
  return rg_graph_cells(run->graph);
}

/** Rows of a part: cells x width. */
static inline float *part_x(const rg_run *run, const rg_node *node, int part)
{
  return node->x + (int64_t)part * cells_of(run) * node->width;
}

static inline float *part_d(const rg_run *run, const rg_node *node, int part)
{
  return node->d + (int64_t)part * cells_of(run) * node->width;
}

/** Rows of one lane of a part: lane_cells x width. */
static inline float *lane_x(const rg_run *run, const rg_node *node, int part, int64_t lane)
{
  return part_x(run, node, part) + lane * run->share->lane_cells * node->width;
}

static inline float *lane_d(const rg_run *run, const rg_node *node, int part, int64_t lane)
{
  return part_d(run, node, part) + lane * run->share->lane_cells * node->width;
}

/** Floats of a node on this rank. */
static inline int64_t node_floats(const rg_run *run, const rg_node *node)
{
  return (int64_t)node->parts * cells_of(run) * node->width;
}

/** Key of the random numbers of an operation in this step. */
static inline rg_key op_key(const rg_run *run, const rg_op *op, rg_purpose purpose)
{
  return (rg_key){.seed = run->seed,
                  .step = run->step << 10 | (uint64_t)op->index,
                  .purpose = (uint32_t)purpose};
}

/** Number of a block's first column in the joined matrix of all parts. */
static inline int64_t joined_column(const rg_node *node, int part)
{
  int64_t block = node->blocks ? node->blocks->mine.low + part : 0;
  return block * node->width;
}

/** out[width] = scale times the sum of n rows of x, one after the other in double. */
void rg_sum_of_rows(const float *x, int64_t n, int64_t width, double scale, float *out);
/** Gradient of the bias op->param[k]: sums of the output's gradient over cells. */
void rg_bias_gradient(rg_run *run, const rg_op *op, int k);
/** Offsets of this rank's blocks: the kernels' cut of its features. */
static inline const int64_t *my_offsets(const rg_blocks *blocks)
{
  return blocks->offset + blocks->mine.low;
}
/** Cells of the global batch. */
static inline double batch_cells(const rg_run *run)
{
  return (double)run->share->lanes * run->share->lane_cells;
}
/** The columns of the parameter are those of the node, so it has the batches' as well. */
void rg_batch_columns_of(rg_param *param, const rg_node *node);
/** torch, xavier, kaiming or zero. */
rg_init rg_init_named(const char *name);

/** RG_EUSAGE unless the operation has n inputs. */
static inline rg_status need_inputs(const rg_op *op, int n)
{
  if (op->n_in != n)
    return rg_fail(RG_EUSAGE, "%s %s needs %d inputs, got %d", op->type->name, op->name,
                   n, op->n_in);
  return RG_OK;
}

static inline rg_status need_dense(const rg_op *op, int k)
{
  if (op->in[k]->sparse)
    return rg_fail(RG_EUSAGE, "%s %s: input %d is sparse", op->type->name, op->name, k);
  return RG_OK;
}

#endif
