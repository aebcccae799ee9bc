#!/bin/sh
# match: weights against scipy's sparse products, scores against numpy; the same on 1 to 4
# ranks; what is refused.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
peer=$top_srcdir/tests/cli/match_peer.py

if ! python_with 'h5py, scipy'; then
  skip "match against scipy" "no Python with h5py and scipy"
  finish
fi
file=$scratch/results.h5ad other=$scratch/other.h5ad
"$python" "$peer" make "$file" "$other" || exit 1

# checked METHOD K BATCH [SECOND]: run on 2 ranks, compare with the peer
checked() {
  what="$1, k $2, batch $3${4:+, b of another file}"
  set -- "$1" "$2" "$3" "${4-}"
  on 2 match "$file" --a X_m_rna --b X_m_adt --method "$1" --k "$2" \
    ${3:+$(test "$3" = none || echo "--batch $3")} ${4:+--second "$4"} \
    -o "$scratch/pairs.tsv" --sparse "$scratch/matrix.h5ad"
  ok $? "$what: $(head -1 "$scratch/err")"
  "$python" "$peer" check "$file" "$1" "$2" "$3" "$scratch/pairs.tsv" \
    "$scratch/matrix.h5ad" ${4:+"$4"} <"$scratch/out" >"$scratch/checks" 2>"$scratch/err"
  ok $? "$what: the checks ran: $(tail -1 "$scratch/err")"
  while read -r line; do
    case $line in
    ok*) ok 0 "$what: ${line#ok }" ;;
    *) ok 1 "$what: ${line#not ok }" ;;
    esac
  done <"$scratch/checks"
}
checked snn 1 none
checked snn 5 lane
checked knn 12 lane
checked mnn 3 none
checked snn 1 lane "$other"

for ranks in 1 2 3 4; do
  on $ranks match "$file" --a X_m_rna --b X_m_adt --method knn --k 4 --batch lane \
    -o "$scratch/on_$ranks.tsv"
  cp "$scratch/out" "$scratch/said_$ranks"
done
for ranks in 2 3 4; do
  cmp -s "$scratch/on_1.tsv" "$scratch/on_$ranks.tsv" &&
    test "$(grep -v results: "$scratch/said_1")" = \
      "$(grep -v results: "$scratch/said_$ranks")"
  ok $? "the same on 1 and $ranks ranks"
done
what='anndata reads the matrix'
if python_with anndata; then
  "$python" -W ignore -c "import anndata, sys
x = anndata.read_h5ad(sys.argv[1])
assert x.shape == (240, 150) and abs(x.X.sum() - x.X.sum(axis=1).astype(bool).sum()) < 1e-3
" "$scratch/matrix.h5ad" 2>"$scratch/err"
  ok $? "$what: $(tail -1 "$scratch/err")"
else
  skip "$what" "no anndata"
fi

# of a run: what embed and match of its results give
"$regatta" simulate -o "$scratch/toy.h5mu" --cells 120 --types 3 --genes 40 --peaks 0 \
  --proteins 8 --paired 0.8 --log warn >/dev/null
on 1 train "$scratch/toy.h5mu" -o "$scratch/toy" --recipe clue --set train.max_steps=2
on 1 embed "$scratch/toy" "$scratch/toy.h5mu" -o "$scratch/toy.h5ad"
on 1 match "$scratch/toy.h5ad" --a X_clue_rna --b X_clue_adt -o "$scratch/embedded.tsv"
ok $? "a file of embeddings: $(grep error "$scratch/err")"
on 2 match "$scratch/toy" "$scratch/toy.h5mu" --a rna --b adt -o "$scratch/by_run.tsv"
ok $? "a run and a file: $(grep error "$scratch/err")"
cmp -s "$scratch/embedded.tsv" "$scratch/by_run.tsv"
ok $? "give the same pairs"
truth=$(sed -n 's/^\([0-9]*\) cells have their partner.*/\1/p' "$scratch/out")
test "$truth" -gt 80 && test "$truth" -lt 110
ok $? "cells with both modalities are the truth: $truth of 120"
on 1 match "$scratch/toy" "$scratch/toy.h5mu" --a rna --b atac -o "$scratch/none.tsv"
same $? 3 "a modality that the run does not know is refused"

# refused RANKS CODE WHAT TEXT ARGUMENTS...: one line of error, nothing written
refused() {
  ranks=$1 code=$2 what=$3 text=$4
  shift 4
  on "$ranks" match "$@" -o "$scratch/none.tsv"
  same $? "$code" "$what is refused on $ranks rank(s)"
  test "$(grep -c 'regatta: error' "$scratch/err")" -eq 1 &&
    grep -q "error: .*$text" "$scratch/err" && test ! -e "$scratch/none.tsv"
  ok $? "in one line: $(grep error "$scratch/err" | head -1)"
}
refused 1 2 "no embedding at all" 'needs --a and --b' "$file" --a X_m_rna
refused 1 3 "an unknown embedding" 'no X_what; there is' "$file" --a X_what --b X_m_adt
refused 2 2 "another width" '6 columns, the other 2' "$file" --a X_m_rna --b X_narrow
refused 1 3 "an unknown batch" 'no column plate' "$file" --a X_m_rna --b X_m_adt \
  --batch plate
refused 1 2 "an unknown method" 'snn' "$file" --a X_m_rna --b X_m_adt --method best
refused 1 2 "no neighbour" 'k' "$file" --a X_m_rna --b X_m_adt --k 0
refused 2 3 "a name with a tab" 'a tab or a line break' "$scratch/results_bad.h5ad" \
  --a X_m_rna --b X_m_adt
refused 1 3 "no results" 'nothing.h5ad' "$scratch/nothing.h5ad" --a X_a --b X_b
head -c 3000 "$file" >"$scratch/short.h5ad"
refused 1 3 "a file cut short" 'short.h5ad' "$scratch/short.h5ad" --a X_m_rna --b X_m_adt
refused 2 3 "no run" 'run' "$scratch/run" "$file" --a rna --b adt
finish
