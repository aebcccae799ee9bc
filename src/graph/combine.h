/* A distributed matrix combined with its transpose. */
#ifndef REGATTA_GRAPH_COMBINE_H
#define REGATTA_GRAPH_COMBINE_H

#include "regatta/graph.h"

/* Rows of f(a, a^T), entry by entry over the union of their patterns; f is symmetric
 * and gets 0 where an entry is missing; zeros are dropped. Rows of `a` need not be
 * sorted; rows of the result are. Square matrix, rows spread as rg_part. Collective.
 * Owned. */
rg_csr rg_combine_transpose(rg_comm *comm, const rg_csr *a, float (*f)(float, float));

#endif
