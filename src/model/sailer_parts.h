/** What SAILER and SAILERX share: covariates of depth, the peak decoder. For src/model
 *  only. */
#ifndef REGATTA_MODEL_SAILER_PARTS_H
#define REGATTA_MODEL_SAILER_PARTS_H

#include "regatta/model.h"

/** Covariates "depth" (log number of open peaks, standardised) and, with a
 *  teacher, "pair_weight" (how deep the RNA of a cell is against its ATAC, scaled to
 *  0..1). `raw_depth` standardises by the raw
 *  row sums as the released code does. Collective. */
rg_status rg_sailer_covariates(rg_comm *comm, const rg_dataset *dataset, bool raw_depth,
                               bool pair_weight, bool fit, rg_constants *constants,
                               rg_covariates *covariates);
/** Concatenate the latent with depth and batch. */
rg_node *rg_sailer_condition(rg_graph *graph, const rg_facts *facts, rg_node *z);
/** Chromosome-split decoder up to the units before the last layer: Linear, batch norm,
 *  PReLU, split; per block Linear(64), batch norm, PReLU. `like` gives the blocks. */
rg_node *rg_sailer_split_decoder(rg_graph *graph, rg_node *conditioned, rg_node *like,
                                 int chunk, int hidden);

#endif
