/* The counts of a data set that was read from disk, out of the file that it was prepared
 * from. */
#include "src/prepare/inner.h"

#include <stdlib.h>
#include <string.h>

/* The cells of the data set, dealt as the rows of the file are. */
typedef struct cells {
  rg_layout in_file; /* cells whose row in the file lies on each rank */
  rg_layout in_data;
  bool *keep; /* per row of the file of this rank */
} cells;

/* How many cells of the data set come before each rank's rows of the file. */
static rg_layout find_layout(rg_file *file, const rg_dataset *d)
{
  rg_comm *comm = rg_file_comm(file);
  int size = rg_size(comm);
  rg_layout layout = {RG_NEW(int64_t, size + 1)};
  for (int64_t i = 0; i < rg_range_n(d->rows); i++)
    layout.bound[rg_part_owner(rg_file_cells(file), size, d->source[i]) + 1]++;
  rg_sum_i64(comm, layout.bound, size + 1);
  for (int r = 0; r < size; r++)
    layout.bound[r + 1] += layout.bound[r];
  return layout;
}

static rg_status check_names(rg_file *file, const rg_dataset *d, const cells *c)
{
  rg_status status = RG_OK;
  rg_strings expected =
      rg_relayout_strings(rg_file_comm(file), &c->in_data, &c->in_file, &d->names);
  const rg_strings *names = rg_file_names(file);
  for (int64_t i = 0, next = 0; i < names->n && status == RG_OK; i++) {
    if (!c->keep[i])
      continue;
    const char *want = rg_strings_at(&expected, next++),
               *have = rg_strings_at(names, i);
    if (strcmp(want, have) != 0)
      status = rg_fail(RG_EINPUT,
                       "%s: cell %lld is \"%s\", but \"%s\" was prepared; give "
                       "the file that was prepared",
                       rg_file_path(file), (long long)(rg_file_rows(file).low + i),
                       have, want);
  }
  rg_strings_fini(&expected);
  return rg_agree(rg_file_comm(file), status);
}

static rg_status find_cells(rg_file *file, const rg_dataset *d, cells *c)
{
  rg_status status = RG_OK;
  rg_comm *comm = rg_file_comm(file);
  rg_range rows = rg_file_rows(file);
  c->keep = RG_NEW(bool, rg_range_n(rows));
  for (int64_t i = 0; i < rg_range_n(d->rows); i++)
    if (d->source[i] < 0 || d->source[i] >= rg_file_cells(file))
      status = rg_fail(RG_EINPUT,
                       "%s: it has %lld cells, but cell %lld was prepared; give "
                       "the file that was prepared",
                       rg_file_path(file), (long long)rg_file_cells(file),
                       (long long)d->source[i]);
  RG_TRY_ALL(comm, status);
  c->in_file = find_layout(file, d);
  c->in_data = rg_layout_of(comm, rg_range_n(d->rows));
  int64_t *wanted =
      rg_relayout(comm, &c->in_data, &c->in_file, d->source, sizeof *d->source);
  int64_t n = c->in_file.bound[rg_rank(comm) + 1] - c->in_file.bound[rg_rank(comm)];
  for (int64_t i = 0; i < n; i++)
    c->keep[wanted[i] - rows.low] = true;
  rg_free(wanted);
  RG_TRY(check_names(file, d, c));
out:
  return status;
}

typedef struct named {
  const char *name;
  int32_t number;
} named;

static int by_name(const void *a, const void *b)
{
  return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* new_of_old for the features of a modality; all have to be there. */
static rg_status find_columns(rg_file *file, const rg_modality *source,
                              const rg_prepared_modality *m, int32_t *new_of_old)
{
  rg_status status = RG_OK;
  named *table = RG_NEW(named, m->features.n);
  for (int64_t f = 0; f < m->features.n; f++)
    table[f] = (named){rg_strings_at(&m->features, f), (int32_t)f};
  qsort(table, (size_t)m->features.n, sizeof *table, by_name);
  int64_t found = 0;
  for (int64_t f = 0; f < source->n_features; f++) {
    named key = {rg_strings_at(&source->features, f), 0};
    const named *hit =
        bsearch(&key, table, (size_t)m->features.n, sizeof *table, by_name);
    new_of_old[f] = hit ? hit->number : -1;
    found += hit != NULL;
  }
  rg_free(table);
  if (found != m->features.n)
    status = rg_fail(RG_EINPUT,
                     "%s: modality %s has %lld of the %lld features that were "
                     "prepared; give the file that was prepared",
                     rg_file_path(file), m->name, (long long)found,
                     (long long)m->features.n);
  return status;
}

static rg_status fill_modality(rg_file *file, const cells *c, rg_prepared_modality *m)
{
  rg_status status = RG_OK;
  rg_csr counts = {0};
  int32_t *new_of_old = NULL;
  int at = rg_file_find(file, m->name);
  if (at < 0)
    return rg_fail(RG_EINPUT,
                   "%s: modality %s was prepared but is not there; give the "
                   "file that was prepared",
                   rg_file_path(file), m->name);
  const rg_modality *source = rg_file_modality(file, at);
  bool strict = rg_kind_of(m->name, false, false) != RG_KIND_PROTEIN;
  RG_TRY(rg_read_counts(file, at, strict ? RG_COUNTS : RG_ANY_FINITE, &counts));
  new_of_old = RG_NEW(int32_t, source->n_features);
  RG_TRY(find_columns(file, source, m, new_of_old));
  rg_csr_arrange_columns(&counts, new_of_old, m->features.n);
  rg_csr_keep_rows(&counts, c->keep);
  rg_csr_fini(&m->counts);
  m->counts = rg_relayout_csr(rg_file_comm(file), &c->in_file, &c->in_data, &counts);
out:
  rg_csr_fini(&counts);
  rg_free(new_of_old);
  return status;
}

rg_status rg_dataset_fill(rg_file *file, rg_dataset *dataset)
{
  rg_status status = RG_OK;
  cells c = {0};
  RG_TRY(find_cells(file, dataset, &c));
  for (int m = 0; m < dataset->n_modalities; m++)
    RG_TRY(fill_modality(file, &c, &dataset->modality[m]));
out:
  rg_layout_fini(&c.in_file);
  rg_layout_fini(&c.in_data);
  rg_free(c.keep);
  return status;
}
