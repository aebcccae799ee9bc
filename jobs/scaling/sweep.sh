# sweep.sh: what strong.sh and weak.sh share; they source it.
#
# one KIND CONFIG REPEAT FILE CELLS [OPTION]... runs the whole pipeline once and keeps, in
# $OUT/runs/KIND-CONFIG-REPEAT, what collect.py reads.
set -u
: "${REGATTA:=regatta}" "${CONFIGS:=1x1 1x2 2x1}" "${REPEATS:=3}" "${OUT:=scaling}"
: "${RECIPE:=sailerx}" "${EPOCHS:=4}" "${BATCH:=128}" "${GENES:=2000}" "${PEAKS:=20000}"
: "${UNTIL:=cluster}" "${EXTRA:=}" "${KEEP:=}" "${PYTHON:=python3}"
if test -z "${MPIEXEC-}"; then
  if test -n "${SLURM_JOB_ID-}"; then
    MPIEXEC='srun --mpi=pmix --nodes=%n --cpus-per-task=%t --cpu-bind=cores'
  else
    MPIEXEC='mpirun -x OMP_NUM_THREADS --map-by slot:PE=%t'
  fi
fi
mkdir -p "$OUT/runs" || exit 1

# shape CONFIG: RANKSxTHREADS as $ranks, $threads, $cores
shape() {
  case $1 in
  *[!0-9x]* | *x*x* | x* | *x) known=no ;;
  *x*) known=yes ;;
  *) known=no ;;
  esac
  test $known = yes || {
    echo "CONFIGS: $1 is not RANKSxTHREADS" >&2
    exit 2
  }
  ranks=${1%x*} threads=${1#*x}
  cores=$((ranks * threads))
}
for config in $CONFIGS; do
  shape "$config"
done

# The launcher for $ranks and $threads: %t is the threads of a rank, %n the nodes it takes.
launcher() {
  on_node=${SLURM_CPUS_ON_NODE:-$cores}
  nodes=$(((cores + on_node - 1) / on_node))
  echo "$MPIEXEC" | sed "s/%t/$threads/g; s/%n/$nodes/g; s/\$/ -n $ranks/"
}

# power N: the least power of two from N on, 8 at least
power() {
  p=8
  while test "$p" -lt "$1"; do p=$((p * 2)); done
  echo "$p"
}

# cells CELLS: a simulated data set of that size, made once; its path
cells() {
  file=$OUT/cells-$1.h5mu
  test -f "$file" || OMP_NUM_THREADS=1 "$REGATTA" simulate -o "$file" --cells "$1" \
    --genes "$GENES" --peaks "$PEAKS" --types 12 --log error >"$OUT/simulate.log" 2>&1 || {
    cat "$OUT/simulate.log" >&2
    return 1
  }
  echo "$file"
}

# fact KEY VALUE: a line of what collect.py reads
fact() {
  echo "$1=$2" >>"$run/facts"
}

# labels RESULTS: a digest of the clusters of all cells, where Python has h5py
labels() {
  "$PYTHON" -c 'import hashlib, sys, h5py
codes = h5py.File(sys.argv[1], "r")["obs/leiden/codes"][:]
print(hashlib.sha256(codes.astype("<i4").tobytes()).hexdigest()[:16])' "$1" 2>/dev/null
}

one() {
  kind=$1 config=$2 repeat=$3 data=$4 n=$5
  shift 5
  shape "$config"
  run=$OUT/runs/$kind-$config-$repeat
  rm -rf "$run" && mkdir "$run" || return 1
  OMP_NUM_THREADS=$threads
  export OMP_NUM_THREADS
  echo "$kind $config, repeat $repeat: $n cells"
  # shellcheck disable=SC2046,SC2086 # words
  $(launcher) "$REGATTA" run "$data" -o "$run" --recipe "$RECIPE" \
    --until "$UNTIL" --set "$RECIPE.epochs=$EPOCHS" $EXTRA "$@" >"$run/log" 2>&1 || {
    cat "$run/log" >&2
    return 1
  }
  fact kind "$kind"
  fact ranks "$ranks"
  fact threads "$threads"
  fact repeat "$repeat"
  fact cells "$n"
  fact genes "$GENES"
  fact peaks "$PEAKS"
  fact recipe "$RECIPE"
  fact epochs "$EPOCHS"
  fact batch "$(sed -n 's/^  batch: *\([0-9][0-9]*\) .*/\1/p' "$run/used_config.yaml")"
  fact lanes "$(sed -n 's/^  lanes: *\([0-9]*\).*/\1/p' "$run/used_config.yaml")"
  fact grid "$(sed -n 's/^  grid: *\([^ ]*\).*/\1/p' "$run/used_config.yaml")"
  fact steps "$(sed -n 's/^trained: \([0-9]*\) steps.*/\1/p' "$run/log")"
  fact parameters "$(sed -n 's/^trained:.* parameters \([0-9a-f]*\)$/\1/p' "$run/log")"
  fact clusters "$(sed -n 's/.*: \([0-9]* clusters of [0-9]* cells, modularity [0-9.]*[0-9]\).*/\1/p' \
    "$run/log" | tr ',' ';')"
  fact labels "$(labels "$run/results.h5ad")"
  fact commit "$("$REGATTA" --version 2>/dev/null | sed -n 's/^commit *//p')"
  fact cpu "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
  fact load "$(cut -d ' ' -f 1 /proc/loadavg)"
  fact date "$(date -u +%Y-%m-%dT%H:%MZ)"
  test -n "$KEEP" ||
    rm -rf "$run/ckpt" "$run/prepared" "$run/results.h5ad" "$run"/umap*
}

# Table and figures of what was run, beside the runs.
finish() {
  "$PYTHON" "$here/collect.py" "$OUT" -o "$OUT/scaling.csv" || exit 1
  if "$PYTHON" -c 'import matplotlib' 2>/dev/null; then
    "$PYTHON" "$here/plot.py" "$OUT/scaling.csv" -o "$OUT" || exit 1
  else
    echo "no matplotlib: figures are left to plot.py elsewhere"
  fi
  echo "results: $OUT/scaling.csv"
}
