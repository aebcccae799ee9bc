#!/bin/sh
# A common space of RNA and proteins; generation and perturbation.
. "$(dirname "$0")/../lib.sh"
simulated --cells 1000 --types 5 --batches 1 --peaks 0 --proteins 30
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
label=$(regatta inspect "$file" | sed -n 's/.* cell_type .*: \([^,]*\),.*/\1/p' | head -n 1)
regatta generate "$out/run" "$file" --label "$label" --cells 200 -o "$out/made.h5mu"
gene=$(regatta inspect "$file" | sed -n 's/.*features .*: \([^,]*\), \([^,]*\),.*/\1,\2/p' |
  head -n 1)
regatta perturb "$out/run" "$file" --features "$gene" -o "$out/perturbed.tsv"
