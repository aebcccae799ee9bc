#!/bin/sh
# Simulated types are found again, from the ATAC alone too.
. "$(dirname "$0")/../lib.sh"
at_least ari_best_resolution "$out/run/scores.json" 0.9 "clusters against types"
at_least knn_purity "$out/atac.json" 0.9 "ATAC alone: neighbours of the same type"
