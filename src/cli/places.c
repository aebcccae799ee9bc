/* Where things lie: the files and keys that the program writes, and the variables that it
 * reads. A test compares them with what runs write. */

#include "catalogue.h"

#include <string.h>

static const rg_place run_places[] = {
    {"results.h5ad", "run, prepare",
     "cells with embeddings, clusters, graph and notes"},
    {"scores.json", "run",
     "scores of the embedding and of its controls, one object a line"},
    {"report.html", "run, report", "one page with figures, scores, times and origin"},
    {"figures/", "run, report", "the figures of the page as PNG and SVG"},
    {"commands.jsonl", "train, run",
     "the command lines that made the run, with program and machine, one object a line"},
    {"used_config.yaml", "train, run, prepare",
     "every value of the configuration and where it came from; --config reads it"},
    {"log.jsonl", "train, run",
     "one object per report: step, phase, epoch, rate, losses"},
    {"metrics.csv", "train, run", "the same as a table: a line per step and term"},
    {"timers.csv", "train, run",
     "seconds of each phase as least, mean and most of the ranks, with bytes and "
     "waits"},
    {"ranks.csv", "train, run", "a line per rank: host, threads, memory, cells, bytes"},
    {"STATUS", "train, run",
     "running, done, stopped (exit code 75: go on with --resume) or failed"},
    {"prepared/", "train, run, prepare",
     "container with cells, features and embeddings that training uses"},
    {"ckpt/step_STEPS/", "train, run", "container with a checkpoint after so many steps"},
    {0}};

static const rg_place results_places[] = {
    {"obs", "embed, run, prepare", "columns of the input; index: names of the cells"},
    {"obs/depth_MODALITY", "embed, run", "counts of the cell in a modality"},
    {"obs/MODALITY:total_counts", "prepare", "counts of the cell in a modality"},
    {"obs/leiden", "cluster, run", "cluster of the cell"},
    {"obs/RECIPE_label, obs/RECIPE_cluster", "embed, run",
     "what a recipe with labels or clusters makes of the cell"},
    {"obs/RECIPE_label_probability, obs/RECIPE_cluster_probability", "embed, run",
     "its probability"},
    {"obs/LABELS_transferred", "transfer",
     "label voted for by the nearest reference cells"},
    {"obs/LABELS_confidence", "transfer", "share of the weight that went to it"},
    {"obs/LABELS_distance", "transfer", "mean distance to the cells that voted"},
    {"obsm/X_RECIPE", "embed, run",
     "embedding of the cells; NaN where a modality lacks"},
    {"obsm/X_RECIPE_NAME", "embed, run",
     "embedding of a cell by one modality, or another of the recipe"},
    {"obsm/X_pca, obsm/X_lsi, obsm/X_spectral", "prepare, embed, run",
     "embeddings of rna (or adt) and atac before training"},
    {"obsm/X_pca_MODALITY, obsm/X_lsi_MODALITY, obsm/X_spectral_MODALITY",
     "prepare, embed, run", "the same of further modalities"},
    {"obsm/X_umap", "umap, run", "layout in two dimensions"},
    {"obsp/connectivities", "neighbors, run",
     "weights of the graph of neighbours, 0 to 1"},
    {"obsp/distances", "neighbors, run", "distances to the neighbours"},
    {"uns/neighbors", "neighbors, run", "how the graph was made, as scanpy notes it"},
    {"uns/leiden", "cluster, run",
     "resolution, passes, seed and modularity; KEY with --key"},
    {"uns/leiden_colors", "cluster, run", "colour of each cluster, for plots"},
    {"uns/umap", "umap, run", "parameters of the layout"},
    {"uns/pca, uns/pca_MODALITY, uns/lsi, uns/lsi_MODALITY", "prepare",
     "share of the variance of each axis (variance_ratio)"},
    {"uns/spectral, uns/spectral_MODALITY", "prepare", "eigenvalue of each axis"},
    {"uns/rank_genes_groups", "markers",
     "ranked features per group, in scanpy's layout"},
    {"uns/transfer", "transfer",
     "what was asked, and the usual distance of neighbours"},
    {"uns/regatta", "all",
     "command, version, input, recipe, configuration, seed, labels, batch, n_ranks, "
     "hash of "
     "the parameters; after prepare, its counts"},
    {0}};

static const rg_place matrix_places[] = {
    {"X", "impute, translate",
     "values, cells x features, float32; NaN in rows without input"},
    {"X", "explain", "relevance, features x targets"},
    {"X", "match --sparse", "weights of pairs, cells x cells, sparse"},
    {"obs", "impute, translate", "columns of the input; index: names of the cells"},
    {"obs/modality", "explain", "modality of the feature"},
    {"var", "all", "index: features, targets or cells of the other side"},
    {"uns/explain", "explain",
     "cells and draws; error, tolerance and spread of the sums, one per target"},
    {"uns/regatta", "all", "command, input, recipe, configuration, seed, n_ranks"},
    {0}};

static const rg_place cells_places[] = {
    {"obs/cell_type", "simulate, generate", "type that was planted, or asked for"},
    {"obs/cell_type_coarse", "simulate --private",
     "the two types that differ in one modality "
     "taken together"},
    {"obs/batch", "simulate", "batch of the cell"},
    {"obs/depth", "simulate", "depth factor of the cell"},
    {"mod/NAME/X", "simulate, generate", "counts, CSR, float32"},
    {"mod/atac/var", "simulate, generate", "chrom, start and end of each peak"},
    {"obsmap, varmap, obsm/NAME", "simulate, generate",
     "which cells a modality has (mudata)"},
    {0}};

static const rg_place container_places[] = {
    {"manifest", "train, run, prepare",
     "text: notes (key and value), then arrays: name, type (f float32, d float64, i "
     "int32, l "
     "int64, c bytes), rows, columns, part, offset, and the hash of each block"},
    {"part-NNNN", "train, run, prepare",
     "the values of the arrays, in the machine's order"},
    {"note hash", "train, run",
     "hash of the parameters, the same on any number of ranks"},
    {"note recipe, step, phase, epoch, ...", "train, run", "where training stands"},
    {"array NAME", "train, run", "a parameter or constant"},
    {"array NAME#m0, NAME#v0", "train, run",
     "its moments in the first optimiser, and so on"},
    {0}};

static const rg_place variables[] = {
    {"RG_LOG", "all", "what to log, as --log: error, warn, info or debug"},
    {"RG_WATCH", "all",
     "seconds after which ranks that wait for others, or do not run, are warned of; unset: "
     "600, 0: never"},
    {"RG_FAULT", "all",
     "for tests: NAME[:PASS][@RANK] makes a named point fail; the points "
     "are in src/base/fault.c"},
    {"COLUMNS", "all", "width of progress bars where the terminal does not tell its own"},
    {"OMP_NUM_THREADS", "all", "threads of each rank"},
    {"OPENBLAS_NUM_THREADS", "all",
     "a warning says so where it contradicts the threads of a rank; leave it unset"},
    {"SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU, SLURM_CPUS_ON_NODE", "plan",
     "set by Slurm: the memory that the job has on a node"},
    {"TMPDIR", "bench",
     "folder for the files that bench train writes; /tmp without it"},
    {"LD_LIBRARY_PATH", "all", "handed on to the process that probes a file"},
    {"OMPI_COMM_WORLD_SIZE, PMIX_RANK, PMI_RANK, SLURM_STEP_ID", "all",
     "set by a launcher: several ranks were started"},
    {0}};

static const struct {
  const char *kind, *name, *help;
  const rg_place *places;
} groups[] = {
    {"files", "run", "the folder of a run, RUN", run_places},
    {"files", "results", "results, an .h5ad of cells", results_places},
    {"files", "matrices", "matrices that are asked for by name, an .h5ad", matrix_places},
    {"files", "cells", "simulated and generated cells, an .h5mu", cells_places},
    {"files", "containers", "a container of arrays: checkpoints and prepared data",
     container_places},
    {"variables", "environment",
     "variables of the environment; none changes what is computed", variables},
};

int rg_list_places(const char *kind, rg_item items[RG_MAX_ITEMS])
{
  int n = 0;
  for (size_t k = 0; k < sizeof groups / sizeof groups[0]; k++)
    if (strcmp(groups[k].kind, kind) == 0)
      items[n++] = (rg_item){
          .name = groups[k].name, .help = groups[k].help, .places = groups[k].places};
  return n;
}

int rg_list_codes(rg_item items[RG_MAX_ITEMS])
{
  int n = 0;
#define CODE_ITEM(id, number, text)                                                       \
  items[n++] = (rg_item){.name = #number, .help = text};
  RG_STATUS_LIST(CODE_ITEM)
#undef CODE_ITEM
  return n;
}
