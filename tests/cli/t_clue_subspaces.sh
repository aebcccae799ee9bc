#!/bin/sh
# What CLUE's subspaces are for: with two axes each and modalities held close together, a
# type that only the proteins see is kept by a subspace of their own and lost where RNA and
# proteins share one; sharing twice the axes keeps it.
. "$top_srcdir/tests/cli/lib.sh"
cells="--types 5 --batches 1 --peaks 0 --genes 200 --proteins 10 --private adt"

# Cells are functions of seed and number: the second half of the larger file is new.
for n in 1000 2000; do
  # shellcheck disable=SC2086 # words
  "$regatta" simulate -o "$scratch/$n.h5mu" --cells $n $cells >/dev/null 2>&1
done

# purity EMBEDDING: neighbours of the same type among the two types
purity() {
  on 1 evaluate "$scratch/kept.h5ad" --rep "$1" --labels cell_type --l2 --no-controls \
    --drop type3,type4,type5 -o "$scratch/kept.json"
  tr ',{' '\n\n' <"$scratch/kept.json" | sed -n 's/^"knn_purity": *//p' | head -n 1
}

# trained SUBSPACES AXES SEED: sets $joint and $proteins
trained() {
  on 1 train "$scratch/1000.h5mu" -o "$scratch/run" --recipe clue --set train.seed="$3" \
    --set clue.subspaces="$1" --set clue.latent="$2" --set clue.align=20 \
    --set clue.cos=20 --set clue.encoder_width=64 --set clue.decoder_width=64 \
    --set clue.critic_width=64 --set train.lanes=1
  ok $? "$1, $2 axes, seed $3: trained: $(tail -1 "$scratch/err")"
  on 1 embed "$scratch/run" "$scratch/2000.h5mu" -o "$scratch/kept.h5ad"
  joint=$(purity X_clue) proteins=$(purity X_clue_adt)
  rm -rf "$scratch/run"
}

# holds CONDITION WHAT
holds() {
  awk "BEGIN { exit !($1) }"
  ok $? "$2"
}

for seed in ${SEEDS:-0}; do
  trained own 2 "$seed"
  own=$joint
  holds "$proteins > 0.97" "own, seed $seed: kept by the proteins' latent, $proteins"
  trained merged 2 "$seed"
  holds "$proteins < 0.93" "merged, seed $seed: lost by the proteins' latent, $proteins"
  holds "$joint < 0.65" "merged, seed $seed: lost by the joint latent, $joint"
  holds "$own > $joint + 0.1" "own, seed $seed: the joint latent has more of it, $own"
done
trained merged 4 0
holds "$proteins > 0.97" "merged, twice the axes: kept by the proteins' latent, $proteins"
echo "# the joint latent: $joint"
finish
