/* Results inside a copy of the data they came from. */

#include "regatta/io.h"

#include <string.h>

#include "frame.h"
#include "frame_write.h"
#include "probe.h"

/* The table of cells of a file that results can be added to. */
static rg_status open_obs(const rg_h5 *h5, rg_frame *obs)
{
  if (rg_h5_what(h5, "/obs") != RG_H5_GROUP || rg_h5_what(h5, "/var") != RG_H5_GROUP)
    return rg_fail(RG_EINPUT,
                   "%s: results can be merged into h5ad and h5mu files of "
                   "anndata 0.8 and later; open this one with anndata and save it",
                   h5->path);
  char *version = rg_h5_text_attribute(h5, "/obs", "encoding-version");
  bool known = version && strcmp(version, "0.2.0") == 0;
  rg_free(version);
  if (!known)
    return rg_fail(RG_EINPUT,
                   "%s:/obs: has the layout of an old anndata; open the file "
                   "with anndata 0.8 or later and save it",
                   h5->path);
  return rg_frame_open(h5, "/obs", obs);
}

/* Names of this rank's cells, and columns that are there. */
static rg_status read_cells(const rg_h5 *h5, rg_frame *obs, rg_strings *names,
                            const rg_annot *annot)
{
  rg_status status = open_obs(h5, obs);
  if (status != RG_OK)
    return status;
  if (rg_annot_column(annot, obs->index))
    return rg_fail(RG_EINPUT,
                   "%s:/obs: its index is named %s, and so is a column of the "
                   "results; rename the column",
                   h5->path, obs->index);
  rg_range rows = rg_part(obs->n, rg_rank(h5->comm), rg_size(h5->comm));
  return rg_frame_names(obs, rows.low, rows.high, names);
}

static rg_status check_other_file(const char *input, const char *output)
{
  if (rg_same_file(input, output))
    return rg_fail(RG_EUSAGE,
                   "%s: is the input, which is never modified; choose another "
                   "name for the output",
                   output);
  return RG_OK;
}

static void put_columns(rg_h5_writer *w, const rg_annot *annot, const rg_strings *there)
{
  rg_strings order;
  rg_strings_copy(there, &order);
  for (int i = 0; i < annot->n_columns; i++) {
    const rg_column *column = &annot->columns[i];
    char *path = rg_format("/obs/%s", column->name);
    rg_h5_remove(w, path);
    rg_frame_put_column(w, path, column);
    rg_free(path);
    if (rg_strings_find(&order, column->name) < 0)
      rg_strings_add(&order, column->name, -1);
  }
  rg_h5_put_strings_attribute(w, "/obs", "column-order", &order);
  rg_strings_fini(&order);
}

static void put_matrices(rg_h5_writer *w, const rg_annot *annot)
{
  rg_h5_put_group(w, "/obsm", "dict", "0.1.0");
  for (int i = 0; i < annot->n_obsm; i++) {
    char *path = rg_format("/obsm/%s", annot->obsm[i].name);
    rg_h5_remove(w, path);
    rg_frame_put_mat(w, path, &annot->obsm[i].mat);
    rg_free(path);
  }
  rg_h5_put_group(w, "/obsp", "dict", "0.1.0");
  for (int i = 0; i < annot->n_obsp; i++) {
    char *path = rg_format("/obsp/%s", annot->obsp[i].name);
    rg_h5_remove(w, path);
    rg_frame_put_csr(w, path, &annot->obsp[i].csr, annot->n_cells);
    rg_free(path);
  }
}

/* Notes replace what has the same first name: "neighbors" goes as a whole. */
static void put_notes(rg_h5_writer *w, const rg_annot *annot)
{
  rg_h5_put_group(w, "/uns", "dict", "0.1.0");
  for (int i = 0; i < annot->n_notes; i++) {
    const char *path = annot->notes[i].path;
    char *top = rg_format("/uns/%.*s", (int)strcspn(path, "/"), path);
    rg_h5_remove(w, top);
    rg_free(top);
  }
  for (int i = 0; i < annot->n_notes; i++)
    rg_frame_put_note(w, "/uns", &annot->notes[i]);
}

static rg_status merge(rg_comm *comm, const char *input, const rg_annot *annot,
                       const char *output)
{
  rg_status status = RG_OK;
  rg_h5 *h5 = NULL;
  rg_frame obs = {0};
  rg_strings names = {0};
  rg_annot aligned = {0};
  rg_h5_writer *w = NULL;
  RG_TRY(rg_probe_results(comm, input));
  RG_TRY(rg_h5_open(comm, input, &h5));
  RG_TRY_ALL(comm, read_cells(h5, &obs, &names, annot));
  RG_TRY(rg_annot_align(comm, input, "the results", annot, obs.n, &names, &aligned));
  RG_TRY(rg_h5_begin_copy(comm, input, output, &w));
  put_columns(w, &aligned, &obs.columns);
  put_matrices(w, &aligned);
  put_notes(w, &aligned);
  RG_TRY(rg_h5_finish(w));

out:
  rg_annot_fini(&aligned);
  rg_strings_fini(&names);
  rg_frame_fini(&obs);
  rg_h5_close(h5);
  return status;
}

rg_status rg_annot_merge(rg_comm *comm, const char *input, const rg_annot *annot,
                         const char *output)
{
  rg_status status = rg_agree(comm, check_other_file(input, output));
  return status == RG_OK ? merge(comm, input, annot, output) : status;
}

rg_status rg_annot_update(rg_comm *comm, const char *path, const rg_annot *annot)
{
  return annot->is_part ? merge(comm, path, annot, path)
                        : rg_annot_write(comm, path, annot);
}
