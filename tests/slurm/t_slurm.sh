#!/bin/sh
# The scripts of jobs/ under a real Slurm: several nodes, time limit and requeue, preemption,
# a node that dies, a rank that dies, an array. Every run ends with the parameters of the
# training on one rank. Lines that begin with # tell the story.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/slurm/cluster.sh"
trap 'exit 1' HUP INT TERM # the first process of a namespace has to ask for them

if test "${1-}" != inside; then
  lacks=$(cluster_lacks)
  if test -n "$lacks"; then
    skip "jobs under Slurm" "a cluster on this machine takes $lacks"
    finish
  fi
  cluster=$scratch TMPDIR=$scratch cluster_run sh "$0" inside
  exit
fi

# ---- jobs ----

began=$(date +%s)
note() {
  echo "# $(($(date +%s) - began)) s: $*"
}
# until_true SECONDS COMMAND...: wait until it succeeds; often, for a run is held in time
until_true() {
  last=$(($(date +%s) + $1))
  shift
  until "$@"; do
    test "$(date +%s)" -lt $last || return 1
    sleep 0.03
  done
}
field() { # JOB NAME: of a job as scontrol shows it
  scontrol show job -o "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}
ended() { # JOB...: none of them waits, runs or ends
  for job; do
    case $(field "$job" JobState) in
    PENDING | CONFIGURING | RUNNING | COMPLETING | REQUEUED | '') return 1 ;;
    esac
  done
}
# submit RUN SCRIPT OPTIONS-OF-SBATCH...: its number in $job, its output in RUN.log
submit() {
  name=$1 script=$2
  shift 2
  job=$(sbatch --parsable --job-name="$name" --output="$scratch/$name.log" --time=20 "$@" \
    "$top_srcdir/jobs/$script" "$scratch/a.h5mu" "$scratch/$name" --batch batch $settings)
  note "job $job: $script, $name: $*"
}
settings="--set train.batch=32 --set sailerx.epochs=15 --set train.checkpoint_epochs=1"
two="--nodes=2 --ntasks-per-node=1 --cpus-per-task=1" # nodes

has_checkpoint() {
  set -- "$scratch/$1/ckpt"/step_*
  test -e "$1"
}
# hold RUN: stop its ranks after the first checkpoint, so that it takes as long as needed
# on a machine of any speed; go RUN lets them go on
hold() {
  until_true 120 has_checkpoint "$1" && cluster_signal STOP "$(ranks_of "$1")" &&
    note "$1 is held after its first checkpoint"
}
go() {
  cluster_signal CONT "$(ranks_of "$1")"
}
ranks_of() { # RUN: a pattern
  echo "^$REGATTA .*--output $scratch/$1 "
}
nodes_of() { # JOB
  scontrol show hostnames "$(field "$1" NodeList)"
}
log_has() { # RUN TEXT
  grep -q "$2" "$scratch/$1.log"
}
tell() { # RUN: its log in short
  note "the log of $1, without what is prepared and scored:"
  sed "s|$scratch/||g" "$scratch/$1.log" |
    grep -E '^\[|^srun|^slurmstepd|trained|resume|stopped|rror' | sed 's/^/#   | /'
}
finished() { # RUN WHAT: STATUS and parameters
  same "$(cat "$scratch/$1/STATUS")" done "$2: STATUS"
  same "$(hash_of "$scratch/$1")" "$whole" "$2: the parameters of one rank"
}
completes() { # RUN WHAT: $job does
  until_true 120 ended "$job"
  same "$(field "$job" JobState)" COMPLETED "$2: the job completes"
  tell "$1"
  finished "$1" "$2"
}
goes_on() { # RUN WHAT
  log_has "$1" "resume: .* at step"
  ok $? "$2: it goes on from a checkpoint"
}

# ---- the cluster ----

export REGATTA OMP_PROC_BIND=false
TMPDIR=$cluster/tmp # of the nodes
export TMPDIR
unset MPIEXEC RG_FAULT
cluster_up 4
ok $? "four nodes under $(slurmctld -V)"
test $failed = 0 || finish
sinfo -N -l -p main | sed 's/^/#   | /'
"$REGATTA" simulate -o "$scratch/a.h5mu" --cells 300 --types 3 --genes 200 --peaks 900 \
  --chromosomes 5 --seed 4 >/dev/null 2>&1
"$REGATTA" train "$scratch/a.h5mu" -o "$scratch/whole" --batch batch $settings \
  >/dev/null 2>&1
whole=$(hash_of "$scratch/whole")
note "on one rank, without Slurm: parameters $whole"

# ---- a time limit: one minute, in which the run is held until Slurm signals ----

submit pieces requeue.sbatch --nodelist=n1 --ntasks=2 --cpus-per-task=1 --time=1 \
  --signal=B:USR1@20
pieces=$job
hold pieces
ok $? "requeue.sbatch: a piece that takes longer than its time limit"
until_true 120 log_has pieces "the time limit is near" && go pieces &

# ---- one node, several nodes, an array ----

COMMAND=run submit one one_node.sbatch --exclude=n1 --ntasks-per-node=2 --cpus-per-task=1
completes one "one_node.sbatch"
test -s "$scratch/one/results.h5ad"
ok $? "one_node.sbatch: results"
export COMMAND=train
submit srun hybrid.sbatch --exclude=n1 $two
completes srun "hybrid.sbatch, srun --mpi=pmix, two nodes"
MPIEXEC=mpirun submit mpirun hybrid.sbatch --exclude=n1 $two
completes mpirun "hybrid.sbatch, mpirun, two nodes"
submit seeds array.sbatch --exclude=n1 --ntasks-per-node=1 --cpus-per-task=1 --array=0-1
until_true 120 ended "${job}_0" "${job}_1"
same "$(field "${job}_1" JobState)" COMPLETED "array.sbatch: the job completes"
finished seeds/seed-0 "array.sbatch, seed 0"
same "$(cat "$scratch/seeds/seed-1/STATUS")" done "array.sbatch, seed 1: STATUS"
test "$(hash_of "$scratch/seeds/seed-1")" != "$whole"
ok $? "array.sbatch, seed 1: other parameters"

# ---- a node loses its cable and its power, under two jobs ----

submit lost hybrid.sbatch --exclude=n1 $two
lost=$job
submit again requeue.sbatch --exclude=n1 $two
again=$job
hold lost && hold again
ok $? "two jobs on two nodes each"
victim=$(nodes_of "$lost" | tail -n 1)
same "$(nodes_of "$again" | tail -n 1)" "$victim" "both have $victim"
cluster_kill "${victim#n}"
note "$victim is dead"
go lost
go again

# ---- meanwhile: a rank dies, and a job is preempted ----

MPIEXEC=mpirun submit killed hybrid.sbatch --nodelist=n1,n4 $two
hold killed
pkill -KILL -o -f "$(ranks_of killed)"
note "a rank of killed is dead"
go killed
until_true 120 ended "$job"
same "$(field "$job" JobState):$(field "$job" ExitCode)" FAILED:137:0 \
  "hybrid.sbatch: a killed rank ends the job"
log_has killed "ended without a word"
ok $? "hybrid.sbatch: its log says so"
same "$(cat "$scratch/killed/STATUS")" running "hybrid.sbatch: STATUS is what it was"

submit preempted requeue.sbatch --nodelist=n4 --ntasks-per-node=2 --cpus-per-task=1
preempted=$job
hold preempted
urgent=$(sbatch --parsable --partition=urgent --nodelist=n4 --nodes=1 --ntasks-per-node=4 \
  --output=/dev/null --wrap=true)
note "job $urgent, urgent, wants all of n4"
until_true 120 log_has preempted "told to end"
ok $? "requeue.sbatch: Slurm preempts it"
go preempted
until_true 120 ended "$urgent"
same "$(field "$urgent" JobState)" COMPLETED "the urgent job has its turn"

# ---- the jobs of the node that died ----

until_true 120 ended "$lost"
ok $? "hybrid.sbatch: it does not hang when a node dies"
note "job $lost: $(field "$lost" JobState), exit code $(field "$lost" ExitCode)"
same "$(field "$lost" JobState)" NODE_FAIL "hybrid.sbatch: the job fails"
tell lost
log_has lost "$victim"
ok $? "hybrid.sbatch: its log names the node"
same "$(cat "$scratch/lost/STATUS")" running "hybrid.sbatch: STATUS is what it was"
submit lost hybrid.sbatch --exclude=n1 $two
completes lost "hybrid.sbatch, submitted again"
goes_on lost "hybrid.sbatch, submitted again"
job=$again
completes again "requeue.sbatch, after the death of a node"
goes_on again "requeue.sbatch, after the death of a node"

job=$preempted
completes preempted "requeue.sbatch, preempted"
goes_on preempted "requeue.sbatch, preempted"

# ---- the time limit ----

job=$pieces
completes pieces "requeue.sbatch, after its time limit"
log_has pieces "the time limit is near"
ok $? "requeue.sbatch: Slurm signals ahead of the time limit"
test "$(field "$pieces" Restarts)" -ge 1
ok $? "requeue.sbatch: it was requeued"
goes_on pieces "requeue.sbatch, after its time limit"
finish
