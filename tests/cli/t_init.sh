#!/bin/sh
# train --init-from: a run that goes on from another has its features, constants and
# parameters; new batches are added; frozen parameters stay; bad requests are refused.
. "$top_srcdir/tests/cli/lib.sh"
. "$top_srcdir/tests/cli/python.sh"
here=$top_srcdir/tests/cli

# cells of one and the same kind: the first two batches are those of both files
simulate() { # NAME OPTIONS...
  name=$1
  shift
  "$regatta" simulate -o "$scratch/$name.h5mu" --genes 150 --peaks 500 --chromosomes 5 \
    --seed 4 "$@" >/dev/null 2>&1
}
simulate first --cells 260 --batches 2
simulate second --cells 300 --batches 3

train() { # RUN RANKS FILE OPTIONS...
  run=$1 ranks=$2 file=$3
  shift 3
  on "$ranks" train "$scratch/$file.h5mu" -o "$scratch/$run" --set train.batch=64 \
    --set sailer.warm_up=0 "$@"
}
from() { # RUN RANKS FILE EPOCHS OPTIONS...
  run=$1 ranks=$2 file=$3 epochs=$4
  shift 4
  train "$run" "$ranks" "$file" --init-from "$scratch/old" \
    --set "sailer.epochs=$epochs" "$@"
}
embed() { # RUN FILE
  on 1 embed "$scratch/$1" "$scratch/$2.h5mu" -o "$scratch/$1-$2.h5ad"
}

train old 2 first --recipe sailer --batch batch --set sailer.epochs=3 \
  --set sailer.hidden=64 --set sailer.chunk=16
ok $? "a run to go on from"
old=$(hash_of "$scratch/old")

from zero 1 first 0
ok $? "a run from it, of no epoch"
same "$(hash_of "$scratch/zero")" "$old" "it has the same parameters"
grep -q 'hidden: 64 ' "$scratch/zero/used_config.yaml" &&
  grep -q 'init_from: .*/old ' "$scratch/zero/used_config.yaml"
ok $? "it has the configuration of the old one, and names it"

for ranks in 1 2 3 4; do
  from "more$ranks" $ranks second 0
  ok $? "more batches, on $ranks ranks"
  same "$(hash_of "$scratch/more$ranks")" "$(hash_of "$scratch/more1")" \
    "the same parameters on $ranks ranks"
done
grep -q 'init: batch .*3 is new' "$scratch/err"
ok $? "the new batch is named"
test "$(hash_of "$scratch/more1")" != "$old"
ok $? "there are more parameters"

from all 2 second 2 --set train.freeze=model
same "$(hash_of "$scratch/all")" "$(hash_of "$scratch/more1")" \
  "with all parameters frozen two epochs change nothing"
from encoder 2 second 2 --set train.freeze=enc,mu,logvar
ok $? "with a frozen encoder"
test "$(hash_of "$scratch/encoder")" != "$(hash_of "$scratch/more1")"
ok $? "the others are trained"
from free 2 second 2
ok $? "with nothing frozen"

from stop 2 second 2 --set train.max_steps=5
same $? 75 "stopped"
from stop 1 second 2 --resume
same "$(hash_of "$scratch/stop")" "$(hash_of "$scratch/free")" "resumed on another rank"

# tables with a row for every batch, projections, two optimisers
on 2 train "$scratch/first.h5mu" -o "$scratch/clue" --recipe clue --batch batch \
  --set train.batch=64 --set train.max_steps=3
same $? 75 "a run of clue"
on 3 train "$scratch/second.h5mu" -o "$scratch/clue-more" --init-from "$scratch/clue" \
  --set train.max_steps=1 --set train.freeze=critic,autoencoder
same $? 75 "a run from it"

if python_with 'h5py, numpy'; then
  for run in old zero more1 encoder free clue clue-more; do
    embed $run first
    ok $? "$run embeds"
    # as the first batch, which all know, through the decoder
    on 1 impute "$scratch/$run" "$scratch/first.h5mu" -o "$scratch/$run-mean.h5ad"
    ok $? "$run imputes"
  done
  check() { # WHAT A B RESULT TEXT
    result=$("$python" "$here/init_peer.py" "$1" "$scratch/$2" "$scratch/$3")
    same "$result" "$4" "$5"
  }
  check obsm old-first.h5ad zero-first.h5ad same "no epoch: the same embedding"
  check obsm old-first.h5ad more1-first.h5ad same "more batches: the same embedding"
  check X old-mean.h5ad more1-mean.h5ad same "more batches: a known one decodes the same"
  check obsm old-first.h5ad encoder-first.h5ad same "frozen encoder: the same embedding"
  check X old-mean.h5ad encoder-mean.h5ad other "frozen encoder: the decoder is trained"
  check obsm old-first.h5ad free-first.h5ad other "nothing frozen: another embedding"
  check X clue-mean.h5ad clue-more-mean.h5ad same "clue: a known batch decodes the same"
else
  skip "embeddings and means are those of the old run" "no Python with h5py"
fi

refused() { # STATUS PATTERN WHAT, after a command whose status is in $?
  status=$?
  test $status = "$1" && test "$(grep -c 'regatta: error' "$scratch/err")" = 1 &&
    grep -q "$2" "$scratch/err"
  ok $? "$3"
}
from bad 2 second 1 --set train.freeze=encoder
refused 2 'no group of parameters encoder.* groups are model' "an unknown group is refused"
on 2 train "$scratch/second.h5mu" -o "$scratch/bad" --init-from "$scratch/nowhere"
refused 3 'nowhere' "a folder that is not there is refused"
mkdir "$scratch/empty"
on 2 train "$scratch/second.h5mu" -o "$scratch/bad" --init-from "$scratch/empty"
refused 3 'empty' "a folder without a run is refused"
from bad 2 second 1 --recipe sailerx
refused 3 'a run of recipe sailer' "another recipe is refused"
simulate other --cells 100 --seed 9
"$python" "$here/init_peer.py" rename "$scratch/other.h5mu" && from bad 2 other 1
refused 3 'features' "other features are refused"
finish
