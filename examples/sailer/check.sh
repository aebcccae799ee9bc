#!/bin/sh
# Types are neighbours, and batches are mixed.
. "$(dirname "$0")/../lib.sh"
at_least knn_purity "$out/run/scores.json" 0.8 "neighbours of the same type"
at_least ilisi "$out/run/scores.json" 0.5 "batches mixed"
test -s "$out/imputed.h5ad"
