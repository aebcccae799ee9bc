#!/bin/sh
# Simulated seconds of the program's communication, for predict.py to be held against.
# Purpose: SimGrid's SMPI runs src/comm itself on two networks. Nodes: this one, one core.
# Time: a minute; on 256 ranks and more leave exchange out, on 1,024 long gathers too.
# Memory: ranks x three times the longest vector. Needs smpicc and smpirun
# (Debian: libsimgrid-dev) and the source tree; the program does not need SimGrid.
#
#   sh simulate.sh [RANKS]... >simulated.csv      default: 2 64
#
# OPERATIONS: what replay.c takes.
set -eu
here=$(dirname "$0")
source=$here/../../..
: "${OPERATIONS:=agree:0:20 sum:4000:20 sum:16000:20 sum:4000000:2 exchange:400000:5 gather:400:5 gather:4000:5 gather:12800:2}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
units="comm/agree comm/butterfly comm/dist comm/exchange comm/reduce comm/tree comm/way comm/wire
  base/log base/mem base/rng base/status base/text base/timer tensor/tree"
# shellcheck disable=SC2046 # words
smpicc -O2 -std=gnu11 -I"$source" -I"$source/include" "$here/replay.c" \
  $(for unit in $units; do echo "$source/src/$unit.c"; done) -lxxhash -lm -o "$work/replay"
echo "network,operation,ranks,bytes,seconds"
for ranks in ${*:-2 64}; do
  for network in infiniband ethernet; do
    seq -f 'n%.0f' 0 $((ranks - 1)) >"$work/hosts"
    # shellcheck disable=SC2086 # words
    smpirun -np "$ranks" -platform "$here/$network.xml" -hostfile "$work/hosts" \
      --cfg=smpi/coll-selector:ompi --cfg=smpi/simulate-computation:no \
      --cfg=smpi/lat-factor:0:1 --cfg=smpi/bw-factor:0:1 \
      --cfg=network/weight-S:0 "$work/replay" $OPERATIONS 2>"$work/err" \
      >"$work/out" || { cat "$work/err" >&2; exit 1; }
    sed "s/^/$network,/" "$work/out"
  done
done
