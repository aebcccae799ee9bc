/* regatta check: every value of files, validated. */
#include "regatta/cli.h"
#include "regatta/io.h"

#include <string.h>

typedef struct options {
  char *layer, *genome, *values;
  bool json;
} options;

static const rg_field fields[] = {
    {"layer", RG_TEXT, offsetof(options, layer), NULL, 0, 0, NULL, NULL,
     "take counts from this layer; X and raw name X and raw/X"},
    {"genome", RG_TEXT, offsetof(options, genome), NULL, 0, 0, NULL, NULL,
     "genome of a 10x version 2 file that holds several"},
    {"values", RG_CHOICE, offsetof(options, values), "counts", 0, 0,
     "counts|non_negative|finite", NULL, "what every value has to be"},
    {"json", RG_BOOL, offsetof(options, json), "false", 0, 0, NULL, NULL,
     "print one JSON object instead of lines"},
    {0}};

/* What goes wrong is told at once, but the last of it is left to the caller. */
typedef struct report {
  const rg_call *call;
  rg_values values;
  rg_json *json; /* NULL: lines */
  int n_errors;
  char *last;
} report;

static void add_error(report *r)
{
  if (r->last && rg_rank(r->call->comm) == 0)
    rg_log(RG_LOG_ERROR, "%s", r->last);
  rg_free(r->last);
  r->last = rg_strdup(rg_error_text());
  r->n_errors++;
  if (r->json)
    rg_json_text(r->json, NULL, r->last);
}

static rg_values parse_values(const char *text)
{
  if (strcmp(text, "counts") == 0)
    return RG_COUNTS;
  return strcmp(text, "finite") == 0 ? RG_ANY_FINITE : RG_NON_NEGATIVE;
}

static void tell_modality(report *r, rg_file *file, int m, const rg_digest *d)
{
  const rg_modality *mod = rg_file_modality(file, m);
  if (r->json) {
    rg_json_open(r->json, NULL, '{');
    rg_json_text(r->json, "name", mod->name);
    rg_json_text(r->json, "counts", mod->counts);
    rg_json_integer(r->json, "cells", mod->n_cells);
    rg_json_integer(r->json, "features", d->cols);
    rg_json_integer(r->json, "nonzero", d->nonzero);
    rg_json_number(r->json, "sum", d->sum);
    rg_json_integer(r->json, "empty_cells", d->empty_cells);
    rg_json_integer(r->json, "empty_features", d->empty_features);
    rg_json_close(r->json);
    return;
  }
  rg_say(
      r->call->comm,
      "  %-8s %s: %lld cells, %lld features, %lld nonzero, sum %.10g; %lld cells and "
      "%lld features without a value\n",
      mod->name, mod->counts, (long long)mod->n_cells, (long long)d->cols,
      (long long)d->nonzero, d->sum, (long long)d->empty_cells,
      (long long)d->empty_features);
}

/* All modalities; failures are remembered. */
static void check_modalities(report *r, rg_file *file, rg_digest *digests, bool *good)
{
  for (int m = 0; m < rg_file_modalities(file); m++) {
    good[m] = rg_digest_counts(file, m, r->values, &digests[m]) == RG_OK;
    if (!good[m])
      add_error(r);
  }
}

/* Columns and embeddings have to be readable. */
static void check_tables(report *r, rg_file *file)
{
  rg_strings columns = rg_file_columns(file), obsm = rg_file_obsm(file);
  for (int64_t i = 0; i < columns.n; i++) {
    rg_column column;
    if (rg_read_column(file, rg_strings_at(&columns, i), &column) == RG_OK)
      rg_column_fini(&column);
    else
      add_error(r);
  }
  for (int64_t i = 0; i < obsm.n; i++) {
    rg_mat mat;
    if (rg_read_obsm(file, rg_strings_at(&obsm, i), &mat) == RG_OK)
      rg_mat_fini(&mat);
    else
      add_error(r);
  }
  rg_strings_fini(&columns);
  rg_strings_fini(&obsm);
}

static void check_file(report *r, const char *path)
{
  const options *o = r->call->options;
  rg_open_options how = {.layer = o->layer, .genome = o->genome};
  rg_file *file = NULL;
  int before = r->n_errors;
  if (r->json) {
    rg_json_open(r->json, NULL, '{');
    rg_json_text(r->json, "path", path);
    rg_json_open(r->json, "errors", '[');
  }
  bool opened = rg_open(r->call->comm, path, &how, &file) == RG_OK;
  int n = opened ? rg_file_modalities(file) : 0;
  rg_digest *digests = RG_NEW(rg_digest, n);
  bool *good = RG_NEW(bool, n);
  if (!opened) {
    add_error(r);
  } else {
    if (rg_file_check_names(file) != RG_OK)
      add_error(r);
    check_modalities(r, file, digests, good);
    check_tables(r, file);
  }
  bool fine = r->n_errors == before;
  if (r->json) {
    rg_json_close(r->json);
    rg_json_bool(r->json, "ok", fine);
    rg_json_integer(r->json, "cells", opened ? rg_file_cells(file) : 0);
    rg_json_open(r->json, "modalities", '[');
  } else {
    rg_say(r->call->comm, "%s: %s\n", path, fine ? "ok" : "not ok");
  }
  for (int m = 0; m < n; m++)
    if (good[m])
      tell_modality(r, file, m, &digests[m]);
  if (r->json) {
    rg_json_close(r->json);
    rg_json_close(r->json);
  }
  rg_free(digests);
  rg_free(good);
  rg_close(file);
}

static rg_status run(const rg_call *call)
{
  const options *o = call->options;
  report r = {.call = call, .values = parse_values(o->values)};
  if (o->json) {
    r.json = rg_json_new();
    rg_json_open(r.json, NULL, '{');
    rg_json_open(r.json, "files", '[');
  }
  for (int i = 0; i < call->n_arguments; i++)
    check_file(&r, call->arguments[i]);
  if (r.json) {
    rg_json_close(r.json);
    rg_json_bool(r.json, "ok", r.n_errors == 0);
    rg_json_close(r.json);
    rg_say(call->comm, "%s\n", rg_json_string(r.json));
  }
  rg_status status = r.last ? rg_fail(RG_EINPUT, "%s", r.last) : RG_OK;
  rg_json_free(r.json);
  rg_free(r.last);
  return status;
}

const rg_command rg_cmd_check = {
    .name = "check",
    .arguments = "FILE...",
    .summary = "validate every value of files",
    .help =
        "Reads all of each file: shapes, pointers and indices, values (counts: "
        "non-negative integers, unless --values asks for less), names of cells (no two "
        "alike), the maps of an h5mu (each cell leads to a row of its own name), "
        "columns "
        "and embeddings. Tells cells and features without a value. Every problem is "
        "one "
        "line with its place and the remedy; the exit code is 3 when there are any.",
    .example = "regatta check data.h5mu",
    .options = fields,
    .options_size = sizeof(options),
    .min_arguments = 1,
    .max_arguments = 1024,
    .order = 32,
    .run = run,
};
