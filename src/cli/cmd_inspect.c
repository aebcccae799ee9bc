/* regatta inspect: what is in a file. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "regatta/cli.h"
#include "regatta/io.h"

#include "work.h"

typedef struct options {
  char *layer, *genome;
  bool digest;
} options;

static const rg_field fields[] = {
    {"layer", RG_TEXT, offsetof(options, layer), NULL, 0, 0, NULL, NULL,
     "take counts from this layer; X and raw name X and raw/X"},
    {"genome", RG_TEXT, offsetof(options, genome), NULL, 0, 0, NULL, NULL,
     "genome of a 10x version 2 file that holds several"},
    {"digest", RG_BOOL, offsetof(options, digest), "false", 0, 0, NULL, NULL,
     "read everything; print only: modality, rows, columns, nonzeros, sum, hash"},
    {0}};

enum { SHOWN = 6 };

static void say_list(rg_comm *comm, const char *title, const rg_strings *list)
{
  if (list->n > 0)
    rg_say(comm, "  %-14s", title);
  for (int64_t i = 0; i < list->n; i++)
    rg_say(comm, "%s%s", i ? ", " : "", rg_strings_at(list, i));
  if (list->n > 0)
    rg_say(comm, "\n");
}

static void say_modality(rg_file *file, int m)
{
  rg_comm *comm = rg_file_comm(file);
  const rg_modality *mod = rg_file_modality(file, m);
  int64_t present = 0;
  for (int64_t i = 0; i < rg_range_n(rg_file_rows(file)); i++)
    present += mod->present[i];
  rg_sum_i64(comm, &present, 1);
  rg_say(comm, "%s\n", mod->name);
  rg_say(comm, "  %-14s%lld of %lld\n", "cells", (long long)present,
         (long long)rg_file_cells(file));
  rg_say(comm, "  %-14s%lld", "features", (long long)mod->n_features);
  for (int64_t j = 0; j < mod->features.n && j < SHOWN; j++)
    rg_say(comm, "%s%s", j ? ", " : ": ", rg_strings_at(&mod->features, j));
  rg_say(comm, "%s\n", mod->features.n > SHOWN ? ", ..." : "");
  if (mod->chromosome)
    rg_say(comm, "  %-14s%lld\n", "chromosomes", (long long)mod->chromosomes.n);
  rg_say(comm, "  %-14s%s (%s, %s, %lld stored)\n", "counts", mod->counts, mod->layout,
         mod->value_type, (long long)mod->n_nonzero);
  rg_say(comm, "  %-14s%.1f MB of counts; what a run takes: regatta plan\n", "in memory",
         8e-6 * (double)mod->n_nonzero);
  rg_strings layers = rg_file_layers(file, m);
  say_list(comm, "layers", &layers);
  rg_strings_fini(&layers);
}

static void say_categories(rg_comm *comm, const rg_column *column)
{
  rg_say(comm, "category  %lld", (long long)column->categories.n);
  for (int64_t i = 0; i < column->categories.n && i < SHOWN; i++)
    rg_say(comm, "%s%s", i ? ", " : ": ", rg_strings_at(&column->categories, i));
  rg_say(comm, "%s\n", column->categories.n > SHOWN ? ", ..." : "");
}

static void say_numbers(rg_comm *comm, const rg_column *column)
{
  double low = INFINITY, high = -INFINITY;
  int64_t missing = 0;
  for (int64_t i = 0; i < column->n; i++) {
    if (isnan(column->number[i])) {
      missing++;
      continue;
    }
    low = fmin(low, column->number[i]);
    high = fmax(high, column->number[i]);
  }
  rg_min_f64(comm, &low, 1);
  rg_max_f64(comm, &high, 1);
  rg_sum_i64(comm, &missing, 1);
  rg_say(comm, "number    ");
  if (low <= high)
    rg_say(comm, "%.6g to %.6g", low, high);
  if (missing > 0)
    rg_say(comm, "%s%lld missing", low <= high ? ", " : "", (long long)missing);
  rg_say(comm, "\n");
}

static rg_status say_columns(rg_file *file)
{
  rg_status status = RG_OK;
  rg_comm *comm = rg_file_comm(file);
  rg_strings names = rg_file_columns(file);
  if (names.n > 0)
    rg_say(comm, "columns\n");
  for (int64_t i = 0; i < names.n; i++) {
    rg_column column;
    if (rg_read_column(file, rg_strings_at(&names, i), &column) != RG_OK) {
      rg_say(comm, "  %-24s cannot be read: %s\n", rg_strings_at(&names, i),
             rg_error_text());
      continue;
    }
    rg_say(comm, "  %-24s ", rg_strings_at(&names, i));
    if (column.type == RG_COLUMN_CATEGORY)
      say_categories(comm, &column);
    else if (column.type == RG_COLUMN_NUMBER)
      say_numbers(comm, &column);
    else
      rg_say(comm, "text\n");
    rg_column_fini(&column);
  }
  rg_strings_fini(&names);
  return status;
}

static rg_status say_file(rg_file *file)
{
  rg_comm *comm = rg_file_comm(file);
  rg_say(comm, "%s: %lld cells\n", rg_file_path(file), (long long)rg_file_cells(file));
  for (int m = 0; m < rg_file_modalities(file); m++)
    say_modality(file, m);
  rg_status status = say_columns(file);
  rg_strings obsm = rg_file_obsm(file);
  if (obsm.n > 0)
    rg_say(comm, "embeddings\n");
  for (int64_t i = 0; i < obsm.n; i++)
    rg_say(comm, "  %s\n", rg_strings_at(&obsm, i));
  rg_strings_fini(&obsm);
  return status;
}

/* One line per modality, opened by the path when there are several files. */
static rg_status say_digests(rg_file *file, const char *path)
{
  rg_status status = RG_OK;
  for (int m = 0; m < rg_file_modalities(file); m++) {
    rg_digest d;
    RG_TRY(rg_digest_counts(file, m, RG_ANY_FINITE, &d));
    rg_say(rg_file_comm(file),
           "%s%s%s %" PRId64 " %" PRId64 " %" PRId64 " %.10f %016" PRIx64 "\n", path,
           *path ? " " : "", rg_file_modality(file, m)->name, d.rows, d.cols, d.nonzero,
           d.sum, d.hash);
  }
out:
  return status;
}

static bool is_run(const char *path)
{
  struct stat info;
  char *config = rg_format("%s/used_config.yaml", path);
  bool yes = stat(config, &info) == 0;
  rg_free(config);
  return yes;
}

static rg_status inspect(const rg_call *call, const char *path)
{
  const options *o = call->options;
  if (rg_any(call->comm, is_run(path)))
    return rg_work_inspect(call->comm, path);
  rg_open_options how = {
      .layer = o->layer, .genome = o->genome, .bare = !o->digest && !o->layer};
  rg_file *file = NULL;
  rg_status status = rg_open(call->comm, path, &how, &file);
  if (status != RG_OK)
    return status;
  status = o->digest ? say_digests(file, call->n_arguments > 1 ? path : "")
                     : say_file(file);
  rg_close(file);
  return status;
}

/* A file that cannot be read does not keep the others from being told of. */
static rg_status run(const rg_call *call)
{
  rg_status status = RG_OK;
  char *last = NULL;
  for (int i = 0; i < call->n_arguments; i++) {
    rg_status now = inspect(call, call->arguments[i]);
    if (now == RG_OK)
      continue;
    if (last && rg_rank(call->comm) == 0)
      rg_log(RG_LOG_ERROR, "%s", last);
    rg_free(last);
    last = rg_strdup(rg_error_text());
    status = now;
  }
  if (last)
    status = rg_fail(status, "%s", last);
  rg_free(last);
  return status;
}

const rg_command rg_cmd_inspect = {
    .name = "inspect",
    .arguments = "FILE|RUN...",
    .summary = "tell what is in files",
    .help =
        "Prints the cells, modalities, features, columns and embeddings of a file "
        "(h5ad, "
        "h5mu, 10x h5, loom, MatrixMarket folder), and where counts are taken from: "
        "layers/counts, else raw/X, else X, unless --layer names another place. With "
        "--digest all values are read and one line per modality is printed that is the "
        "same for every reader, layout and number of ranks.",
    .example = "regatta inspect data.h5mu",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1024,
    .light = true,
    .order = 30,
    .run = run,
};
