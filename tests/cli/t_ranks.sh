#!/bin/sh
# The trained model does not depend on how many ranks train it, how the grid is shaped or
# how many threads there are.
. "$top_srcdir/tests/cli/lib.sh"

"$regatta" simulate -o "$scratch/a.h5mu" --cells 300 --genes 200 --peaks 900 \
  --chromosomes 5 --seed 3 >/dev/null 2>&1
ok $? "a data set is simulated"

train() { # NAME RANKS RECIPE OPTIONS...
  name=$1 ranks=$2 recipe=$3
  shift 3
  on "$ranks" train "$scratch/a.h5mu" -o "$scratch/$name" --recipe "$recipe" \
    --batch batch --set train.batch=64 "$@"
}
losses() {
  cut -d, -f1-4,6- "$scratch/$1/metrics.csv"
}

for recipe in sailerx sailer; do
  case $recipe in
  sailerx) small="--set sailerx.epochs=3" ;;
  sailer) small="--set sailer.epochs=2 --set sailer.warm_up=1 --set sailer.hidden=32" ;;
  esac
  # shellcheck disable=SC2086 # options are words
  train $recipe-1 1 $recipe $small
  ok $? "$recipe trains on one rank"
  one=$(hash_of "$scratch/$recipe-1")
  test -n "$one"
  ok $? "$recipe: inspect prints a hash"
  for shape in 2:auto 2:lanes 3:lanes 3:features 4:lanes 4:2x2; do
    name=$recipe-$(echo $shape | tr : -)
# shellcheck disable=SC2086
    train "$name" "${shape%%:*}" $recipe $small --set "train.grid=${shape##*:}"
    same "$(hash_of "$scratch/$name")" "$one" "$recipe: $shape gives the parameters of one rank"
    same "$(losses "$name" | cksum)" "$(losses $recipe-1 | cksum)" \
      "$recipe: $shape gives the losses of one rank"
  done
done

# pairs from the teacher's graph: rows of partners come from whoever holds them
train graph-1 1 sailerx --set sailerx.epochs=2 --set sailerx.pairs=graph
for shape in 2:lanes 4:2x2; do
  name=graph-$(echo $shape | tr : -)
  train "$name" "${shape%%:*}" sailerx --set sailerx.epochs=2 --set sailerx.pairs=graph \
    --set "train.grid=${shape##*:}"
  same "$(hash_of "$scratch/$name")" "$(hash_of "$scratch/graph-1")" \
    "pairs=graph: $shape gives the parameters of one rank"
done
test "$(hash_of "$scratch/graph-1")" != "$(hash_of "$scratch/sailerx-1")"
ok $? "pairs=graph trains something else"

# cells that lack a modality
"$regatta" simulate -o "$scratch/mosaic.h5mu" --cells 300 --genes 200 --peaks 900 \
  --proteins 12 --chromosomes 5 --paired 0.6 --seed 3 >/dev/null 2>&1
mosaic() { # NAME RANKS RECIPE OPTIONS...
  name=$1 ranks=$2 recipe=$3
  shift 3
  on "$ranks" train "$scratch/mosaic.h5mu" -o "$scratch/$name" --recipe "$recipe" \
    --batch batch --set train.batch=64 "$@"
}
for recipe in babel clue cobolt multivi sccross unitednet; do
  case $recipe in
  babel) small="--set babel.epochs=2 --set babel.latent=8" ;;
  clue) small="--set clue.epochs=2 --set clue.encoder_width=32" ;;
  cobolt) small="--set cobolt.epochs=3 --set cobolt.features=16" ;;
  multivi) small="--set multivi.epochs=2 --set multivi.hidden=16" ;;
  sccross) small="--set sccross.epochs=2 --set sccross.pretrain=1 --set sccross.hidden=32
    --set sccross.axes=12 --set sccross.smooth=5" ;;
  unitednet)
    small="--set unitednet.epochs=1 --set unitednet.finetune=1 --set unitednet.heads=2"
    small="$small --set unitednet.dense=100"
    ;;
  esac
  # shellcheck disable=SC2086
  mosaic $recipe-1 1 $recipe $small
  ok $? "$recipe trains on cells that lack modalities"
  for ranks in 2 3 4; do
    # shellcheck disable=SC2086
    mosaic $recipe-$ranks $ranks $recipe $small
    same "$(hash_of "$scratch/$recipe-$ranks")" "$(hash_of "$scratch/$recipe-1")" \
      "$recipe: $ranks ranks give the parameters of one"
    same "$(losses $recipe-$ranks | cksum)" "$(losses $recipe-1 | cksum)" \
      "$recipe: $ranks ranks give the losses of one"
  done
done

# what else there is to choose: each trains something else, the same on two ranks
tiny="--set sccross.epochs=1 --set sccross.pretrain=1 --set sccross.hidden=32"
tiny="$tiny --set sccross.axes=12"
for choice in sccross.compat=code_exact sccross.counts=zinb sccross.atac=nb \
  sccross.prior=none cobolt.compat=code_exact cobolt.correction=linear; do
  recipe=${choice%%.*}
  case $recipe in
  sccross) small=$tiny ;;
  cobolt) small="--set cobolt.epochs=1" ;;
  esac
  rm -rf "$scratch/chosen-1" "$scratch/chosen-2" "$scratch/usual"
  # shellcheck disable=SC2086
  {
    mosaic usual 1 $recipe $small
    mosaic chosen-1 1 $recipe $small --set $choice
    mosaic chosen-2 2 $recipe $small --set $choice
  }
  same "$(hash_of "$scratch/chosen-2")" "$(hash_of "$scratch/chosen-1")" \
    "$choice: two ranks give the parameters of one"
  test "$(hash_of "$scratch/chosen-1")" != "$(hash_of "$scratch/usual")"
  ok $? "$choice trains something else"
done
cite=${REGATTA_DATA:-none}/pbmc10k_cite.h5mu
if test -s "$cite"; then
  for ranks in 1 3; do
    # shellcheck disable=SC2086
    on "$ranks" train "$cite" -o "$scratch/mnn-$ranks" --recipe sccross $tiny \
      --set sccross.prior=mnn --set train.max_steps=3
    grep 'mutual nearest' "$scratch/err" >"$scratch/tied-$ranks"
  done
  same "$(hash_of "$scratch/mnn-3")" "$(hash_of "$scratch/mnn-1")" \
    "prior=mnn: three ranks give the parameters of one"
  same "$(cat "$scratch/tied-3")" "$(cat "$scratch/tied-1")" "and the same neighbours"
else
  skip "prior=mnn on real data" "no REGATTA_DATA"
fi

OMP_NUM_THREADS=2 train threads 1 sailerx --set sailerx.epochs=3
same "$(hash_of "$scratch/threads")" "$(hash_of "$scratch/sailerx-1")" \
  "two threads give the parameters of one"
train other 1 sailerx --set sailerx.epochs=3 --set train.seed=1
test "$(hash_of "$scratch/other")" != "$(hash_of "$scratch/sailerx-1")"
ok $? "another seed gives other parameters"
finish
