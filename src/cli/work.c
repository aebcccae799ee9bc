/* Data in and results out, around a run folder. */
#include "work.h"

#include "build.h"

#include <math.h>
#include <string.h>

rg_status rg_work_open(rg_comm *comm, const char *path, const rg_plan *plan,
                       rg_file **file)
{
  rg_open_options options = {.layer = plan->data.layer, .genome = plan->data.genome};
  return rg_open(comm, path, &options, file);
}

/* ---- teacher ---- */

/* Rows of an obsm matrix of the file for the cells of the data set. */
static rg_status obsm_rows(rg_file *file, const char *key, const rg_dataset *dataset,
                           rg_mat *rows)
{
  rg_mat all = {0};
  rg_status status = rg_read_obsm(file, key, &all);
  if (status != RG_OK)
    return status;
  *rows = rg_mat_new(rg_range_n(dataset->rows), all.cols);
  rg_fetch(rg_file_comm(file), all.data, rg_file_cells(file),
           all.cols * (int64_t)sizeof(float), dataset->source, rows->rows, rows->data);
  rg_mat_fini(&all);
  return RG_OK;
}

rg_status rg_work_teacher(rg_file *file, const rg_plan *plan, const rg_dataset *dataset,
                          rg_mat *teacher)
{
  *teacher = (rg_mat){0};
  if (!plan->recipe->teacher)
    return RG_OK;
  const rg_prepared_modality *m = rg_dataset_modality(dataset, plan->train.teacher);
  if (!m)
    return obsm_rows(file, plan->train.teacher, dataset, teacher);
  if (m->embedding.cols < 1)
    return rg_fail(RG_EINPUT, "%s: modality %s has no embedding to teach with",
                   rg_file_path(file), m->name);
  *teacher = rg_mat_new(m->embedding.rows, m->embedding.cols);
  memcpy(teacher->data, m->embedding.data,
         sizeof(float) * (size_t)(teacher->rows * teacher->cols));
  return RG_OK;
}

/* ---- inference ---- */

rg_status rg_work_dataset(rg_comm *comm, const char *run, const rg_plan *plan,
                          rg_file *file, rg_dataset *dataset)
{
  rg_status status = RG_OK;
  rg_dataset trained = {0};
  char *path = rg_format("%s/prepared", run);
  RG_TRY(rg_dataset_read(comm, path, &trained));
  const char *batch = plan->data.batch;
  rg_strings columns = rg_file_columns(file);
  if (batch && rg_strings_find(&columns, batch) < 0) {
    rg_info("batch: %s has no column %s; cells count as of no batch", rg_file_path(file),
            batch);
    batch = NULL;
  }
  rg_strings_fini(&columns);
  rg_timer_start("prepare");
  status = rg_prepare(file, &plan->prepare, batch, NULL, &trained, dataset);
  rg_timer_stop("prepare");
  RG_TRY(status);
  rg_adopt_categories(&trained, dataset);
out:
  rg_dataset_fini(&trained);
  rg_free(path);
  return status;
}

rg_mat rg_work_to_file(rg_file *file, const rg_dataset *dataset, const rg_mat *rows)
{
  rg_comm *comm = rg_file_comm(file);
  rg_range mine = rg_file_rows(file);
  rg_mat out = rg_mat_new(rg_range_n(mine), rows->cols);
  for (int64_t k = 0; k < out.rows * out.cols; k++)
    out.data[k] = NAN;
  int64_t width = 8 + rows->cols * (int64_t)sizeof(float), n;
  char *bytes = rg_alloc(rows->rows, (size_t)width);
  int *to = RG_NEW(int, rows->rows);
  for (int64_t i = 0; i < rows->rows; i++) {
    memcpy(bytes + i * width, &dataset->source[i], 8);
    memcpy(bytes + i * width + 8, rg_mat_row(rows, i), (size_t)(width - 8));
    to[i] = rg_part_owner(rg_file_cells(file), rg_size(comm), dataset->source[i]);
  }
  char *in = rg_scatter(comm, bytes, rows->rows, width, to, &n);
  for (int64_t i = 0; i < n; i++) {
    int64_t cell;
    memcpy(&cell, in + i * width, 8);
    memcpy(rg_mat_row(&out, cell - mine.low), in + i * width + 8, (size_t)(width - 8));
  }
  rg_free(in);
  rg_free(bytes);
  rg_free(to);
  return out;
}

/* ---- results ---- */

/* A column that the plan names may lie in a modality: bring it along under its name. */
static rg_status bring_column(rg_file *file, const char *name, rg_annot *annot)
{
  rg_strings columns = rg_file_columns(file);
  bool there = false;
  for (int64_t k = 0; name && k < columns.n; k++) {
    const char *here = rg_strings_at(&columns, k), *colon = strchr(here, ':');
    there = there || strcmp(here, name) == 0 || (colon && strcmp(colon + 1, name) == 0);
  }
  rg_strings_fini(&columns);
  if (!there || rg_annot_column(annot, name))
    return RG_OK;
  rg_column column = {0};
  rg_status status = rg_read_column(file, name, &column);
  if (status != RG_OK)
    return status;
  rg_free(column.name);
  column.name = rg_strdup(name);
  rg_annot_set_column(annot, column);
  return RG_OK;
}

rg_status rg_work_annot(rg_file *file, const rg_plan *plan, rg_annot *annot)
{
  rg_status status = RG_OK;
  *annot = (rg_annot){.n_cells = rg_file_cells(file), .rows = rg_file_rows(file)};
  rg_strings_copy(rg_file_names(file), &annot->names);
  rg_strings columns = rg_file_columns(file);
  for (int64_t k = 0; k < columns.n; k++) {
    const char *name = rg_strings_at(&columns, k);
    if (strchr(name, ':'))
      continue; /* columns of modalities stay in the input */
    rg_column column = {0};
    RG_TRY(rg_read_column(file, name, &column));
    rg_annot_set_column(annot, column);
  }
  RG_TRY(bring_column(file, plan->data.labels, annot));
  RG_TRY(bring_column(file, plan->data.batch, annot));
out:
  rg_strings_fini(&columns);
  return status;
}

static uint64_t *name_hashes(const rg_strings *names)
{
  uint64_t *hash = RG_NEW(uint64_t, names->n);
  for (int64_t i = 0; i < names->n; i++) {
    const char *name = rg_strings_at(names, i);
    hash[i] = rg_hash(name, strlen(name), 0);
  }
  return hash;
}

/* True when the cells of the trained data set are those of the file. */
static bool same_cells(rg_file *file, const rg_dataset *trained)
{
  rg_comm *comm = rg_file_comm(file);
  int64_t rows = rg_range_n(trained->rows);
  bool inside = true;
  for (int64_t i = 0; i < rows; i++)
    inside = inside && trained->source[i] < rg_file_cells(file);
  if (!rg_all(comm, inside))
    return false;
  uint64_t *own = name_hashes(&trained->names);
  uint64_t *all = name_hashes(rg_file_names(file)), *found = RG_NEW(uint64_t, rows);
  rg_fetch(comm, all, rg_file_cells(file), sizeof *all, trained->source, rows, found);
  bool same = memcmp(own, found, sizeof *own * (size_t)rows) == 0;
  rg_free(own);
  rg_free(all);
  rg_free(found);
  return rg_all(comm, same);
}

static void add_depth(rg_file *file, const rg_dataset *dataset, rg_annot *annot)
{
  for (int m = 0; m < dataset->n_modalities; m++) {
    const rg_prepared_modality *modality = &dataset->modality[m];
    rg_mat depth = rg_mat_new(rg_range_n(dataset->rows), 1);
    for (int64_t i = 0; i < depth.rows; i++)
      depth.data[i] = modality->present[i] ? (float)modality->depth[i] : NAN;
    rg_mat rows = rg_work_to_file(file, dataset, &depth);
    rg_column column = {.name = rg_format("depth_%s", modality->name),
                        .type = RG_COLUMN_NUMBER, .n = rows.rows,
                        .number = RG_NEW(double, rows.rows)};
    for (int64_t i = 0; i < rows.rows; i++)
      column.number[i] = (double)rows.data[i];
    rg_annot_set_column(annot, column);
    rg_mat_fini(&rows);
    rg_mat_fini(&depth);
  }
}

rg_status rg_work_before(rg_file *file, const char *run, const rg_dataset *dataset,
                         rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_dataset trained = {0};
  char *path = rg_format("%s/prepared", run);
  add_depth(file, dataset, annot);
  RG_TRY(rg_dataset_read(rg_file_comm(file), path, &trained));
  if (!same_cells(file, &trained))
    goto out;
  for (int m = 0; m < trained.n_modalities; m++) {
    const rg_prepared_modality *modality = &trained.modality[m];
    if (modality->embedding.cols < 1)
      continue;
    bool taken = rg_annot_obsm(annot, modality->embedding_name) != NULL;
    char *key = taken ? rg_format("%s_%s", modality->embedding_name, modality->name)
                      : rg_strdup(modality->embedding_name);
    rg_annot_set_obsm(annot, key, rg_work_to_file(file, &trained, &modality->embedding));
    rg_free(key);
  }
out:
  rg_dataset_fini(&trained);
  rg_free(path);
  return status;
}

void rg_work_provenance(rg_comm *comm, rg_annot *annot, const rg_call *call,
                        const rg_file *file, const rg_plan *plan)
{
  rg_annot_note_text(annot, "regatta/version", PACKAGE_VERSION " (" RG_COMMIT ")");
  rg_annot_note_text(annot, "regatta/command", call->line);
  rg_annot_note_text(annot, "regatta/input", rg_file_path(file));
  rg_annot_note_text(annot, "regatta/recipe", plan->recipe->name);
  rg_annot_note_text(annot, "regatta/configuration", plan->configuration);
  if (plan->data.labels)
    rg_annot_note_text(annot, "regatta/labels", plan->data.labels);
  if (plan->data.batch)
    rg_annot_note_text(annot, "regatta/batch", plan->data.batch);
  rg_annot_note_integer(annot, "regatta/seed", plan->train.seed);
  rg_annot_note_integer(annot, "regatta/n_ranks", rg_size(comm));
}

/* ---- the run folder ---- */

rg_status rg_work_status(rg_comm *comm, const char *run, const char *state)
{
  char *path = rg_format("%s/STATUS", run), *text = rg_format("%s\n", state);
  rg_status status = rg_write_text(comm, path, text);
  rg_free(text);
  rg_free(path);
  return status;
}

static const char *state_of(rg_status status)
{
  return status == RG_OK ? "done" : status == RG_ESTOPPED ? "stopped" : "failed";
}

/* The first error is kept while the folder is told about it. */
rg_status rg_work_finish(rg_comm *comm, const char *run, bool part, rg_status status)
{
  char *text = rg_strdup(rg_error_text());
  rg_status told = rg_work_timers(comm, run);
  rg_status how = status != RG_OK ? status : told;
  if (!part || how != RG_OK)
    told = rg_work_status(comm, run, state_of(how));
  if (status != RG_OK)
    rg_fail(status, "%s", text);
  rg_free(text);
  return how != RG_OK ? how : told;
}

/* What is laid out but not touched yet will be resident once the work is under way. */
void rg_work_warn_memory(rg_comm *comm)
{
  const char *whose;
  int64_t limit = rg_memory_limit(&whose);
  int64_t resident = rg_memory_resident(), alive = rg_memory_alive();
  int64_t needed = resident > alive ? resident : alive;
  int hosts, here;
  rg_comm_hosts(comm, &hosts, &here);
  int64_t over = needed * here - limit;
  rg_max_i64(comm, &over, 1);
  if (over > 0 && rg_rank(comm) == 0)
    rg_warn("the ranks of a host will take %.2f GB, %s has %.2f: take more nodes, fewer "
            "ranks a node or a smaller train.batch; see regatta plan",
            (double)(limit + over) / 1e9, whose, (double)limit / 1e9);
}

void rg_work_memory(rg_comm *comm)
{
  int64_t least = rg_memory_peak(), most = least;
  rg_min_i64(comm, &least, 1);
  rg_max_i64(comm, &most, 1);
  if (rg_size(comm) == 1)
    rg_say(comm, "peak memory: %.0f MB\n", (double)most / 1e6);
  else
    rg_say(comm, "peak memory per rank: %.0f to %.0f MB\n", (double)least / 1e6,
           (double)most / 1e6);
}
