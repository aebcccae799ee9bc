#!/bin/sh
# Cells lie with their label; proteins are predicted.
. "$(dirname "$0")/../lib.sh"
at_least knn_purity "$out/run/scores.json" 0.9 "neighbours of the same label"
at_least pearson "$out/proteins.json" 0.5 "proteins from RNA"
