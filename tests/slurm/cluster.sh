# A cluster of nodes n1, n2, ... under Slurm on this machine, for as long as the script that
# sources this lives. Every node has its own network, host name, mounts, shared memory and
# process numbers, and a folder of temporary files of its own; they are wired to one bridge, and so is this script's own host, login,
# where slurmctld runs. Nothing leads outside, and nothing outside is touched: no service,
# no address, no file but those in $cluster.
#
#   cluster_lacks               say what is missing for it on this machine, if anything
#   cluster_run SCRIPT ARGS     run SCRIPT as the login host; all ends with it
# and inside of that script, with cluster=FOLDER set:
#   cluster_up N                start N nodes and wait until all are idle
#   cluster_kill I              take the cable and the power of node I away
#   cluster_signal SIGNAL PATTERN   to the processes on all nodes with such a command line
cluster_net=10.77.0
cluster_cpus=4 # of a node, as far as Slurm is concerned

cluster_lacks() {
  test "$(id -u)" = 0 || { echo "the rights of root"; return; }
  for tool in slurmctld slurmd srun sbatch scontrol munged unshare nsenter ip pgrep; do
    PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || { echo "$tool"; return; }
  done
  grep -q ' /sys/fs/cgroup' /proc/mounts || { echo "a mount of /sys/fs/cgroup"; return; }
  cluster_run sh -c 'ip link add rg0 type bridge && mount -t tmpfs tmpfs /dev/shm' \
    >/dev/null 2>&1 || echo "the right to make namespaces, a bridge and mounts"
}

# Namespaces end with their first process, which ends with unshare.
cluster_run() {
  unshare --mount --net --uts --ipc --pid --fork --kill-child --mount-proc \
    --propagation private "$@"
}

# ---- wires ----

cluster_wires() { # N
  hostname login
  {
    echo 127.0.0.1 localhost
    echo $cluster_net.254 login
    for i in $(seq "$1"); do echo "$cluster_net.$i n$i"; done
  } >"$cluster/hosts"
  mount --bind "$cluster/hosts" /etc/hosts
  ip link set lo up
  ip link add rg0 type bridge
  ip addr add $cluster_net.254/24 dev rg0
  ip link set rg0 up
}

# ---- nodes ----

# The first process of a node holds it: its end is a power failure.
cluster_node() { # I
  unshare --mount --net --uts --ipc --pid --fork --kill-child --mount-proc \
    --propagation private sh -c "
      hostname n$1
      mount -t tmpfs tmpfs /dev/shm
      mount -t tmpfs tmpfs /run
      mount -t tmpfs tmpfs $cluster/tmp
      tail -f /dev/null & wait" </dev/null >/dev/null 2>&1 &
  until pgrep -P $! >"$cluster/n$1.pid"; do sleep 0.05; done
  until cluster_on "$1" mountpoint -q $cluster/tmp 2>/dev/null &&
    test "$(cluster_on "$1" hostname)" = "n$1"; do
    sleep 0.05
  done
  ip link add "v$1" type veth peer name eth0 netns "$(cat "$cluster/n$1.pid")"
  ip link set "v$1" master rg0 up
  cluster_on "$1" ip link set lo up
  cluster_on "$1" ip addr add "$cluster_net.$1/24" dev eth0
  cluster_on "$1" ip link set eth0 up
  mkdir -p "$cluster/spool/n$1"
  cluster_on "$1" slurmd -N "n$1" -f "$SLURM_CONF"
}

cluster_on() { # I COMMAND...
  node=$1
  shift
  nsenter -t "$(cat "$cluster/n$node.pid")" --mount --net --uts --ipc --pid "$@"
}

cluster_kill() { # I
  ip link set "v$1" down
  kill -KILL "$(cat "$cluster/n$1.pid")"
}

# Every process of all nodes whose command line matches gets the signal; false without any.
cluster_signal() { # SIGNAL PATTERN
  pkill "-$1" -f "$2"
}

# ---- munge and Slurm ----

cluster_munge() {
  mkdir -p "$cluster/munge"
  chmod 755 "$cluster" "$cluster/munge"
  head -c 1024 /dev/urandom >"$cluster/munge/key"
  chmod 600 "$cluster/munge/key"
  munged --socket="$cluster/munge/socket" --key-file="$cluster/munge/key" \
    --pid-file="$cluster/munge/pid" --seed-file="$cluster/munge/seed" \
    --log-file="$cluster/munge/log" --force 2>>"$cluster/munge/err"
}

# A requeued job waits until its credential has expired, hence cred_expire; a node that does
# not answer is given up after SlurmdTimeout. Jobs of partition urgent preempt those of main,
# which are told so and have KillWait to end.
cluster_conf() { # N
  cat >"$SLURM_CONF" <<CONF
ClusterName=regatta
SlurmctldHost=login
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$cluster/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool/%n
TmpFS=$cluster/tmp
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd-%n.pid
SlurmctldLogFile=$cluster/log/slurmctld.log
SlurmdLogFile=$cluster/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
MpiDefault=pmix
SlurmdParameters=config_overrides
SlurmdTimeout=12
KillWait=10
ReturnToService=2
NodeName=n[1-$1] CPUs=$cluster_cpus Sockets=2 CoresPerSocket=$((cluster_cpus / 2)) \
ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=n[1-$1] Default=YES MaxTime=1:00:00 PriorityTier=1
PartitionName=urgent Nodes=n[1-$1] MaxTime=1:00:00 PriorityTier=2
CONF
}

cluster_idle() {
  sinfo -h -t idle -o %D 2>/dev/null | grep -qx "$1"
}

cluster_up() { # N
  PATH=$PATH:/usr/sbin:/sbin
  export SLURM_CONF="$cluster/slurm.conf"
  mkdir -p "$cluster/state" "$cluster/log" "$cluster/tmp"
  cluster_wires "$1"
  cluster_munge
  cluster_conf "$1"
  slurmctld -f "$SLURM_CONF" || return
  for i in $(seq "$1"); do cluster_node "$i" || return; done
  for _ in $(seq 300); do
    cluster_idle "$1" && return
    sleep 0.2
  done
  return 1
}
