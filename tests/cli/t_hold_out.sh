#!/bin/sh
# Cells that a column of obs keeps out of training (data.hold_out) or sets apart for
# validation (data.validation).
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 200 --genes 80 --peaks 200 --types 3 \
  --seed 3 >/dev/null 2>&1
ok $? "a data set is simulated"

train() { # NAME RANKS OPTIONS...
  name=$1 ranks=$2
  shift 2
  on "$ranks" train "$scratch/a.h5mu" -o "$scratch/$name" --recipe sailer \
    --set train.batch=32 --set sailer.epochs=1 --set sailer.warm_up=0 "$@"
}
cells() { # cells trained on
  sed -n 's/.*train: on \([0-9]*\) of .*/\1/p' "$scratch/err"
}

train all 1 --log info
ok $? "trains"
all=$(cells)
train left 1 --log info --set data.hold_out=cell_type=type1,type2
ok $? "trains without the cells of two types"
left=$(cells)
test -n "$all" && test "$left" -lt "$all"
ok $? "cells are left out: $left of $all"
train left-2 2 --set data.hold_out=cell_type=type1,type2
same "$(hash_of "$scratch/left-2")" "$(hash_of "$scratch/left")" \
  "the same on two ranks"
train validated 1 --log info --set data.validation=cell_type=type1
ok $? "trains with the cells of one type set apart"
test "$(cells)" -lt "$all" && test "$(cells)" -gt "$left"
ok $? "they do not train: $(cells)"
"$regatta" embed "$scratch/left" "$scratch/a.h5mu" -o "$scratch/e.h5ad" >/dev/null 2>&1
ok $? "cells left out can be embedded afterwards"

for wrong in cell_type=nothing cell_type= no_such_column; do
  train wrong 1 --set "data.hold_out=$wrong"
  test $? -ne 0
  ok $? "hold_out=$wrong is an error: $(tail -n 1 "$scratch/err")"
done
finish
