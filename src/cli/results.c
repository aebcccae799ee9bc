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
    return rg_fail(RG_EINPUT, "%s:/obsm: no %s; make one with regatta embed", path,
                   name ? name : "embedding");
  return rg_fail(RG_EINPUT, "%s:/obsm: no %s; there is %s", path,
                 name ? name : "embedding named X_...", there);
}

bool rg_results_made_before(const char *name)
{
  const char *names[] = {"X_pca", "X_lsi", "X_spectral"};
  for (int k = 0; k < 3; k++)
    if (strncmp(name, names[k], strlen(names[k])) == 0)
      return true;
  return false;
}

static int find_embedding(const rg_annot *annot, const char *name, bool made_before)
{
  for (int m = 0; m < annot->n_obsm; m++) {
    const char *here = annot->obsm[m].name;
    if (name ? strcmp(here, name) == 0
             : is_embedding(here) && rg_results_made_before(here) == made_before)
      return m;
  }
  return -1;
}

rg_status rg_results_embedding(const rg_annot *annot, const char *path,
                               const char *name, const char **found, const rg_mat **mat)
{
  int m = find_embedding(annot, name, false);
  if (m < 0)
    m = find_embedding(annot, name, true);
  if (m < 0)
    return no_embedding(annot, path, name);
  *found = annot->obsm[m].name;
  *mat = &annot->obsm[m].mat;
  return RG_OK;
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

rg_status rg_results_no_column(const rg_annot *annot, const char *name)
{
  rg_strings list = {0};
  for (int c = 0; c < annot->n_columns; c++)
    rg_strings_add(&list, annot->columns[c].name, -1);
  char *there = rg_strings_text(&list, 12);
  bool clusters = strcmp(name, "leiden") == 0;
  rg_status status =
      rg_fail(RG_EINPUT, "the results have no column %s; %s%s%s", name,
              clusters ? "make it with regatta cluster" : "there are: ",
              clusters ? "" : there,
              clusters ? "" : " (FILE:COLUMN takes one from another file)");
  rg_free(there);
  rg_strings_fini(&list);
  return status;
}

static rg_status copy_category(rg_comm *comm, const rg_column *from, int64_t rows,
                               rg_column *to)
{
  *to = (rg_column){.name = rg_strdup(from->name), .type = from->type, .n = from->n};
  rg_strings_copy(&from->text, &to->text);
  rg_strings_copy(&from->categories, &to->categories);
  if (from->code) {
    to->code = RG_NEW(int32_t, rows);
    memcpy(to->code, from->code, sizeof(int32_t) * (size_t)rows);
  }
  if (from->number) {
    to->number = RG_NEW(double, rows);
    memcpy(to->number, from->number, sizeof(double) * (size_t)rows);
  }
  return rg_column_as_category(comm, to);
}

/* A column of a file for the cells of results, found by their names. */
static rg_status column_of_file(rg_comm *comm, const char *path, const char *name,
                                const rg_annot *annot, rg_column *column)
{
  rg_status status = RG_OK;
  rg_annot theirs = {0}, ours = {0};
  rg_column read = {0};
  rg_file *file = NULL;
  RG_TRY(rg_open(comm, path, &(rg_open_options){.quiet = true}, &file));
  RG_TRY(rg_read_column(file, name, &read));
  theirs = (rg_annot){.n_cells = rg_file_cells(file), .rows = rg_file_rows(file)};
  rg_strings_copy(rg_file_names(file), &theirs.names);
  rg_annot_set_column(&theirs, read);
  RG_TRY(rg_annot_align(comm, "the results", path, &theirs, annot->n_cells, &annot->names,
                        &ours));
  status = copy_category(comm, &ours.columns[0], rg_range_n(annot->rows), column);
out:
  rg_annot_fini(&theirs);
  rg_annot_fini(&ours);
  rg_close(file);
  return status;
}

rg_status rg_results_category(rg_comm *comm, const rg_annot *annot, const char *name,
                              rg_column *column)
{
  if (!name)
    return RG_OK;
  const rg_column *own = rg_annot_column(annot, name);
  if (own)
    return copy_category(comm, own, rg_range_n(annot->rows), column);
  const char *colon = strrchr(name, ':');
  if (!colon)
    return rg_results_no_column(annot, name);
  char *path = rg_format("%.*s", (int)(colon - name), name);
  rg_status status = column_of_file(comm, path, colon + 1, annot, column);
  rg_free(path);
  return status;
}
