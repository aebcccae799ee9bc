#!/bin/sh
# RNA and ATAC of the same cells, then cells whose ATAC alone is known.
. "$(dirname "$0")/../lib.sh"
simulated --cells 1200 --types 5 --batches 2
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
regatta embed "$out/run" "$file/atac" -o "$out/atac.h5ad"
regatta evaluate "$out/atac.h5ad" --rep X_sailerx --labels "$file:cell_type" \
  --no-controls -o "$out/atac.json"
