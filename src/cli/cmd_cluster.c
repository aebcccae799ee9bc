/* regatta cluster: communities of the graph of cells. */
#include "results.h"

#include "regatta/cluster.h"
#include "regatta/figure.h"

typedef struct options {
  double resolution;
  int64_t iterations, seed;
} options;

static const rg_field fields[] = {
    {"resolution", RG_DOUBLE, offsetof(options, resolution), "1", 0, 1e6, NULL, NULL,
     "of the modularity: more gives more clusters"},
    {"iterations", RG_INT, offsetof(options, iterations), "-1", -1, 1000, NULL, NULL,
     "of Leiden; -1: until nothing improves"},
    {"seed", RG_INT, offsetof(options, seed), "0", 0, 1e15, NULL, NULL,
     "of the order in which cells are looked at"},
    {0}};

/* Cells without neighbours lose their cluster; those that are left keep their order.
 * Sizes in *sizes, as text, owned. Collective. */
static int drop_isolated(rg_comm *comm, const rg_csr *graph, int32_t *label, int n,
                         char **sizes)
{
  enum { SHOWN = 40 };
  int64_t *size = RG_NEW(int64_t, n);
  rg_strings list = {0};
  int kept = 0;
  for (int64_t i = 0; i < graph->rows; i++)
    size[label[i]] += graph->indptr[i + 1] > graph->indptr[i];
  rg_sum_i64(comm, size, n);
  for (int c = 0; c < n; c++) {
    char text[24];
    if (size[c] > 0)
      rg_strings_add(&list, text, snprintf(text, sizeof text, "%lld", (long long)size[c]));
    size[c] = size[c] > 0 ? kept++ : -1;
  }
  for (int64_t i = 0; i < graph->rows; i++)
    label[i] = (int32_t)size[label[i]];
  *sizes = rg_strings_text(&list, SHOWN);
  rg_strings_fini(&list);
  rg_free(size);
  return kept;
}

/* obs/leiden as scanpy writes it: a categorical of strings. */
static void add_column(rg_annot *annot, int32_t *label, int64_t rows, int n)
{
  rg_column column = {.name = rg_strdup("leiden"),
                      .type = RG_COLUMN_CATEGORY,
                      .n = rows,
                      .code = label};
  rg_strings colours = {0};
  for (int c = 0; c < n; c++) {
    char text[16];
    rg_strings_add(&column.categories, text, snprintf(text, sizeof text, "%d", c));
    int length = snprintf(text, sizeof text, "#%06x", (unsigned)rg_palette(c, n));
    rg_strings_add(&colours, text, length);
  }
  rg_annot_set_column(annot, column);
  if (n > 0)
    rg_annot_note_strings(annot, "leiden_colors", &colours);
  rg_strings_fini(&colours);
}

static rg_status add_clusters(const rg_call *call, const char *path, rg_annot *annot)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  int32_t *label = NULL;
  char *sizes = NULL;
  const rg_csr *graph;
  RG_TRY(rg_results_graph(annot, path, &graph));
  rg_leiden_options how = {o->resolution, (int)o->iterations, (uint64_t)o->seed};
  int n;
  double modularity;
  label = RG_NEW(int32_t, graph->rows);
  RG_TRY(rg_leiden(call->comm, graph, &how, label, &n, &modularity));
  n = drop_isolated(call->comm, graph, label, n, &sizes);
  rg_info("%s: %d clusters of %lld cells, modularity %.4f; sizes %s", path, n,
          (long long)annot->n_cells, modularity, sizes);
  add_column(annot, label, graph->rows, n);
  label = NULL;
  rg_annot_note_number(annot, "leiden/params/resolution", o->resolution);
  rg_annot_note_integer(annot, "leiden/params/n_iterations", o->iterations);
  rg_annot_note_integer(annot, "leiden/params/random_state", o->seed);
  rg_annot_note_number(annot, "leiden/modularity", modularity);
out:
  rg_free(sizes);
  rg_free(label);
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const char *path = call->arguments[0];
  rg_annot annot = {0};
  RG_TRY(rg_check_output(call->comm, path));
  RG_TRY(rg_annot_read(call->comm, path, &annot));
  RG_TRY_ALL(call->comm, add_clusters(call, path, &annot));
  RG_TRY(rg_annot_update(call->comm, path, &annot));
  rg_say_result(call->comm, path);
out:
  rg_annot_fini(&annot);
  return status;
}

const rg_command rg_cmd_cluster = {
    .name = "cluster",
    .arguments = "RESULTS.h5ad",
    .summary = "find clusters of cells",
    .help =
        "Finds the communities of obsp/connectivities (regatta neighbors) by the "
        "Leiden "
        "method for modularity and adds obs/leiden, uns/leiden and uns/leiden_colors "
        "to "
        "RESULTS.h5ad. Clusters are numbered by falling size and are connected; cells "
        "without neighbours have none. The file is replaced when everything has been "
        "written. The clusters are the same on any number of ranks.",
    .example = "regatta cluster results.h5ad --resolution 1",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 60,
    .run = run};
