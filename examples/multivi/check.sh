#!/bin/sh
# All cells, whatever they have, lie with their type.
. "$(dirname "$0")/../lib.sh"
at_least cells "$out/run/scores.json" 990 "cells embedded"
at_least knn_purity "$out/run/scores.json" 0.6 "neighbours of the same type"
test -s "$out/imputed.h5ad"
