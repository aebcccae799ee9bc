#!/bin/sh
# A mosaic of RNA and ATAC; expression of all cells.
. "$(dirname "$0")/../lib.sh"
simulated --cells 1000 --types 5 --batches 1 --peaks 3000 --paired 0.5
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type "$@"
regatta impute "$out/run" "$file" --modality rna -o "$out/imputed.h5ad"
