/* What the parts of UMAP share. */
#ifndef REGATTA_CLUSTER_UMAP_H
#define REGATTA_CLUSTER_UMAP_H

#include "regatta/cluster.h"

/* Two leading eigenvectors of the normalised graph that are about a good part of the
 * cells, this rank's rows of two columns. The graph is made connected by weak ties between
 * all cells, so that components come to lie apart. Cells without edges get 0. Collective.
 * Owned. */
rg_mat umap_spectral(rg_comm *comm, const rg_csr *graph, uint64_t seed);

#endif
