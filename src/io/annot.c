/* Results in memory: a table of columns, matrices, graphs and notes. */

#include "annot_read.h"

#include <string.h>

static void fini_note(rg_note *note)
{
  rg_free(note->path);
  rg_free(note->text);
  rg_free(note->array);
  rg_strings_fini(&note->list);
  rg_strings_fini(&note->fields);
}

void rg_annot_fini(rg_annot *annot)
{
  for (int i = 0; i < annot->n_columns; i++)
    rg_column_fini(&annot->columns[i]);
  for (int i = 0; i < annot->n_obsm; i++) {
    rg_free(annot->obsm[i].name);
    rg_mat_fini(&annot->obsm[i].mat);
  }
  for (int i = 0; i < annot->n_obsp; i++) {
    rg_free(annot->obsp[i].name);
    rg_csr_fini(&annot->obsp[i].csr);
  }
  for (int i = 0; i < annot->n_notes; i++)
    fini_note(&annot->notes[i]);
  rg_free(annot->columns);
  rg_free(annot->obsm);
  rg_free(annot->obsp);
  rg_free(annot->notes);
  rg_mat_fini(&annot->x);
  rg_csr_fini(&annot->sparse_x);
  rg_strings_fini(&annot->names);
  rg_strings_fini(&annot->var_names);
  *annot = (rg_annot){0};
}

/* ---- set: replace what has the name, else append --------------------------------- */

void rg_annot_set_column(rg_annot *annot, rg_column column)
{
  RG_ASSERT(column.n == rg_range_n(annot->rows));
  rg_column *old = (rg_column *)rg_annot_column(annot, column.name);
  if (old) {
    rg_column_fini(old);
    *old = column;
    return;
  }
  int n = annot->n_columns++;
  annot->columns = rg_realloc(annot->columns, n, n + 1, sizeof column);
  annot->columns[n] = column;
}

void rg_annot_set_obsm(rg_annot *annot, const char *name, rg_mat mat)
{
  RG_ASSERT(mat.rows == rg_range_n(annot->rows));
  rg_mat *old = (rg_mat *)rg_annot_obsm(annot, name);
  if (old) {
    rg_mat_fini(old);
    *old = mat;
    return;
  }
  int n = annot->n_obsm++;
  annot->obsm = rg_realloc(annot->obsm, n, n + 1, sizeof *annot->obsm);
  annot->obsm[n].name = rg_strdup(name);
  annot->obsm[n].mat = mat;
}

void rg_annot_set_obsp(rg_annot *annot, const char *name, rg_csr csr)
{
  RG_ASSERT(csr.rows == rg_range_n(annot->rows) && csr.cols == annot->n_cells);
  rg_csr *old = (rg_csr *)rg_annot_obsp(annot, name);
  if (old) {
    rg_csr_fini(old);
    *old = csr;
    return;
  }
  int n = annot->n_obsp++;
  annot->obsp = rg_realloc(annot->obsp, n, n + 1, sizeof *annot->obsp);
  annot->obsp[n].name = rg_strdup(name);
  annot->obsp[n].csr = csr;
}

/* The note of that path, emptied. */
static rg_note *take_note(rg_annot *annot, const char *path)
{
  rg_note *note = (rg_note *)rg_annot_note(annot, path);
  if (note) {
    fini_note(note);
  } else {
    int n = annot->n_notes++;
    annot->notes = rg_realloc(annot->notes, n, n + 1, sizeof *note);
    note = &annot->notes[n];
  }
  *note = (rg_note){.path = rg_strdup(path)};
  return note;
}

void rg_annot_note_text(rg_annot *annot, const char *path, const char *text)
{
  char *copy = rg_strdup(text); /* it may be the old value */
  take_note(annot, path)->text = copy;
}

void rg_annot_note_number(rg_annot *annot, const char *path, double number)
{
  take_note(annot, path)->number = number;
}

void rg_annot_note_integer(rg_annot *annot, const char *path, int64_t number)
{
  rg_note *note = take_note(annot, path);
  note->number = (double)number;
  note->is_integer = true;
}

void rg_annot_note_bool(rg_annot *annot, const char *path, bool value)
{
  rg_note *note = take_note(annot, path);
  note->number = value;
  note->is_bool = true;
}

void rg_annot_note_strings(rg_annot *annot, const char *path, const rg_strings *list)
{
  rg_strings copy;
  rg_strings_copy(list, &copy);
  take_note(annot, path)->list = copy;
}

void rg_annot_note_array(rg_annot *annot, const char *path, const double *x, int64_t n)
{
  double *copy = RG_NEW(double, n);
  if (n > 0)
    memcpy(copy, x, (size_t)n * sizeof *x);
  rg_note *note = take_note(annot, path);
  note->array = copy;
  note->array_n = n;
}

void rg_annot_note_records(rg_annot *annot, const char *path, const rg_strings *fields,
                           const rg_strings *list, const double *x, int64_t n)
{
  RG_ASSERT(fields->n > 0 && n % fields->n == 0 && (x || list->n == n));
  rg_strings names;
  rg_strings_copy(fields, &names);
  if (x)
    rg_annot_note_array(annot, path, x, n);
  else
    rg_annot_note_strings(annot, path, list);
  ((rg_note *)rg_annot_note(annot, path))->fields = names;
}

void rg_annot_note_single(rg_annot *annot, const char *path)
{
  rg_note *note = (rg_note *)rg_annot_note(annot, path);
  RG_ASSERT(note && note->fields.n > 0 && note->array);
  note->is_single = true;
}

void rg_annot_copy_note(rg_annot *annot, const rg_note *note)
{
  rg_note copy = *note;
  copy.path = rg_strdup(note->path);
  copy.text = note->text ? rg_strdup(note->text) : NULL;
  rg_strings_copy(&note->list, &copy.list);
  rg_strings_copy(&note->fields, &copy.fields);
  if (note->array) {
    copy.array = RG_NEW(double, note->array_n);
    memcpy(copy.array, note->array, (size_t)note->array_n * sizeof *copy.array);
  }
  rg_note *slot = take_note(annot, note->path);
  rg_free(slot->path);
  *slot = copy;
}

/* ---- get ------------------------------------------------------------------------- */

const rg_column *rg_annot_column(const rg_annot *annot, const char *name)
{
  for (int i = 0; i < annot->n_columns; i++)
    if (strcmp(annot->columns[i].name, name) == 0)
      return &annot->columns[i];
  return NULL;
}

const rg_mat *rg_annot_obsm(const rg_annot *annot, const char *name)
{
  for (int i = 0; i < annot->n_obsm; i++)
    if (strcmp(annot->obsm[i].name, name) == 0)
      return &annot->obsm[i].mat;
  return NULL;
}

const rg_csr *rg_annot_obsp(const rg_annot *annot, const char *name)
{
  for (int i = 0; i < annot->n_obsp; i++)
    if (strcmp(annot->obsp[i].name, name) == 0)
      return &annot->obsp[i].csr;
  return NULL;
}

const rg_note *rg_annot_note(const rg_annot *annot, const char *path)
{
  for (int i = 0; i < annot->n_notes; i++)
    if (strcmp(annot->notes[i].path, path) == 0)
      return &annot->notes[i];
  return NULL;
}
