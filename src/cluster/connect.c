/* Components of communities: each rank joins what touches here, and then the lowest
 * vertex of each component is spread over the ghosts until nothing changes. */
#include "leiden.h"

static int32_t root(int32_t *parent, int32_t v)
{
  while (parent[v] != v) {
    parent[v] = parent[parent[v]];
    v = parent[v];
  }
  return v;
}

/* Components of vertices and ghosts by the edges here. */
static int32_t *join_here(const leiden_level *level, const int64_t *label)
{
  int32_t n = level->n_own + level->n_ghost, *parent = RG_NEW(int32_t, n);
  for (int32_t v = 0; v < n; v++)
    parent[v] = v;
  for (int32_t v = 0; v < level->n_own; v++)
    for (int64_t e = level->start[v]; e < level->start[v + 1]; e++) {
      if (label[level->column[e]] != label[v])
        continue;
      int32_t a = root(parent, v), b = root(parent, level->column[e]);
      parent[a > b ? a : b] = a > b ? b : a;
    }
  for (int32_t v = 0; v < n; v++)
    parent[v] = root(parent, v);
  return parent;
}

void leiden_connect(const leiden_level *level, int64_t *label)
{
  int32_t n_own = level->n_own, n = n_own + level->n_ghost;
  int64_t *all = RG_NEW(int64_t, n), *lowest = RG_NEW(int64_t, n);
  for (int32_t v = 0; v < n_own; v++)
    all[v] = label[v];
  rg_fetch(level->comm, label, level->n, sizeof *label, level->ghost, level->n_ghost,
           all + n_own);
  int32_t *piece = join_here(level, all);
  for (int32_t v = 0; v < n; v++)
    lowest[v] = INT64_MAX;
  for (int32_t v = 0; v < n_own; v++)
    label[v] = level->rows.low + v;
  for (int32_t g = 0; g < level->n_ghost; g++)
    all[n_own + g] = level->ghost[g];
  for (bool more = true; more;) {
    for (int32_t v = 0; v < n; v++) {
      int64_t *low = &lowest[piece[v]], here = v < n_own ? label[v] : all[v];
      *low = here < *low ? here : *low;
    }
    more = false;
    for (int32_t v = 0; v < n_own; v++) {
      more |= label[v] != lowest[piece[v]];
      label[v] = lowest[piece[v]];
    }
    more = rg_any(level->comm, more);
    if (more)
      rg_fetch(level->comm, label, level->n, sizeof *label, level->ghost,
               level->n_ghost, all + n_own);
  }
  rg_free(piece);
  rg_free(lowest);
  rg_free(all);
}
