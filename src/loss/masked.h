/** What losses over the measured cells share: masks of one column (> 0: the cell counts)
 *  and the denominators they give. */
#ifndef REGATTA_LOSS_MASKED_H
#define REGATTA_LOSS_MASKED_H

#include "src/nn/op_internal.h"

#define RG_REDUCTION(type, preset)                                                        \
  {"reduction", RG_CHOICE, offsetof(type, reduction), preset, 0, 0, "sum|cell|mean",      \
   NULL,                                                                                  \
   "sum; mean over the cells that count of sums over columns; or mean over both"}

/** in[k] as a mask, or NULL when there are fewer inputs. */
static inline const rg_node *mask_at(const rg_op *op, int k)
{
  return k < op->n_in ? op->in[k] : NULL;
}

static inline bool cell_counts(const rg_node *mask, int64_t cell)
{
  return !mask || mask->x[cell] > 0;
}

/** Cells of the global batch that count, at least 1. Collective over the share; uses
 *  op->partial, so before the numerators are written. */
double rg_cells_that_count(rg_run *run, rg_op *op, const rg_node *mask);
/** 1, the cells that count, or those times width. Collective as above. */
double rg_masked_denominator(rg_run *run, rg_op *op, const rg_node *mask,
                             const char *reduction, int width);
/** RG_EUSAGE unless inputs [0, values) are dense, whole and as wide as the first, and
 *  then at most `masks` masks follow. */
rg_status rg_need_rows(const rg_op *op, int values, int masks);
/** Put a value of the whole batch, the same on every rank, into the first lane. */
void rg_whole_value(const rg_run *run, rg_op *op, double value);
/** Gradient of the 1 x width parameter op->param[k]: the sum over cells of scale *
 *  slope[cell][width]. */
void rg_column_gradient(rg_run *run, const rg_op *op, int k, const float *slope,
                        double scale);

/** d += scale * slope, n numbers; nothing when d is NULL. */
void rg_add_slopes(float *d, double scale, const float *slope, int64_t n);

/** RG_EUSAGE unless in[k] is a dense whole node of that width, or a sparse modality of so
 *  many features, all of them here. */
rg_status rg_need_target(const rg_op *op, int k, int width);
/** RG_EUSAGE unless in[0] is dense and whole, in[1] a target as wide, and then at most so
 *  many inputs of one column follow. */
rg_status rg_need_likelihood(const rg_op *op, int columns);
/** A cell's row of such a target: of a dense one as it lies there, of a sparse one written
 *  into `room` (width floats that are 0), which rg_target_clear leaves as it was. */
const float *rg_target_row(const rg_run *run, const rg_node *target, int64_t cell,
                           float *room);
/** The same with 1 for whatever a sparse target stores. */
const float *rg_target_ones(const rg_run *run, const rg_node *target, int64_t cell,
                            float *room);
void rg_target_clear(const rg_run *run, const rg_node *target, int64_t cell, float *room);

#endif
