#!/bin/sh
# ATAC of two batches: a latent without them, and accessibility at one depth.
. "$(dirname "$0")/../lib.sh"
simulated --cells 1200 --types 4 --batches 2 --genes 0 --peaks 5000
regatta run "$file" -o "$out/run" --config "$here/config.yaml" --labels cell_type \
  --batch batch "$@"
regatta impute "$out/run" "$file" -o "$out/imputed.h5ad" --modality atac
