/* regatta cluster: communities of the graph of cells. */
#include "results.h"

#include "regatta/cluster.h"
#include "regatta/figure.h"

#include <string.h>

typedef struct options {
  double resolution;
  int64_t iterations, seed;
  const char *key;
} options;

static const rg_field fields[] = {
    {"resolution", RG_DOUBLE, offsetof(options, resolution), "1", 0, 1e6, NULL, NULL,
     "of the modularity: more gives more clusters"},
    {"iterations", RG_INT, offsetof(options, iterations), "-1", -1, 1000, NULL, NULL,
     "of Leiden; -1: until nothing improves"},
    {"seed", RG_INT, offsetof(options, seed), "0", 0, 1e15, NULL, NULL,
     "of the order in which cells are looked at"},
    {"key", RG_TEXT, offsetof(options, key), "leiden", 0, 0, NULL, NULL,
     "column of obs to write, to keep several resolutions side by side"},
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

/* uns/KEY/NAME; owned. */
static char *note_path(const char *key, const char *name)
{
  return rg_format("%s/%s", key, name);
}

/* A column that clusters may replace: none, or one of clusters. */
static rg_status check_key(const rg_annot *annot, const char *path, const char *key)
{
  if (!*key || strchr(key, '/'))
    return rg_fail(RG_EUSAGE, "cluster: key is '%s'; give the name of a column", key);
  char *note = note_path(key, "modularity");
  bool ours = strcmp(key, "leiden") == 0 || rg_annot_note(annot, note);
  rg_free(note);
  if (!ours && rg_annot_column(annot, key))
    return rg_fail(RG_EUSAGE, "%s: column %s holds no clusters of regatta cluster; choose "
                              "another --key",
                   path, key);
  return RG_OK;
}

/* obs/KEY as scanpy writes it: a categorical of strings. */
static void add_column(rg_annot *annot, const char *key, int32_t *label, int64_t rows,
                       int n)
{
  rg_column column = {.name = rg_strdup(key),
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
  if (n > 0) {
    char *path = rg_format("%s_colors", key);
    rg_annot_note_strings(annot, path, &colours);
    rg_free(path);
  }
  rg_strings_fini(&colours);
}

/* uns/KEY: what was asked, and how well it went. */
static void add_notes(rg_annot *annot, const options *o, double modularity)
{
  char *path[] = {note_path(o->key, "params/resolution"),
                  note_path(o->key, "params/n_iterations"),
                  note_path(o->key, "params/random_state"),
                  note_path(o->key, "modularity")};
  rg_annot_note_number(annot, path[0], o->resolution);
  rg_annot_note_integer(annot, path[1], o->iterations);
  rg_annot_note_integer(annot, path[2], o->seed);
  rg_annot_note_number(annot, path[3], modularity);
  for (int k = 0; k < 4; k++)
    rg_free(path[k]);
}

static rg_status add_clusters(const rg_call *call, const char *path, rg_annot *annot)
{
  const options *o = call->options;
  rg_status status = RG_OK;
  int32_t *label = NULL;
  char *sizes = NULL;
  const rg_csr *graph;
  RG_TRY(check_key(annot, path, o->key));
  RG_TRY(rg_results_graph(annot, path, &graph));
  rg_leiden_options how = {o->resolution, (int)o->iterations, (uint64_t)o->seed};
  int n;
  double modularity;
  label = RG_NEW(int32_t, graph->rows);
  RG_TRY(rg_leiden(call->comm, graph, &how, label, &n, &modularity));
  n = drop_isolated(call->comm, graph, label, n, &sizes);
  rg_info("%s: %d clusters of %lld cells, modularity %.4f; sizes %s", path, n,
          (long long)annot->n_cells, modularity, sizes);
  add_column(annot, o->key, label, graph->rows, n);
  label = NULL;
  add_notes(annot, o, modularity);
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
        "Leiden method for modularity and adds obs/leiden, uns/leiden and "
        "uns/leiden_colors, or those of --key, to RESULTS.h5ad. Clusters are numbered "
        "by falling size and are connected; cells "
        "without neighbours have none. The file is replaced when everything has been "
        "written. The clusters are the same on any number of ranks.",
    .example = "regatta cluster results.h5ad --resolution 1",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1,
    .order = 60,
    .run = run};
