/* io: arrays, matrices and texts of files that are made here. */
#include "regatta/io.h"
#include "src/io/h5.h"
#include "src/io/matrix.h"
#include "tests/io_files.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { CELLS = 41, FEATURES = 13 };
static const rg_open_options plain = {.unsafe = true};
static char folder[] = "/tmp/rg_io_XXXXXX";
static char path[64];

static void setup(void)
{
  cr_assert_not_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/x.h5ad", folder);
  rg_log_start("error", 0);
}

static void teardown(void)
{
  unlink(path);
  rmdir(folder);
}

/* ---- arrays ---------------------------------------------------------------------- */

TestSuite(arrays, .init = setup, .fini = teardown);

/* one array "/x" in a new file, open for reading */
static rg_h5 *with_array(hid_t stored, hid_t memory, int64_t rows, int64_t cols,
                         bool packed, const void *x)
{
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  io_put_array(file, "x", stored, memory, rows, cols, packed, x);
  H5Fclose(file);
  rg_h5 *h5 = NULL;
  cr_assert_eq(rg_h5_open(rg_comm_self(), path, &h5), RG_OK);
  return h5;
}

Test(arrays, any_stretch_of_packed_values_is_read)
{
  int32_t x[100], y[100];
  for (int i = 0; i < 100; i++)
    x[i] = i * 7 - 50;
  rg_h5 *h5 = with_array(H5T_STD_I32LE, H5T_NATIVE_INT32, 100, 0, true, x);
  rg_h5_array array;
  cr_assert_eq(rg_h5_array_open(h5, "/x", &array), RG_OK);
  cr_assert_not_null(array.chunks, "the fast way is taken");
  cr_assert_str_eq(rg_h5_type_name(&array), "int32");
  for (int low = 0; low < 100; low++)
    for (int high = low; high <= 100; high += 7) {
      cr_assert_eq(rg_h5_read_i32(&array, low, high, y), RG_OK);
      cr_assert_eq(memcmp(y, x + low, (size_t)(high - low) * sizeof *x), 0);
    }
  cr_assert_eq(rg_h5_read_i32(&array, 90, 101, y), RG_EINPUT);
  rg_h5_array_close(&array);
  cr_assert_eq(rg_h5_close(h5), RG_OK);
  cr_assert_eq(rg_memory_alive(), 0);
}

/* one value of a stored type, read as integers and as numbers */
static void check_value(hid_t stored, hid_t memory, const void *value, double number,
                        bool fits64, bool fits32)
{
  rg_h5 *h5 = with_array(stored, memory, 1, 0, false, value);
  rg_h5_array array;
  double d;
  int64_t l;
  int32_t i;
  cr_assert_eq(rg_h5_array_open(h5, "/x", &array), RG_OK);
  cr_assert_eq(rg_h5_read_f64(&array, 0, 1, &d), RG_OK);
  cr_assert_eq(d, number, "%g is not %g", d, number);
  cr_assert_eq(rg_h5_read_i64(&array, 0, 1, &l) == RG_OK, fits64, "%g", number);
  cr_assert_eq(rg_h5_read_i32(&array, 0, 1, &i) == RG_OK, fits32, "%g", number);
  cr_assert(!fits64 || (double)l == number);
  cr_assert(!fits32 || (double)i == number);
  rg_h5_array_close(&array);
  rg_h5_close(h5);
}

Test(arrays, integers_fit_or_are_refused)
{
  check_value(H5T_STD_U64LE, H5T_NATIVE_UINT64, &(uint64_t){UINT64_C(1) << 63}, 0x1p63,
              false, false);
  check_value(H5T_STD_U64LE, H5T_NATIVE_UINT64, &(uint64_t){7}, 7, true, true);
  check_value(H5T_STD_I64LE, H5T_NATIVE_INT64, &(int64_t){-3000000000}, -3e9, true,
              false);
  check_value(H5T_STD_I64BE, H5T_NATIVE_INT64, &(int64_t){-300}, -300, true, true);
  check_value(H5T_STD_U32LE, H5T_NATIVE_UINT32, &(uint32_t){4000000000}, 4e9, true,
              false);
  check_value(H5T_STD_I8LE, H5T_NATIVE_INT8, &(int8_t){-128}, -128, true, true);
  check_value(H5T_STD_U8LE, H5T_NATIVE_UINT8, &(uint8_t){255}, 255, true, true);
  check_value(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &(double){2.5}, 2.5, false, false);
  check_value(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &(double){1e18}, 1e18, true, false);
  check_value(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &(double){1e300}, 1e300, false, false);
  check_value(H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, &(float){-4}, -4, true, true);
}

Test(arrays, links_and_strangers_are_refused)
{
  int32_t x[] = {1};
  rg_h5_close(with_array(H5T_STD_I32LE, H5T_NATIVE_INT32, 1, 0, false, x));
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  H5Lcreate_soft("/x", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("/etc/passwd", "/", file, "outer", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Fclose(file);
  rg_h5 *h5 = NULL;
  cr_assert_eq(rg_h5_open(rg_comm_self(), path, &h5), RG_OK);
  cr_assert_eq(rg_h5_what(h5, "/soft"), RG_H5_LINK);
  cr_assert_eq(rg_h5_what(h5, "/outer/x"), RG_H5_LINK);
  cr_assert_eq(rg_h5_what(h5, "/group"), RG_H5_GROUP);
  cr_assert_eq(rg_h5_what(h5, "/group/none"), RG_H5_ABSENT);
  cr_assert_eq(rg_h5_what(h5, "/x/none"), RG_H5_ABSENT);
  rg_h5_array array;
  cr_assert_eq(rg_h5_array_open(h5, "/soft", &array), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "not followed"));
  cr_assert_eq(rg_h5_array_open(h5, "/group", &array), RG_EINPUT);
  rg_strings names = {0};
  cr_assert_eq(rg_h5_list(h5, "/", &names), RG_OK);
  cr_assert_eq(names.n, 2, "links are not listed");
  rg_strings_fini(&names);
  rg_h5_close(h5);
}

Test(arrays, strings_of_every_padding)
{
  static const char fixed[2][4] = {"ab ", "cdef"};
  hid_t types[3];
  for (int i = 0; i < 3; i++) {
    types[i] = H5Tcopy(H5T_C_S1);
    H5Tset_size(types[i], 4);
    H5Tset_strpad(types[i], i == 0   ? H5T_STR_NULLTERM
                            : i == 1 ? H5T_STR_NULLPAD
                                     : H5T_STR_SPACEPAD);
    char bytes[8];
    memcpy(bytes, fixed, 8);
    rg_h5 *h5 = with_array(types[i], types[i], 2, 0, false, bytes);
    rg_h5_array array;
    rg_strings list = {0};
    cr_assert_eq(rg_h5_array_open(h5, "/x", &array), RG_OK);
    cr_assert_eq(rg_h5_read_strings(&array, 0, 2, &list), RG_OK);
    cr_assert_str_eq(rg_strings_at(&list, 0), i == 2 ? "ab" : "ab ");
    cr_assert_str_eq(rg_strings_at(&list, 1), "cdef");
    rg_strings_fini(&list);
    rg_h5_array_close(&array);
    rg_h5_close(h5);
    H5Tclose(types[i]);
  }
}

/* ---- files ----------------------------------------------------------------------- */

TestSuite(files, .init = setup, .fini = teardown);

Test(files, values_are_what_is_asked_for)
{
  static const struct {
    float value;
    rg_status any, non_negative, counts;
  } cases[] = {{0.5f, RG_OK, RG_OK, RG_EINPUT},
               {-1, RG_OK, RG_EINPUT, RG_EINPUT},
               {3e7f, RG_OK, RG_OK, RG_EINPUT},
               {16777216, RG_OK, RG_OK, RG_OK},
               {NAN, RG_EINPUT, RG_EINPUT, RG_EINPUT},
               {INFINITY, RG_EINPUT, RG_EINPUT, RG_EINPUT}};
  for (int i = 0; i < 6; i++) {
    io_write_h5ad(path, i % 2 ? "csr" : "csc", CELLS, FEATURES);
    io_spoil(path, "/X/data", 9, cases[i].value);
    rg_file *file = NULL;
    rg_csr csr;
    cr_assert_eq(rg_open(rg_comm_self(), path, &plain, &file), RG_OK);
    const rg_values asked[] = {RG_ANY_FINITE, RG_NON_NEGATIVE, RG_COUNTS};
    rg_status expected[] = {cases[i].any, cases[i].non_negative, cases[i].counts};
    for (int v = 0; v < 3; v++) {
      cr_assert_eq(rg_read_counts(file, 0, asked[v], &csr), expected[v], "%d %d", i, v);
      rg_csr_fini(&csr);
    }
    rg_close(file);
  }
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(files, what_is_not_there_is_named)
{
  io_write_h5ad(path, "csr", CELLS, FEATURES);
  rg_file *file = NULL;
  rg_column column;
  rg_mat mat;
  cr_assert_eq(rg_open(rg_comm_self(), path, &plain, &file), RG_OK);
  cr_assert_eq(rg_read_column(file, "hlaf", &column), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "did you mean 'half'?"));
  cr_assert_eq(rg_read_obsm(file, "X_pc", &mat), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "X_pca"));
  cr_assert_eq(rg_file_find(file, "rna"), 0);
  cr_assert_eq(rg_file_find(file, "atac"), -1);
  rg_close(file);
  rg_open_options layer = {.layer = "counts", .unsafe = true};
  cr_assert_eq(rg_open(rg_comm_self(), path, &layer, &file), RG_EINPUT);
  cr_assert(strstr(rg_error_text(), "there are: X"));
  cr_assert_eq(rg_memory_alive(), 0);
}

static rg_status stop(void *self, int64_t first, const rg_csr *piece)
{
  (void)piece;
  ++*(int *)self;
  return first > 10 ? rg_fail(RG_ESTOPPED, "enough") : RG_OK;
}

Test(files, a_visitor_may_stop_a_stream)
{
  for (int i = 0; i < 2; i++) {
    io_write_h5ad(path, i ? "csr" : "csc", CELLS, FEATURES);
    rg_file *file = NULL;
    int visits = 0;
    cr_assert_eq(rg_open(rg_comm_self(), path, &plain, &file), RG_OK);
    cr_assert_eq(rg_stream_counts(file, 0, RG_COUNTS, 8, stop, &visits), RG_ESTOPPED);
    cr_assert_eq(visits, 3);
    rg_close(file);
  }
  cr_assert_eq(rg_memory_alive(), 0);
}

/* ---- texts ----------------------------------------------------------------------- */

TestSuite(texts, .init = setup, .fini = teardown);

static rg_status read_text(const char *text, rg_csr *csr)
{
  snprintf(path, sizeof path, "%s/x.mtx", folder);
  FILE *file = fopen(path, "w");
  fputs(text, file);
  fclose(file);
  rg_matrix matrix;
  rg_status status = rg_matrix_open_text(path, &matrix);
  *csr = (rg_csr){0};
  if (status == RG_OK) {
    status = rg_matrix_part(rg_comm_self(), &matrix, csr);
    rg_matrix_close(&matrix);
  }
  return status;
}

#define HEAD "%%MatrixMarket matrix coordinate real general\n"

Test(texts, spaces_line_ends_and_numbers_as_people_write_them)
{
  rg_csr csr;
  cr_assert_eq(read_text(HEAD "% a comment\n\n 2\t3 5 \r\n1 1 1\r\n2\t1\t-2.5e-1\n"
                              "\n  1 3 +4\n2 3 1e2 \n1 2 .5",
                         &csr),
               RG_OK);
  float expected[] = {1, -0.25f, 0.5f, 4, 100};
  cr_assert_eq(csr.rows, 3);
  cr_assert_eq(csr.cols, 2);
  cr_assert_eq(rg_csr_nnz(&csr), 5);
  cr_assert_arr_eq(csr.values, expected, sizeof expected);
  rg_csr_fini(&csr);
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(texts, what_is_no_entry_is_refused)
{
  static const char *const bad[] = {HEAD "2 3 1\n1 1\n",
                                    HEAD "2 3 1\n1 1 1 1\n",
                                    HEAD "2 3 1\n1 1 1x\n",
                                    HEAD "2 3 1\n1.5 1 1\n",
                                    HEAD "2 3 1\n1 4 1\n",
                                    HEAD "2 3 1\n-1 1 1\n",
                                    HEAD "2 3 2\n1 1 1\n",
                                    HEAD "2 3 0\n1 1 1\n",
                                    HEAD "2 3\n",
                                    HEAD "",
                                    "",
                                    "%%MatrixMarket matrix\n2 3 0\n",
                                    HEAD "2 3 1\n99999999999999999999 1 1\n"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    rg_csr csr;
    cr_assert_eq(read_text(bad[i], &csr), RG_EINPUT, "%s", bad[i]);
    cr_assert_null(csr.indptr);
  }
  cr_assert_eq(rg_memory_alive(), 0);
}

Test(must_fail, a_wrong_value_passes)
{
  setup();
  rg_csr csr;
  rg_status status = read_text(HEAD "2 3 1\n1 4 1\n", &csr);
  teardown();
  cr_assert_eq(status, RG_OK);
}
