/* Reading: every rank gets its own cells, from every layout and through every map. */
#include "regatta/io.h"
#include "tests/io_files.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <unistd.h>

enum { CELLS = 53, FEATURES = 19, MISSING = 11 };

static const rg_open_options plain = {.unsafe = true};

/* Rows [low, low + n) are those of io_count; absent cells are empty. */
static void check_rows(const rg_csr *csr, int64_t low, const bool *present)
{
  int64_t wrong = 0;
  for (int64_t i = 0; i < csr->rows; i++) {
    int64_t k = csr->indptr[i];
    for (int64_t j = 0; j < FEATURES; j++) {
      int expected = present[i] ? io_count(low + i, j) : 0;
      bool here = k < csr->indptr[i + 1] && csr->indices[k] == j;
      wrong += here ? csr->values[k] != (float)expected : expected != 0;
      k += here;
    }
    wrong += k != csr->indptr[i + 1];
  }
  RG_CHECK(wrong == 0);
}

typedef struct stream {
  const rg_modality *face;
  int64_t first, next, visits;
} stream;

static rg_status visit(void *self, int64_t first, const rg_csr *piece)
{
  stream *s = self;
  RG_CHECK(first == s->next && piece->rows <= 4);
  check_rows(piece, first, s->face->present + (first - s->first));
  s->next = first + piece->rows;
  s->visits++;
  return RG_OK;
}

/* One modality, read as a whole and in pieces. */
static void check_modality(rg_file *file, int m)
{
  rg_comm *comm = rg_file_comm(file);
  const rg_modality *face = rg_file_modality(file, m);
  rg_range rows = rg_file_rows(file);
  rg_csr csr = {0};
  RG_CHECK(rg_read_counts(file, m, RG_COUNTS, &csr) == RG_OK);
  RG_CHECK(csr.rows == rg_range_n(rows) && csr.cols == FEATURES);
  check_rows(&csr, rows.low, face->present);
  rg_csr_fini(&csr);
  stream s = {face, rows.low, rows.low, 0};
  RG_CHECK(rg_stream_counts(file, m, RG_COUNTS, 4, visit, &s) == RG_OK);
  RG_CHECK(s.next == rows.high);
  RG_CHECK(rg_same(comm, &s.visits, sizeof s.visits));
}

static void check_column(rg_file *file, const char *name, const bool *present)
{
  rg_column column = {0};
  rg_range rows = rg_file_rows(file);
  int64_t wrong = 0;
  RG_CHECK(rg_read_column(file, name, &column) == RG_OK);
  RG_CHECK(column.type == RG_COLUMN_NUMBER && column.n == rg_range_n(rows));
  for (int64_t i = 0; i < column.n; i++) {
    double expected = (double)(rows.low + i) / 2;
    wrong += present && !present[i] ? !isnan(column.number[i])
                                    : column.number[i] != expected;
  }
  RG_CHECK(wrong == 0);
  rg_column_fini(&column);
}

static void check_embedding(rg_file *file, const char *key, const bool *present)
{
  rg_mat mat = {0};
  rg_range rows = rg_file_rows(file);
  int64_t wrong = 0;
  RG_CHECK(rg_read_obsm(file, key, &mat) == RG_OK);
  RG_CHECK(mat.rows == rg_range_n(rows) && mat.cols == 2);
  for (int64_t i = 0; i < mat.rows; i++) {
    const float *x = rg_mat_row(&mat, i);
    float expected = (float)(rows.low + i);
    bool here = !present || present[i];
    wrong +=
        here ? x[0] != expected || x[1] != -expected : !isnan(x[0]) || !isnan(x[1]);
  }
  RG_CHECK(wrong == 0);
  rg_mat_fini(&mat);
}

static void check_layout(rg_comm *comm, const char *layout)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s.h5ad", ranks_folder(), layout);
  if (rg_rank(comm) == 0)
    io_write_h5ad(path, layout, CELLS, FEATURES);
  rg_barrier(comm);
  rg_file *file = NULL;
  RG_CHECK(rg_open(comm, path, &plain, &file) == RG_OK);
  if (!file)
    return;
  RG_CHECK(rg_file_cells(file) == CELLS && rg_file_modalities(file) == 1);
  const rg_modality *face = rg_file_modality(file, 0);
  RG_CHECK(strcmp(face->name, "rna") == 0 && strcmp(face->layout, layout) == 0);
  check_modality(file, 0);
  check_column(file, "half", NULL);
  check_embedding(file, "X_pca", NULL);
  const rg_strings *names = rg_file_names(file);
  for (int64_t i = 0; i < names->n; i++) {
    char expected[32];
    snprintf(expected, sizeof expected, "cell%lld",
             (long long)(rg_file_rows(file).low + i));
    RG_CHECK(strcmp(rg_strings_at(names, i), expected) == 0);
  }
  rg_close(file);
}

/* Cells of a modality: all but every MISSING-th, in the order of the file, or turned and
 * dealt like cards. Returns their number. */
static int64_t choose_cells(bool scattered, int64_t *number)
{
  int64_t n = 0;
  for (int64_t i = 0; i < CELLS; i++) {
    int64_t cell = scattered ? (i * 20 + 3) % CELLS : i;
    if (cell % MISSING != 2)
      number[n++] = cell;
  }
  return n;
}

static void write_h5mu(const char *path, bool scattered, bool mapped)
{
  static const char *const layouts[] = {"csr", "csc", "dense"};
  int64_t number[CELLS];
  int64_t n = choose_cells(scattered, number);
  uint32_t row[CELLS] = {0};
  for (int64_t i = 0; i < n; i++)
    row[number[i]] = (uint32_t)i + 1;
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  io_put_frame(file, "obs", "cell", CELLS, NULL, "half");
  hid_t mod = H5Gcreate2(file, "mod", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t maps = H5Gcreate2(file, "obsmap", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  for (int m = 0; m < 3; m++) {
    hid_t group = H5Gcreate2(mod, layouts[m], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    io_put_anndata(group, layouts[m], n, number, FEATURES);
    H5Gclose(group);
    if (mapped)
      io_put_array(maps, layouts[m], H5T_STD_U32LE, H5T_NATIVE_UINT32, CELLS, 0, false,
                   row);
  }
  H5Gclose(maps);
  H5Gclose(mod);
  H5Fclose(file);
}

static void check_h5mu(rg_comm *comm, bool scattered, bool mapped)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%d%d.h5mu", ranks_folder(), scattered, mapped);
  if (rg_rank(comm) == 0)
    write_h5mu(path, scattered, mapped);
  rg_barrier(comm);
  rg_file *file = NULL;
  RG_CHECK(rg_open(comm, path, &plain, &file) == RG_OK);
  if (!file)
    return;
  RG_CHECK(rg_file_cells(file) == CELLS && rg_file_modalities(file) == 3);
  for (int m = 0; m < rg_file_modalities(file); m++) {
    const rg_modality *face = rg_file_modality(file, m);
    for (int64_t i = 0; i < rg_range_n(rg_file_rows(file)); i++)
      RG_CHECK(face->present[i] == ((rg_file_rows(file).low + i) % MISSING != 2));
    check_modality(file, m);
    char name[32];
    snprintf(name, sizeof name, "%s:half", face->name);
    check_column(file, name, face->present);
    snprintf(name, sizeof name, "%s:X_pca", face->name);
    check_embedding(file, name, face->present);
  }
  check_column(file, "half", NULL);
  rg_close(file);
}

/* A wrong value in the last row is told of in the same words on every rank. */
static void check_refusal(rg_comm *comm, const char *layout)
{
  char path[512];
  snprintf(path, sizeof path, "%s/bad_%s.h5ad", ranks_folder(), layout);
  if (rg_rank(comm) == 0) {
    io_write_h5ad(path, layout, CELLS, FEATURES);
    io_spoil(path, "/X/data", 4, NAN);
    io_spoil(path, "/X/data", 60, -1);
  }
  rg_barrier(comm);
  rg_file *file = NULL;
  rg_csr csr = {0};
  RG_CHECK(rg_open(comm, path, &plain, &file) == RG_OK);
  if (!file)
    return;
  RG_CHECK(rg_read_counts(file, 0, RG_COUNTS, &csr) == RG_EINPUT);
  RG_CHECK(csr.indptr == NULL);
  char text[256] = "";
  snprintf(text, sizeof text, "%s", rg_error_text());
  RG_CHECK(rg_same(comm, text, sizeof text));
  RG_CHECK(strstr(text, "the value ") != NULL);
  rg_close(file);
}

static void run(rg_comm *comm)
{
  static const char *const layouts[] = {"csr", "csc", "dense"};
  for (int i = 0; i < 3; i++)
    check_layout(comm, layouts[i]);
  for (int i = 0; i < 4; i++)
    check_h5mu(comm, i % 2, i / 2);
  check_refusal(comm, "csr");
  check_refusal(comm, "csc");
  rg_file *file = NULL;
  RG_CHECK(rg_open(comm, "/nowhere/x.h5ad", &plain, &file) == RG_EINPUT);
}

const rg_case rg_case_io = {"io", run};
