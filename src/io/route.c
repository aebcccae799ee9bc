/* Entries of a matrix travel to the ranks that hold their rows. */
#include <string.h>

#include "matrix.h"

void rg_route_init(rg_route *route, rg_comm *comm, int64_t rows)
{
  *route = (rg_route){.comm = comm, .rows = rows};
  route->part = rg_part(rows, rg_rank(comm), rg_size(comm));
}

void rg_route_send(rg_route *route, const rg_entry *entries, int64_t n)
{
  rg_comm *comm = route->comm;
  int *to = RG_NEW(int, n);
  for (int64_t i = 0; i < n; i++)
    to[i] = rg_part_owner(route->rows, rg_size(comm), entries[i].row);
  int64_t arrived;
  rg_entry *here = rg_scatter(comm, entries, n, sizeof *entries, to, &arrived);
  rg_free(to);
  int64_t total = route->n + arrived;
  route->kept = rg_realloc(route->kept, route->n, total, sizeof *route->kept);
  if (arrived > 0)
    memcpy(route->kept + route->n, here, (size_t)arrived * sizeof *here);
  rg_free(here);
  route->n = total;
}

void rg_route_finish(rg_route *route, int64_t cols, rg_csr *csr)
{
  int64_t rows = rg_range_n(route->part);
  *csr = rg_csr_new(rows, cols, route->n);
  for (int64_t k = 0; k < route->n; k++)
    csr->indptr[route->kept[k].row - route->part.low + 1]++;
  for (int64_t i = 0; i < rows; i++)
    csr->indptr[i + 1] += csr->indptr[i];
  int64_t *next = RG_NEW(int64_t, rows);
  memcpy(next, csr->indptr, (size_t)rows * sizeof *next);
  for (int64_t k = 0; k < route->n; k++) {
    int64_t at = next[route->kept[k].row - route->part.low]++;
    csr->indices[at] = route->kept[k].col;
    csr->values[at] = route->kept[k].value;
  }
  rg_free(next);
  rg_route_fini(route);
}

void rg_route_fini(rg_route *route)
{
  rg_free(route->kept);
  route->kept = NULL;
  route->n = 0;
}
