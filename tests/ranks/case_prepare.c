/* prepare: features and axes have the same bits as on one rank; ScaLAPACK's agree to
 * rounding; a data set survives the disk. Every rank also computes alone, with the whole
 * matrix, what the ranks compute together. */
#include "src/prepare/inner.h"
#include "tests/ranks/ranks.h"

#include <math.h>
#include <string.h>

enum { CELLS = 700, PEAKS = 600, GROUPS = 5, RANK = 6 };

static rg_csr planted(int64_t low, int64_t high)
{
  rg_key key = {.seed = 21, .purpose = RG_FOR_TEST};
  rg_csr a = rg_csr_new(high - low, PEAKS, (high - low) * PEAKS);
  int64_t n = 0;
  for (int64_t i = low; i < high; i++) {
    for (int64_t j = 0; j < PEAKS; j++) {
      double u = rg_uniform(&key, (uint64_t)i, (uint64_t)j);
      double often = i % GROUPS == j % GROUPS ? 0.3 : 0.04;
      if (u < often) {
        a.indices[n] = (int32_t)j;
        a.values[n++] = (float)floor(1 - log(u / often) * (1 + (double)(j % 11)) / 4);
      }
    }
    a.indptr[i - low + 1] = n;
  }
  return a;
}

/* Rows of this rank: uneven, and none on the last of four. */
static rg_range my_rows(rg_comm *comm)
{
  int size = rg_size(comm), rank = rg_rank(comm);
  if (size < 4)
    return rg_part(CELLS, rank, size);
  int64_t edge[] = {0, 100, 101, CELLS, CELLS};
  return (rg_range){edge[rank], edge[rank + 1]};
}

static bool same_rows(const rg_mat *mine, const rg_mat *whole, rg_range rows)
{
  return mine->rows == rg_range_n(rows) && mine->cols == whole->cols &&
         memcmp(mine->data, whole->data + rows.low * whole->cols,
                (size_t)(mine->rows * mine->cols) * sizeof(float)) == 0;
}

static void check_features(rg_comm *comm, const rg_csr *mine, const rg_csr *whole)
{
  rg_range rows = my_rows(comm);
  rg_feature_stats a, b;
  RG_CHECK(rg_feature_statistics(comm, mine, &a) == RG_OK);
  RG_CHECK(rg_feature_statistics(rg_comm_self(), whole, &b) == RG_OK);
  RG_CHECK(a.n_cells == CELLS);
  RG_CHECK(memcmp(a.cells, b.cells, PEAKS * sizeof *a.cells) == 0);
  RG_CHECK(memcmp(a.variance, b.variance, PEAKS * sizeof *a.variance) == 0);
  rg_feature_stats_fini(&a);
  rg_feature_stats_fini(&b);

  bool highly[2][PEAKS];
  double score[2][PEAKS];
  int32_t batch[CELLS];
  for (int64_t i = 0; i < CELLS; i++)
    batch[i] = (int32_t)(i % 7 % 3);
  RG_CHECK(rg_highly_variable(comm, mine, batch + rows.low, 3, 90, highly[0], score[0],
                              NULL) == RG_OK);
  RG_CHECK(rg_highly_variable(rg_comm_self(), whole, batch, 3, 90, highly[1], score[1],
                              NULL) == RG_OK);
  RG_CHECK(memcmp(highly[0], highly[1], sizeof highly[0]) == 0);
  RG_CHECK(memcmp(score[0], score[1], sizeof score[0]) == 0);
}

static void check_weights(rg_comm *comm, const rg_csr *mine, const rg_csr *whole)
{
  rg_range rows = my_rows(comm);
  double *factor = RG_NEW(double, CELLS);
  for (int kind = 0; kind < 3; kind++) {
    rg_csr a = rg_copy_csr(mine), b = rg_copy_csr(whole);
    if (kind < 2) {
      RG_CHECK(rg_tfidf(comm, &a, kind ? RG_IDF_BINARY : RG_TFIDF_LOG) == RG_OK);
      RG_CHECK(rg_tfidf(rg_comm_self(), &b, kind ? RG_IDF_BINARY : RG_TFIDF_LOG) ==
               RG_OK);
    } else {
      RG_CHECK(rg_normalise_log(comm, &a, 0, factor) == RG_OK);
      RG_CHECK(rg_normalise_log(rg_comm_self(), &b, 0, factor) == RG_OK);
    }
    RG_CHECK(memcmp(a.values, b.values + b.indptr[rows.low],
                    (size_t)rg_csr_nnz(&a) * sizeof *a.values) == 0);
    rg_csr_fini(&a);
    rg_csr_fini(&b);
  }
  rg_free(factor);
}

/* Largest sine of the angles between the spans of the columns of v. */
static double sine(const rg_mat *a, const rg_mat *b)
{
  double product[RANK * RANK] = {0}, square[RANK * RANK] = {0}, v[RANK * RANK];
  double values[RANK];
  for (int64_t r = 0; r < a->rows; r++)
    for (int i = 0; i < RANK; i++)
      for (int j = 0; j < RANK; j++)
        product[i * RANK + j] += (double)rg_mat_row(a, r)[i] * rg_mat_row(b, r)[j];
  for (int i = 0; i < RANK; i++)
    for (int j = 0; j < RANK; j++)
      for (int k = 0; k < RANK; k++)
        square[i * RANK + j] += product[k * RANK + i] * product[k * RANK + j];
  rg_eigh(rg_comm_self(), square, RANK, values, v);
  return sqrt(fmax(0, 1 - values[0]));
}

static void check_svd(rg_comm *comm, const rg_csr *mine, const rg_csr *whole)
{
  rg_svd_options options = {
      .rank = RANK, .oversampling = 10, .iterations = 8, .centre = true, .seed = 4};
  rg_svd a = {0}, b = {0}, c = {0};
  RG_CHECK(rg_svd_sparse(comm, mine, &options, &a) == RG_OK);
  RG_CHECK(rg_svd_sparse(rg_comm_self(), whole, &options, &b) == RG_OK);
  RG_CHECK(memcmp(a.s, b.s, RANK * sizeof *a.s) == 0);
  RG_CHECK(memcmp(a.v.data, b.v.data, PEAKS * RANK * sizeof(float)) == 0);
  RG_CHECK(same_rows(&a.u, &b.u, my_rows(comm)));
  options.scalapack = true;
  RG_CHECK(rg_svd_sparse(comm, mine, &options, &c) == RG_OK);
  for (int k = 0; k < RANK; k++)
    RG_CHECK(fabs(c.s[k] / b.s[k] - 1) < 1e-5);
  /* the last axis lies in noise and is not converged to float; the others are */
  RG_CHECK(sine(&c.v, &b.v) < 2e-3);
  rg_svd_fini(&a);
  rg_svd_fini(&b);
  rg_svd_fini(&c);
}

static void check_spectral(rg_comm *comm, const rg_csr *mine, const rg_csr *whole)
{
  rg_mat a = {0}, b = {0};
  RG_CHECK(rg_spectral(comm, mine, GROUPS, 3, &a) == RG_OK);
  RG_CHECK(rg_spectral(rg_comm_self(), whole, GROUPS, 3, &b) == RG_OK);
  RG_CHECK(same_rows(&a, &b, my_rows(comm)));
  rg_mat_fini(&a);
  rg_mat_fini(&b);
}

/* ---- a data set on disk ---------------------------------------------------------- */

static rg_dataset small_dataset(rg_comm *comm)
{
  rg_dataset d = {.n_cells = 11, .rows = rg_part(11, rg_rank(comm), rg_size(comm))};
  int64_t n = rg_range_n(d.rows);
  d.source = RG_NEW(int64_t, n);
  d.n_modalities = 2;
  d.modality = RG_NEW(rg_prepared_modality, 2);
  d.batch = (rg_column){.name = rg_strdup("plate"),
                        .type = RG_COLUMN_CATEGORY,
                        .n = n,
                        .code = RG_NEW(int32_t, n)};
  rg_strings_add(&d.batch.categories, "09A", -1);
  rg_strings_add(&d.batch.categories, "", -1);
  for (int64_t i = 0; i < n; i++) {
    char name[32];
    int length = snprintf(name, sizeof name, "cell%lld", (long long)(d.rows.low + i));
    rg_strings_add(&d.names, name, d.rows.low + i == 4 ? 0 : length);
    d.source[i] = 3 * (d.rows.low + i);
    d.batch.code[i] = (int32_t)((d.rows.low + i) % 3) - 1;
  }
  for (int m = 0; m < 2; m++) {
    rg_prepared_modality *x = &d.modality[m];
    x->name = rg_strdup(m ? "atac" : "rna");
    x->values = m ? RG_VALUES_REAL : RG_VALUES_COUNTS;
    x->counts = rg_csr_new(n, 2, 0);
    rg_strings_add(&x->features, "one", -1);
    rg_strings_add(&x->features, "two", -1);
    x->present = RG_NEW(bool, n);
    x->depth = RG_NEW(double, n);
    x->embedding = rg_mat_new(n, m ? 0 : 3);
    x->embedding_name = m ? "" : "X_pca";
    for (int64_t i = 0; i < n; i++) {
      x->present[i] = (d.rows.low + i + m) % 4 > 0;
      x->depth[i] = (double)(d.rows.low + i) / 7;
      for (int j = 0; j < x->embedding.cols; j++)
        rg_mat_row(&x->embedding, i)[j] = x->present[i] ? (float)(i + j) : NAN;
    }
  }
  d.modality[0].explained = RG_NEW(double, 3);
  d.modality[0].highly_variable = RG_NEW(bool, 2);
  d.modality[0].highly_variable[1] = true;
  d.modality[1].chromosome = RG_NEW(int32_t, 2);
  rg_strings_add(&d.modality[1].chromosomes, "chr1", -1);
  return d;
}

static bool same_strings(const rg_strings *a, const rg_strings *b)
{
  return a->n == b->n &&
         (a->n == 0 || (a->offset[a->n] == b->offset[b->n] &&
                        memcmp(a->text, b->text, (size_t)a->offset[a->n]) == 0));
}

static void check_disk(rg_comm *comm)
{
  rg_dataset d = small_dataset(comm), back = {0};
  char *path = rg_format("%s/prepared", ranks_folder());
  int64_t n = rg_range_n(d.rows);
  RG_CHECK(rg_dataset_write(comm, &d, path) == RG_OK);
  RG_CHECK(rg_dataset_read(comm, path, &back) == RG_OK);
  RG_CHECK(back.n_cells == 11 && back.rows.low == d.rows.low);
  RG_CHECK(same_strings(&d.names, &back.names));
  RG_CHECK(memcmp(d.source, back.source, (size_t)n * sizeof *d.source) == 0);
  RG_CHECK(back.batch.name && strcmp(back.batch.name, "plate") == 0);
  RG_CHECK(same_strings(&d.batch.categories, &back.batch.categories));
  RG_CHECK(memcmp(d.batch.code, back.batch.code, (size_t)n * sizeof(int32_t)) == 0);
  RG_CHECK(!back.label.name);
  for (int m = 0; m < 2; m++) {
    const rg_prepared_modality *x = &d.modality[m];
    const rg_prepared_modality *y = rg_dataset_modality(&back, x->name);
    RG_CHECK(y && same_strings(&x->features, &y->features));
    RG_CHECK(y && same_strings(&x->chromosomes, &y->chromosomes));
    RG_CHECK(y && !x->chromosome == !y->chromosome && !x->explained == !y->explained);
    RG_CHECK(y && x->values == y->values);
    RG_CHECK(y && memcmp(x->present, y->present, (size_t)n) == 0);
    RG_CHECK(y && memcmp(x->depth, y->depth, (size_t)n * sizeof *x->depth) == 0);
    RG_CHECK(y && strcmp(x->embedding_name, y->embedding_name) == 0);
    RG_CHECK(y && x->embedding.cols == y->embedding.cols &&
             memcmp(x->embedding.data, y->embedding.data,
                    (size_t)(n * x->embedding.cols) * sizeof(float)) == 0);
  }
  rg_dataset_fini(&d);
  rg_dataset_fini(&back);
  RG_CHECK(rg_dataset_read(comm, ranks_folder(), &back) == RG_EINPUT);
  rg_dataset_fini(&back);
  rg_free(path);
}

static void run(rg_comm *comm)
{
  rg_range rows = my_rows(comm);
  rg_csr mine = planted(rows.low, rows.high), whole = planted(0, CELLS);
  check_features(comm, &mine, &whole);
  check_weights(comm, &mine, &whole);
  check_svd(comm, &mine, &whole);
  check_spectral(comm, &mine, &whole);
  check_disk(comm);
  rg_csr_fini(&mine);
  rg_csr_fini(&whole);
}

const rg_case rg_case_prepare = {.name = "prepare", .run = run};
