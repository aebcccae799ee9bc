/* io: results in memory and in files that are not what they should be. Files are written
   through src/io/h5write.h, so that single parts can be wrong. */
#include "regatta/io.h"
#include "src/io/disk.h"
#include "src/io/frame_write.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/rg_annot_XXXXXX";
static char path[64];

static void set_up(void)
{
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/results.h5ad", folder);
}

static void tear_down(void)
{
  rg_disk_remove(folder);
}

TestSuite(annot, .init = set_up, .fini = tear_down);
TestSuite(hostile, .init = set_up, .fini = tear_down);

enum { N = 5 };

static rg_annot make(void)
{
  rg_annot annot = {.n_cells = N, .rows = {0, N}};
  static const char *const names[N] = {"a", "b", "c", "d", "e"};
  for (int i = 0; i < N; i++)
    rg_strings_add(&annot.names, names[i], -1);
  return annot;
}

static rg_column number(const char *name, double x)
{
  rg_column column = {.name = rg_strdup(name),
                      .type = RG_COLUMN_NUMBER,
                      .n = N,
                      .number = RG_NEW(double, N)};
  for (int i = 0; i < N; i++)
    column.number[i] = x + i;
  return column;
}

Test(annot, what_has_the_name_is_replaced)
{
  rg_annot annot = make();
  int64_t before = rg_memory_alive();
  rg_annot_set_column(&annot, number("x", 1));
  rg_annot_set_column(&annot, number("y", 2));
  rg_annot_set_column(&annot, number("x", 3));
  rg_annot_set_obsm(&annot, "X_a", rg_mat_new(N, 2));
  rg_annot_set_obsm(&annot, "X_a", rg_mat_new(N, 3));
  rg_annot_set_obsp(&annot, "g", rg_csr_new(N, N, 1));
  rg_annot_set_obsp(&annot, "g", rg_csr_new(N, N, 0));
  rg_annot_note_text(&annot, "a/b", "text");
  rg_annot_note_text(&annot, "a/b", rg_annot_note(&annot, "a/b")->text);
  cr_assert_str_eq(rg_annot_note(&annot, "a/b")->text, "text");
  rg_annot_note_integer(&annot, "a/b", 7);
  cr_assert_eq(annot.n_columns, 2);
  cr_assert_eq(rg_annot_column(&annot, "x")->number[0], 3);
  cr_assert_eq(rg_annot_obsm(&annot, "X_a")->cols, 3);
  cr_assert_eq(annot.n_obsp, 1);
  cr_assert_eq(annot.n_notes, 1);
  cr_assert_null(rg_annot_note(&annot, "a/b")->text);
  cr_assert_null(rg_annot_column(&annot, "z"));
  cr_assert_null(rg_annot_obsm(&annot, "X"));
  cr_assert_null(rg_annot_obsp(&annot, "h"));
  cr_assert_null(rg_annot_note(&annot, "a"));
  rg_annot_fini(&annot);
  cr_assert(rg_memory_alive() < before);
}

Test(annot, x_and_features_are_written)
{
  rg_annot annot = make(), back;
  annot.has_x = true;
  annot.x = rg_mat_new(N, 2);
  rg_strings_add(&annot.var_names, "CD3E", -1);
  rg_strings_add(&annot.var_names, "MS4A1", -1);
  rg_annot_set_column(&annot, number("x", 1));
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_OK, "%s",
               rg_error_text());
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_OK, "%s",
               rg_error_text());
  cr_assert(!back.has_x && back.n_cells == N && back.n_columns == 1);
  rg_file *file;
  rg_csr csr;
  cr_assert_eq(rg_open(rg_comm_self(), path, NULL, &file), RG_OK, "%s",
               rg_error_text());
  cr_assert_str_eq(rg_strings_at(&rg_file_modality(file, 0)->features, 1), "MS4A1");
  cr_assert_eq(rg_read_counts(file, 0, RG_COUNTS, &csr), RG_OK);
  cr_assert_eq(rg_csr_nnz(&csr), 0);
  rg_close(file);
}

Test(annot, categories_take_the_least_width)
{
  static const int64_t many[] = {1, 127, 128, 32767, 32768};
  for (int k = 0; k < 5; k++) {
    rg_annot annot = make(), back;
    rg_column column = {.name = rg_strdup("c"),
                        .type = RG_COLUMN_CATEGORY,
                        .n = N,
                        .code = RG_NEW(int32_t, N)};
    for (int64_t i = 0; i < many[k]; i++) {
      char text[16];
      snprintf(text, sizeof text, "%d", (int)i);
      rg_strings_add(&column.categories, text, -1);
    }
    column.code[1] = (int32_t)many[k] - 1;
    column.code[2] = -1;
    rg_annot_set_column(&annot, column);
    cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_OK);
    cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_OK, "%s",
                 rg_error_text());
    const rg_column *have = rg_annot_column(&back, "c");
    cr_assert(have->code[0] == 0 && have->code[1] == many[k] - 1 &&
              have->code[2] == -1);
    cr_assert_eq(have->categories.n, many[k]);
    rg_annot_fini(&annot);
    rg_annot_fini(&back);
  }
}

/* ---- files that are wrong -------------------------------------------------------- */

static void refused(const char *part)
{
  rg_annot back;
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_EINPUT, "accepted");
  cr_assert(strstr(rg_error_text(), part), "'%s' lacks '%s'", rg_error_text(), part);
  cr_assert(strstr(rg_error_text(), path));
  cr_assert_eq(back.n_columns, 0);
}

/* A file of results with obs, and then what `add` puts in. */
static void write_with(void (*add)(rg_h5_writer *w))
{
  rg_annot annot = make();
  rg_h5_writer *w;
  cr_assert_eq(rg_h5_begin(rg_comm_self(), path, NULL, &w), RG_OK);
  rg_frame_put(w, "/obs", &annot.names, 0, NULL);
  rg_h5_put_group(w, "/obsm", "dict", "0.1.0");
  rg_h5_put_group(w, "/obsp", "dict", "0.1.0");
  rg_h5_put_group(w, "/uns", "dict", "0.1.0");
  add(w);
  cr_assert_eq(rg_h5_finish(w), RG_OK, "%s", rg_error_text());
}

static void short_mat(rg_h5_writer *w)
{
  rg_mat mat = rg_mat_new(N - 1, 2);
  rg_frame_put_mat(w, "/obsm/X_pca", &mat);
}

static void wide_graph(rg_h5_writer *w)
{
  rg_csr csr = rg_csr_new(N, N, 0);
  rg_frame_put_csr(w, "/obsp/connectivities", &csr, N + 1);
}

static void graph_out_of_range(rg_h5_writer *w)
{
  rg_csr csr = rg_csr_new(N, N, 1);
  csr.indices[0] = N;
  for (int i = 1; i <= N; i++)
    csr.indptr[i] = 1;
  rg_frame_put_csr(w, "/obsp/connectivities", &csr, N);
}

static void pointers_that_fall(rg_h5_writer *w)
{
  rg_csr csr = rg_csr_new(N, N, 2);
  for (int i = 1; i <= N; i++)
    csr.indptr[i] = i == 2 ? 0 : 2;
  rg_frame_put_csr(w, "/obsp/connectivities", &csr, N);
}

static void nothing(rg_h5_writer *w)
{
  rg_h5_remove(w, "/obs");
}

Test(hostile, shapes_have_to_agree)
{
  write_with(short_mat);
  refused("/obsm/X_pca");
  write_with(wide_graph);
  refused("/obsp/connectivities");
  write_with(graph_out_of_range);
  refused("index 5");
  write_with(pointers_that_fall);
  refused("indptr");
  write_with(nothing);
  refused("/obs");
}

static void odd_but_harmless(rg_h5_writer *w)
{
  double x[4] = {0};
  int8_t mask[N] = {1};
  rg_h5_put_array(w, "/uns/matrix", RG_H5_F64, x, 2, 2);
  rg_h5_put_array(w, "/obsm/rna", RG_H5_BOOL8, mask, N, 0);
  rg_h5_put_group(w, "/uns/foreign", "awkward-array", "0.1.0");
  rg_h5_put_text(w, "/uns/kept", "yes");
}

Test(annot, what_cannot_be_kept_is_left_out)
{
  rg_annot back;
  write_with(odd_but_harmless);
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_OK, "%s",
               rg_error_text());
  cr_assert_eq(back.n_notes, 1);
  cr_assert_str_eq(rg_annot_note(&back, "kept")->text, "yes");
  cr_assert_eq(back.n_obsm, 0);
}

/* Records of n fields: texts, and numbers as float32. */
static rg_annot with_records(int n, int64_t rows)
{
  rg_annot annot = make();
  rg_strings fields = {0}, texts = {0};
  double *x = RG_NEW(double, rows * n);
  char text[32];
  for (int f = 0; f < n; f++)
    rg_strings_add(&fields, text, snprintf(text, sizeof text, "group %d", f));
  for (int64_t i = 0; i < rows * n; i++) {
    x[i] = (double)i / 8;
    rg_strings_add(&texts, text, snprintf(text, sizeof text, "gene%d", (int)i));
  }
  rg_annot_note_records(&annot, "r/names", &fields, &texts, NULL, rows * n);
  rg_annot_note_records(&annot, "r/scores", &fields, &texts, x, rows * n);
  rg_annot_note_single(&annot, "r/scores");
  rg_free(x);
  rg_strings_fini(&fields);
  rg_strings_fini(&texts);
  return annot;
}

Test(annot, records_of_many_fields)
{
  enum { FIELDS = 400, ROWS = 30 };
  rg_annot annot = with_records(FIELDS, ROWS), read;
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_OK);
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &read), RG_OK);
  const rg_note *scores = rg_annot_note(&read, "r/scores");
  const rg_note *names = rg_annot_note(&read, "r/names");
  cr_assert(scores && scores->is_single && names && !names->is_single);
  cr_assert(scores->fields.n == FIELDS && names->list.n == FIELDS * ROWS);
  cr_assert_str_eq(rg_strings_at(&scores->fields, 7), "group 7");
  for (int64_t i = 0; i < FIELDS * ROWS; i++) {
    cr_assert_eq(scores->array[i], (double)i / 8);
    cr_assert_eq(atoi(rg_strings_at(&names->list, i) + 4), i);
  }
  rg_annot_fini(&annot);
  rg_annot_fini(&read);
  annot = with_records(2000, 1);
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "cannot have 2000 columns"), "%s", rg_error_text());
  rg_annot_fini(&annot);
}

Test(annot, what_else_a_file_holds_stays)
{
  rg_annot annot = make(), read;
  annot.has_x = true;
  annot.x = rg_mat_new(N, 1);
  rg_strings_add(&annot.var_names, "gene", -1);
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_OK);
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &read), RG_OK);
  cr_assert(read.is_part);
  rg_annot_set_column(&read, number("x", 1));
  cr_assert_eq(rg_annot_update(rg_comm_self(), path, &read), RG_OK);
  rg_annot_fini(&read);
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &read), RG_OK);
  cr_assert(read.is_part && rg_annot_column(&read, "x"));
  rg_annot_fini(&read);
  rg_annot_fini(&annot);
}

Test(hostile, other_files_are_refused)
{
  rg_annot back;
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_EINPUT);
  cr_assert_eq(rg_write_text(rg_comm_self(), path, "no HDF5"), RG_OK);
  refused("not an HDF5 file");
}

Test(hostile, files_cut_anywhere_do_no_harm)
{
  rg_annot annot = make(), back;
  rg_annot_set_column(&annot, number("x", 1));
  rg_annot_set_obsm(&annot, "X_a", rg_mat_new(N, 2));
  rg_annot_note_text(&annot, "a/b", "text");
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_OK);
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_OK);
  rg_annot_fini(&back);
  for (int64_t size = 7900; size > 0; size -= 397) {
    cr_assert_eq(truncate(path, size), 0);
    cr_assert_neq(rg_annot_read(rg_comm_self(), path, &back), RG_OK);
  }
}

Test(hostile, names_that_are_paths_are_refused)
{
  static const char *const names[] = {"a/b", "_index", "", "."};
  for (int i = 0; i < 4; i++) {
    rg_annot annot = make();
    rg_annot_set_column(&annot, number(names[i], 1));
    cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_EUSAGE);
    cr_assert_neq(access(path, F_OK), 0);
    rg_annot_fini(&annot);
  }
}

Test(hostile, a_failed_write_keeps_the_old_file)
{
  rg_annot annot = make(), back;
  rg_annot_set_column(&annot, number("x", 1));
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_OK);
  rg_annot_set_column(&annot, number("x", 2));
  setenv("RG_FAULT", "h5.write", 1);
  cr_assert_eq(rg_annot_write(rg_comm_self(), path, &annot), RG_EFAIL);
  cr_assert_eq(rg_annot_read(rg_comm_self(), path, &back), RG_OK);
  cr_assert_eq(rg_annot_column(&back, "x")->number[0], 1);
}

Test(must_fail, columns_come_back_changed)
{
  set_up();
  rg_annot annot = make(), back;
  rg_annot_set_column(&annot, number("x", 1));
  rg_status written = rg_annot_write(rg_comm_self(), path, &annot);
  rg_status read = rg_annot_read(rg_comm_self(), path, &back);
  rg_disk_remove(folder);
  cr_assert(written == RG_OK && read == RG_OK);
  cr_assert_eq(rg_annot_column(&back, "x")->number[1], 3);
}
