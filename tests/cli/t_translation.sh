#!/bin/sh
# evaluate --truth: scores of predictions and of their controls against numpy and
# scikit-learn, for all kinds of modalities; the same on 1 to 4 ranks; what is refused.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
peer=$top_srcdir/tests/cli/translation_peer.py

if ! python_with 'h5py, scipy'; then
  skip "predictions against numpy" "no Python with h5py and scipy"
  finish
fi
"$python" "$peer" make "$scratch" || exit 1

# scored RANKS TO FROM VALUES NAME
scored() {
  on "$1" evaluate "$scratch/$2$4.h5ad" --truth "$scratch/test.h5ad" --labels kind \
    --train "$scratch/train.h5ad" --from "$3" --genes 30 --nearest 7 --ridge 3 \
    --table "$scratch/$5.tsv" -o "$scratch/$5.json"
}
# checked TO FROM [VALUES]
checked() {
  what="$1${3-} from $2"
  scored 2 "$1" "$2" "${3-}" "$1"
  ok $? "$what: $(grep error "$scratch/err")"
  "$python" -W ignore "$peer" check "$scratch" "$1" "$2" "${3-}" "$scratch/$1.json" \
    "$scratch/$1.tsv" >"$scratch/checks" 2>"$scratch/err"
  ok $? "$what: the checks ran: $(tail -1 "$scratch/err")"
  while read -r line; do
    case $line in
    ok*) ok 0 "$what: ${line#ok }" ;;
    *) ok 1 "$what: ${line#not ok }" ;;
    esac
  done <"$scratch/checks"
}
checked adt rna
checked rna adt _scores
checked rna atac
checked atac rna

# the runs above were on 2 ranks
for ranks in 1 3 4; do
  scored $ranks atac rna '' on_$ranks
  cmp -s "$scratch/atac.json" "$scratch/on_$ranks.json" &&
    cmp -s "$scratch/atac.tsv" "$scratch/on_$ranks.tsv"
  ok $? "the same on 2 and $ranks ranks"
done

on 1 evaluate "$scratch/adt.h5ad" --truth "$scratch/test.h5ad" --json
ok $? "without training cells and labels"
grep -q '"depth"' "$scratch/out" && ! grep -q 'knn\|ridge\|type_mean' "$scratch/out"
ok $? "the depth is the only control"
on 1 evaluate "$scratch/adt.h5ad" --truth "$scratch/test.h5ad" --labels kind --cells 50
ok $? "the type mean of the other test cells, a sample"
grep -q 'adt of 50 cells' "$scratch/out" && grep -q '^type_mean' "$scratch/out"
ok $? "as many as asked for"
on 1 evaluate "$scratch/adt.h5ad" --truth "$scratch/test.h5ad" --from rna \
  --train "$scratch/test.h5ad"
grep -q 'warning: 108 cells that are scored' "$scratch/err"
ok $? "controls that saw the cells are told: $(grep warning "$scratch/err")"
grep -q 'knn averages 12 of 120 training cells' "$scratch/err"
ok $? "few training cells, few neighbours: $(grep knn "$scratch/err")"
"$regatta" simulate -o "$scratch/toy.h5mu" --cells 60 --genes 30 --peaks 40 --proteins 5 \
  --log warn >/dev/null
on 1 evaluate "$scratch/adt.h5ad" --truth "$scratch/toy.h5mu/rna"
same $? 3 "cells of another file are refused"

# refused CODE WHAT TEXT FILE OPTIONS...: one line of error
refused() {
  code=$1 what=$2 text=$3 file=$4
  shift 4
  on 1 evaluate "$scratch/$file" "$@"
  same $? "$code" "$what is refused"
  test "$(grep -c 'regatta: error' "$scratch/err")" -eq 1 &&
    grep -q "error: .*$text" "$scratch/err"
  ok $? "in one line: $(grep error "$scratch/err" | head -1)"
}
test=$scratch/test.h5ad
refused 2 "training without --from" 'go together' adt.h5ad --truth "$test" --train "$test"
refused 3 "an unknown modality" 'no modality lipids' adt.h5ad --truth "$test" \
  --train "$test" --from lipids
refused 3 "a truth without the features" 'none of its features' adt.h5ad \
  --truth "$scratch/toy.h5mu"
refused 3 "a prediction of three modalities" 'a prediction has one' test.h5ad \
  --truth "$test"
refused 2 "negative means" 'no means of counts' rna_scores.h5ad --truth "$test" \
  --scale counts
refused 3 "an unknown label" 'nothing' adt.h5ad --truth "$test" --labels nothing
refused 3 "no truth" 'nowhere.h5ad' adt.h5ad --truth "$scratch/nowhere.h5ad"
head -c 3000 "$scratch/adt.h5ad" >"$scratch/short.h5ad"
refused 3 "a file cut short" 'short.h5ad' short.h5ad --truth "$test"
finish
