#!/bin/sh
# Cells made by a trained model: of the type asked for, in every modality, the same on any
# number of ranks; and what a changed count does.
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 500 --types 3 --genes 150 --peaks 400 \
  --proteins 12 --chromosomes 4 --paired 0.8 --seed 4 >/dev/null 2>&1
train() { # RECIPE OPTIONS...
  recipe=$1
  shift
  on 1 train "$scratch/a.h5mu" -o "$scratch/$recipe" --recipe "$recipe" \
    --labels cell_type "$@"
  same $? 0 "$recipe trains"
}
train sccross --set sccross.pretrain=20 --set sccross.epochs=20 --set sccross.axes=20 \
  --set sccross.hidden=64
train cobolt --set cobolt.epochs=2

make() { # NAME RANKS OPTIONS...
  name=$1 ranks=$2
  shift 2
  on "$ranks" generate "$scratch/sccross" "$scratch/a.h5mu" -o "$scratch/$name.h5mu" \
    --cells 300 "$@"
}
data_of() {
  cksum <"$scratch/$1.h5mu"
}
make one 1 --label type2
same $? 0 "cells are made"
test "$("$regatta" inspect "$scratch/one.h5mu" 2>/dev/null | grep -c '300 of 300')" = 3
ok $? "300 of them in each of the three modalities"
"$regatta" check "$scratch/one.h5mu" >"$scratch/check" 2>&1
same $? 0 "regatta check finds nothing wrong with them"
for ranks in 2 3; do
  make many "$ranks" --label type2
  same $? 0 "cells are made on $ranks ranks"
  same "$(data_of many)" "$(data_of one)" "$ranks ranks make the cells of one"
  rm -f "$scratch/many.h5mu"
done
make other 1 --label type2 --seed 1
test "$(data_of other)" != "$(data_of one)"
ok $? "another seed makes other cells"
make mean 1 --label type2 --values mean
same $? 0 "means are written"

# most of the made cells are nearest to measured ones of their type
on 1 embed "$scratch/sccross" "$scratch/one.h5mu" -o "$scratch/one.h5ad"
same $? 0 "made cells are embedded"
on 1 embed "$scratch/sccross" "$scratch/a.h5mu" -o "$scratch/a.h5ad"
on 1 transfer "$scratch/a.h5ad" "$scratch/one.h5ad" --labels cell_type
same $? 0 "they are labelled as their nearest measured cells"
accuracy=$(cat "$scratch/out" "$scratch/err" | sed -n 's/.*accuracy  *\([0-9.]*\).*/\1/p' |
  head -n 1)
awk "BEGIN { exit !(0$accuracy > 0.6) }"
ok $? "most have the type asked for: $accuracy (chance 0.33)"

make none 1 --label nobody
same $? 3 "a type that is not there is refused"
on 1 generate "$scratch/cobolt" "$scratch/a.h5mu" -o "$scratch/none.h5mu" --label type2
same $? 2 "a recipe that does not generate says so"
grep -q 'cobolt does not generate' "$scratch/err"
ok $? "in a line that names it"
finish
