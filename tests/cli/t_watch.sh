#!/bin/sh
# t_watch.sh: a rank that is stopped is told of, and a run that goes on is the same.
. "${top_srcdir:-.}/tests/cli/lib.sh"

if ! command -v pgrep >/dev/null || ! test -r /proc/self/environ; then
  skip 'a stopped rank' 'there is no pgrep, or no /proc'
  finish
fi
file=$scratch/cells.h5mu
on 1 simulate -o "$file" --cells 300 --genes 100 --peaks 100
ok $? 'simulate'

# The process of rank 1 of the run.
second() {
  for pid in $(pgrep -f "$scratch/run"); do
    tr '\0' '\n' <"/proc/$pid/environ" 2>"$scratch/none" |
      grep -Eq '^(OMPI_COMM_WORLD_RANK|PMI_RANK)=1$' && echo "$pid"
  done | head -1
}

# train PATIENCE TENTHS: train on two ranks; once training is about to begin, rank 1 is
# stopped until there is a warning, or for so many tenths of a second.
train() {
  rm -rf "$scratch/run"
  RG_WATCH=$1 on 2 train "$file" -o "$scratch/run" --recipe clue --set clue.epochs=30 &
  job=$!
  tries=0
  until test -e "$scratch/run/STATUS" || test $tries -gt 300; do
    sleep 0.05
    tries=$((tries + 1))
  done
  pid=$(second)
  kill -STOP "$pid"
  tenths=0
  until grep -q 'does not run' "$scratch/err" || test $tenths -gt "$2"; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
  before=$(cat "$scratch/run/STATUS")
  kill -CONT "$pid"
  wait $job
}

train 3 300
ok $? 'a run of which one rank is stopped for a while'
same "$before" running 'it was stopped while it trained'
host=$(uname -n)
said="$host, phase train.*: rank 0 has waited [1-9][0-9]* s for rank 1 here, which does not run"
same "$(grep -c "^regatta: warning: $said; if .* hangs, cancel" "$scratch/err")" 1 \
  'the other rank warns, once, and names it'
same "$(grep -c "^regatta: warning: $host: the ranks go on" "$scratch/err")" 1 \
  'and says that they go on'
hash=$(hash_of "$scratch/run")
train 0 35
ok $? 'the same without watching'
same "$(grep -c 'hangs' "$scratch/err")" 0 'nothing is said then'
same "$(hash_of "$scratch/run")" "$hash" 'the parameters are the same'
test -n "$hash"
ok $? 'there are some'
RG_WATCH=soon on 2 check "$file"
ok $? 'a patience that is no number'
grep -q "RG_WATCH=soon is not a number of seconds; it stays 600" "$scratch/err"
ok $? 'is told of'
finish
