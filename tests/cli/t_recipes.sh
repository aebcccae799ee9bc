#!/bin/sh
# Every recipe of `regatta list recipes`, whatever their number, on cells of which some lack
# a modality: the same parameters and losses on 1 to 4 ranks and when stopped and resumed;
# a second pass of the data and its validation included; finite embeddings at the end.
# RG_RECIPES="clue sailer" runs these alone.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
python_with h5py,numpy

"$regatta" simulate -o "$scratch/a.h5mu" --cells 240 --genes 120 --peaks 300 --types 3 \
  --proteins 12 --chromosomes 4 --paired 0.7 --density 0.1 --seed 5 >/dev/null 2>&1
ok $? "cells are simulated, some of which lack a modality"

# train NAME RANKS RECIPE STEPS OPTIONS...: ends with 75 where steps are left
train() {
  name=$1 ranks=$2 recipe=$3 steps=$4
  shift 4
  on "$ranks" train "$scratch/a.h5mu" -o "$scratch/$name" --recipe "$recipe" \
    --batch batch --labels cell_type --set train.batch=32 --set "train.max_steps=$steps" "$@"
  status=$?
  test $status -eq 0 || test $status -eq 75
}
# hash of the parameters, and the losses of the epochs
trained() {
  hash_of "$scratch/$1"
  cut -d, -f1-4,6- "$scratch/$1/metrics.csv" | cksum
}

recipes=$("$regatta" list recipes --as json | tr '{' '\n' |
  sed -n 's/^"name":"\([a-z0-9_]*\)","help":.*"facts":.*/\1/p')
test "$(echo "$recipes" | wc -w)" -gt 1
ok $? "there are recipes: $(echo $recipes)"

for recipe in ${RG_RECIPES:-$recipes}; do
  train $recipe-1 1 $recipe 12
  ok $? "$recipe trains"
  test -n "$(hash_of "$scratch/$recipe-1")" || continue
  alone=$(trained $recipe-1)
  for ranks in 2 3 4; do
    train $recipe-$ranks $ranks $recipe 12
    same "$(trained $recipe-$ranks)" "$alone" \
      "$recipe: $ranks ranks give the parameters and losses of one"
  done
  train $recipe-r 2 $recipe 7 && train $recipe-r 1 $recipe 5 --resume
  same "$(trained $recipe-r)" "$alone" \
    "$recipe: stopped and resumed on other ranks gives the same"
  on 2 embed "$scratch/$recipe-1" "$scratch/a.h5mu" -o "$scratch/$recipe.h5ad"
  ok $? "$recipe embeds"
  test -n "$python" || continue
  "$python" - "$scratch/$recipe.h5ad" "X_$recipe" <<'EOF'
import sys, h5py, numpy
x = h5py.File(sys.argv[1])["obsm"][sys.argv[2]][:]
known = numpy.isfinite(x).all(axis=1)
assert known.sum() >= 0.6 * len(x), known.sum()
assert x[known].std(axis=0).max() > 0
EOF
  ok $? "$recipe: the cells have rows that differ"
done
finish
