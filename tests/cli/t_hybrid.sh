#!/bin/sh
# Cells that lack a modality: those with ATAC alone train without the teacher and are
# embedded with the others; those with RNA alone get no row.
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 800 --types 4 --genes 200 --peaks 2000 \
  --chromosomes 5 --paired 0.5 --seed 5 >/dev/null 2>&1
"$regatta" inspect "$scratch/a.h5mu" >"$scratch/inspect" 2>/dev/null
with_atac=$(sed -n '/^atac/,/features/s/^ *cells *\([0-9]*\) of.*/\1/p' "$scratch/inspect")
test "$with_atac" -lt 800
ok $? "some cells lack ATAC"

on 2 run "$scratch/a.h5mu" -o "$scratch/run" --labels cell_type --batch batch \
  --set train.batch=128
same $? 0 "the pipeline runs on partially paired cells"
scores=$(tr ',' '\n' <"$scratch/run/scores.json")
cells=$(echo "$scores" | sed -n 's/.*"cells": *\([0-9]*\).*/\1/p' | head -n 1)
test "$cells" -gt 0 && test "$cells" -le "$with_atac"
ok $? "cells with ATAC are scored, $cells of $with_atac"
purity=$(echo "$scores" | sed -n 's/.*"knn_purity": *\([0-9.]*\).*/\1/p' | head -n 1)
awk "BEGIN { exit !($purity > 0.45) }"
ok $? "their types are found: purity $purity (chance 0.25)"
on 1 train "$scratch/a.h5mu" -o "$scratch/one" --batch batch --set train.batch=128
same "$(hash_of "$scratch/one")" "$(hash_of "$scratch/run")" \
  "one rank and two train the same model"
finish
