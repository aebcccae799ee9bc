#!/bin/sh
# setup-and-run.sh [FOLDER]: install what is missing (Debian, as root), build in ./build,
# simulate a multiome of 1000 cells, and run the whole pipeline on it with two ranks.
# Everything made goes to FOLDER (default ./quickstart).
set -eu
started=$(date +%s)
folder=${1:-quickstart}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")"
. build-aux/setup.sh
regatta=$PWD/build/regatta

built=$(date +%s)
cd "$folder"
"$regatta" simulate -o sim.h5mu --cells 1000 --types 5 --batches 2 --seed 1
"${MPIEXEC:-mpirun}" -n 2 "$regatta" run sim.h5mu -o run \
  --labels cell_type --batch batch
echo "
installed and built in $((built - started)) s, simulated and run in $(($(date +%s) - built)) s
map of the cells, scores and losses, for a browser:
  $folder/run/report.html
the results are beside it; the program is
  $regatta"
