#!/bin/sh
# regatta prepare: what it keeps and writes, the same on any number of ranks and threads,
# against scikit-learn; bad requests are refused with one line.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
here=$top_srcdir/tests/cli

"$regatta" simulate -o "$scratch/a.h5mu" --cells 400 --genes 300 --peaks 900 --proteins 12 \
  --paired 0.8 --seed 5 >/dev/null 2>&1
ok $? "a data set is simulated"

prepare() { # NAME RANKS OPTIONS...
  name=$1 ranks=$2
  shift 2
  on "$ranks" prepare "$scratch/a.h5mu" -o "$scratch/$name" --batch batch \
    --labels cell_type "$@"
}

all="--set prepare.top_genes=0 --set prepare.iterations=14"
for ranks in 1 2 3 4; do
  # shellcheck disable=SC2086 # options are words
  prepare "p$ranks" $ranks $all
  ok $? "prepare runs on $ranks ranks"
done
OMP_NUM_THREADS=3 prepare threads 2 --set prepare.top_genes=0 --set prepare.iterations=14
ok $? "prepare runs with three threads"
for kind in lsi spectral; do
  prepare $kind 2 --set prepare.atac_embedding=$kind
  ok $? "atac_embedding=$kind"
  grep -q "atac: embedded in [0-9]* axes ($kind)" "$scratch/err"
  ok $? "the embedding $kind is reported"
done
prepare scalapack 3 --set prepare.linear_algebra=scalapack
ok $? "linear_algebra=scalapack"

prepare few 1 --set prepare.top_genes=50 --set prepare.top_peaks=100
grep -q 'rna: 50 of [0-9]* genes kept (highly variable, seurat_v3 per batch)' \
  "$scratch/err"
ok $? "variable genes are reported"
grep -q 'atac: 100 of [0-9]* peaks kept (open in most cells)' "$scratch/err"
ok $? "top peaks are reported"
grep -q 'top_genes: 50 *# command line' "$scratch/few/used_config.yaml"
ok $? "used_config.yaml has the option"
"$regatta" prepare "$scratch/a.h5mu" -o "$scratch/again" --batch batch \
  --labels cell_type --config "$scratch/few/used_config.yaml" >/dev/null 2>&1
ok $? "used_config.yaml is read back"
cmp -s "$scratch/few/prepared/part-0000" "$scratch/again/prepared/part-0000"
ok $? "and gives the same data set"

refused() { # STATUS PATTERN WHAT, after a command whose status is in $?
  status=$?
  test $status = "$1" && test "$(grep -c 'regatta: error' "$scratch/err")" = 1 &&
    grep -q "$2" "$scratch/err"
  ok $? "$3"
}
on 2 prepare "$scratch/a.h5mu" -o "$scratch/bad" --batch bach
refused 3 "'batch'\|batch" "an unknown column is refused"
on 2 prepare "$scratch/a.h5mu" -o "$scratch/bad" --set prepare.min_features_per_cell=9999
refused 3 'no cell is left' "no cell left is refused"
on 2 prepare "$scratch/a.h5mu" -o "$scratch/bad" --set prepare.min_cells_per_feature=9999
refused 3 'no feature is left' "no feature left is refused"
on 1 prepare "$scratch/a.h5mu" -o "$scratch/bad" --set prepare.atac_embedding=lda
refused 2 'idf' "an unknown embedding is refused"
test ! -e "$scratch/bad/results.h5ad"
ok $? "nothing is left behind"

if python_with 'h5py, scipy, sklearn'; then
  "$python" "$here/prepare_peer.py" "$scratch/a.h5mu" "$scratch/p1/results.h5ad" \
    "$scratch/p2/results.h5ad" "$scratch/p3/results.h5ad" "$scratch/p4/results.h5ad" \
    "$scratch/threads/results.h5ad" >"$scratch/peer" 2>&1
  ok $? "the peer runs"
  while read -r verdict what; do
    case $verdict in
    ok) ok 0 "$what" ;;
    not) ok 1 "${what#ok }" ;;
    *) echo "# $verdict $what" ;;
    esac
  done <"$scratch/peer"
else
  skip "against scikit-learn" "no Python with h5py, scipy and sklearn"
fi
finish
