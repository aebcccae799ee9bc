/* results.h5ad: obs, obsm, obsp, uns and, for imputed matrices, X. */

#include "frame_write.h"

static void put_matrices(rg_h5_writer *w, const rg_annot *annot)
{
  rg_h5_put_group(w, "/obsm", "dict", "0.1.0");
  for (int i = 0; i < annot->n_obsm; i++) {
    char *path = rg_format("/obsm/%s", annot->obsm[i].name);
    rg_frame_put_mat(w, path, &annot->obsm[i].mat);
    rg_free(path);
  }
  rg_h5_put_group(w, "/obsp", "dict", "0.1.0");
  for (int i = 0; i < annot->n_obsp; i++) {
    char *path = rg_format("/obsp/%s", annot->obsp[i].name);
    rg_frame_put_csr(w, path, &annot->obsp[i].csr, annot->n_cells);
    rg_free(path);
  }
}

static void put_features(rg_h5_writer *w, const rg_annot *annot)
{
  rg_strings none = {0};
  bool root = rg_rank(rg_h5_writer_comm(w)) == 0;
  rg_frame_put(w, "/var", root ? &annot->var_names : &none, 0, NULL);
  if (annot->has_x && annot->sparse_x.indptr)
    rg_frame_put_csr(w, "/X", &annot->sparse_x, annot->sparse_x.cols);
  else if (annot->has_x)
    rg_frame_put_mat(w, "/X", &annot->x);
  static const char *const empty[] = {"/layers", "/varm", "/varp"};
  for (int i = 0; i < 3; i++)
    rg_h5_put_group(w, empty[i], "dict", "0.1.0");
}

rg_status rg_annot_write(rg_comm *comm, const char *path, const rg_annot *annot)
{
  rg_h5_writer *w;
  rg_status status = rg_h5_begin(comm, path, NULL, &w);
  if (status != RG_OK)
    return status;
  rg_h5_put_group(w, "/", "anndata", "0.1.0");
  rg_frame_put(w, "/obs", &annot->names, annot->n_columns, annot->columns);
  put_features(w, annot);
  put_matrices(w, annot);
  rg_h5_put_group(w, "/uns", "dict", "0.1.0");
  for (int i = 0; i < annot->n_notes; i++)
    rg_frame_put_note(w, "/uns", &annot->notes[i]);
  return rg_h5_finish(w);
}
