/* Section `prepare` of the configuration. */
#include "regatta/prepare.h"

#define AT(member) offsetof(rg_prepare_options, member)

const rg_field rg_prepare_fields[] = {
    {"min_features_per_cell", RG_INT, AT(min_features_per_cell), "1", 0, 1e9, NULL,
     NULL, "cells with fewer features in a modality that they have are left out"},
    {"min_cells_per_feature", RG_INT, AT(min_cells_per_feature), "3", 0, 1e12, NULL,
     NULL, "genes and peaks seen in fewer cells are left out"},
    {"max_cells_share", RG_DOUBLE, AT(max_cells_share), "1", 0, 1, NULL, NULL,
     "peaks open in more than this share of the cells are left out"},
    {"top_genes", RG_INT, AT(top_genes), "2000", 0, 1e9, NULL, NULL,
     "highly variable genes kept (seurat_v3, per batch); 0 keeps all"},
    {"top_peaks", RG_INT, AT(top_peaks), "0", 0, 1e9, NULL, NULL,
     "peaks kept, those open in most cells; 0 keeps all"},
    {"axes", RG_INT, AT(axes), "50", 1, 1000, NULL, NULL,
     "principal components of rna and adt"},
    {"atac_axes", RG_INT, AT(atac_axes), "15", 1, 1000, NULL, NULL,
     "axes of the embedding of atac"},
    {"atac_embedding", RG_CHOICE, AT(atac_embedding), "idf", 0, 0, "idf|lsi|spectral",
     NULL,
     "idf: open peaks weighted by log(cells / cells open), rows of unit length; lsi: "
     "log(tf-idf); spectral: as SnapATAC2. The first axis, which is depth, is dropped"},
    {"iterations", RG_INT, AT(iterations), "6", 0, 100, NULL, NULL,
     "blocks of the Krylov space beyond the first: more is more exact"},
    {"linear_algebra", RG_CHOICE, AT(linear_algebra), "replicated", 0, 0,
     "replicated|scalapack", NULL,
     "replicated: the same bits on any number of ranks; scalapack: QR and eigenvectors "
     "by "
     "all ranks together, equal to rounding"},
    {"seed", RG_INT, AT(seed), "0", 0, 9e15, NULL, NULL, "of the random start"},
    {0},
};
