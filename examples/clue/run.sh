#!/bin/sh
# A mosaic of RNA and proteins: one space, matching, and proteins from RNA.
. "$(dirname "$0")/../lib.sh"
simulated --cells 1000 --types 5 --batches 1 --peaks 0 --proteins 40 --paired 0.6
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
regatta match "$out/run/results.h5ad" --a X_clue_rna --b X_clue_adt -o "$out/pairs.tsv" \
  >"$out/match.txt"
cat "$out/match.txt"
regatta translate "$out/run" "$file" --from rna --to adt --draws 20 \
  -o "$out/proteins.h5ad"
regatta evaluate "$out/proteins.h5ad" --truth "$file/adt" -o "$out/proteins.json"
regatta evaluate "$out/run/results.h5ad" --rep X_clue_rna --second X_clue_adt \
  --labels cell_type --no-controls -o "$out/match.json"
