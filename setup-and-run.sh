#!/bin/sh
# setup-and-run.sh [FOLDER]: install what is missing (Debian, as root), build in ./build,
# simulate a multiome of 1000 cells, and run the whole pipeline on it with two ranks.
# Everything made goes to FOLDER (default ./quickstart).
set -eu
folder=${1:-quickstart}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")"
. build-aux/setup.sh
regatta=$PWD/build/regatta

started=$(date +%s)
cd "$folder"
"$regatta" simulate -o sim.h5mu --cells 1000 --types 5 --batches 2 --seed 1
"${MPIEXEC:-mpirun}" -n 2 "$regatta" run sim.h5mu -o run \
  --labels cell_type --batch batch
echo "
all of it took $(($(date +%s) - started)) s; results, scores and figures are in
  $folder/run
the program is $regatta"
