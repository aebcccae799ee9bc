#!/bin/sh
# Quality of SAILERX on SNARE-seq of the mouse motor cortex: cells trained on, and cells of
# two plates left out of training, for several seeds, beside their controls; one table.
#
#   sh jobs/bench/sailerx-quality.sh snare_mop.h5mu FOLDER
#
# REGATTA: the program, with its launcher (default regatta); SEEDS (default "0 1 2"); PARTS
# (default "in-sample left-out"). CENTRE (default true, as the program's):
# sailerx.centre. Controls are scored with the first seed. What the folder has scores of is
# not made again. Needs Python with h5py.
set -eu
file=$1 folder=$2
here=$(dirname "$0")
regatta=${REGATTA:-regatta}
seeds=${SEEDS:-0 1 2}
parts=${PARTS:-in-sample left-out}
python=${PYTHON:-python3}
mkdir -p "$folder"

# part NAME SEED TRAINED-ON SCORED
part() {
  test -s "$folder/$1_$2.json" && return
  controls=
  test "$2" = "${seeds%% *}" || controls=--no-controls
  $regatta train "$3" -o "$folder/$1-$2" --recipe sailerx --batch plate \
    --set train.seed="$2" --set sailerx.epochs=10 \
    --set sailerx.centre="${CENTRE:-true}"
  $regatta embed "$folder/$1-$2" "$4" -o "$folder/$1-$2.h5ad"
  $regatta evaluate "$folder/$1-$2.h5ad" --rep X_sailerx --labels cell_type --drop Mis \
    --batch plate $controls -o "$folder/$1_$2.json"
}

if ! test -s "$folder/left.h5mu"; then
  "$python" "$here/split_h5mu.py" "$file" "$folder/train.h5mu" plate --without 09H,09I
  "$python" "$here/split_h5mu.py" "$file" "$folder/left.h5mu" plate --only 09H,09I
fi
for seed in $seeds; do
  for which in $parts; do
    case $which in
    in-sample) part "$which" "$seed" "$file" "$file" ;;
    left-out) part "$which" "$seed" "$folder/train.h5mu" "$folder/left.h5mu" ;;
    esac
  done
done
"$python" "$here/quality_table.py" "$folder"
