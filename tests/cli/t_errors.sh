#!/bin/sh
# Bad input gets one line and an exit code, the same on one rank and on four, and nothing
# is left behind.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"

"$regatta" simulate -o "$scratch/good.h5mu" --cells 120 --genes 60 --peaks 200 \
  --chromosomes 3 >/dev/null 2>&1

# refused CODE TEXT WHAT COMMAND...: fails alike on one rank and on four
refused() {
  code=$1 text=$2 what=$3
  shift 3
  for n in 1 4; do
    on $n "$@"
    same $? "$code" "$what on $n ranks: exit code $code"
    errors=$(grep -c "^regatta: error: " "$scratch/err")
    same "$errors" 1 "$what on $n ranks: one line"
    grep -q "^regatta: error: .*$text" "$scratch/err"
    ok $? "$what on $n ranks: it says '$text'"
    test ! -e "$scratch/run"
    ok $? "$what on $n ranks: no partial output"
  done
}

file=$scratch/good.h5mu
refused 3 "missing.h5mu" "missing file" train "$scratch/missing.h5mu" -o "$scratch/run"
refused 3 "no_such" "unknown column" train "$file" -o "$scratch/run" --batch no_such
refused 2 "did you mean .batch" "unknown key" train "$file" -o "$scratch/run" --set train.batsh=3
refused 2 "train.epochs'; there are .*cobolt.epochs" "key of another section" train "$file" \
  -o "$scratch/run" --set train.epochs=3
refused 2 "sailerx" "wrong recipe" train "$file" -o "$scratch/run" --recipe sailrx
refused 2 "learning" "unknown option" train "$file" -o "$scratch/run" --learning 3
refused 2 "lanes" "lanes that are no power of two" train "$file" -o "$scratch/run" \
  --set train.lanes=3 --set train.batch=6
refused 1 "" "unwritable output" train "$file" -o /proc/run
refused 3 "X_none" "missing embedding" evaluate "$file" --rep X_none
: >"$scratch/empty.h5mu"
refused 3 "empty.h5mu" "empty file" train "$scratch/empty.h5mu" -o "$scratch/run"

if python_with h5py; then
  for how in truncated negative fraction nan infinite; do
    cp "$file" "$scratch/$how.h5mu"
    "$python" "$top_srcdir/tests/cli/spoil.py" "$scratch/$how.h5mu" $how
    refused 3 "$how.h5mu" "$how" train "$scratch/$how.h5mu" -o "$scratch/run"
  done
else
  skip "spoilt files" "python3-h5py is not here"
fi

# a method that needs all features of a cell has no grid of features, and auto is lanes
on 2 train "$file" -o "$scratch/run" --recipe clue --set train.grid=features
same $? 2 "features for a method by lanes: exit code 2"
grep -q "recipe clue needs all features of a cell on every rank; choose lanes" "$scratch/err"
ok $? "features for a method by lanes: it says what to choose"
on 2 train "$file" -o "$scratch/by_lanes" --recipe clue --set train.grid=auto \
  --set train.batch=32 --set train.max_steps=2
same $? 75 "auto for a method by lanes trains"

# a rank that fails alone while the model is composed takes the others along
RG_FAULT=train.compose@1 on 2 train "$file" -o "$scratch/run" --set train.batch=32
same $? 1 "one rank cannot compose the model: exit code 1"
grep -q "^regatta: error: injected fault train.compose (rank 1)" "$scratch/err"
ok $? "one rank cannot compose the model: one line names it"

# a node that has an old copy of the data or of the configuration, or none: one line, for
# what is read decides on what ranks do together
mkdir "$scratch/node0" "$scratch/node1"
cp "$file" "$scratch/node0/cells.h5mu"
"$regatta" simulate -o "$scratch/node1/cells.h5mu" --cells 110 --genes 60 --peaks 0 \
  >/dev/null 2>&1
echo "train: {batch: 32}" >"$scratch/node0/run.yaml"
echo "train: {batch: 64}" >"$scratch/node1/run.yaml"
# apart CODE TEXT WHAT COMMAND...: two ranks, each in its own folder
apart() {
  code=$1 text=$2 what=$3
  shift 3
  # shellcheck disable=SC2016,SC2086 # the rank's own shell expands it; words
  timeout -k 5 60 $MPIEXEC -n 2 sh -c 'node=$0/node${OMPI_COMM_WORLD_RANK:-$PMI_RANK}
    cd "$node" && exec "$@"' "$scratch" "$regatta" "$@" >/dev/null 2>"$scratch/err" </dev/null
  same $? "$code" "$what: exit code $code"
  same "$(grep -c "^regatta: error: .*$text" "$scratch/err")" 1 "$what: one line"
}
apart 3 "cells.h5mu: is another file on some of the ranks" "an old copy" inspect cells.h5mu
cp "$file" "$scratch/node1/cells.h5mu" # a copy of its own is the same file
apart 3 "run.yaml: is not the same on every rank" "another configuration" \
  train cells.h5mu -o run --config run.yaml
rm "$scratch/node1/cells.h5mu"
apart 3 "cells.h5mu: cannot be opened.* (rank 1)" "no file on a node" inspect cells.h5mu

# a loss that is not a number is found in the step where it appears
RG_FAULT=train.nan:4 on 2 train "$file" -o "$scratch/nan" --set sailerx.epochs=3 \
  --set train.batch=32
same $? 4 "divergence: exit code 4"
grep -q "not a number in phase main, epoch 1, step 3: term .*, parameter .*, cells" "$scratch/err"
ok $? "divergence: step, term, parameter and cells are named"
same "$(cat "$scratch/nan/STATUS")" failed "divergence: STATUS"

# what has to fail does not pass: the good file trains
on 2 train "$file" -o "$scratch/run" --set sailerx.epochs=1 --set train.batch=32
same $? 0 "the good file trains"
finish
