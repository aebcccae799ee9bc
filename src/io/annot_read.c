/* Results from a file: obs, obsm, obsp, uns of any h5ad. */

#include "annot_read.h"

#include "frame.h"
#include "matrix.h"
#include "probe.h"

/* obs; with `most` rows at most on this rank, which is alone then. */
static rg_status read_obs(const rg_h5 *h5, int64_t most, rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_frame frame = {0};
  RG_TRY(rg_frame_open(h5, "/obs", &frame));
  annot->n_cells = frame.n;
  annot->rows = rg_part(frame.n, rg_rank(h5->comm), rg_size(h5->comm));
  if (most < rg_range_n(annot->rows))
    annot->rows.high = annot->rows.low + most;
  RG_TRY(rg_frame_names(&frame, annot->rows.low, annot->rows.high, &annot->names));
  for (int64_t i = 0; i < frame.columns.n; i++) {
    rg_column column = {0};
    RG_TRY(rg_frame_column(&frame, rg_strings_at(&frame.columns, i), annot->rows.low,
                           annot->rows.high, &column));
    rg_annot_set_column(annot, column);
  }

out:
  rg_frame_fini(&frame);
  return status;
}

/* Names in a group that may be missing. */
static rg_status list_group(const rg_h5 *h5, const char *group, rg_strings *names)
{
  *names = (rg_strings){0};
  if (rg_h5_what(h5, group) != RG_H5_GROUP)
    return RG_OK;
  return rg_h5_list(h5, group, names);
}

/* Dimensions of a dataset, or -1; other programs keep more than two. */
static int rank_of(const rg_h5 *h5, const char *path)
{
  hid_t id = H5Dopen2(h5->id, path, H5P_DEFAULT);
  hid_t space = id < 0 ? H5I_INVALID_HID : H5Dget_space(id);
  int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  if (space >= 0)
    H5Sclose(space);
  if (id >= 0)
    H5Dclose(id);
  return rank;
}

/* A matrix of obsm; masks of modalities and tables are passed over. */
static rg_status read_mat(const rg_h5 *h5, const char *name, rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_h5_array array = {0};
  rg_mat mat = {0};
  char *path = rg_h5_path("/obsm", name);
  if (rg_h5_what(h5, path) != RG_H5_ARRAY || rank_of(h5, path) > 2)
    goto out;
  RG_TRY(rg_h5_array_open(h5, path, &array));
  if (array.rank != 2 || array.class == RG_H5_BOOL || !rg_h5_is_number(&array) ||
      array.dims[1] == 0)
    goto out;
  if (array.dims[0] != annot->n_cells)
    RG_TRY(rg_fail(RG_EINPUT, "%s:%s: has %lld rows, but there are %lld cells",
                   h5->path, path, (long long)array.dims[0],
                   (long long)annot->n_cells));
  mat = rg_mat_new(rg_range_n(annot->rows), array.dims[1]);
  RG_TRY(rg_h5_read_f32(&array, annot->rows.low, annot->rows.high, mat.data));
  rg_annot_set_obsm(annot, name, mat);
  mat = (rg_mat){0};

out:
  rg_mat_fini(&mat);
  rg_h5_array_close(&array);
  rg_free(path);
  return status;
}

static rg_status read_obsm(const rg_h5 *h5, rg_annot *annot)
{
  rg_strings names;
  rg_status status = list_group(h5, "/obsm", &names);
  for (int64_t i = 0; status == RG_OK && i < names.n; i++)
    status = read_mat(h5, rg_strings_at(&names, i), annot);
  rg_strings_fini(&names);
  return status;
}

/* What every rank reads by itself. */
static rg_status read_tables(const rg_h5 *h5, int64_t most, rg_annot *annot)
{
  rg_status status = read_obs(h5, most, annot);
  if (status == RG_OK)
    status = read_obsm(h5, annot);
  if (status == RG_OK)
    status = rg_annot_read_notes(h5, annot);
  return status;
}

/* ---- graphs ---------------------------------------------------------------------- */

static rg_status open_graph(const rg_h5 *h5, const char *path, int64_t n,
                            rg_matrix *matrix)
{
  rg_status status = rg_matrix_open(h5, path, matrix);
  if (status == RG_OK && (matrix->rows != n || matrix->cols != n))
    status =
        rg_fail(RG_EINPUT, "%s:%s: is %lld x %lld, but there are %lld cells", h5->path,
                path, (long long)matrix->rows, (long long)matrix->cols, (long long)n);
  return status;
}

/* Collective. */
static rg_status read_graph(const rg_h5 *h5, const char *name, rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_matrix matrix = {0};
  rg_csr csr = {0};
  char *path = rg_h5_path("/obsp", name);
  RG_TRY_ALL(h5->comm, open_graph(h5, path, annot->n_cells, &matrix));
  RG_TRY(rg_matrix_part(h5->comm, &matrix, &csr));
  rg_annot_sort_rows(&csr);
  rg_annot_set_obsp(annot, name, csr);

out:
  rg_matrix_close(&matrix);
  rg_free(path);
  return status;
}

/* True when a file holds more than is read. */
static bool holds_more(const rg_h5 *h5)
{
  rg_strings layers = {0};
  bool more = rg_h5_what(h5, "/X") != RG_H5_ABSENT ||
              rg_h5_what(h5, "/raw") != RG_H5_ABSENT ||
              rg_h5_what(h5, "/mod") != RG_H5_ABSENT ||
              list_group(h5, "/layers", &layers) != RG_OK || layers.n > 0;
  rg_strings_fini(&layers);
  return more;
}

rg_status rg_annot_read(rg_comm *comm, const char *path, rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_h5 *h5 = NULL;
  rg_strings graphs = {0};
  *annot = (rg_annot){0};
  RG_TRY(rg_probe_results(comm, path));
  RG_TRY(rg_h5_open(comm, path, &h5));
  RG_TRY_ALL(comm, read_tables(h5, INT64_MAX, annot));
  annot->is_part = rg_any(comm, holds_more(h5));
  RG_TRY_ALL(comm, list_group(h5, "/obsp", &graphs));
  for (int64_t i = 0; i < graphs.n; i++)
    RG_TRY(read_graph(h5, rg_strings_at(&graphs, i), annot));

out:
  rg_strings_fini(&graphs);
  rg_h5_close(h5);
  if (status != RG_OK)
    rg_annot_fini(annot);
  return status;
}

/* What every rank reads of a view by itself. */
static rg_status read_view(const rg_h5 *h5, const char *obsm, rg_annot *annot)
{
  rg_status status = read_obs(h5, INT64_MAX, annot);
  if (status == RG_OK && obsm)
    status = read_mat(h5, obsm, annot);
  if (status == RG_OK)
    status = rg_annot_read_notes(h5, annot);
  return status;
}

rg_status rg_annot_read_view(rg_comm *comm, const char *path, const char *obsm,
                             rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_h5 *h5 = NULL;
  *annot = (rg_annot){0};
  RG_TRY(rg_probe_results(comm, path));
  RG_TRY(rg_h5_open(comm, path, &h5));
  RG_TRY_ALL(comm, read_view(h5, obsm, annot));
  annot->is_part = true;

out:
  rg_h5_close(h5);
  if (status != RG_OK)
    rg_annot_fini(annot);
  return status;
}

/* ---- a look ---------------------------------------------------------------------- */

static rg_status look_at_graph(const rg_h5 *h5, const char *name, const rg_annot *annot)
{
  rg_status status = RG_OK;
  rg_matrix matrix = {0};
  rg_csr csr = {0};
  char *path = rg_h5_path("/obsp", name);
  RG_TRY(open_graph(h5, path, annot->n_cells, &matrix));
  if (rg_matrix_has_rows(&matrix))
    RG_TRY(rg_matrix_rows(&matrix, annot->rows.low, annot->rows.high, &csr));

out:
  rg_csr_fini(&csr);
  rg_matrix_close(&matrix);
  rg_free(path);
  return status;
}

rg_status rg_annot_look(const char *path)
{
  enum { LOOK_ROWS = 512 };
  rg_status status = RG_OK;
  rg_h5 *h5 = NULL;
  rg_strings graphs = {0};
  rg_annot annot = {0};
  RG_TRY(rg_h5_open(rg_comm_self(), path, &h5));
  RG_TRY(read_tables(h5, LOOK_ROWS, &annot));
  RG_TRY(list_group(h5, "/obsp", &graphs));
  for (int64_t i = 0; i < graphs.n; i++)
    RG_TRY(look_at_graph(h5, rg_strings_at(&graphs, i), &annot));

out:
  rg_strings_fini(&graphs);
  rg_annot_fini(&annot);
  rg_h5_close(h5);
  return status;
}
