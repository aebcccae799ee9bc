/* regatta neighbors: the graph of the nearest cells. */
#include "results.h"

#include "regatta/graph.h"

#include <string.h>

typedef struct options {
  int64_t n_neighbors, seed;
  char *rep, *metric, *search;
} options;

static const rg_field fields[] = {
    {"n_neighbors", RG_INT, offsetof(options, n_neighbors), "15", 2, 1000, NULL,
     "cells", "of a cell, itself included"},
    {"rep", RG_TEXT, offsetof(options, rep), NULL, 0, 0, NULL, NULL,
     "embedding in obsm; without it the first X_... that was trained, else X_pca..."},
    {"metric", RG_CHOICE, offsetof(options, metric), "euclidean", 0, 0,
     "euclidean|cosine", NULL, "distance of two cells"},
    {"search", RG_CHOICE, offsetof(options, search), "auto", 0, 0, "auto|exact|buckets",
     NULL, "every pair, or overlapping buckets; auto: exact up to 100,000 cells"},
    {"seed", RG_INT, offsetof(options, seed), "0", 0, 1e15, NULL, NULL,
     "of the buckets"},
    {0}};

/* Fewer neighbours than asked for where there are hardly any cells, as scanpy does. */
static int neighbours_for(const options *o, int64_t n_cells)
{
  if (o->n_neighbors <= n_cells)
    return (int)o->n_neighbors;
  int64_t fewer = 1 + n_cells / 2;
  rg_warn("%lld cells: n_neighbors is %lld", (long long)n_cells, (long long)fewer);
  return (int)(fewer > 2 ? fewer : 2);
}

static void note_parameters(rg_annot *annot, const options *o, const char *rep, int n)
{
  rg_annot_note_text(annot, "neighbors/connectivities_key", "connectivities");
  rg_annot_note_text(annot, "neighbors/distances_key", "distances");
  rg_annot_note_text(annot, "neighbors/params/method", "umap");
  rg_annot_note_text(annot, "neighbors/params/metric", o->metric);
  rg_annot_note_text(annot, "neighbors/params/use_rep", rep);
  rg_annot_note_integer(annot, "neighbors/params/n_neighbors", n);
  rg_annot_note_integer(annot, "neighbors/params/random_state", o->seed);
}

static rg_status add_graph(const rg_call *call, const char *path, rg_annot *annot)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  rg_knn knn = {0};
  rg_csr connectivities = {0}, distances = {0};
  const char *rep;
  const rg_mat *x;
  RG_TRY(rg_results_embedding(annot, path, o->rep, &rep, &x));
  int n = neighbours_for(o, annot->n_cells);
  bool exact = strcmp(o->search, "exact") == 0 ||
               (strcmp(o->search, "auto") == 0 && annot->n_cells <= RG_KNN_EXACT);
  rg_info("%s: %d neighbours of %lld cells in obsm/%s (%lld dimensions), %s, %s", path,
          n, (long long)annot->n_cells, rep, (long long)x->cols, o->metric,
          exact ? "exact" : "by overlapping buckets");
  rg_knn_options how = {.k = n - 1,
                        .metric =
                            strcmp(o->metric, "cosine") == 0 ? RG_COSINE : RG_EUCLIDEAN,
                        .exact = exact,
                        .seed = (uint64_t)o->seed};
  RG_TRY(rg_knn_graph(call->comm, x, &how, &knn));
  RG_TRY(rg_connectivities(call->comm, &knn, &connectivities, &distances));
  note_parameters(annot, o, rep, n);
  rg_annot_set_obsp(annot, "connectivities", connectivities);
  rg_annot_set_obsp(annot, "distances", distances);
out:
  rg_knn_fini(&knn);
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const char *path = call->arguments[0];
  rg_annot annot = {0};
  RG_TRY(rg_check_output(call->comm, path));
  RG_TRY(rg_annot_read(call->comm, path, &annot));
  RG_TRY_ALL(call->comm, add_graph(call, path, &annot));
  RG_TRY(rg_annot_update(call->comm, path, &annot));
  rg_say_result(call->comm, path);
out:
  rg_annot_fini(&annot);
  return status;
}

const rg_command rg_cmd_neighbors = {
    .name = "neighbors",
    .arguments = "RESULTS.h5ad",
    .summary = "find the nearest cells of every cell",
    .help =
        "Finds the nearest cells of every cell in an embedding of RESULTS.h5ad and "
        "adds "
        "obsp/connectivities, obsp/distances and uns/neighbors to it, weighted as "
        "umap-learn and scanpy do. Cells without an embedding (NaN) have no "
        "neighbours. "
        "The file is replaced when everything has been written. The graph is the same "
        "on any number of ranks.",
    .example = "regatta neighbors results.h5ad --n-neighbors 15",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 50,
    .run = run};
