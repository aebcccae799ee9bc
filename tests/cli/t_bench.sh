#!/bin/sh
# Every measurement prints its JSON lines, on one rank and on two, and leaves nothing behind.
. "$top_srcdir/tests/cli/lib.sh"
TMPDIR=$scratch/tmp
export TMPDIR
mkdir "$TMPDIR" || exit 1
small="--features 2000 --blocks 4 --batch 16 --width 20 --steps 3 --cells 200"

# measured LINES NAME: as many lines, each with where, what and how fast
measured() {
  lines=$1 name=$2
  for n in 1 2; do
    # shellcheck disable=SC2086 # words
    on $n bench "$name" $small
    same $? 0 "$name on $n ranks: exit code 0"
    good=$(grep -c "^{\"bench\":.*\"commit\":.*\"cpu\":.*\"ranks\":$n,.*\"seconds\":[0-9].*}$" \
      "$scratch/out")
    same "$good" "$lines" "$name on $n ranks: lines"
  done
}
measured 2 machine
measured 4 gemm
measured 6 special
measured 6 likelihoods
measured 4 wide
measured 1 train
left=$(find "$TMPDIR" -name 'regatta-bench*')
same "$left" "" "no scratch folders are left"

on 1 bench whide
same $? 2 "unknown measurement: exit code 2"
grep -q "did you mean 'wide'" "$scratch/err"
ok $? "unknown measurement: the nearest is named"
on 1 bench wide --batch 10 --lanes 4
same $? 2 "a batch that lanes do not divide: exit code 2"
# shellcheck disable=SC2086 # words
on 1 bench train $small --steps 100000
same $? 2 "more steps than there are: exit code 2"
finish
