#!/bin/sh
# Labels learned from RNA and proteins, proteins predicted from RNA.
. "$(dirname "$0")/../lib.sh"
simulated --cells 800 --types 4 --batches 1 --peaks 0 --proteins 30
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
regatta translate "$out/run" "$file" --from rna --to adt -o "$out/proteins.h5ad"
regatta evaluate "$out/proteins.h5ad" --truth "$file/adt" -o "$out/proteins.json"
