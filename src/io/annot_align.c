/* Rows of results found by the names of cells. */

#include "regatta/io.h"

#include <math.h>
#include <string.h>

#include "annot_read.h"
#include "matrix.h"
#include "names.h"

/* From new rows to old ones. */
typedef struct plan {
  rg_comm *comm;
  const rg_annot *old;
  rg_range rows;  /* new rows of this rank */
  int64_t *place; /* per new row: its old row, or -1 */
  int64_t *known; /* old rows of the new rows that have one, in order */
  int64_t n_known;
} plan;

/* Fetch rows of a spread array for the new rows that have an old one, and spread them over
   all new rows; the others keep what `out` holds. Collective. */
static void fetch_rows(const plan *p, const void *mine, int64_t row_bytes, void *out)
{
  char *rows = rg_alloc(p->n_known, (size_t)row_bytes);
  rg_fetch(p->comm, mine, p->old->n_cells, row_bytes, p->known, p->n_known, rows);
  int64_t k = 0;
  for (int64_t i = 0; i < rg_range_n(p->rows); i++)
    if (p->place[i] >= 0)
      memcpy((char *)out + i * row_bytes, rows + k++ * row_bytes, (size_t)row_bytes);
  rg_free(rows);
}

/* Texts travel padded to the longest one. */
static void fetch_texts(const plan *p, const rg_strings *mine, rg_strings *out)
{
  int64_t longest = 0, n = rg_range_n(p->rows);
  for (int64_t i = 0; i < mine->n; i++) {
    int64_t length = (int64_t)strlen(rg_strings_at(mine, i));
    longest = length > longest ? length : longest;
  }
  rg_max_i64(p->comm, &longest, 1);
  int64_t width = longest + 1;
  char *padded = rg_alloc(mine->n * width, 1), *rows = rg_alloc(n * width, 1);
  for (int64_t i = 0; i < mine->n; i++)
    strcpy(padded + i * width, rg_strings_at(mine, i));
  fetch_rows(p, padded, width, rows);
  for (int64_t i = 0; i < n; i++)
    rg_strings_add(out, rows + i * width, -1);
  rg_free(padded);
  rg_free(rows);
}

static rg_column align_column(const plan *p, const rg_column *old)
{
  int64_t n = rg_range_n(p->rows);
  rg_column column = {.name = rg_strdup(old->name), .type = old->type, .n = n};
  switch (old->type) {
  case RG_COLUMN_CATEGORY:
    rg_strings_copy(&old->categories, &column.categories);
    column.code = RG_NEW(int32_t, n);
    for (int64_t i = 0; i < n; i++)
      column.code[i] = -1;
    fetch_rows(p, old->code, sizeof *old->code, column.code);
    break;
  case RG_COLUMN_NUMBER:
    column.number = RG_NEW(double, n);
    for (int64_t i = 0; i < n; i++)
      column.number[i] = NAN;
    fetch_rows(p, old->number, sizeof *old->number, column.number);
    break;
  case RG_COLUMN_STRING:
    fetch_texts(p, &old->text, &column.text);
    break;
  }
  return column;
}

static rg_mat align_mat(const plan *p, const rg_mat *old)
{
  rg_mat mat = rg_mat_new(rg_range_n(p->rows), old->cols);
  for (int64_t i = 0; i < mat.rows * mat.cols; i++)
    mat.data[i] = NAN;
  fetch_rows(p, old->data, old->cols * (int64_t)sizeof(float), mat.data);
  return mat;
}

/* Both ends of an edge get their new numbers; edges to cells that are gone are dropped.
   `renumber` holds the new row of each old row here, or -1. Collective. */
static rg_csr align_csr(const plan *p, const rg_csr *old, int64_t n_cells,
                        const int64_t *renumber)
{
  int64_t nnz = rg_csr_nnz(old), kept = 0;
  int64_t *columns = RG_NEW(int64_t, nnz), *ids = RG_NEW(int64_t, nnz);
  for (int64_t k = 0; k < nnz; k++)
    ids[k] = old->indices[k];
  rg_fetch(p->comm, renumber, p->old->n_cells, sizeof *renumber, ids, nnz, columns);
  rg_entry *entries = RG_NEW(rg_entry, nnz);
  for (int64_t i = 0; i < old->rows; i++)
    for (int64_t k = old->indptr[i]; k < old->indptr[i + 1]; k++)
      if (renumber[i] >= 0 && columns[k] >= 0)
        entries[kept++] = (rg_entry){renumber[i], (int32_t)columns[k],
                                     old->values ? old->values[k] : 1};
  rg_route route;
  rg_csr csr;
  rg_route_init(&route, p->comm, n_cells);
  rg_route_send(&route, entries, kept);
  rg_route_finish(&route, n_cells, &csr);
  rg_annot_sort_rows(&csr);
  rg_free(columns);
  rg_free(ids);
  rg_free(entries);
  return csr;
}

/* True when both lists of cells are the same on all ranks. Collective. */
static bool same_cells(rg_comm *comm, const rg_annot *old, int64_t n_cells,
                       const rg_strings *names)
{
  bool same = old->n_cells == n_cells && old->names.n == names->n;
  for (int64_t i = 0; same && i < names->n; i++)
    same = strcmp(rg_strings_at(&old->names, i), rg_strings_at(names, i)) == 0;
  return rg_all(comm, same);
}

/* Find every new cell among the old ones, and the other way. Collective. */
static rg_status match(rg_comm *comm, const char *where, const char *in,
                       const rg_annot *old, int64_t n_cells, const rg_strings *names,
                       int64_t *place, int64_t *renumber)
{
  rg_status status = RG_OK;
  if (same_cells(comm, old, n_cells, names)) {
    rg_range rows = old->rows;
    for (int64_t i = 0; i < rg_range_n(rows); i++)
      place[i] = renumber[i] = rows.low + i;
    return RG_OK;
  }
  RG_TRY(rg_names_match(comm, in, &old->names, names, place));
  RG_TRY(rg_names_match(comm, where, names, &old->names, renumber));
  int64_t found = 0;
  for (int64_t i = 0; i < names->n; i++)
    found += place[i] >= 0;
  rg_sum_i64(comm, &found, 1);
  if (found == 0)
    RG_TRY(rg_fail(RG_EINPUT,
                   "%s: none of its cells is in %s; are they of another file?",
                   where, in));
  if (found < n_cells && rg_rank(comm) == 0)
    rg_warn("%s: %lld of %lld cells are not in %s", where, (long long)(n_cells - found),
            (long long)n_cells, in);

out:
  return status;
}

static void fill(const plan *p, int64_t n_cells, const int64_t *renumber,
                 rg_annot *aligned)
{
  const rg_annot *old = p->old;
  for (int i = 0; i < old->n_columns; i++)
    rg_annot_set_column(aligned, align_column(p, &old->columns[i]));
  for (int i = 0; i < old->n_obsm; i++)
    rg_annot_set_obsm(aligned, old->obsm[i].name, align_mat(p, &old->obsm[i].mat));
  for (int i = 0; i < old->n_obsp; i++)
    rg_annot_set_obsp(aligned, old->obsp[i].name,
                      align_csr(p, &old->obsp[i].csr, n_cells, renumber));
  for (int i = 0; i < old->n_notes; i++)
    rg_annot_copy_note(aligned, &old->notes[i]);
}

rg_status rg_annot_align(rg_comm *comm, const char *where, const char *in,
                         const rg_annot *annot, int64_t n_cells, const rg_strings *names,
                         rg_annot *aligned)
{
  rg_status status = RG_OK;
  int64_t *renumber = RG_NEW(int64_t, annot->names.n);
  plan p = {.comm = comm,
            .old = annot,
            .rows = rg_part(n_cells, rg_rank(comm), rg_size(comm)),
            .place = RG_NEW(int64_t, names->n), .known = RG_NEW(int64_t, names->n)};
  RG_TRY(match(comm, where, in, annot, n_cells, names, p.place, renumber));
  for (int64_t i = 0; i < names->n; i++)
    if (p.place[i] >= 0)
      p.known[p.n_known++] = p.place[i];
  *aligned = (rg_annot){.n_cells = n_cells, .rows = p.rows};
  rg_strings_copy(names, &aligned->names);
  fill(&p, n_cells, renumber, aligned);

out:
  rg_free(renumber);
  rg_free(p.place);
  rg_free(p.known);
  return status;
}
