#!/bin/sh
# RNA from ATAC and ATAC from RNA; of simulated cells, of new ones that were not trained on.
. "$(dirname "$0")/../lib.sh"
new=$file
simulated --cells 1000 --types 5 --batches 1
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
if test -z "$new"; then
  new=$out/new.h5mu
  regatta simulate -o "$new" --cells 1500 --types 5 --batches 1
fi
regatta translate "$out/run" "$new" --from atac --to rna -o "$out/rna.h5ad"
regatta translate "$out/run" "$new" --from rna --to atac -o "$out/atac.h5ad"
regatta evaluate "$out/rna.h5ad" --truth "$new/rna" -o "$out/rna.json"
regatta evaluate "$out/atac.h5ad" --truth "$new/atac" -o "$out/atac.json"
