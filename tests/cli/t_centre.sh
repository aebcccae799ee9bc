#!/bin/sh
# The teacher of sailerx does not teach the batch: batches mix, unless the rows of the teacher
# are left as they are.
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 800 --types 3 --genes 1500 --peaks 4000 \
  --chromosomes 3 >"$scratch/out" 2>&1
ok $? "a data set of two batches is simulated"
# mixing CENTRE: iLISI of the embedding, in percent
mixing() {
  run=$scratch/$1
  "$regatta" train "$scratch/a.h5mu" -o "$run" --recipe sailerx --batch batch \
    --set train.batch=128 --set sailerx.epochs=40 --set sailerx.centre="$1" &&
    "$regatta" embed "$run" "$scratch/a.h5mu" -o "$run.h5ad" &&
    "$regatta" evaluate "$run.h5ad" --batch batch --no-controls -o "$run.json"
} >"$scratch/out" 2>&1
percent() {
  ${AWK:-awk} -F'"ilisi":' '{ printf "%d", 100 * $2 }' "$scratch/$1.json"
}
mixing true
ok $? "an embedding with the teacher centred"
mixing false
ok $? "and one without"
with=$(percent true) without=$(percent false)
test "$with" -gt 60 && test "$with" -gt $((without + 20))
ok $? "iLISI is 0.$with with it, 0.$without without"
finish
