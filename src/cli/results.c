/* What the commands on RESULTS.h5ad share. */
#include "results.h"

#include <string.h>

enum { TEXT = 1000 };

static bool is_embedding(const char *name)
{
  return strncmp(name, "X_", 2) == 0 && strcmp(name, "X_umap") != 0 &&
         strcmp(name, "X_tsne") != 0;
}

static rg_status no_embedding(const rg_annot *annot, const char *path, const char *name)
{
  char there[TEXT] = "";
  for (int m = 0; m < annot->n_obsm; m++) {
    size_t used = strlen(there);
    snprintf(there + used, TEXT - used, "%s%s", m > 0 ? ", " : "", annot->obsm[m].name);
  }
  if (annot->n_obsm == 0)
    return rg_fail(RG_EINPUT, "%s:/obsm: no embedding; make one with regatta embed",
                   path);
  return rg_fail(RG_EINPUT, "%s:/obsm: no %s; there is %s", path,
                 name ? name : "embedding named X_...", there);
}

rg_status rg_results_embedding(const rg_annot *annot, const char *path,
                               const char *name, const char **found, const rg_mat **mat)
{
  for (int m = 0; m < annot->n_obsm; m++) {
    const char *here = annot->obsm[m].name;
    if (name ? strcmp(here, name) != 0 : !is_embedding(here))
      continue;
    *found = here;
    *mat = &annot->obsm[m].mat;
    return RG_OK;
  }
  return no_embedding(annot, path, name);
}

rg_status rg_results_graph(const rg_annot *annot, const char *path,
                           const rg_csr **graph)
{
  *graph = rg_annot_obsp(annot, "connectivities");
  if (*graph)
    return RG_OK;
  return rg_fail(RG_EINPUT,
                 "%s:/obsp: no connectivities; make them with regatta neighbors", path);
}
