#!/bin/sh
# transfer: labels by the vote of reference cells against numpy; the same on 3 ranks.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
peer=$top_srcdir/tests/cli/transfer_peer.py

if ! python_with 'h5py'; then
  skip "transfer against numpy" "no Python with h5py"
  finish
fi
atlas=$scratch/atlas.h5ad query=$scratch/query.h5ad
"$python" "$peer" make "$atlas" "$query" || exit 1
cp "$query" "$scratch/spread.h5ad"

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
before=$(cksum <"$atlas")
on 1 transfer "$atlas" "$query" --k 9
ok $? "on 1 rank: $(grep error "$scratch/err")"
cp "$scratch/out" "$scratch/said"
told check "$query" "$scratch/said"
on 3 transfer "$atlas" "$scratch/spread.h5ad" --k 9
ok $? "on 3 ranks"
told same "$query" "$scratch/spread.h5ad"
on 1 transfer "$atlas" "$query" --k 1000 --metric cosine
ok $? "as many neighbours as there are, by cosine"
same "$before" "$(cksum <"$atlas")" "the reference is as it was"

# refused WHAT TEXT OPTIONS...: exit 3 and one line of error
before=$(cksum <"$query")
refused() {
  what=$1 text=$2
  shift 2
  on 2 transfer "$atlas" "$query" "$@"
  same $? 3 "$what is refused"
  test "$(grep -c error "$scratch/err")" -eq 1 && grep -q "error: .*$text" "$scratch/err"
  ok $? "in one line: $(grep error "$scratch/err")"
}
refused "an unknown column" 'no column nothing' --labels nothing
refused "an unknown embedding" 'no X_nothing' --rep X_nothing
refused "embeddings of other widths" 'X_narrow has 2 columns' --rep X_narrow
same "$before" "$(cksum <"$query")" "the query is as it was"
finish
