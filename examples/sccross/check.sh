#!/bin/sh
# Types are found; cells are made; genes are ranked.
. "$(dirname "$0")/../lib.sh"
at_least knn_purity "$out/run/scores.json" 0.8 "neighbours of the same type"
test -s "$out/made.h5mu"
test "$(wc -l <"$out/perturbed.tsv")" -gt 5
