/* regatta prepare: filters, features and embeddings, with a line for what was kept. */
#include "regatta/cli.h"
#include "regatta/prepare.h"

#include <string.h>

typedef struct options {
  char *output;
  char *batch;
  char *labels;
  char *layer;
  char *genome;
} options;

#define AT(member) offsetof(options, member)

static const rg_field fields[] = {
    {"output", RG_TEXT, AT(output), NULL, 0, 0, NULL, NULL, "folder of the run"},
    {"batch", RG_TEXT, AT(batch), NULL, 0, 0, NULL, NULL,
     "column of obs with the batch: variable genes are chosen per batch"},
    {"labels", RG_TEXT, AT(labels), NULL, 0, 0, NULL, NULL,
     "column of obs with cell types, kept with the results"},
    {"layer", RG_TEXT, AT(layer), NULL, 0, 0, NULL, NULL,
     "where counts are: a layer, X or raw; default layers/counts, then raw/X, then X"},
    {"genome", RG_TEXT, AT(genome), NULL, 0, 0, NULL, NULL,
     "genome of a 10x file that has several"},
    {0},
};

/* A key of obsm: the name of the embedding for the first modality that has it, with the
 * modality behind for others. */
static char *obsm_key(const rg_annot *annot, const rg_prepared_modality *m)
{
  if (!rg_annot_obsm(annot, m->embedding_name))
    return rg_strdup(m->embedding_name);
  return rg_format("%s_%s", m->embedding_name, m->name);
}

static void copy_column(const rg_column *from, rg_annot *annot)
{
  if (!from->name)
    return;
  rg_column column = {.name = rg_strdup(from->name), .type = from->type, .n = from->n};
  column.code = RG_NEW(int32_t, from->n);
  memcpy(column.code, from->code, (size_t)from->n * sizeof *column.code);
  rg_strings_copy(&from->categories, &column.categories);
  rg_annot_set_column(annot, column);
}

static void add_modality(const rg_prepared_modality *m, rg_annot *annot)
{
  int64_t n = m->embedding.rows;
  char *key = obsm_key(annot, m);
  rg_mat mat = rg_mat_new(n, m->embedding.cols);
  memcpy(mat.data, m->embedding.data,
         (size_t)(n * m->embedding.cols) * sizeof *mat.data);
  rg_annot_set_obsm(annot, key, mat);
  if (m->explained) {
    /* uns/pca/variance_ratio, where scanpy has it: without the X_ of the key */
    char *path = rg_format("%s/variance_ratio", key + 2);
    rg_annot_note_array(annot, path, m->explained, m->embedding.cols);
    rg_free(path);
  }
  rg_column depth = {.name = rg_format("%s:total_counts", m->name),
                     .type = RG_COLUMN_NUMBER,
                     .n = n,
                     .number = RG_NEW(double, n)};
  memcpy(depth.number, m->depth, (size_t)n * sizeof *depth.number);
  rg_annot_set_column(annot, depth);
  char *path = rg_format("regatta/prepare/%s_features", m->name);
  rg_annot_note_integer(annot, path, m->features.n);
  rg_free(path);
  rg_free(key);
}

static rg_status write_results(const rg_call *call, const rg_dataset *dataset,
                               const char *folder)
{
  rg_annot annot = {.n_cells = dataset->n_cells, .rows = dataset->rows};
  rg_strings_copy(&dataset->names, &annot.names);
  copy_column(&dataset->batch, &annot);
  copy_column(&dataset->label, &annot);
  for (int m = 0; m < dataset->n_modalities; m++)
    add_modality(&dataset->modality[m], &annot);
  rg_annot_note_text(&annot, "regatta/command", call->line);
  char *path = rg_format("%s/results.h5ad", folder);
  rg_status status = rg_annot_write(call->comm, path, &annot);
  if (status == RG_OK)
    rg_say_result(call->comm, path);
  rg_free(path);
  rg_annot_fini(&annot);
  return status;
}

static rg_status write_run(const rg_call *call, const rg_config *config,
                           const rg_dataset *dataset, const char *folder)
{
  rg_status status = RG_OK;
  char *used = rg_format("%s/used_config.yaml", folder);
  char *prepared = rg_format("%s/prepared", folder);
  char *text = rg_config_text(config);
  RG_TRY(rg_make_folder(call->comm, folder));
  RG_TRY(rg_write_text(call->comm, used, text));
  RG_TRY(rg_dataset_write(call->comm, dataset, prepared));
  RG_TRY(write_results(call, dataset, folder));
out:
  rg_free(used);
  rg_free(prepared);
  rg_free(text);
  return status;
}

static rg_status configure(const rg_call *call, rg_config *config)
{
  rg_status status = RG_OK;
  if (call->config)
    RG_TRY(rg_config_file(config, call->config));
  for (int i = 0; i < call->n_assignments; i++)
    RG_TRY(rg_config_assign(config, call->assignments[i]));
out:
  return status;
}

static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  const options *given = call->options;
  rg_prepare_options prepare = {0};
  rg_config *config = rg_config_new();
  rg_file *file = NULL;
  rg_dataset dataset = {0};
  char *text = NULL;
  rg_config_section(config, "prepare", rg_prepare_fields, &prepare,
                    "filters, features and embeddings");
  RG_TRY_ALL(call->comm, configure(call, config));
  text = rg_config_text(config);
  if (!rg_same(call->comm, text, (int64_t)strlen(text)))
    RG_TRY(rg_fail(RG_EINPUT, "%s: is not the same on every rank",
                   call->config ? call->config : "the configuration"));
  if (call->print_config) {
    rg_say(call->comm, "%s", text);
    goto out;
  }
  rg_open_options open = {.layer = given->layer, .genome = given->genome};
  RG_TRY(rg_check_folder(call->comm, given->output));
  RG_TRY(rg_open(call->comm, call->arguments[0], &open, &file));
  RG_TRY(rg_prepare(file, &prepare, given->batch, given->labels, NULL, &dataset));
  RG_TRY(write_run(call, config, &dataset, given->output));
out:
  rg_free(text);
  rg_dataset_fini(&dataset);
  rg_close(file);
  rg_config_free(config);
  rg_fields_fini(rg_prepare_fields, &prepare);
  return status;
}

const rg_command rg_cmd_prepare = {
    .name = "prepare",
    .arguments = "FILE -o RUN",
    .summary = "filter cells and features, choose variable ones, embed each modality",
    .help =
        "Reads counts, leaves out poor cells and rare features, chooses highly "
        "variable genes (seurat_v3, per batch), and embeds every modality: principal "
        "components of log-normalised genes and of centred log ratios of proteins, "
        "latent semantic indexing or a spectral embedding of peaks. Peaks are put in "
        "the order of chromosomes. Writes RUN/results.h5ad with the embeddings in obsm, "
        "for neighbors, cluster, umap, markers and evaluate without a model, "
        "RUN/prepared (features and embeddings) and RUN/used_config.yaml. regatta train "
        "and run do all this by themselves. Results are the same on any number of ranks.",
    .example = "mpirun -n 4 regatta prepare pbmc.h5mu -o run --batch donor",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1,
    .configurable = true,
    .order = 30,
    .run = run,
};
