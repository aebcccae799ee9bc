#!/bin/sh
# Every method on every data set: trained on 80 % of the cells, scored on all cells by their
# labels, and on the left-out cells by matching and translation, beside the controls.
#
#   sh jobs/bench/methods.sh DATA FOLDER
#
# DATA is the folder with pbmc10k_cite.h5mu and the others. REGATTA: the program, with its
# launcher (default regatta); SEEDS (default "0 1 2"); SETS, RECIPES: only these. What the
# folder has scores of is not made again; methods_table.py makes the tables. Needs Python
# with h5py.
set -u
data=$1 folder=$2
here=$(dirname "$0")
regatta=${REGATTA:-regatta}
python=${PYTHON:-python3}
mkdir -p "$folder"

# SET LABELS DROPPED BATCH
sets() {
  cat <<'EOF'
pbmc10k_cite cell_type unknown -
cbmc_cite cell_type - -
pbmc_eccite cell_type - -
snare_mop cell_type Mis -
bmmc_cite_small cell_type - batch
bmmc_multiome_small cell_type - batch
EOF
}

recipes_of() { # SET
  case $1 in
  snare_mop | bmmc_multiome_small)
    echo "sailer sailerx clue unitednet babel sccross multivi cobolt"
    ;;
  *)
    echo "clue unitednet babel sccross multivi cobolt"
    ;;
  esac
}

modalities_of() { # SET
  case $1 in
  snare_mop | bmmc_multiome_small) echo "rna atac" ;;
  *) echo "rna adt" ;;
  esac
}

# User and system seconds go to NAME.cpu: on a shared machine the clock says little.
timed() { # NAME COMMAND...
  name=$1
  shift
  (
    try "$name.train.log" "$@"
    times >"$name.cpu"
  )
}

try() { # LOG COMMAND...
  log=$1
  shift
  "$@" >"$log" 2>&1 || echo "failed: $* ($(tail -1 "$log"))" >&2
}

# scored SET RECIPE SEED LABELS DROPPED BATCH
scored() {
  set=$1 recipe=$2 seed=$3 labels=$4 drop=$5 batch=$6
  name=$folder/$set-$recipe-$seed
  test -s "$name.all.json" && return
  options=
  test "$drop" = - || options="--drop $drop"
  train=
  test "$batch" = - || train="--batch $batch"
  full=$data/$set.h5mu test=$folder/$set.test.h5mu
  # shellcheck disable=SC2086 # options are words
  timed "$name" $regatta train "$folder/$set.train.h5mu" -o "$name" \
    --recipe $recipe $train --set train.seed=$seed
  test "$(cat "$name/STATUS" 2>/dev/null)" = done || return # it needs what is not there
  try "$name.log" $regatta embed "$name" "$full" -o "$name.all.h5ad"
  try "$name.log" $regatta embed "$name" "$test" -o "$name.test.h5ad"
  # shellcheck disable=SC2086
  for part in all test; do
    cells=$full
    test $part = all || cells=$test
    try "$name.log" $regatta evaluate "$name.$part.h5ad" --rep X_$recipe $options \
      --labels "$cells:$labels" --no-controls -o "$name.$part.json"
  done
  # shellcheck disable=SC2046
  set -- $(modalities_of $set)
  # shellcheck disable=SC2086
  try "$name.log" $regatta evaluate "$name.test.h5ad" --rep X_${recipe}_$1 \
    --second X_${recipe}_$2 $options --labels "$test:$labels" --no-controls \
    -o "$name.match.json"
  translated $1 $2
  translated $2 $1
  rm -rf "$name.all.h5ad" "$name.test.h5ad" "$name"
}

# The recipe may not do it: then there is no score.
translated() { # FROM TO
  try "$name.log" $regatta translate "$name" "$test" --from "$1" --to "$2" \
    --draws "${DRAWS:-20}" -o "$name.$1-$2.h5ad"
  test -s "$name.$1-$2.h5ad" || return
  controls=
  test -s "$folder/$set.$1-$2.json" || controls="--train $folder/$set.train.h5mu --from $1"
  # shellcheck disable=SC2086
  try "$name.log" $regatta evaluate "$name.$1-$2.h5ad" --truth "$test/$2" $controls \
    -o "$name.$1-$2.json"
  test -s "$folder/$set.$1-$2.json" || cp "$name.$1-$2.json" "$folder/$set.$1-$2.json"
  rm -f "$name.$1-$2.h5ad"
}

# The embeddings before training are the controls: of each modality, and side by side.
controlled() { # SET LABELS DROPPED BATCH
  name=$folder/$1-controls
  test -s "$name.json" && return
  options="--labels $data/$1.h5mu:$2"
  test "$3" = - || options="$options --drop $3"
  test "$4" = - || options="$options --batch $data/$1.h5mu:$4"
  try "$name.log" $regatta prepare "$data/$1.h5mu" -o "$name"
  # shellcheck disable=SC2086
  "$python" "$here/side_by_side.py" "$name/results.h5ad" &&
    try "$name.log" $regatta evaluate "$name/results.h5ad" --rep X_side_by_side $options \
      -o "$name.json"
  rm -rf "$name"
}

sets | while read -r set labels drop batch; do
  case " ${SETS:-$set} " in *" $set "*) ;; *) continue ;; esac
  test -s "$folder/$set.test.h5mu" || {
    "$python" "$here/split_h5mu.py" "$data/$set.h5mu" "$folder/$set.train.h5mu" \
      --share 0.8
    "$python" "$here/split_h5mu.py" "$data/$set.h5mu" "$folder/$set.test.h5mu" \
      --share 0.8 --rest
  }
  controlled $set $labels $drop $batch
  for recipe in ${RECIPES:-$(recipes_of $set)}; do
    for seed in ${SEEDS:-0 1 2}; do
      scored $set $recipe $seed $labels $drop $batch
    done
  done
done
