#!/bin/sh
# markers: ranked features against scipy, in scanpy's layout; the same on 3 ranks.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
peer=$top_srcdir/tests/cli/markers_peer.py

if ! python_with 'h5py, scipy'; then
  skip "markers against scipy" "no Python with h5py and scipy"
  finish
fi
file=$scratch/counts.h5ad results=$scratch/results.h5ad whole=$scratch/whole.h5ad
"$python" "$peer" make "$file" "$results" "$whole" || exit 1

# told COMMAND...: its lines "ok WHAT" and "not ok WHAT" become tests
told() {
  "$python" "$peer" "$@" >"$scratch/checks" 2>"$scratch/err"
  ok $? "checks ran: $(tail -1 "$scratch/err")"
  while read -r line; do
    case $line in
    ok*) ok 0 "${line#ok }" ;;
    *) ok 1 "${line#not ok }" ;;
    esac
  done <"$scratch/checks"
}

# compared METHOD REFERENCE OPTIONS...
compared() {
  method=$1 reference=$2
  shift 2
  on 1 markers "$results" "$file" --n-genes 0 --reference "$reference" "$@"
  ok $? "$method against $reference: $(grep error "$scratch/err")"
  cp "$scratch/err" "$scratch/said"
  told check "$results" "$method" "$reference"
}
compared t-test c1 --method t-test
compared t-test rest --method t-test
compared tied c2 --tie-correct
compared tied rest --tie-correct
compared wilcoxon rest -o "$scratch/on_1.tsv"

grep -q 'warning: leiden: group single has one cell and is not ranked' "$scratch/said"
ok $? "a group of one cell is named"
grep -q 'counts.h5ad: 40 of 240 cells are not in the results' "$scratch/said"
ok $? "cells without results are counted"
same "$(grep -c 'p-values are not calibrated' "$scratch/said")" 1 "one line on p-values"
same "$(wc -l <"$scratch/on_1.tsv")" 241 "a table of all"
same "$(grep -c '	gene6	.*	1	1$' "$scratch/on_1.tsv")" 4 "a gene of every cell is ranked"
grep -q '	gene5	0	0	1	1	0	0$' "$scratch/on_1.tsv"
ok $? "a gene without counts says nothing"

cp "$results" "$scratch/spread.h5ad"
on 3 markers "$scratch/spread.h5ad" "$file" --n-genes 0 -o "$scratch/on_3.tsv"
ok $? "on 3 ranks"
cmp -s "$scratch/on_1.tsv" "$scratch/on_3.tsv"
ok $? "the same table"
told same "$results" "$scratch/spread.h5ad"

# a file that holds the counts too keeps them
on 2 markers "$whole" "$whole" --n-genes 3
ok $? "results and counts in one file"
"$python" -c "
import h5py, sys
a, b = h5py.File(sys.argv[1]), h5py.File(sys.argv[2])
order = [int(name[4:]) for name in a['obs/_index'].asstr()[:]]
assert (a['X'][:] == b['X'][:][order]).all()
assert len(a['uns/rank_genes_groups/names']) == 3" "$whole" "$file"
ok $? "X is still there, and three genes per group"

# refused STATUS WHAT TEXT OPTIONS...: exit and one line of error
before=$(cksum <"$results")
refused() {
  expected=$1 what=$2 text=$3
  shift 3
  on 2 markers "$results" "$@"
  same $? "$expected" "$what is refused"
  test "$(grep -c error "$scratch/err")" -eq 1 && grep -q "error: .*$text" "$scratch/err"
  ok $? "in one line: $(grep error "$scratch/err")"
}
refused 3 "an unknown column" 'no column nothing' "$file" --groups nothing
refused 2 "an unknown reference" 'no group c11; did you mean c1' "$file" --reference c11
refused 3 "an unknown modality" 'no modality adt' "$file" --modality adt
refused 3 "a reference of one cell" 'no group can be ranked' "$file" --reference single
on 1 simulate -o "$scratch/other.h5mu" --cells 50 --genes 30 --peaks 0
refused 3 "a file of other cells" 'none of its cells' "$scratch/other.h5mu"
same "$before" "$(cksum <"$results")" "the results are as they were"
finish
