#!/bin/sh
# Types are found; predictions of new cells follow what was measured.
. "$(dirname "$0")/../lib.sh"
at_least knn_purity "$out/run/scores.json" 0.8 "neighbours of the same type"
at_least pearson "$out/rna.json" 0.1 "genes from peaks"
at_least auroc "$out/atac.json" 0.53 "peaks from genes"
