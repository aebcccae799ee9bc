/* prepare from a file: ranks together get the rows of what each gets alone; a data set
 * read from disk is filled with the counts it was prepared with; features of a model are
 * found by name in other files; other files are refused. */
#include "regatta/prepare.h"
#include "regatta/simulate.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

typedef struct fixture {
  rg_comm *comm;
  char *path, *other; /* two files; the other one has fewer genes */
  rg_prepare_options options;
} fixture;

static char *simulate(rg_comm *comm, const char *name, int64_t genes, double seed)
{
  rg_simulation options = {0};
  rg_simulator *simulator = NULL;
  char *path = rg_format("%s/%s", ranks_folder(), name);
  rg_fields_default(rg_simulation_fields, &options);
  options.cells = 203;
  options.genes = genes;
  options.peaks = 350;
  options.proteins = 9;
  options.paired = 0.7;
  options.chromosomes = 12;
  options.seed = (int64_t)seed;
  RG_CHECK(rg_simulator_new(&options, &simulator) == RG_OK);
  RG_CHECK(rg_simulator_write(comm, simulator, path, NULL) == RG_OK);
  rg_simulator_free(simulator);
  rg_fields_fini(rg_simulation_fields, &options);
  return path;
}

static bool same(const void *a, const void *b, int64_t bytes)
{
  return bytes == 0 || memcmp(a, b, (size_t)bytes) == 0;
}

static bool same_strings(const rg_strings *a, int64_t at, const rg_strings *b,
                         int64_t from)
{
  return strcmp(rg_strings_at(a, at), rg_strings_at(b, from)) == 0;
}

/* The rows of `part` are rows part->rows of the data set of one rank. */
static void check_modality(const rg_prepared_modality *part, rg_range rows,
                           const rg_prepared_modality *whole)
{
  int64_t n = rg_range_n(rows), low = rows.low;
  RG_CHECK(strcmp(part->name, whole->name) == 0);
  RG_CHECK(part->features.n == whole->features.n);
  for (int64_t f = 0; f < whole->features.n; f++)
    RG_CHECK(same_strings(&part->features, f, &whole->features, f));
  RG_CHECK(same(part->present, whole->present + low, n));
  RG_CHECK(same(part->depth, whole->depth + low, n * (int64_t)sizeof(double)));
  int64_t first = whole->counts.indptr[low];
  RG_CHECK(rg_csr_nnz(&part->counts) == whole->counts.indptr[rows.high] - first);
  RG_CHECK(same(part->counts.indices, whole->counts.indices + first,
                rg_csr_nnz(&part->counts) * (int64_t)sizeof(int32_t)));
  RG_CHECK(same(part->counts.values, whole->counts.values + first,
                rg_csr_nnz(&part->counts) * (int64_t)sizeof(float)));
  int64_t axes = whole->embedding.cols;
  RG_CHECK(part->embedding.cols == axes && part->embedding.rows == n);
  for (int64_t i = 0; i < n; i++) {
    const float *a = rg_mat_row(&part->embedding, i);
    const float *b = rg_mat_row(&whole->embedding, low + i);
    RG_CHECK(part->present[i] ? same(a, b, axes * (int64_t)sizeof *a)
                              : isnan(a[0]) && isnan(b[0]));
  }
}

static void check_dataset(const rg_dataset *part, const rg_dataset *whole)
{
  rg_range rows = part->rows;
  int64_t n = rg_range_n(rows);
  RG_CHECK(part->n_cells == whole->n_cells && part->names.n == n);
  RG_CHECK(same(part->source, whole->source + rows.low, n * (int64_t)sizeof(int64_t)));
  RG_CHECK(same(part->batch.code, whole->batch.code + rows.low,
                n * (int64_t)sizeof(int32_t)));
  for (int64_t i = 0; i < n; i++)
    RG_CHECK(same_strings(&part->names, i, &whole->names, rows.low + i));
  RG_CHECK(part->n_modalities == whole->n_modalities);
  for (int m = 0; m < whole->n_modalities; m++)
    check_modality(&part->modality[m], rows, &whole->modality[m]);
}

/* Peaks stand by chromosome, and chromosomes in natural order. */
static void check_order(const rg_dataset *d)
{
  const rg_prepared_modality *atac = rg_dataset_modality(d, "atac");
  RG_CHECK(atac && atac->chromosome && atac->chromosomes.n == 12);
  for (int64_t f = 1; atac && f < atac->features.n; f++)
    RG_CHECK(atac->chromosome[f - 1] <= atac->chromosome[f]);
  RG_CHECK(atac && strcmp(rg_strings_at(&atac->chromosomes, 1), "chr2") == 0);
  RG_CHECK(atac && strcmp(rg_strings_at(&atac->chromosomes, 9), "chr10") == 0);
}

static rg_status prepare(fixture *x, rg_comm *comm, const char *path,
                         const rg_dataset *like, rg_dataset *out)
{
  rg_status status = RG_OK;
  rg_file *file = NULL;
  rg_open_options open = {0};
  RG_TRY(rg_open(comm, path, &open, &file));
  RG_TRY(rg_prepare(file, &x->options, "batch", NULL, like, out));
out:
  rg_close(file);
  return status;
}

static void check_disk(fixture *x, const rg_dataset *part)
{
  rg_dataset back = {0};
  rg_file *file = NULL, *other = NULL;
  rg_open_options open = {0};
  char *folder = rg_format("%s/file-prepared", ranks_folder());
  RG_CHECK(rg_dataset_write(x->comm, part, folder) == RG_OK);
  RG_CHECK(rg_dataset_read(x->comm, folder, &back) == RG_OK);
  RG_CHECK(rg_open(x->comm, x->path, &open, &file) == RG_OK);
  RG_CHECK(rg_open(x->comm, x->other, &open, &other) == RG_OK);
  RG_CHECK(rg_dataset_fill(other, &back) == RG_EINPUT);
  RG_CHECK(rg_dataset_fill(file, &back) == RG_OK);
  for (int m = 0; m < part->n_modalities; m++) {
    const rg_csr *a = &part->modality[m].counts, *b = &back.modality[m].counts;
    RG_CHECK(rg_csr_nnz(a) == rg_csr_nnz(b) && a->cols == b->cols);
    RG_CHECK(same(a->indptr, b->indptr, (a->rows + 1) * (int64_t)sizeof *a->indptr));
    RG_CHECK(same(a->indices, b->indices, rg_csr_nnz(a) * (int64_t)sizeof *a->indices));
    RG_CHECK(same(a->values, b->values, rg_csr_nnz(a) * (int64_t)sizeof *a->values));
  }
  rg_close(file);
  rg_close(other);
  rg_dataset_fini(&back);
  rg_free(folder);
}

/* Features of a model in a file with fewer of them. */
static void check_like(fixture *x, const rg_dataset *model)
{
  rg_dataset found = {0};
  RG_CHECK(prepare(x, x->comm, x->other, model, &found) == RG_OK);
  RG_CHECK(found.n_cells == 203); /* no cell is dropped */
  for (int m = 0; m < found.n_modalities; m++) {
    const rg_prepared_modality *a = &found.modality[m];
    const rg_prepared_modality *b = rg_dataset_modality(model, a->name);
    RG_CHECK(b && a->features.n == b->features.n && a->counts.cols == b->features.n);
    RG_CHECK(a->embedding.cols == 0);
    RG_CHECK(b && !a->chromosome == !b->chromosome);
  }
  rg_dataset_fini(&found);
  rg_prepared_modality foreign = {.name = (char *)(uintptr_t) "rna"};
  rg_strings_add(&foreign.features, "no such gene", -1);
  rg_dataset other = {.n_modalities = 1, .modality = &foreign};
  RG_CHECK(prepare(x, x->comm, x->path, &other, &found) == RG_EINPUT);
  foreign.name = (char *)(uintptr_t) "methylation";
  RG_CHECK(prepare(x, x->comm, x->path, &other, &found) == RG_EINPUT);
  rg_strings_fini(&foreign.features);
}

static void run(rg_comm *comm)
{
  fixture x = {.comm = comm};
  rg_dataset part = {0}, whole = {0};
  x.path = simulate(comm, "one.h5mu", 260, 7);
  x.other = simulate(comm, "other.h5mu", 200, 7);
  rg_fields_default(rg_prepare_fields, &x.options);
  x.options.min_features_per_cell = 5; /* drops some cells: rows move over ranks */
  x.options.top_genes = 120;
  x.options.top_peaks = 300;
  RG_CHECK(prepare(&x, comm, x.path, NULL, &part) == RG_OK);
  RG_CHECK(prepare(&x, rg_comm_self(), x.path, NULL, &whole) == RG_OK);
  RG_CHECK(whole.n_cells > 100 && whole.n_cells < 203);
  if (part.n_cells == whole.n_cells) {
    check_dataset(&part, &whole);
    check_order(&part);
    check_disk(&x, &part);
    check_like(&x, &part);
  }
  rg_dataset_fini(&part);
  rg_dataset_fini(&whole);
  rg_fields_fini(rg_prepare_fields, &x.options);
  rg_free(x.path);
  rg_free(x.other);
}

const rg_case rg_case_prepare_file = {.name = "prepare_file", .run = run};
