#!/bin/sh
#SBATCH --job-name=regatta-weak
#SBATCH --nodes=1
#SBATCH --exclusive
#SBATCH --time=02:00:00
#SBATCH --output=regatta-weak-%j.log
#
# Weak scaling: cells and batch grow with the cores, so that every core keeps its share.
# Nodes: as many as the largest of CONFIGS needs. Time: REPEATS x configurations x the time
# of the first, if it scales. Change: the lines above, CONFIGS and CELLS.
#
#   CELLS     cells per core (10000); the data of every size are simulated once
#   BATCH     cells of a step per core (128); lanes are as many as cores, 8 at least
# CONFIGS, RECIPE, EPOCHS, GENES, PEAKS, EXTRA, UNTIL, REPEATS, MPIEXEC, OUT: as in strong.sh.
here=${SCALING:-${SLURM_SUBMIT_DIR:-.}}
test -f "$here/sweep.sh" || here=$(dirname "$0")
. "$here/sweep.sh"
: "${CELLS:=10000}"
for repeat in $(seq "$REPEATS"); do
  for config in $CONFIGS; do
    shape "$config"
    lanes=$(power "$cores")
    batch=$(((BATCH * cores + lanes - 1) / lanes * lanes))
    data=$(cells $((CELLS * cores))) || exit 1
    one weak "$config" "$repeat" "$data" $((CELLS * cores)) --set "train.batch=$batch" \
      --set "train.lanes=$lanes" || exit 1
  done
done
finish
