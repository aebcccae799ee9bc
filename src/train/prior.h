/** Priors of like cells, and features that modalities share. For src/train only. */
#ifndef REGATTA_TRAIN_PRIOR_H
#define REGATTA_TRAIN_PRIOR_H

#include "regatta/prepare.h"

/** So many features of one name are the least to compare cells on. */
enum { RG_LEAST_SHARED = 5 };

/** Features that both modalities have under one name: case does not count, a tail such as
 *  _TotalSeqB does not, and a protein (of adt) has the name of its gene where that is
 *  known. Not collective. */
int rg_count_shared(const rg_prepared_modality *a, const rg_prepared_modality *b);
/** This rank's rows of both on these features: log1p(1e4 x / sum) of genes, log1p less its
 *  mean over the proteins of the cell, each feature less its mean and over its standard
 *  deviation over the cells; rows of cells without are no numbers. The same bits on any
 *  number of ranks. Owned. Collective. */
rg_status rg_shared_features(rg_comm *comm, const rg_prepared_modality *a,
                             const rg_prepared_modality *b, rg_mat *of_a, rg_mat *of_b);

#endif
