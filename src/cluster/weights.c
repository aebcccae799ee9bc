/* Weights of a graph that somebody else may have made. */
#include "weights.h"

#include <math.h>

rg_status cluster_check_weights(rg_comm *comm, const rg_csr *graph)
{
  rg_status status = RG_OK;
  for (int64_t e = 0; e < rg_csr_nnz(graph) && status == RG_OK; e++)
    if (!(graph->values[e] >= 0 && isfinite(graph->values[e])))
      status = rg_fail(RG_EINPUT,
                       "graph: a weight is %g; weights must be finite and not negative",
                       (double)graph->values[e]);
  return rg_agree(comm, status);
}
