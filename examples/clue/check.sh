#!/bin/sh
# All cells lie with their type; RNA and proteins of a cell are close; proteins are predicted.
. "$(dirname "$0")/../lib.sh"
at_least cells "$out/run/scores.json" 990 "cells embedded"
at_least knn_purity "$out/run/scores.json" 0.8 "neighbours of the same type"
at_most foscttm "$out/match.json" 0.2 "cells closer than the own (chance 0.5)"
at_least pearson "$out/proteins.json" 0.3 "proteins from RNA"
test "$(wc -l <"$out/pairs.tsv")" -gt 500
