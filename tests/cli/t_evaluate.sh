#!/bin/sh
# evaluate: keys, controls and numbers against scikit-learn and numpy; the same on 2 ranks.
. "$top_srcdir/tests/cli/lib.sh"
peer=$top_srcdir/tests/cli/evaluate_peer.py
python=${PYTHON:-/usr/bin/python3}

if ! "$python" -c 'import h5py' 2>/dev/null; then
  skip "evaluate against numpy" "no Python with h5py"
  finish
fi
file=$scratch/results.h5ad
"$python" "$peer" make "$file" "$scratch/labels.h5ad" || exit 1

# scored RANKS OUTPUT: with all there is
scored() {
  on "$1" evaluate "$file" --second X_other --labels kind --drop type3 --batch lane \
    --clusters found --json -o "$2"
}
scored 1 "$scratch/on_1.json"
ok $? "evaluate: $(head -1 "$scratch/err")"
cmp -s "$scratch/out" "$scratch/on_1.json"
ok $? "the file is what is printed"
"$python" "$peer" check "$scratch/on_1.json" >"$scratch/checks" 2>"$scratch/err"
ok $? "the checks ran: $(tail -1 "$scratch/err")"
while read -r line; do
  case $line in
  skip*) skip "scikit-learn" "${line#skip }" ;;
  ok*) ok 0 "${line#ok }" ;;
  *) ok 1 "${line#not ok }" ;;
  esac
done <"$scratch/checks"
scored 2 "$scratch/on_2.json"
cmp -s "$scratch/on_1.json" "$scratch/on_2.json"
ok $? "the same on 2 ranks"

on 1 evaluate "$file" --labels "$scratch/labels.h5ad:type" --drop type3 --batch lane \
  --no-controls -o "$scratch/other.json"
ok $? "labels of a file with more cells, in another order"
grep -o '"asw_label":[^,]*' "$scratch/on_1.json" >"$scratch/a"
grep -o '"asw_label":[^,]*' "$scratch/other.json" >"$scratch/b"
head -1 "$scratch/a" | cmp -s - "$scratch/b"
ok $? "give the same score, without controls"
grep -q 'foscttm' "$scratch/other.json"
same $? 1 "no score across modalities without --second"

# refused WHAT TEXT OPTIONS...: exit 3 and one line of error
refused() {
  what=$1 text=$2
  shift 2
  "$regatta" evaluate "$file" "$@" >"$scratch/out" 2>"$scratch/err"
  same $? 3 "$what is refused"
  test "$(grep -c error "$scratch/err")" -eq 1 && grep -q "error: .*$text" "$scratch/err"
  ok $? "in one line: $(tail -1 "$scratch/err")"
}
refused "an unknown column" 'no column nothing' --labels nothing
refused "an unknown column of another file" 'labels.h5ad' \
  --labels "$scratch/labels.h5ad:nothing"
refused "an unknown embedding" 'no X_nothing' --rep X_nothing
refused "an unknown second embedding" 'no embedding X_nothing' --second X_nothing
refused "a second embedding of another width" 'X_narrow has 2' --second X_narrow
refused "an unknown depth" 'no column nothing' --depth nothing
refused "dropping all" 'cells are left' --labels kind --drop type0,type1,type2,type3
finish
