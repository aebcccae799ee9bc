/* What clusters and layout ask of a graph. */
#ifndef REGATTA_CLUSTER_WEIGHTS_H
#define REGATTA_CLUSTER_WEIGHTS_H

#include "regatta/cluster.h"

/* RG_EINPUT when a weight is negative or not finite. Collective. */
rg_status cluster_check_weights(rg_comm *comm, const rg_csr *graph);

#endif
