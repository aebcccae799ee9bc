/* regatta umap: a layout of the cells in two dimensions, and pictures of it. */
#include "results.h"

#include "regatta/cluster.h"
#include "regatta/figure.h"

#include <string.h>

typedef struct options {
  double min_dist, spread;
  int64_t epochs, negatives, seed;
  char *start, *color, *figures;
} options;

static const rg_field fields[] = {
    {"min_dist", RG_DOUBLE, offsetof(options, min_dist), "0.5", 0, 100, NULL, NULL,
     "least distance of neighbours in the layout"},
    {"spread", RG_DOUBLE, offsetof(options, spread), "1", 1e-3, 100, NULL, NULL,
     "scale of the layout"},
    {"epochs", RG_INT, offsetof(options, epochs), "0", 0, 1e6, NULL, "epochs",
     "0: 500 up to 10,000 cells, else 200"},
    {"negatives", RG_INT, offsetof(options, negatives), "5", 0, 1000, NULL, "cells",
     "pushed away per edge that pulls"},
    {"start", RG_TEXT, offsetof(options, start), NULL, 0, 0, NULL, NULL,
     "matrix in obsm whose first two columns are the start; without it spectral"},
    {"color", RG_TEXT, offsetof(options, color), "leiden", 0, 0, NULL, NULL,
     "columns of obs to draw, a,b,..."},
    {"figures", RG_TEXT, offsetof(options, figures), NULL, 0, 0, NULL, NULL,
     "folder for umap_<column>.png; without it no pictures"},
    {"seed", RG_INT, offsetof(options, seed), "0", 0, 1e15, NULL, NULL,
     "of the layout"},
    {0}};

static rg_status add_layout(const rg_call *call, const char *path, rg_annot *annot)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  const rg_csr *graph;
  const rg_mat *start = NULL;
  const char *name;
  rg_mat xy = {0};
  rg_umap_options how = {.min_distance = o->min_dist,
                         .spread = o->spread,
                         .epochs = (int)o->epochs,
                         .negatives = (int)o->negatives,
                         .seed = (uint64_t)o->seed};
  double a, b;
  RG_TRY(rg_results_graph(annot, path, &graph));
  if (o->start)
    RG_TRY(rg_results_embedding(annot, path, o->start, &name, &start));
  rg_info("%s: layout of %lld cells from %s", path, (long long)annot->n_cells,
          o->start ? o->start : "the spectral embedding of the graph");
  RG_TRY(rg_umap(call->comm, graph, start, &how, &xy));
  rg_annot_set_obsm(annot, "X_umap", xy);
  rg_umap_curve(o->min_dist, o->spread, &a, &b);
  rg_annot_note_number(annot, "umap/params/a", a);
  rg_annot_note_number(annot, "umap/params/b", b);
  rg_annot_note_integer(annot, "umap/params/random_state", o->seed);
out:
  return status;
}

/* The columns to draw, as --color names them; text becomes categories. RG_EINPUT when
 * one is missing. Collective. */
static rg_status find_columns(const rg_call *call, rg_annot *annot, rg_strings *names)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  char *list = rg_strdup(o->color), *rest = list, *name;
  while ((name = strtok_r(rest, ",", &rest))) {
    int c = 0;
    while (c < annot->n_columns && strcmp(annot->columns[c].name, name) != 0)
      c++;
    if (c == annot->n_columns)
      RG_TRY(rg_results_no_column(annot, name));
    if (annot->columns[c].type == RG_COLUMN_STRING)
      RG_TRY(rg_column_as_category(call->comm, &annot->columns[c]));
    rg_strings_add(names, name, (int64_t)strlen(name));
  }
out:
  rg_free(list);
  return status;
}

static rg_status draw(const rg_call *call, const rg_annot *annot,
                      const rg_strings *names)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  RG_TRY(rg_make_folder(call->comm, o->figures));
  for (int64_t k = 0; k < names->n; k++) {
    const char *name = rg_strings_at(names, k);
    char *figure = rg_format("%s/umap_%s.png", o->figures, name);
    for (char *c = figure + strlen(o->figures) + 1; *c; c++)
      *c = strchr("/\\: ", *c) ? '_' : *c;
    status = rg_figure_cells(call->comm, figure, name, rg_annot_obsm(annot, "X_umap"),
                             rg_annot_column(annot, name));
    if (status == RG_OK)
      rg_say_result(call->comm, figure);
    rg_free(figure);
    RG_TRY(status);
  }
out:
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const options *o = call->options;
  const char *path = call->arguments[0];
  rg_annot annot = {0};
  rg_strings names = {0};
  RG_TRY(rg_check_output(call->comm, path));
  RG_TRY(rg_annot_read(call->comm, path, &annot));
  if (o->figures)
    RG_TRY(find_columns(call, &annot, &names));
  RG_TRY(add_layout(call, path, &annot));
  RG_TRY(rg_annot_update(call->comm, path, &annot));
  if (o->figures)
    RG_TRY(draw(call, &annot, &names));
  rg_say_result(call->comm, path);
out:
  rg_strings_fini(&names);
  rg_annot_fini(&annot);
  return status;
}

const rg_command rg_cmd_umap = {
    .name = "umap",
    .arguments = "RESULTS.h5ad",
    .summary = "lay the cells out in two dimensions",
    .help = "Lays the cells out by UMAP from obsp/connectivities (regatta neighbors) "
            "and adds "
            "obsm/X_umap and uns/umap to RESULTS.h5ad; with --figures also draws the "
            "layout "
            "coloured by columns of obs. Cells without neighbours get NaN. The file is "
            "replaced when everything has been written. The layout is the same on any "
            "number of ranks.",
    .example = "regatta umap results.h5ad --figures figures --color leiden,cell_type",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 70,
    .run = run};
