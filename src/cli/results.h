/** What the commands on RESULTS.h5ad share. */
#ifndef RG_CLI_RESULTS_H
#define RG_CLI_RESULTS_H

#include "regatta/cli.h"
#include "regatta/io.h"

/** True for embeddings made before training (X_pca, X_lsi, X_spectral): controls. Not
 *  collective. */
bool rg_results_made_before(const char *name);
/** The embedding to work on: `name`, or with NULL the first of obsm that is called X_...
 *  and is no layout; one made before training only where there is no other. *found is its
 *  name. Borrowed from the annot. RG_EINPUT with the names there are. Not collective; the
 *  same on every rank. */
rg_status rg_results_embedding(const rg_annot *annot, const char *path, const char *name,
                               const char **found, const rg_mat **mat);
/** The graph obsp/connectivities. RG_EINPUT when there is none. Borrowed. Not collective;
 *  the same on every rank. */
rg_status rg_results_graph(const rg_annot *annot, const char *path, const rg_csr **graph);
/** RG_EINPUT: no such column, and which there are. Not collective. */
rg_status rg_results_no_column(const rg_annot *annot, const char *name);
/** A column as a category: COLUMN of the results, or FILE:COLUMN of a file that has their
 *  cells, found by name; `name` NULL leaves *column as it is. Owned. RG_EINPUT.
 *  Collective. */
rg_status rg_results_category(rg_comm *comm, const rg_annot *annot, const char *name,
                              rg_column *column);

#endif
