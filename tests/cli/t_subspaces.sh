#!/bin/sh
# What the subspaces of CLUE are for: two types that only the proteins tell apart stay apart
# in the latent of cells that were not trained on, more so than where all modalities share
# one subspace; the RNA, which does not know, does not pretend to.
. "$top_srcdir/tests/cli/lib.sh"

simulate() { # NAME CELLS PAIRED
  on 1 simulate -o "$scratch/$1.h5mu" --cells "$2" --types 6 --batches 1 --genes 600 \
    --peaks 0 --proteins 10 --private adt --paired "$3" --seed 1
}
simulate old 1000 0.2
ok $? "cells are simulated, of which a fifth has both modalities"
simulate all 2500 1
ok $? "and more cells of the same types"

# purity NAME EMBEDDING: neighbours of the same type among the cells of types 1 and 2
purity() {
  on 1 evaluate "$scratch/$1.h5ad" --rep "$2" --labels cell_type --l2 \
    --drop type3,type4,type5,type6 --no-controls --json
  sed 's/.*"knn_purity":\([0-9.]*\),.*/\1/' "$scratch/out"
}

for subspaces in own merged; do
  on 2 train "$scratch/old.h5mu" -o "$scratch/$subspaces" --recipe clue \
    --set clue.subspaces=$subspaces --set clue.latent=5 --set clue.epochs=40 \
    --set clue.burn_in=10
  ok $? "subspaces=$subspaces trains"
  on 2 embed "$scratch/$subspaces" "$scratch/all.h5mu" -o "$scratch/$subspaces.h5ad"
  ok $? "subspaces=$subspaces embeds cells it has not seen"
done
own=$(purity own X_clue) merged=$(purity merged X_clue) rna=$(purity own X_clue_rna)
echo "# neighbours of the same type: own $own, merged $merged; from the RNA alone $rna"
awk -v own="$own" 'BEGIN { exit !(own > 0.8) }'
ok $? "subspaces of their own keep the types apart"
awk -v own="$own" -v merged="$merged" 'BEGIN { exit !(1 - merged > 1.3 * (1 - own)) }'
ok $? "a shared one mixes them more, by a third or more"
awk -v rna="$rna" 'BEGIN { exit !(rna < 0.65) }'
ok $? "the RNA alone does not tell them apart (chance 0.5)"
finish
