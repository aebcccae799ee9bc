#!/bin/sh
# translate: the same on any number of ranks, means and drawn values, cells without the
# modality that is read, and what is refused.
. "$top_srcdir/tests/cli/lib.sh"

on 1 simulate -o "$scratch/a.h5mu" --cells 300 --types 3 --batches 2 --genes 150 --peaks 0 \
  --proteins 12 --paired 0.8 --seed 4
ok $? "cells are simulated, of which a fifth lacks a modality"
on 1 train "$scratch/a.h5mu" -o "$scratch/run" --recipe clue --batch batch \
  --set clue.epochs=12 --set train.batch=64
ok $? "a model is trained"

# translate NAME RANKS OPTIONS...; scores NAME: what evaluate says of it
translate() {
  name=$1 ranks=$2
  shift 2
  on "$ranks" translate "$scratch/run" "$scratch/a.h5mu" -o "$scratch/$name.h5ad" "$@"
}
scores() {
  on 1 evaluate "$scratch/$1.h5ad" --truth "$scratch/a.h5mu/adt" --json
  sed 's/"predicted":"[^"]*"//' "$scratch/out"
}
for what in "--draws 0" "--draws 3" "--values drawn" "--batch batch1"; do
  # shellcheck disable=SC2086 # words
  translate one 1 --from rna --to adt $what
  ok $? "proteins from RNA, $what"
  # shellcheck disable=SC2086
  translate three 3 --from rna --to adt $what
  test -n "$(scores one)"
  ok $? "$what: scored"
  same "$(scores three)" "$(scores one)" "$what: three ranks give the values of one"
done
translate mean 1 --from rna --to adt
translate drawn 1 --from rna --to adt --values drawn
test "$(scores mean)" != "$(scores drawn)"
ok $? "drawn values are not the means"

refused() { # WHAT OPTIONS...
  what=$1
  shift
  translate bad 2 "$@"
  status=$?
  test $status -eq 2 && grep -q "$what" "$scratch/err"
  ok $? "refused ($status): $what"
}
refused "say what to translate" --from rna
refused "does not predict" --from rna --to rna2
refused "knows no batch" --from rna --to adt --batch none
refused "one draw" --from rna --to adt --values drawn --draws 2
finish
