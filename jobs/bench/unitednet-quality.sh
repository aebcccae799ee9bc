#!/bin/sh
# Quality of UnitedNet: groups found and labels learned, and one modality predicted from the
# other, in cells left out of training, for several seeds, beside k-means and nearest
# neighbours; lines for docs/performance/unitednet-quality.md.
#
#   sh jobs/bench/unitednet-quality.sh FILE.h5mu LABELS FOLDER [OPTION...]
#
# Options go to `regatta train`. REGATTA: the program, with its launcher (default regatta);
# SEEDS (default "0 1 2"); MODES (default "unsupervised supervised"); DROP: label of cells
# without one (default unknown); CLUSTERS (default 8): groups that are looked for. What the
# folder has scores of is not made again. Needs Python with h5py and scikit-learn.
set -eu
file=$1 labels=$2 folder=$3
shift 3
here=$(dirname "$0")
regatta=${REGATTA:-regatta}
python=${PYTHON:-python3}
quality=$here/unitednet_quality.py
mkdir -p "$folder"
marked=$folder/marked.h5mu

# Names of the two modalities, as the file has them.
modalities() {
  "$python" -c 'import h5py, sys; print(*h5py.File(sys.argv[1], "r")["mod"])' "$marked"
}

# scored MODE SEED OPTION...
scored() {
  name=$folder/$1-$2
  test -s "$name.txt" && return
  mode=$1 seed=$2
  shift 2
  $regatta train "$marked" -o "$name" --recipe unitednet --labels label \
    --set data.hold_out=split=test --set train.seed="$seed" \
    --set unitednet.mode="$mode" --set unitednet.clusters="${CLUSTERS:-8}" "$@"
  $regatta embed "$name" "$marked" -o "$name.h5ad"
  $regatta translate "$name" "$marked" --from "$first" --to "$second" -o "$name.to.h5ad"
  $regatta translate "$name" "$marked" --from "$second" --to "$first" -o "$name.back.h5ad"
  "$python" "$quality" score "$marked" "$name.h5ad" "$name.to.h5ad" "$name.back.h5ad" \
    >"$name.txt"
  rm -rf "$name" "$name.h5ad" "$name".*.h5ad
}

test -s "$marked" ||
  "$python" "$quality" mark "$file" "$marked" "$labels" --drop "${DROP:-unknown}"
# shellcheck disable=SC2046 # words
set -- $(modalities) "$@"
first=$1 second=$2
shift 2
if ! test -s "$folder/controls.txt"; then
  $regatta prepare "$marked" -o "$folder/prepared"
  "$python" "$quality" controls "$marked" "$folder/prepared/results.h5ad" \
    >"$folder/controls.txt"
fi
for mode in ${MODES:-unsupervised supervised}; do
  for seed in ${SEEDS:-0 1 2}; do
    scored "$mode" "$seed" "$@"
  done
done
for scores in "$folder"/*.txt; do
  basename "$scores" .txt
  cat "$scores"
done
