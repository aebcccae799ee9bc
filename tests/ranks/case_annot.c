/* Results: the same bytes at any number of ranks, read back at any other. */
#include "regatta/io.h"
#include "tests/ranks/ranks.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { CELLS = 103, DIMS = 3 };

static rg_column column_of(const char *name, rg_column_type type, rg_range rows)
{
  rg_column column = {.name = rg_strdup(name), .type = type, .n = rg_range_n(rows)};
  for (int64_t i = rows.low; i < rows.high; i++) {
    char text[32];
    switch (type) {
    case RG_COLUMN_CATEGORY:
      if (!column.code)
        column.code = RG_NEW(int32_t, column.n);
      column.code[i - rows.low] = (int32_t)(i % 4) - 1;
      break;
    case RG_COLUMN_NUMBER:
      if (!column.number)
        column.number = RG_NEW(double, column.n);
      column.number[i - rows.low] = i % 5 == 0 ? NAN : (double)i / 3;
      break;
    case RG_COLUMN_STRING:
      snprintf(text, sizeof text, "gène %d", (int)i);
      rg_strings_add(&column.text, i % 7 == 0 ? "" : text, -1);
      break;
    }
  }
  static const char *const names[] = {"B cell", "NK", "γδ T"};
  for (int k = 0; k < 3 && type == RG_COLUMN_CATEGORY; k++)
    rg_strings_add(&column.categories, names[k], -1);
  return column;
}

/* Row i has i % 4 entries after its own number, around the ring. */
static rg_csr graph_of(rg_range rows)
{
  rg_csr csr = rg_csr_new(rg_range_n(rows), CELLS, 4 * rg_range_n(rows));
  for (int64_t i = rows.low; i < rows.high; i++) {
    int64_t at = csr.indptr[i - rows.low], k = i % 4;
    int64_t first = i + k >= CELLS ? i - k : i + 1;
    for (int64_t j = 0; j < k; j++, at++) {
      csr.indices[at] = (int32_t)(first + j);
      csr.values[at] = (float)(i + j) / 2;
    }
    csr.indptr[i - rows.low + 1] = at;
  }
  return csr;
}

static void add_notes(rg_annot *annot)
{
  rg_strings list = {0}, fields = {0}, texts = {0};
  double x[4] = {1, -2.5, 1e300, 0};
  rg_strings_add(&list, "#1f77b4", -1);
  rg_strings_add(&list, "é", -1);
  rg_strings_add(&fields, "0", -1);
  rg_strings_add(&fields, "1", -1);
  for (int i = 0; i < 4; i++)
    rg_strings_add(&texts, i % 2 ? "CD3E" : "MS4A1", -1);
  rg_annot_note_text(annot, "neighbors/params/metric", "euclidean");
  rg_annot_note_integer(annot, "neighbors/params/n_neighbors", 15);
  rg_annot_note_number(annot, "leiden/params/resolution", 0.7);
  rg_annot_note_bool(annot, "hvg/flag", true);
  rg_annot_note_strings(annot, "leiden_colors", &list);
  rg_annot_note_array(annot, "regatta/history/loss", x, 4);
  rg_annot_note_records(annot, "rank_genes_groups/names", &fields, &texts, NULL, 4);
  rg_annot_note_records(annot, "rank_genes_groups/pvals", &fields, &texts, x, 4);
  x[2] = 0.5;
  rg_annot_note_records(annot, "rank_genes_groups/scores", &fields, &texts, x, 4);
  rg_annot_note_single(annot, "rank_genes_groups/scores");
  rg_strings_fini(&list);
  rg_strings_fini(&fields);
  rg_strings_fini(&texts);
}

static rg_annot make(rg_comm *comm)
{
  rg_range rows = rg_part(CELLS, rg_rank(comm), rg_size(comm));
  rg_annot annot = {.n_cells = CELLS, .rows = rows};
  rg_mat mat = rg_mat_new(rg_range_n(rows), DIMS);
  for (int64_t i = rows.low; i < rows.high; i++) {
    char name[32];
    snprintf(name, sizeof name, "cell-%d", (int)i);
    rg_strings_add(&annot.names, name, -1);
    for (int j = 0; j < DIMS; j++)
      rg_mat_row(&mat, i - rows.low)[j] = i % 6 == 0 ? NAN : (float)i / (float)(j + 1);
  }
  rg_annot_set_column(&annot, column_of("leiden", RG_COLUMN_CATEGORY, rows));
  rg_annot_set_column(&annot, column_of("depth", RG_COLUMN_NUMBER, rows));
  rg_annot_set_column(&annot, column_of("donor", RG_COLUMN_STRING, rows));
  rg_annot_set_obsm(&annot, "X_regatta", mat);
  rg_annot_set_obsp(&annot, "connectivities", graph_of(rows));
  add_notes(&annot);
  return annot;
}

/* ---- equality -------------------------------------------------------------------- */

static bool same_text(const rg_strings *a, const rg_strings *b)
{
  bool same = a->n == b->n;
  for (int64_t i = 0; same && i < a->n; i++)
    same = strcmp(rg_strings_at(a, i), rg_strings_at(b, i)) == 0;
  return same;
}

static bool same_number(double a, double b)
{
  return a == b || (isnan(a) && isnan(b));
}

static bool same_column(const rg_column *a, const rg_column *b)
{
  bool same = b && a->type == b->type && a->n == b->n &&
              same_text(&a->text, &b->text) &&
              same_text(&a->categories, &b->categories);
  for (int64_t i = 0; same && i < a->n; i++)
    same = (!a->code || a->code[i] == b->code[i]) &&
           (!a->number || same_number(a->number[i], b->number[i]));
  return same;
}

static bool same_csr(const rg_csr *a, const rg_csr *b)
{
  if (!b || a->rows != b->rows || a->cols != b->cols || rg_csr_nnz(a) != rg_csr_nnz(b))
    return false;
  size_t rows = (size_t)(a->rows + 1), nnz = (size_t)rg_csr_nnz(a);
  return memcmp(a->indptr, b->indptr, rows * sizeof *a->indptr) == 0 &&
         memcmp(a->indices, b->indices, nnz * sizeof *a->indices) == 0 &&
         memcmp(a->values, b->values, nnz * sizeof *a->values) == 0;
}

static bool same_note(const rg_note *a, const rg_note *b)
{
  bool same = b && !a->text == !b->text &&
              (!a->text || strcmp(a->text, b->text) == 0) && a->number == b->number &&
              a->is_integer == b->is_integer && a->is_bool == b->is_bool &&
              a->is_single == b->is_single &&
              same_text(&a->list, &b->list) && same_text(&a->fields, &b->fields) &&
              a->array_n == b->array_n;
  for (int64_t i = 0; same && i < a->array_n; i++)
    same = a->array[i] == b->array[i];
  return same;
}

static void compare(const rg_annot *want, const rg_annot *have)
{
  RG_CHECK(have->n_cells == want->n_cells && have->rows.low == want->rows.low);
  RG_CHECK(same_text(&want->names, &have->names));
  RG_CHECK(have->n_columns == want->n_columns && have->n_obsm == want->n_obsm);
  RG_CHECK(have->n_obsp == want->n_obsp && have->n_notes == want->n_notes);
  for (int i = 0; i < want->n_columns; i++)
    RG_CHECK(
        same_column(&want->columns[i], rg_annot_column(have, want->columns[i].name)));
  const rg_mat *a = rg_annot_obsm(want, "X_regatta"),
               *b = rg_annot_obsm(have, "X_regatta");
  RG_CHECK(b && b->rows == a->rows && b->cols == a->cols);
  bool same = true;
  for (int64_t i = 0; b && i < a->rows * a->cols; i++)
    same &= same_number(a->data[i], b->data[i]);
  RG_CHECK(same);
  RG_CHECK(same_csr(rg_annot_obsp(want, "connectivities"),
                    rg_annot_obsp(have, "connectivities")));
  for (int i = 0; i < want->n_notes; i++)
    RG_CHECK(same_note(&want->notes[i], rg_annot_note(have, want->notes[i].path)));
}

static uint64_t file_hash(const char *path)
{
  static char bytes[1 << 16];
  uint64_t hash = 0;
  int fd = open(path, O_RDONLY);
  for (ssize_t n; fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0;)
    hash = rg_hash(bytes, (size_t)n, hash);
  if (fd >= 0)
    close(fd);
  return hash;
}

static void run(rg_comm *comm)
{
  rg_annot annot = make(comm), back;
  char *path = rg_format("%s/results.h5ad", ranks_folder());
  RG_CHECK(rg_annot_write(comm, path, &annot) == RG_OK);
  RG_CHECK(rg_annot_write(comm, path, &annot) == RG_OK);
  /* the folders of the launches at other numbers of ranks stand beside this one */
  for (int ranks = 1; ranks <= 4; ranks++) {
    char *other = rg_format("%s/../%d/results.h5ad", ranks_folder(), ranks);
    if (access(other, R_OK) == 0) {
      RG_CHECK(rg_annot_read(comm, other, &back) == RG_OK);
      compare(&annot, &back);
      rg_annot_fini(&back);
      RG_CHECK(file_hash(other) == file_hash(path));
    }
    rg_free(other);
  }
  RG_CHECK(rg_annot_read(comm, path, &back) == RG_OK);
  compare(&annot, &back);
  rg_annot_fini(&back);
  rg_annot_fini(&annot);
  rg_free(path);
}

const rg_case rg_case_annot = {"annot", run};
