#!/bin/sh
#SBATCH --job-name=regatta-strong
#SBATCH --nodes=1
#SBATCH --exclusive
#SBATCH --time=02:00:00
#SBATCH --output=regatta-strong-%j.log
#
# Strong scaling: the same cells, the same model, more and more cores.
# Nodes: as many as the largest of CONFIGS needs. Time: REPEATS x the sum over CONFIGS of
# `time regatta run`; 20,000 cells take about a minute on one core.
# Change: the lines above, CONFIGS and CELLS.
#
#   CONFIGS   RANKSxTHREADS to try (1x1 1x2 2x1); the first is what others are held against
#   CELLS     simulated cells (20000); or DATA, a file of your own with its number in CELLS
#   LANES     of train.lanes, a power of two (64): no more ranks than this share cells
#   RECIPE EPOCHS BATCH GENES PEAKS EXTRA   what is trained, how long, on what; EXTRA: options
#   UNTIL     last command to run (cluster; umap is the next)
#   REPEATS   of everything, taking turns (3); the tables have medians
#   MPIEXEC   launcher: %t stands for the threads of a rank, %n for the nodes
#   OUT       folder of results (scaling)
here=${SCALING:-${SLURM_SUBMIT_DIR:-.}}
test -f "$here/sweep.sh" || here=$(dirname "$0")
. "$here/sweep.sh"
: "${CELLS:=20000}" "${LANES:=64}" "${DATA:=}"
test -n "$DATA" || DATA=$(cells "$CELLS") || exit 1
for repeat in $(seq "$REPEATS"); do
  for config in $CONFIGS; do
    one strong "$config" "$repeat" "$DATA" "$CELLS" --set "train.batch=$BATCH" \
      --set "train.lanes=$LANES" || exit 1
  done
done
finish
