#!/bin/sh
# All cells, whatever they have, lie with their type.
. "$(dirname "$0")/../lib.sh"
at_least knn_purity "$out/run/scores.json" 0.8 "neighbours of the same type"
at_least cells "$out/run/scores.json" 990 "cells embedded"
